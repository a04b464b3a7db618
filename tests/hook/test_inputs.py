# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every operation with every kind of input: exit code, what is printed, and who is told."""

import os
import subprocess
import time
from xml.dom import minidom

import harness
from harness import BOUND, COMPLIANT, LINUX, UNMARKED, VIOLATING, call, equal, hook, true, within

ANYWHERE = True

REWRITES = ("define", "create", "prepare")
LOOKS = ("migrate", "restore", "started")
IGNORES = ("start", "stopped", "release", "reconnect", "attach", "frobnicate", "")

BOMB = (b"<!DOCTYPE domain [<!ENTITY a 'aaaaaaaaaa'>" +
        b"".join(b"<!ENTITY %c '%s'>" % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9)) +
        b"]><domain type='kvm'><name>&j;</name></domain>")

GOOD = {"compliant": COMPLIANT, "not Windows": LINUX, "unmarked": UNMARKED,
        "no name": b"<domain type='kvm'/>"}
BAD = {
    "empty": b"",
    "blank": b" \n",
    "malformed": VIOLATING.replace(b"</name>", b"</nam>"),
    "truncated": VIOLATING[:-20],
    "a tag cut off": VIOLATING[:200],
    "huge": VIOLATING.replace(b"</domain>", b" " * BOUND + b"</domain>"),
    "UTF-16": VIOLATING.decode().encode("utf-16"),
    "not UTF-8": VIOLATING.replace(b"win1", b"win\xff"),
    "a NUL": VIOLATING + b"\0",
    "an entity bomb": BOMB,
    "a file by entity": b"<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
                        b"<domain><name>&e;</name></domain>",
    "not a domain": b"<network><name>default</name></network>",
    "two documents": VIOLATING + VIOLATING,
    "deeply nested": b"<domain>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</domain>",
    "rubbish": bytes(range(1, 256)) * 100,
    "an ELF": open(harness.HOOK, "rb").read(),
}


def is_quiet(what, result, code=0):
    equal(f"{what}: {result}", (result.code, result.out, result.err), (code, b"", ""))


def is_rewritten(what, result):
    equal(f"{what}: {result}", (result.code, result.err), (0, ""))
    document = minidom.parseString(result.out).documentElement
    equal("clock", document.getElementsByTagName("clock")[0].getAttribute("offset"), "localtime")
    equal("name", document.getElementsByTagName("name")[0].firstChild.data, "win1")
    equal("timers", len(document.getElementsByTagName("timer")), 4)
    equal("enlightenments", len(document.getElementsByTagName("hyperv")[0]
                                .getElementsByTagName("*")), 3)


def is_fault(what, result, operation, name="win1"):
    """One line for libvirt's client, one for the log, and the guest starts."""
    equal(f"{what}: {result}", (result.code, result.out), (0, b""))
    true(f"{what}: one line: {result}", result.err.count("\n") == 1 and result.err.endswith("\n"))
    within(what, result.err, f"winguest: {operation} guest '{name}': ",
           "; the guest is left as it is\n")
    true(f"{what}: no password: {result}", harness.PASSWORD not in result.err)
    if harness.BASE:
        equal(f"{what}: {result}", [priority for priority, _ in result.log], [3 << 3 | 3])
        within(what, result.log[0][1], result.err[len("winguest: "):].rstrip("\n"))


def rewriting(operation):
    is_rewritten("violating", hook(operation))
    equal("the second run", hook(operation, hook(operation).out).out, b"")
    for kind, xml in GOOD.items():
        is_quiet(kind, hook(operation, xml))
    for kind, xml in BAD.items():
        is_fault(kind, hook(operation, xml), operation)


def looking(operation):
    is_quiet("violating", hook(operation))
    for kind, xml in GOOD.items():
        is_quiet(kind, hook(operation, xml))
    for kind, xml in BAD.items():
        is_fault(kind, hook(operation, xml), operation)


def ignoring(operation):
    for xml in (VIOLATING, *GOOD.values(), *BAD.values()):
        result = hook(operation, xml)
        is_quiet(operation, result)
        equal("log", result.log, [])


def only_the_beginning_counts():
    for operation in REWRITES + LOOKS:
        for sub in ("end", "", "abort", "BEGIN"):
            result = hook(operation, sub=sub)
            is_quiet(f"{operation} {sub}", result)
            equal("log", result.log, [])


def without_arguments():
    for arguments in ((), ("win1",), ("win1", "prepare"), ("", "", "", ""), ("--none",)):
        is_quiet(str(arguments), call(*arguments))
    is_rewritten("more than four", call("win1", "prepare", "begin", "-", "more", stdin=VIOLATING))
    is_rewritten("three", call("win1", "prepare", "begin", stdin=VIOLATING))


def asked_for_help():
    for option in ("--help", "--version"):
        result = call(option)
        equal(option, (result.code, result.err), (0, ""))
        within(option, result.out.decode(), "Usage: qemu GUEST OPERATION SUB-OPERATION EXTRA")


def a_guest_that_has_no_name_yet():
    is_rewritten("define", hook("define", name="-"))
    is_fault("define", hook("define", b"", name="-"), "define", "-")


def a_name_that_forges_a_line():
    result = hook("define", b"", name="x\nwinguest: forged\x1b[2J\u202e'")
    is_fault("a forged line", result, "define",
             "x\\x0awinguest: forged\\x1b[2J\\xe2\\x80\\xae'")


def input_that_comes_slowly():
    process = subprocess.Popen([harness.HOOK, "win1", "define", "begin", "-"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    for at in range(0, len(VIOLATING), 100):
        process.stdin.write(VIOLATING[at:at + 100])
        process.stdin.flush()
        time.sleep(0.02)
    out, err = process.communicate(timeout=harness.SECONDS)
    is_rewritten("slowly", harness.Result(process.returncode, out, err, harness.logged()))


def input_that_is_closed():
    for operation in REWRITES:
        result = hook(operation, before=lambda: os.close(0))
        is_fault("closed", result, operation)
        within("closed", result.err, "standard input: cannot be read: Bad file descriptor")


def tests():
    for operations, check in ((REWRITES, rewriting), (LOOKS, looking), (IGNORES, ignoring)):
        for operation in operations:
            yield (f"{operation or 'no operation'} with every kind of input",
                   lambda check=check, operation=operation: check(operation))
    for function in (only_the_beginning_counts, without_arguments, asked_for_help,
                     a_guest_that_has_no_name_yet, a_name_that_forges_a_line,
                     input_that_comes_slowly, input_that_is_closed):
        yield function.__name__.replace("_", " "), function
