#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`winguest status`: whether the policy is in force, and each way in which it is silently off. And
mode = report, in which it is off on purpose."""

import json
import os
import signal
import time
import uuid

import libvirt

import case
import guest
from case import equal, true
from host import DAEMON, Host, wait_for
from repairs import NONE, STORED

CONFIG = "/etc/libvirt/winguest.conf"
CYCLES = int(os.environ.get("WINGUEST_CYCLES", "24"))


def status(host, code):
    done = host.run("winguest", "status", "--format", "json")
    equal(f"exit code: {done.stdout}{done.stderr}", done.returncode, code)
    told = json.loads(done.stdout)
    case.against_schema(told, "status")
    return [(each["check"], each["level"], each["text"]) for each in told["checks"]]


def says(found, check, level, *words):
    lines = [text for each, of, text in found if each == check and of == level]
    true(f"{check} {level} {words} in {found}",
         any(all(word in text for word in words) for text in lines))


def in_force():
    with Host(case.tree()) as host:
        host.conn.defineXML(guest.domain("win"))
        host.conn.defineXML(guest.domain("who", os_type=""))
        host.run("winguest", "probe")
        found = status(host, 1)  # the test's host has no zone
        says(found, "configuration", "ok")
        says(found, "decision", "ok", "gets the policy")
        says(found, "hook", "ok", "/etc/libvirt/hooks/qemu")
        says(found, "filter", "ok", f"{DAEMON}, process ", "has it")
        says(found, "confinement", "ok", "who reads a domain runs as nobody")
        says(found, "guests", "ok", "1 Windows: 1 right", "1 of unknown OS")
        equal("no failures", [each for each in found if each[1] == "failure"], [])
        says(found, "profile", "ok", "profile = recommended")
        host.put("/etc/libvirt/winguest.conf", "[windows]\nprofile = recommended\n", 0o644)
        equal("no hint", [each for each in status(host, 1) if each[0] == "profile"], [])


def hook_alone():
    with Host(case.tree(), preload=False) as host:
        host.conn.defineXML(guest.domain("win"))
        found = status(host, 1)
        says(found, "filter", "warning", "runs without", "winguest enable")
        says(found, "guests", "warning", "1 violate", "winguest audit")
        os.unlink(host.inside("/etc/libvirt/hooks/qemu"))
        says(status(host, 2), "in_force", "failure", "neither hook nor filter")


def silently_off():
    """What a fault does to guests, and that it is seen: in the log by the hook's tests, here."""
    rows = ((lambda host: host.put(CONFIG, "[rules]\nname = a\n", 0o644), "configuration", "did you mean names?"),
            (lambda host: host.put(CONFIG, "", 0o666), "configuration", "writable by group or others"),
            (lambda host: host.put(CONFIG, "x", 0o644), "configuration", "neither"),
            (lambda host: remove(host, "clock.xsl"), "decision", "clock.xsl"),
            (lambda host: remove(host, "engine.so"), None, "engine.so"))
    for fault, check, words in rows:
        with Host(case.tree()) as host:
            fault(host)
            if check:
                says(status(host, 2), check, "failure", words)
            else:
                done = host.run("winguest", "status")
                equal("exit code", done.returncode, 2)
                true(done.stderr, words in done.stderr)
            domain = host.conn.defineXML(guest.domain("win"))
            domain.create()
            equal("the guest runs", domain.isActive(), 1)
            equal("as its client says", guest.flags(host.cmdline("win")), NONE)


def remove(host, name):
    for folder, _, names in os.walk(host.inside("/usr")):
        if name in names:
            os.unlink(os.path.join(folder, name))


def one_letter():
    """The rest of the policy is in force, and it is seen."""
    for text, words in (("[windows]\ntimer.pti.tickpolicy = delay\n", "timer.pit.tickpolicy"),
                        ("[windows]\nhyperv.relxed.state = on\n", "hyperv.relaxed.state"),
                        ("[windows]\nstylesheets = nope.xsl\n", "nope.xsl"),
                        ("[enforce]\ncold_strat = report\n", "cold_start")):
        with Host(case.tree(), config=text) as host:
            says(status(host, 1), "configuration", "warning", words)
            domain = host.conn.defineXML(guest.domain("win"))
            domain.create()
            equal(text, guest.flags(host.cmdline("win")), {name: True for name in guest.FLAGS})


