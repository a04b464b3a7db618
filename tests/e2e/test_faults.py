#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whatever becomes of the engine, a guest boots as it would have without us and the log says so."""

import os

import libvirt

import case
import guest
from case import equal, true
from host import Host, wait_for

ENGINE = "/usr/bin/winguest"
CALLS = "/run/engine.calls"
BEGIN = "/run/engine.begin"  # what the real one says first; the deadline is its last word
NONE = {name: False for name in guest.FLAGS}
SECRET = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
# Where a good answer is waited for too, a loaded machine must have the time to give it.
CONFIG = "[enforce]\ndeadline = 1\n"
PATIENT = "[enforce]\ndeadline = 3\n"


def stand_in(body, deadline=1):
    """An engine that tells the configuration's deadline as the real one does, counts how often it is
    asked about a guest, and then fails in its own way."""
    return f"""#!/bin/sh
echo call >>{CALLS}
head -c 44 {BEGIN}; printf '\\{deadline}\\0\\0\\0'
{body}
"""


BROKEN = {
    "hangs": "sleep 300",
    "hangs after it read": "cat >/dev/null; sleep 300",
    "crashes": "kill -SEGV $$",
    "is killed": "kill -KILL $$",
    "fails": "echo no good >&2; exit 3",
    "does not read": "exit 0",
    "prints rubbish": "cat >/dev/null; echo rubbish",
    "prints rubbish and fails": "cat >/dev/null; echo '<domain/>'; exit 1",
    "prints half a document": "head -c 400",
    "prints another document": "cat >/dev/null; echo '<network><name>x</name></network>'",
    "prints without end": "cat >/dev/null; exec yes '<domain>'",
    "leaves a child behind": "sleep 300 & exit 0",
    "leaves a child behind and hangs": "sleep 300 & sleep 300",
    "ignores SIGTERM": "trap '' TERM; while :; do sleep 1; done",
}


def replace_engine(host, text):
    if not os.path.exists(host.inside(BEGIN)):
        host.run("sh", "-c", f"{ENGINE} decide define - </dev/null | head -c 48 >{BEGIN}",
                 check=True)
    host.put(ENGINE, text)


def restart_allows_engine(host):
    """Three deadlines in a row make the filter skip the engine for a while; that is another case."""
    host.restart()
    return host.conn


def check_guest(host, name, secret):
    """Guest `name` starts as its client defined it, by way of both define + start and create."""
    xml = guest.domain(name, devices=guest.vnc(secret), description="x" * 100000)
    domain = host.conn.defineXML(xml)
    equal("offset", guest.clock_of(domain.XMLDesc(SECRET))[0], "utc")
    domain.create()
    equal(f"QEMU's flags of {name}", guest.flags(host.cmdline(name)), NONE)
    domain.destroy()
    domain.undefine()


def engine_processes(host):
    mine = (ENGINE, "sleep 300", "yes <domain>", "sleep 1")
    return [argv for argv in host.processes().values()
            if any(word in " ".join(argv) for word in mine)]


def broken_engines():
    secret = case.password()
    with Host(case.tree(), hook=False, config=CONFIG) as host:
        for number, (what, body) in enumerate(BROKEN.items()):
            print(f"# an engine that {what}", flush=True)
            name = f"g{number}"
            replace_engine(host, stand_in(body))
            restart_allows_engine(host)
            daemon = host.daemon_pid()
            check_guest(host, name, secret)
            equal("libvirtd", host.daemon_pid(), daemon)
            host.wait_log(rf"winguest.*\b{name}\b")
        equal("places that hold the password", case.holders(host, secret), [])


def missing_engine():
    with Host(case.tree(), hook=False, config=CONFIG) as host:
        os.unlink(host.inside(ENGINE))
        check_guest(host, "g0", case.password())
        host.wait_log(r"winguest.*\bg0\b")
        host.put(ENGINE, "", mode=0o644)
        check_guest(host, "g1", case.password())
        host.wait_log(r"winguest.*\bg1\b")


