#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whatever happens to a repair, the guest runs and its definition is there."""

import os
import signal
import time
import uuid

import libvirt

import case
import guest
from case import equal, true
from host import Host, HostError, wait_for
from repairs import (ALL, NONE, PICKY, PICKY_TEXT, STATE, STORED, Watcher, clients, compliant, held,
                     hold, hooked, module_with_stops, nothing_left, put_stops, release,
                     repair_lines, said)

# In the order of a repair.
STEPS = ("judged", "corrected", "recorded", "ended", "booted")
RESTARTED = ("ended", "booted")


def kill_at(host, name, uuid_):
    host.put(f"{STATE}/kill-{name}.{uuid_}", "", 0o600)
    os.chmod(host.inside(STATE), 0o700)


def up_again(host, name, seconds=10):
    try:
        return wait_for(f"QEMU of {name}", lambda: host.qemu(name), seconds)
    except HostError as err:
        raise AssertionError(err) from None


def killed(host, conn, watcher, step):
    xml = guest.domain(step, uuid=uuid.uuid4(), devices=guest.vnc("secret00"))
    marked = xml[xml.index("<uuid>") + 6:xml.index("</uuid>")]
    kill_at(host, step, marked)
    domain = conn.defineXML(xml)
    domain.create()
    watcher.expect(marked)
    wait_for("the worker's death",
             lambda: not os.path.exists(host.inside(f"{STATE}/kill-{step}.{marked}")), 120)
    up_again(host, step)
    line = said(host, marked, "left as it is|was not restarted|repaired")
    true(f"the guest restarted or left: {line}",
         ("repaired" in line) == (step in RESTARTED))
    equal("persistent", domain.isPersistent(), 1)
    true("the password is there", "secret00" in domain.XMLDesc(STORED))
    equal("offset of the definition", guest.clock_of(domain.XMLDesc(STORED))[0],
          "utc" if step == "judged" else "localtime")
    watcher.release(marked)
    if "repaired" not in line:
        equal("QEMU's flags", guest.flags(host.cmdline(step)), NONE)
        domain.destroy()
        domain.create()
        if step == "judged":
            said(host, marked, "repaired")
    compliant(host, domain, "secret00")


def worker_killed():
    """SIGKILL after each step."""
    with hooked() as host, Watcher(host) as watcher:
        put_stops(host)

        def work(index, conn):
            # three at a time: the machine may be small
            for step in STEPS[index::3]:
                killed(host, conn, watcher, step)

        equal("errors of clients", clients(host, 3, work), [])
        equal("guests that were not in the list", watcher.missing, [])
        nothing_left(host)


def guard_killed_too():
    """Nobody is left: `winguest repair --pending` ends it."""
    with hooked() as host:
        put_stops(host)
        domain = host.conn.defineXML(guest.domain("p", uuid=uuid.uuid4(),
                                                  devices=guest.vnc("secret00")))
        name = domain.UUIDString()
        hold(host, "ended", name)
        domain.create()
        held(host, "ended", name)
        text = host.read(f"{STATE}/ended.p")
        true(f"the intent is no XML: {text}", "<" not in text and text.count("\n") == 1)
        equal("exit code while it has a worker",
              host.run("winguest", "repair", "--pending").returncode, 0)
        equal("the guest is off", domain.isActive(), 0)
        for pid, argv in host.processes().items():
            if name in argv:
                os.kill(pid, signal.SIGKILL)
        release(host, "ended", name)
        time.sleep(1)
        equal("the guest is off", domain.isActive(), 0)
        equal("exit code", host.run("winguest", "repair", "--pending").returncode, 0)
        compliant(host, domain, "secret00")
        nothing_left(host)


def libvirtd_restarted():
    """libvirtd goes down and comes back while the guest is off."""
    with hooked() as host:
        put_stops(host)
        domain = host.conn.defineXML(guest.domain("r", uuid=uuid.uuid4(),
                                                  devices=guest.vnc("secret00")))
        name = domain.UUIDString()
        hold(host, "ended", name)
        domain.create()
        held(host, "ended", name)
        host.stop(signal.SIGKILL)
        release(host, "ended", name)
        time.sleep(1)
        host.start()
        said(host, name, "repaired")
        compliant(host, host.conn.lookupByName("r"), "secret00")


def configuration_breaks():
    """The worker dies, and its guard cannot read the configuration: the guest starts all the same."""
    with hooked() as host:
        put_stops(host)
        domain = host.conn.defineXML(guest.domain("c", uuid=uuid.uuid4(),
                                                  devices=guest.vnc("secret00")))
        name = domain.UUIDString()
        hold(host, "ended", name)
        domain.create()
        held(host, "ended", name)
        host.put("/etc/libvirt/winguest.conf", "[rules]\nname = a\n", 0o644)
        worker = max(pid for pid, argv in host.processes().items() if name in argv)
        os.kill(worker, signal.SIGKILL)
        up_again(host, "c")
        said(host, name, "repaired")
        compliant(host, domain, "secret00")


