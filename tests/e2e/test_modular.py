#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt's daemons one by one: virtproxyd takes the clients of the old socket and passes their calls to
virtqemud. Both are started with the filter; the engine runs once a call, in virtqemud. Only where
WINGUEST_DAEMON names that (tests/virtqemud/run)."""

import os
import re

import libvirt

import case
import guest
from case import equal, true
from host import DAEMON, Host, wait_for

ALL = {name: True for name in guest.FLAGS}
PROXY = 'auth_unix_rw = "none"\nunix_sock_group = "root"\n'


def through_the_proxy():
    with Host(case.tree()) as host:
        host.put("/etc/libvirt/virtproxyd.conf", PROXY, 0o644)
        started = host.run("sh", "-c", f"LD_PRELOAD={host.filter_path()} virtproxyd --daemon")
        equal(f"virtproxyd: {started.stderr}", started.returncode, 0)
        old = os.path.join(host.base, "run/libvirt/libvirt-sock")
        wait_for("virtproxyd's socket", lambda: os.path.exists(old), 30)
        conn = libvirt.open("qemu+unix:///system?socket=" + old)
        domain = conn.defineXML(guest.domain("win", memory=16))
        domain.create()
        equal("QEMU's flags", guest.flags(host.cmdline("win")), ALL)
        equal("stored", guest.clock_of(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))[0], "localtime")
        domain.destroy()
        conn.createXML(guest.domain("passing", memory=16)).destroy()
        for what in ("filter: define guest 'win' uuid none", "filter: create guest 'passing'"):
            equal(what, len(host.log_lines(what)), 1)
        asked = {re.search(r"\[\d+\]", line).group() for line in host.log_lines("filter: ")}
        equal("daemons that asked", len(asked), 1)
        conn.close()


def the_tools_find_it():
    """By libvirt's own default: no libvirtd's socket, so virtqemud's."""
    with Host(case.tree()) as host:
        host.conn.defineXML(guest.domain("win", memory=16))
        told = host.run("winguest", "status").stdout
        true(told, f"{DAEMON}, process " in told and "has it" in told)
        done = host.run("winguest", "audit")
        equal(f"audit: {done.stdout}{done.stderr}", done.returncode, 0)
        true(done.stdout, "win" in done.stdout)


def requirement():
    return None if DAEMON == "virtqemud" else "WINGUEST_DAEMON is not virtqemud"


if __name__ == "__main__":
    case.run(through_the_proxy, the_tools_find_it, requirement=requirement)