def nothing_left_behind():
    """A killed engine leaves neither processes nor descriptors in or under libvirtd."""
    with Host(case.tree(), hook=False, config=CONFIG) as host:
        replace_engine(host, stand_in(BROKEN["leaves a child behind and hangs"]))
        domain = host.conn.defineXML(guest.domain("warm", "linux"))
        fds = len(os.listdir(f"/proc/{host.daemon_pid()}/fd"))
        domain.undefine()
        for number in range(2):
            host.conn.defineXML(guest.domain(f"g{number}"))
        equal("descriptors of libvirtd", len(os.listdir(f"/proc/{host.daemon_pid()}/fd")), fds)
        # What is killed is gone a moment later.
        wait_for("the end of the engine's processes", lambda: not engine_processes(host), 30)
        zombies = [pid for pid in os.listdir("/proc") if pid.isdigit()
                   and is_zombie_child(pid, host.daemon_pid())]
        equal("children libvirtd did not wait for", zombies, [])


def is_zombie_child(pid, parent):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as source:
            fields = source.read().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[0] == "Z" and int(fields[1]) == parent


def three_deadlines():
    """A boot storm must not wait a deadline for each guest."""
    with Host(case.tree(), hook=False, config=CONFIG) as host:
        replace_engine(host, stand_in("sleep 300"))
        for number in range(6):
            host.conn.defineXML(guest.domain(f"g{number}"))
        equal("calls of the engine", host.read(CALLS).count("call"), 3)
        said = host.log_lines(r"winguest.*\b60\b")
        equal("lines about the pause", len(said), 1)


def engine_comes_back():
    """One deadline or two do not switch the engine off, and a good answer starts the count anew."""
    with Host(case.tree(), hook=False, config=PATIENT) as host:
        good = host.inside(ENGINE) + ".good"
        os.rename(host.inside(ENGINE), good)
        for number in (0, 1):
            replace_engine(host, stand_in("sleep 300", 3))
            for each in range(2):
                host.conn.defineXML(guest.domain(f"slow{number}{each}"))
            replace_engine(host, f"#!/bin/sh\nexec {ENGINE}.good \"$@\"\n")
            stored = host.conn.defineXML(guest.domain(f"good{number}")).XMLDesc(SECRET)
            equal("offset", guest.clock_of(stored)[0], "localtime")


def slow_disk():
    """A disk under the configuration that does not answer: not even SIGKILL ends the engine. The
    guest is defined as its client says, and once the disk answers libvirtd buries what waited."""
    server = os.path.join(os.path.dirname(__file__), "..", "faults", "slow_disk.py")
    with Host(case.tree(), hook=False, config=CONFIG) as host:
        host.conn.defineXML(guest.domain("warm"))  # the filter knows its deadline
        with open(server, encoding="utf-8") as source:
            host.put("/tmp/slow_disk.py", source.read())
        with host.background("/tmp/slow_disk.py", "/etc/libvirt/winguest.conf", "never") as disk:
            equal("the disk", disk.stdout.readline(), "ready\n")
            stored = host.conn.defineXML(guest.domain("late")).XMLDesc(SECRET)
            equal("offset", guest.clock_of(stored)[0], "utc")
            host.wait_log(r"winguest.*\blate\b.*did not answer")
        host.run("umount", "/etc/libvirt/winguest.conf", check=True)
        stored = host.conn.defineXML(guest.domain("good")).XMLDesc(SECRET)
        equal("offset", guest.clock_of(stored)[0], "localtime")
        zombies = [pid for pid in os.listdir("/proc") if pid.isdigit()
                   and is_zombie_child(pid, host.daemon_pid())]
        equal("children libvirtd did not wait for", zombies, [])


def bad_configuration():
    """The engine's own faults: it says what is wrong, the guest boots as it was."""
    wrong = {"unknown key": "[rules]\nno_such_key = 1\n", "not an ini": "[[[\n",
             "missing list": "[rules]\nuuid_file = /no/such.list\n"}
    with Host(case.tree(), hook=False) as host:
        for number, (what, text) in enumerate(wrong.items()):
            print(f"# {what}", flush=True)
            host.put("/etc/libvirt/winguest.conf", text, mode=0o644)
            check_guest(host, f"g{number}", case.password())
            host.wait_log(r"no_such_key|winguest\.conf|/no/such\.list")
            host.syslog.lines.clear()
        host.put("/etc/libvirt/winguest.conf", CONFIG, mode=0o666)
        check_guest(host, "writable", case.password())
        host.wait_log(r"winguest\.conf")


if __name__ == "__main__":
    case.run(broken_engines, missing_engine, nothing_left_behind, three_deadlines,
             engine_comes_back, slow_disk, bad_configuration)