def refused_by_libvirt():
    """A policy that libvirt does not take is the loudest event there is, until it takes one."""
    with Host(case.tree(), config="[enforce]\nallow_unknown = yes\n"
                                  "[windows]\ntimer.newest.present = yes\n") as host:
        for number in range(3):
            host.conn.defineXML(guest.domain(f"win{number}"))
        host.wait_log("3 in a row: the policy itself is at fault")
        lines = host.log_lines("libvirt refused it with the policy, and took it without")
        equal("lines", len(lines), 3)
        true(lines[-1], "3 in a row" in lines[-1])
        says(status(host, 2), "refusals", "failure", "the last 3 definitions")
        host.put(CONFIG, "", 0o644)
        host.conn.defineXML(guest.domain("win3"))
        equal("it is over", [each for each in status(host, 1) if each[0] == "refusals"], [])


def waits_with_a_limit(pid):
    """Whether a process has set its handler of SIGALRM, which it does right before it may hang."""
    with open(f"/proc/{pid}/status", encoding="ascii") as source:
        caught = next(line for line in source if line.startswith("SigCgt:")).split()[1]
    return int(caught, 16) >> (signal.SIGALRM - 1) & 1


def daemon_that_hangs():
    argv = ["winguest", "status", "--format", "json"]
    with Host(case.tree()) as host:
        daemon = host.daemon_pid()
        os.kill(daemon, signal.SIGSTOP)
        try:
            with host.background(*argv) as run:
                def patient():
                    return [pid for pid, words in host.processes().items()
                            if words == argv and waits_with_a_limit(pid)]
                wait_for("status to wait for the daemon", patient, 30)
                os.kill(patient()[0], signal.SIGALRM)
                found = json.loads(run.stdout.read())["checks"]
        finally:
            os.kill(daemon, signal.SIGCONT)
            # nsenter stops itself when what it started stops.
            host.daemon.send_signal(signal.SIGCONT)
        equal("exit code", run.returncode, 2)
        says([(each["check"], each["level"], each["text"]) for each in found],
             "guests", "failure", "does not answer")


def report_changes_nothing():
    """Define, start, create: not one byte is another, and each is told."""
    with Host(case.tree(), config="[enforce]\nmode = report\n") as host:
        plain = {}
        for number in range(CYCLES):
            xml = guest.domain(f"win{number}", uuid=str(uuid.UUID(int=number + 1)), memory=32)
            if number % 2:
                domain = host.conn.createXML(xml, 0)
            else:
                domain = host.conn.defineXML(xml)
                domain.create()
            equal("QEMU's flags", guest.flags(host.cmdline(f"win{number}")), NONE)
            stored = domain.XMLDesc(STORED).replace(f"win{number}<", "win<").replace(
                str(uuid.UUID(int=number + 1)), "")
            equal("definition", stored, plain.setdefault(number % 2, stored))
            domain.destroy()
        true("without the policy", guest.clock_of(plain[0])[0] == "utc")
        for number in range(CYCLES):
            op = "create" if number % 2 else "define"
            line = host.wait_log(rf"{op} guest 'win{number}' ")[0]
            true(line, "violates" in line and "would be rewritten" in line
                 and "clock.offset: utc → localtime" in line and "mode = report" in line)
        says(status(host, 1), "mode", "warning", "nothing is changed")
        done = host.run("winguest", "apply", "--all", "--yes")
        equal(f"apply: {done}", done.returncode, 2)
        equal("rewritten", host.log_lines("; rewritten"), [])
        for domain in host.conn.listAllDomains():
            domain.undefine()


def canary():
    with Host(case.tree(), config="[enforce]\nonly.names = canary-*\n") as host:
        for name, flags in (("canary-1", {name: True for name in guest.FLAGS}), ("other", NONE)):
            domain = host.conn.defineXML(guest.domain(name))
            domain.create()
            equal(name, guest.flags(host.cmdline(name)), flags)
        host.wait_log("define guest 'other'.*only told of: .enforce. only.*would be rewritten")