def owners_come_first():
    """A repair that was killed with its guard, and an owner who goes on without it."""
    def mended(domain):
        domain.create()
        domain.destroy()

    def deleted(domain):
        domain.undefine()

    def started(domain):
        domain.create()

    for deed in (mended, deleted, started):
        with hooked() as host:
            put_stops(host)
            domain = host.conn.defineXML(guest.domain("o", uuid=uuid.uuid4()))
            name = domain.UUIDString()
            hold(host, "ended", name)
            domain.create()
            held(host, "ended", name)
            for pid, argv in host.processes().items():
                if name in argv:
                    os.kill(pid, signal.SIGKILL)
            deed(domain)
            before = host.qemu("o")
            host.run("winguest", "repair", "--pending")
            time.sleep(1)
            equal(f"QEMU ({deed.__name__})", host.qemu("o"), before)
            equal("guests", len(host.conn.listAllDomains()), 0 if deed is deleted else 1)


BROKEN = "/usr/local/bin/broken-qemu"
BROKEN_TEXT = """#!/bin/sh
case " $* " in *" -S "*) [ ! -e /tmp/broken ] || { echo 'broken: not now' >&2; sleep 0.5; exit 1; };; esac
exec qemu-system-x86_64 "$@"
"""


def down_and_mended():
    """Nothing starts it any more, not even as it was; its owner mends that, starts it and stops it:
    the repair is over."""
    with hooked(files={BROKEN: BROKEN_TEXT}) as host:
        put_stops(host)
        domain = host.conn.defineXML(guest.domain("d", uuid=uuid.uuid4(), emulator=BROKEN))
        name = domain.UUIDString()
        hold(host, "ended", name)
        domain.create()
        held(host, "ended", name)
        host.put("/tmp/broken", "")
        release(host, "ended", name)
        line = said(host, name, "DOWN")
        true(f"it says why: {line}", "broken: not now" in line)
        nothing_left(host)
        os.unlink(host.inside("/tmp/broken"))
        equal("exit code", host.run("winguest", "repair", "--pending").returncode, 0)
        equal("it is off", domain.isActive(), 0)
        domain.create()
        domain.destroy()
        equal("exit code", host.run("winguest", "repair", "--pending").returncode, 0)
        time.sleep(1)
        equal("it stays off", domain.isActive(), 0)


def disk_hangs():
    """Its QEMU waits for a disk and cannot even be killed: it is started again when it has ended."""
    image = ("<disk type='file'><driver name='qemu' type='raw'/><source file='/tmp/slow.img'/>"
             "<target dev='vda' bus='virtio'/><boot order='1'/></disk>")
    server = os.path.join(os.path.dirname(__file__), "..", "faults", "slow_disk.py")
    with hooked() as host, open(server, encoding="utf-8") as source:
        host.put("/tmp/slow_disk.py", source.read())
        host.put("/tmp/slow.img", "x" * (1 << 20), 0o644)
        with host.background("/tmp/slow_disk.py", "/tmp/slow.img", "60") as disk:
            equal("the slow disk", disk.stdout.readline(), "ready\n")
            put_stops(host)
            domain = host.conn.defineXML(guest.domain("h", uuid=uuid.uuid4(), devices=image))
            name = domain.UUIDString()
            hold(host, "recorded", name)
            domain.create()
            before = host.qemu("h")[0]
            held(host, "recorded", name)
            time.sleep(3)
            release(host, "recorded", name)
            said(host, name, "repaired", 300)
            true("another QEMU", host.qemu("h")[0] != before)
            equal("QEMU's flags", guest.flags(host.cmdline("h")), ALL)


def refused_by_the_host():
    """An emulator that cannot do what the policy wants: the guest runs as it was, and is not tried
    again under this policy."""
    with hooked(files={PICKY: PICKY_TEXT}) as host:
        xml = guest.domain("no", uuid=uuid.uuid4(), emulator=PICKY, devices=guest.vnc("secret00"))
        domain = host.conn.defineXML(xml)
        domain.create()
        line = said(host, domain.UUIDString(), "previous definition restored, it runs as it was")
        true(f"it says why: {line}", "picky: no hv-vapic here" in line)
        for boot in (1, 2):
            wait_for("what the worker says",
                     lambda n=boot: len(host.log_lines("it did not start under this policy")) >= n, 120)
            equal("QEMU's flags", guest.flags(host.cmdline("no")), NONE)
            equal("stored offset", guest.clock_of(domain.XMLDesc(STORED))[0], "utc")
            domain.destroy()
            domain.create()
        equal("lines", len(host.log_lines("it runs as it was")), 1)


