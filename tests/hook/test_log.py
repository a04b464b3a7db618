# SPDX-License-Identifier: LGPL-2.1-or-later
"""One line of syslog a decision: who, what, why, how long, and nothing that is secret."""

import os
import re

import harness
from harness import (COMPLIANT, LINUX, UNMARKED, UUID, VIOLATING, configure, equal, hook, true,
                     within)

ANYWHERE = False
DAEMON = 3 << 3
ERR, WARNING, NOTICE, INFO = 3, 4, 5, 6
CHANGES = ("clock.offset: utc → localtime", "timer.pit.tickpolicy: none → delay",
           "timer.rtc.tickpolicy: none → catchup", "timer.hpet.present: none → no",
           "timer.hypervclock.present: none → yes", "hyperv.relaxed.state: none → on",
           "hyperv.vapic.state: none → on", "hyperv.spinlocks.state: none → on",
           "hyperv.spinlocks.retries: none → 8191")


def only_line(what, result, level):
    """The message of the one line that there is, held to its form."""
    equal(f"{what}: {result}", [priority for priority, _ in result.log], [DAEMON | level])
    line = result.log[0][1]
    match = re.fullmatch(r"winguest\[\d+\]: (.*) \(\d+\.\d ms\)", line)
    true(f"{what}: the form of {line!r}", match)
    for never in (harness.PASSWORD, "<", "graphics"):
        true(f"{what}: {never!r} is in {line!r}", never not in line)
    return match[1]


def a_rewrite_names_guest_os_evidence_and_every_change():
    for operation in ("define", "create", "prepare"):
        outcome = "" if operation == "prepare" else "; rewritten"
        equal(operation, only_line(operation, hook(operation), NOTICE),
              f"{operation} guest 'win1' uuid {UUID}: violates (windows, own mark: windows): "
              + "; ".join(CHANGES) + outcome)


def nothing_to_do_is_told_quietly():
    for operation in ("define", "create", "prepare", "started"):
        equal(operation, only_line(operation, hook(operation, COMPLIANT), INFO),
              f"{operation} guest 'win1' uuid {UUID}: compliant (windows, own mark: windows)")
        harness.clear()
        equal(operation, only_line(operation, hook(operation, LINUX), INFO),
              f"{operation} guest 'win1' uuid {UUID}: skipped (not windows, own mark: other)")
        harness.clear()
        equal(operation, only_line(operation, hook(operation, UNMARKED), INFO),
              f"{operation} guest 'win1' uuid {UUID}: unknown OS")
        harness.clear()


def in_flight_is_told():
    for operation in ("migrate", "restore"):
        within(operation, only_line(operation, hook(operation), NOTICE),
               f"{operation} guest 'win1' uuid {UUID}: violates (windows", CHANGES[0],
               "; in flight, left until its next cold boot")
        within("prepare", only_line("prepare", hook("prepare"), NOTICE),
               "; in flight, left until its next cold boot")
        within(operation, only_line(operation, hook(operation, COMPLIANT), INFO),
               "compliant", "; in flight")


def a_guest_without_name_or_uuid_is_told():
    xml = VIOLATING.replace(f"<uuid>{UUID}</uuid>".encode(), b"")
    within("no uuid", only_line("no uuid", hook("define", xml), NOTICE),
           "define guest 'win1' uuid none: violates")
    xml = xml.replace(b"<name>win1</name>", b"")
    within("no name", only_line("no name", hook("define", xml, name="-"), NOTICE),
           "define guest '-' uuid none: violates")


def what_the_domain_says_forges_no_line():
    xml = VIOLATING.replace(b"win1", "w&#10;winguest[1]: forged\u202e\u200b&#27;".encode()
                            .replace(b"&#27;", b""))
    within("a name", only_line("a name", hook("define", xml), NOTICE),
           "guest 'w\\x0awinguest[1]: forged\\xe2\\x80\\xae\\xe2\\x80\\x8b'")
    xml = VIOLATING.replace(b"<clock offset='utc'/>", b"<clock offset='a&#10;b&#9;c'/>")
    within("a value", only_line("a value", hook("define", xml), NOTICE),
           "clock.offset: a\\x0ab\\x09c → localtime")
    xml = VIOLATING.replace(UUID.encode(), b"1&#13;2")
    within("a uuid", only_line("a uuid", hook("define", xml), NOTICE), "uuid 1\\x0d2: ")


def a_long_word_of_the_domain_hides_no_decision():
    """A datagram has a bound: a value of a megabyte must not cost the line."""
    configure("[rules]\nnames = *\n")
    word = b"w" + b"x" * (1 << 20)
    evidence = VIOLATING.replace(b"os='windows'", b"").replace(b"<name>win1</name>", b"")
    for what, xml in (("name", VIOLATING.replace(b"win1", word)),
                      ("uuid", VIOLATING.replace(UUID.encode(), word)),
                      ("value", VIOLATING.replace(b"'utc'", b"'" + word + b"'")),
                      ("evidence", evidence.replace(b"</metadata>", b"<a os='windows" + word +
                                                    b"'/></metadata>"))):
        result = hook("define", xml)
        equal(f"{what}: exit", (result.code, result.err), (0, ""))
        line = only_line(what, result, NOTICE)
        true(f"{what}: {len(line)} bytes", len(line) < 8192)
        within(what, line, "violates", "; rewritten")


def nothing_is_left_on_disk():
    for operation in ("define", "create", "prepare", "started", "migrate", "restore", "release"):
        for xml in (VIOLATING, COMPLIANT, LINUX, VIOLATING[:-20], b""):
            hook(operation, xml)
    for directory, _, files in os.walk(harness.BASE):
        if directory.startswith(harness.private("dev")):
            continue
        for name in files:
            path = os.path.join(directory, name)
            with open(path, "rb") as file:
                text = file.read()
            if directory == harness.private("state"):
                true(f"{name}: {text!r}", len(text) < 32 and b"<" not in text)
            true(f"the password is in {path}", harness.PASSWORD.encode() not in text)
    equal("the working directory", os.listdir(harness.private("tmp")), [])


def without_syslog_all_goes_on():
    harness.close_log()
    try:
        result = hook("prepare")
        equal("prepare", (result.code, result.err), (0, ""))
        true("prepare is answered", b"localtime" in result.out)
    finally:
        harness.open_log()


def tests():
    for function in (a_rewrite_names_guest_os_evidence_and_every_change,
                     nothing_to_do_is_told_quietly, in_flight_is_told,
                     a_guest_without_name_or_uuid_is_told, what_the_domain_says_forges_no_line,
                     a_long_word_of_the_domain_hides_no_decision, nothing_is_left_on_disk,
                     without_syslog_all_goes_on):
        yield "log: " + function.__name__.replace("_", " "), function
