#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The test hosts themselves: private, two at a time, and gone without a trace."""

import os
import signal
import subprocess
import sys
import tempfile

import libvirt

import case
import guest
import host as hosts
from case import equal, true
from host import SOCKET, Host, wait_for

# Starts a host with a guest, says where it is, and waits to be killed.
VICTIM = """
import sys
sys.path.insert(0, sys.argv[1])
import guest
from host import Host
host = Host()
host.conn.defineXML(guest.domain("g")).create()
print(host.base, host.init, flush=True)
sys.stdin.read()
"""


def alive(pid):
    return os.path.exists(f"/proc/{pid}")


def gone_when_its_maker_is_killed():
    with open("/proc/self/mounts", encoding="utf-8") as source:
        mounts = source.read()
    victim = subprocess.Popen([sys.executable, "-B", "-c", VICTIM, hosts.HERE],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    base, init = victim.stdout.readline().split()
    namespace = os.stat(f"/proc/{init}/ns/pid").st_ino
    inside = [pid for pid in os.listdir("/proc") if pid.isdigit() and in_namespace(pid, namespace)]
    true(f"init, libvirtd and QEMU run: {inside}", len(inside) >= 3)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    wait_for("the end of the host's directory", lambda: not os.path.exists(base), 20)
    equal("processes left", [pid for pid in inside if alive(pid)], [])
    with open("/proc/self/mounts", encoding="utf-8") as source:
        equal("mounts", source.read(), mounts)


def in_namespace(pid, namespace):
    try:
        return os.stat(f"/proc/{pid}/ns/pid").st_ino == namespace
    except OSError:
        return False


def private():
    """What is written in a host is seen neither by the machine nor by another host."""
    paths = [f"{folder}/winguest-e2e-probe" for folder in
             ("/usr/bin", "/etc", "/etc/libvirt", "/var/lib", "/var/lib/libvirt", "/run", "/tmp",
              "/dev/shm")]
    with Host() as one, Host() as other:
        for path in paths:
            one.put(path, "x")
            true(f"{path} is in the host", os.path.exists(one.inside(path)))
            equal(f"{path} is elsewhere", [os.path.exists(path),
                                           os.path.exists(other.inside(path))], [False, False])
        one.run("logger", "-t", "probe", "hello")
        one.wait_log("probe.*hello")
        equal("the other's log", other.log_lines("hello"), [])


def migration():
    """Two hosts are two hypervisors to libvirt: a running guest moves from one to the other."""
    flags = (libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_PEER2PEER
             | libvirt.VIR_MIGRATE_PERSIST_DEST | libvirt.VIR_MIGRATE_UNDEFINE_SOURCE)
    with tempfile.TemporaryDirectory(dir="/tmp") as common, Host(share={"common": common}) as to:
        share = {"common": common, "to": os.path.join(to.base, "run/libvirt")}
        with Host(share=share) as source:
            domain = source.conn.defineXML(guest.domain("g"))
            domain.create()
            domain.migrateToURI3("qemu+unix:///system?socket=/tmp/to/" + SOCKET,
                                 {libvirt.VIR_MIGRATE_PARAM_URI: "unix:///tmp/common/qemu"}, flags)
            equal("QEMU at the source", source.qemu("g"), None)
            true("it came by migration", "-incoming" in to.cmdline("g"))
            true("it runs", to.conn.lookupByName("g").isActive())


if __name__ == "__main__":
    case.run(gone_when_its_maker_is_killed, private, migration, needs_tree=False)