def rolled_back_by_the_filter():
    """Where the filter is loaded it has tried already: the hook does not try again."""
    with Host(case.tree(), files={PICKY: PICKY_TEXT}) as host:
        domain = host.conn.defineXML(guest.domain("no", emulator=PICKY))
        domain.create()
        transient = host.conn.createXML(guest.domain("not", emulator=PICKY), 0)
        for each in (domain, transient):
            host.wait_log(rf"started guest '{each.name()}'.*could not start under the policy")
            equal("the boot", host.conn.lookupByName(each.name()).ID(), each.ID())
        equal("handed over", host.log_lines("repair worker"), [])


def filter_comes_later():
    """A guest that has run since before the filter was enabled, and cannot run under the policy: who
    repairs it by hand is told that it is not repaired."""
    with hooked(answer="report", files={PICKY: PICKY_TEXT}) as host:
        domain = host.conn.defineXML(guest.domain("no", uuid=uuid.uuid4(), emulator=PICKY,
                                                  devices=guest.vnc("secret00")))
        was = domain.XMLDesc(STORED)
        domain.create()
        host.restart(preload=True)
        done = host.run("winguest", "repair", domain.UUIDString())
        true(f"it says so: {done}", "and not repaired" in done.stdout + done.stderr)
        equal("status", done.returncode, 1)
        domain = host.conn.lookupByName("no")
        equal("it runs", domain.isActive(), 1)
        equal("QEMU's flags", guest.flags(host.cmdline("no")), NONE)
        equal("the definition", domain.XMLDesc(STORED), was)
        nothing_left(host)


def restored_through_the_filter():
    """With its own rollback off the filter passes what the hook has given back, and says why."""
    with hooked(extra="rollback = no\n", answer="correct", files={PICKY: PICKY_TEXT}) as host:
        domain = host.conn.defineXML(guest.domain("no", uuid=uuid.uuid4(), emulator=PICKY,
                                                  devices=guest.vnc("secret00")))
        was = domain.XMLDesc(STORED)
        domain.create()
        said(host, domain.UUIDString(), "corrected for its next cold boot")
        host.restart(preload=True)
        domain = host.conn.lookupByName("no")
        domain.destroy()
        try:
            domain.create()
            raise AssertionError("it started on a host that cannot")
        except libvirt.libvirtError as err:
            true(f"QEMU's error: {err}", "picky: no hv-vapic here" in str(err))
        said(host, domain.UUIDString(), "previous definition restored")
        equal("the definition", domain.XMLDesc(STORED), was)
        for _ in range(2):
            domain.create()
            equal("QEMU's flags", guest.flags(host.cmdline("no")), NONE)
            domain.destroy()
        host.wait_log("no.*left as it is: it did not start under this policy before")
        domain = host.conn.defineXML(was)
        equal("defined again", domain.XMLDesc(STORED), was)
        done = host.run("winguest", "apply", "--yes", "no")
        equal(f"apply tries it again: {done}", done.returncode, 0)
        domain = host.conn.defineXML(was)
        true("the filter does too", domain.XMLDesc(STORED) != was)


def no_place_for_records():
    with hooked() as host:
        host.put(STATE, "not a directory")
        domain = host.conn.defineXML(guest.domain("s"))
        domain.create()
        host.wait_log("started guest 's' .*left as it is: .*libvirt-winguest.*hint: ")
        equal("QEMU's flags", guest.flags(host.cmdline("s")), NONE)


def ordinary_user():
    """A session's libvirtd: the hook is harmless and says one line at most."""
    with hooked() as host:
        host.put("/run/user/65534/.keep", "")
        host.put("/tmp/home/.keep", "")
        for path in ("/run/user/65534", "/tmp/home"):
            os.chown(host.inside(path), 65534, 65534)
            os.chmod(host.inside(path), 0o700)
        session = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "-i",
                   "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/tmp/home",
                   "XDG_RUNTIME_DIR=/run/user/65534"]
        host.put("/tmp/s.xml", guest.domain("s"), 0o644)
        done = host.run(*session, "virsh", "-c", "qemu:///session", "define", "/tmp/s.xml")
        equal("define", (done.returncode, done.stderr), (0, ""))
        done = host.run(*session, "virsh", "-c", "qemu:///session", "start", "s")
        equal("start", (done.returncode, done.stderr), (0, ""))
        lines = host.wait_log(r"started guest 's'")
        equal("lines", len(lines), 1)
        true(f"it says so: {lines}", "left as it is" in lines[0])
        equal("lines of a repair", repair_lines(host), [])


def requirement():
    return None if module_with_stops() else "tests/stops/.libs/virt.so is not built"


if __name__ == "__main__":
    case.run(worker_killed, guard_killed_too, libvirtd_restarted, configuration_breaks,
             owners_come_first, down_and_mended, disk_hangs, refused_by_the_host,
             rolled_back_by_the_filter, filter_comes_later, restored_through_the_filter,
             no_place_for_records, ordinary_user, requirement=requirement)