def rules_about_nobody():
    """`config check` tells what only this host can: globs that fit no guest of it, how old lists are,
    what its libvirt does not know."""
    config = ("[rules]\nnames = win* nope a b c d\nflavors = M1.*\nuuid_file = /etc/libvirt/uuids\n"
              "exempt.images = c0ffee*\n[enforce]\nonly.projects = x\n")
    with Host(case.tree(), config=config) as host:
        host.put("/etc/libvirt/uuids", "11111111-1111-1111-1111-111111111111\n", 0o644)
        os.utime(host.inside("/etc/libvirt/uuids"), (time.time() - 3 * 86400,) * 2)
        host.conn.defineXML(guest.domain("win1"))
        done = host.run("winguest", "config", "check")
        equal(f"{done}", (done.returncode, done.stdout.splitlines()), (0, [
            *(f"note: [rules] names: '{glob}' fits no guest that is defined on this host"
              for glob in ("nope", "a", "b")),
            "note: nor do 2 others of names",
            "note: [rules] uuids: '11111111-1111-1111-1111-111111111111' fits no guest that is defined "
            "on this host",
            "note: [enforce] only.projects: 'x' fits no guest that is defined on this host",
            "note: [rules] uuid_file: /etc/libvirt/uuids, written 3 days ago",
            "/etc/libvirt/winguest.conf is right"]))
        host.put(CONFIG, "[enforce]\nallow_unknown = yes\n[windows]\nhyperv.frobnicate.state = on\n", 0o644)
        done = host.run("winguest", "config", "check")
        equal(f"{done}", done.returncode, 2)
        true(done.stdout, "error: [windows]: hyperv.frobnicate: this host's libvirt does not know it" in
             done.stdout)


def other_users_daemons():
    """Anybody may run something of that name, and a program of root's that has the set-user-ID bit."""
    as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    with Host(case.tree(), preload=False) as host:
        host.conn.defineXML(guest.domain("win"))
        host.run("sh", "-ec", "mkdir /tmp/plain /tmp/root && cp /bin/sleep /tmp/plain/libvirtd && "
                 "cp /bin/sleep /tmp/root/libvirtd && chmod 4755 /tmp/root/libvirtd")
        with host.background(*as_nobody, "/tmp/plain/libvirtd", "99"), \
                host.background(*as_nobody, "/tmp/root/libvirtd", "99"):
            wait_for("both", lambda: sum(argv[1:] == ["99"] for argv in host.processes().values()) == 2, 30)
            filters = [text for check, _, text in status(host, 1) if check == "filter"]
            equal(f"daemons in {filters}", len(filters), 1)
            host.stop()
            others = [pid for pid, argv in host.processes().items() if argv[1:] == ["99"]]
            says(status(host, 1), "daemon", "warning", "neither libvirtd nor virtqemud runs")
            done = host.run("winguest", "apply", "--offline")
            equal(f"apply --offline: {done.stderr}", done.returncode, 0)
            true(done.stdout, "definition corrected" in done.stdout)
            for pid in others:
                os.kill(pid, signal.SIGKILL)


def zone_that_is_no_file():
    with Host(case.tree()) as host:
        host.run("sh", "-ec", "rm -f /etc/localtime; mkfifo /etc/localtime")
        says(status(host, 1), "zone", "warning", "none is set")


def nothing_can_be_kept():
    """Without a way back no definition is corrected, and the policy is off."""
    with Host(case.tree()) as host:
        host.run("sh", "-ec", "mkdir -p /var/lib/libvirt-winguest; mount -t tmpfs -o size=4k,mode=755 "
                 "none /var/lib/libvirt-winguest; head -c 4096 /dev/zero >/var/lib/libvirt-winguest/full || :")
        host.conn.defineXML(guest.domain("win"))
        equal("as its client says", guest.clock_of(host.conn.lookupByName("win").XMLDesc(STORED))[0], "utc")
        says(status(host, 2), "state", "failure", "/var/lib/libvirt-winguest/kept", "no definition is corrected")
        host.put(CONFIG, "[enforce]\nrollback = no\n", 0o644)
        equal("nothing is kept", [each for each in status(host, 1) if each[:2] == ("state", "failure")], [])


def hook_of_another_version():
    """As an upgrade leaves it that could not replace it."""
    with Host(case.tree()) as host:
        path = host.inside("/etc/libvirt/hooks/qemu")
        with open(path, "rb") as source:
            program = source.read()
        identity = b"libvirt-winguest hook "
        equal("its version", program.count(identity), 1)
        at = program.index(identity) + len(identity)
        os.unlink(path)
        with open(path, "wb") as out:
            out.write(program[:at] + b"9" + program[at + 1:])
        os.chmod(path, 0o755)
        says(status(host, 2), "hook", "failure", "is not of version", "reinstall")


if __name__ == "__main__":
    case.run(in_force, hook_alone, silently_off, one_letter, refused_by_libvirt,
             daemon_that_hangs, report_changes_nothing, canary,
             rules_about_nobody, other_users_daemons, zone_that_is_no_file, nothing_can_be_kept,
             hook_of_another_version)
