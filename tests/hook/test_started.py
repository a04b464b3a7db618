# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest that was booted against the policy, seen at `started`: its vCPUs run already. A process
that sleeps stands for QEMU, with the command line of one, and libvirt's status of it."""

import contextlib
import os
import subprocess
import sys

from harness import COMPLIANT, LINUX, PIDS, UUID, VIOLATING, configure, equal, hook, within

ANYWHERE = False
DENY = "[enforce]\ncold_start = deny\n"
REPORT = "[enforce]\ncold_start = report\n"


STATUS = """<!--
WARNING: THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE OVERWRITTEN.
-->
<domstatus state='%s' reason='booted' pid='%s'>
  <monitor path='/var/lib/libvirt/qemu/monitor.sock' type='unix'/>
  <job type='none' async='%s'/>
  <domain type='kvm' id='3'>
"""


def put_status(pid, name="win1", state="running", job="none"):
    with open(f"{PIDS}/{name}.xml", "w", encoding="utf-8") as file:
        file.write(STATUS % (state, pid, job))


@contextlib.contextmanager
def qemu(*arguments, name="win1"):
    sleep = "import sys; sys.stdout.write('up'); sys.stdout.flush(); sys.stdin.read()"
    process = subprocess.Popen(["qemu-system-x86_64", "-c", sleep, "-name", f"guest={name}",
                                *arguments], executable=sys.executable, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    try:
        # not the command line of the fork before exec
        equal("the process", process.stdout.read(2), b"up")
        put_status(process.pid, name)
        yield process
    finally:
        process.kill()
        process.communicate()


def passes(what, result, *log):
    equal(f"{what}: {result}", (result.code, result.out, result.err), (0, b"", ""))
    equal(f"{what}: lines", len(result.log), 1)
    within(what, result.log[0][1], *log)


def is_refused(what, result):
    equal(f"{what}: {result}", (result.code, result.out), (1, b""))
    equal(f"{what}: lines", result.err.count("\n"), 1)
    within(what, result.err, f"winguest: started guest 'win1' uuid {UUID}: violates (windows",
           "clock.offset: utc → localtime", "denied by cold_start = deny",
           "hint: correct the definition", "winguest diff", "winguest enable")
    equal(f"{what}: {result}", [priority for priority, _ in result.log], [3 << 3 | 3])
    within(what, result.log[0][1], "denied (cold_start = deny)")


def a_violating_cold_boot_is_denied():
    configure(DENY)
    with qemu("-rtc", "base=utc"):
        is_refused("violating", hook("started"))


def a_violating_cold_boot_is_reported():
    configure(REPORT)
    with qemu("-rtc", "base=utc"):
        result = hook("started")
        passes("violating", result, "violates", "left as it is (cold_start = report)")
        equal("level", result.log[0][0], 3 << 3 | 4)


def others_pass():
    configure(DENY)
    with qemu():
        passes("compliant", hook("started", COMPLIANT), "compliant")
        passes("not Windows", hook("started", LINUX), "skipped")
        result = hook("started", VIOLATING[:-20])
        equal(f"truncated: {result}", (result.code, result.err.count("\n")), (0, 1))


def what_takes_its_state_from_elsewhere_passes():
    configure(DENY)
    for arguments in (("-incoming", "defer"), ("-incoming", "tcp:0:49152"), ("-loadvm", "snap1"),
                      ("-S", "-incoming", "fd:23", "-rtc", "base=utc")):
        with qemu(*arguments):
            result = hook("started")
            passes(f"{arguments}", result, "violates",
                   "in flight, left until its next cold boot")
            equal("level", result.log[0][0], 3 << 3 | 5)


def a_revert_by_the_monitor_passes():
    """libvirt 11 writes what it does into the guest's status, above its definition."""
    configure(DENY)
    with qemu() as process:
        for state, job, revert in (("paused", "snapshot", True), ("running", "snapshot", False),
                                   ("paused", "start", False)):
            put_status(process.pid, state=state, job=job)
            what = f"{state}, {job}"
            if revert:
                passes(what, hook("started"), "in flight, left until its next cold boot")
            else:
                is_refused(what, hook("started"))


def a_guest_of_any_name_is_seen():
    """libvirt escapes names in the names of some of its files."""
    configure(DENY)
    for name in ("a&b", "it's", '"n"', "<n>", "win 1", "n" * 200, "\u7a97" * 60, "-x", "a.b"):
        with qemu(name=name):
            equal(f"{name}", hook("started", name=name).code, 1)


def a_status_says_no_more_than_it_is():
    """What stands in the guest's own definition is its owner's."""
    configure(DENY)
    with qemu() as process:
        with open(f"{PIDS}/win1.xml", "w", encoding="utf-8") as file:
            file.write(f"<domstatus state='running' reason='booted' pid='{process.pid}'>\n"
                       "  <domain type='kvm' id='3'>\n<domstatus state='paused' pid='1'>\n"
                       "<job type='none' async='snapshot'/>\n")
        is_refused("a definition with a status", hook("started"))


def only_the_option_itself_counts():
    configure(DENY)
    for arguments in (("-name", "x-incoming"), ("-incoming=x",), ("-append", "-loadvm x")):
        with qemu(*arguments):
            is_refused(f"{arguments}", hook("started"))


def a_process_that_cannot_be_seen_passes():
    configure(DENY)
    unseen = "its QEMU process cannot be seen, left as it is"
    passes("no status", hook("started"), unseen)
    for pid in ("", "x", "0", "-1", "999999999", "99999999999999999999"):
        put_status(pid)
        passes(f"PID {pid!r}", hook("started"), unseen)
    with qemu() as process:
        process.kill()
        process.wait()
        passes("gone", hook("started"), unseen)
    os.unlink(f"{PIDS}/win1.xml")
    os.mkdir(f"{PIDS}/win1.xml")
    try:
        passes("a directory", hook("started"), unseen)
    finally:
        os.rmdir(f"{PIDS}/win1.xml")


def a_name_leads_out_of_no_directory():
    configure(DENY)
    with qemu():
        for name in ("../qemu/win1", "/run/libvirt/qemu/win1", "./win1"):
            passes(name, hook("started", name=name), "its QEMU process cannot be seen")


def a_fault_at_started_never_stops_a_guest():
    configure(DENY.replace("[enforce]\n", "[enforce]\non_error = deny\n"))
    with qemu():
        for xml in (b"", VIOLATING[:-20], b"<network/>"):
            result = hook("started", xml)
            equal(f"{result}", (result.code, result.err.count("\n")), (0, 1))
            within("started", result.err, "; the guest is left as it is")


def reconnect_is_never_denied():
    configure(DENY.replace("[enforce]\n", "[enforce]\non_error = deny\n"))
    with qemu():
        for xml in (VIOLATING, b"", VIOLATING[:-20]):
            result = hook("reconnect", xml)
            equal(f"{result}", (result.code, result.out, result.err, result.log), (0, b"", "", []))


def a_start_that_was_prepared_by_us_is_denied_too():
    configure(DENY)
    hook("prepare")
    with qemu():
        is_refused("after prepare", hook("started"))


def an_incoming_guest_passes_from_its_first_call_to_its_last():
    configure(DENY)
    for operation in ("migrate", "restore"):
        with qemu("-incoming", "defer"):
            passes(operation, hook(operation), "in flight")
            passes("prepare", hook("prepare"), "in flight")
            equal("start", hook("start").code, 0)
            passes("started", hook("started"), "in flight")


def tests():
    for function in (a_violating_cold_boot_is_denied, a_violating_cold_boot_is_reported,
                     others_pass, what_takes_its_state_from_elsewhere_passes,
                     a_revert_by_the_monitor_passes, a_guest_of_any_name_is_seen,
                     a_status_says_no_more_than_it_is, only_the_option_itself_counts,
                     a_process_that_cannot_be_seen_passes,
                     a_name_leads_out_of_no_directory, a_fault_at_started_never_stops_a_guest,
                     reconnect_is_never_denied, a_start_that_was_prepared_by_us_is_denied_too,
                     an_incoming_guest_passes_from_its_first_call_to_its_last):
        yield "started: " + function.__name__.replace("_", " "), function
