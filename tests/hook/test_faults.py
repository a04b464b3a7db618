# SPDX-License-Identifier: LGPL-2.1-or-later
"""Faults of ours and around us: the guest starts as it would have, and somebody is told."""

import os
import re
import shutil
import signal
import threading
import time

import harness
from harness import (BUILD, CONFIG, LIB, Skip, VIOLATING, bind, configure, equal, hook, private,
                     true, umount, within)
from test_inputs import is_fault, is_quiet, is_rewritten

ANYWHERE = False
DENY = "[enforce]\non_error = deny\n"
ENGINE = os.path.join(LIB, "engine.so")
FAKE = os.path.join(BUILD, "hook/.libs/fake_engine.so")
OTHER_VERSION = os.path.join(BUILD, "hook/.libs/other_engine.so")
SHEETS = os.path.join(BUILD, "xslt")
DECIDES = ("define", "create", "prepare", "started", "migrate", "restore")
with open(harness.HOOK, "rb") as binary:
    PROGRAM = binary.read()
SANITIZED = b"__asan_init" in PROGRAM
COUNTED = b"__gcov_init" in PROGRAM or b".gcda" in PROGRAM


class engine:
    """Puts another file in the engine's place, None for nothing, while it is entered."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        if self.file:
            shutil.copy(self.file, ENGINE + ".other")
        os.rename(ENGINE, ENGINE + ".real")
        if self.file:
            os.rename(ENGINE + ".other", ENGINE)

    def __exit__(self, *_):
        os.rename(ENGINE + ".real", ENGINE)


class bound:
    """Lays a directory or file over another while it is entered."""

    def __init__(self, source, place):
        self.source, self.place = source, place

    def __enter__(self):
        bind(self.source, self.place)

    def __exit__(self, *_):
        umount(self.place)


def is_denied(what, result, operation="prepare"):
    equal(f"{what}: {result}", (result.code, result.out, result.err.count("\n")), (1, b"", 1))
    within(what, result.err, f"winguest: {operation} guest 'win1': ",
           "; the guest is denied (on_error = deny)\n")
    equal(f"{what}: {result}", len(result.log), 1)


def is_fault_that(what, result, operation, *words):
    is_fault(what, result, operation)
    within(what, result.err, *words)


# The engine


def no_engine():
    with engine(None):
        for operation in DECIDES:
            is_fault_that("missing", hook(operation), operation, "engine.so: cannot open")
        is_quiet("reconnect", hook("reconnect"))


def an_engine_that_is_none():
    text = private("tmp/text")
    for content in (b"", b"not a library\n", b"\x7fELF" + b"\0" * 1000):
        with open(text, "wb") as file:
            file.write(content)
        with engine(text):
            is_fault_that("no library", hook("prepare"), "prepare", "engine.so: ")
    os.unlink(text)
    with engine(os.path.join(LIB, "libdouble.so")):
        is_fault_that("another library", hook("prepare"), "prepare",
                      "undefined symbol: wg_version")


def an_engine_of_another_version():
    """It is not called, but by its name; guests go through whatever its configuration denies."""
    words = ("engine.so is version 0.0.1, and this is version ", "; hint: reinstall ")
    configure(DENY)
    with engine(OTHER_VERSION):
        for operation in DECIDES:
            is_fault_that("hook", hook(operation), operation, *words)
        program = os.path.join(BUILD, "winguest")
        result = harness.call("decide", "define", "win1", program=program, stdin=VIOLATING)
        equal(f"{result}", (result.code, result.err), (0, ""))
        within("what the filter is told", result.out.decode(errors="replace"), *words)
        result = harness.call("check", "-", program=program, stdin=VIOLATING)
        equal(f"{result}", (result.code, result.out, result.err.count("\n")), (2, b"", 1))
        within("command line", result.err, "winguest: check: ", *words)


def an_engine_that_crashes():
    with engine(FAKE):
        for how in ("segv", "abort", "overflow", str(int(signal.SIGFPE)),
                    str(int(signal.SIGILL)), str(int(signal.SIGBUS)), str(int(signal.SIGSYS))):
            for operation in ("prepare", "started", "define"):
                is_fault_that(how, hook(operation, env={"WINGUEST_FAKE": how}), operation,
                              "the engine gave up" if how == "abort" else "the engine crashed")


def a_crash_denies_what_the_configuration_denies():
    with engine(FAKE):
        for how in ("segv", "overflow"):
            env = {"WINGUEST_FAKE": how, "WINGUEST_FAKE_DENIES": "1"}
            is_denied(how, hook("prepare", env=env))
            is_fault(how, hook("started", env=env), "started")
            is_fault(how, hook("define", env=env), "define")


def an_engine_that_hangs():
    with engine(FAKE):
        for operation in ("prepare", "started"):
            begun = time.monotonic()
            is_fault_that("hangs", hook(operation, env={"WINGUEST_FAKE": "hang"}), operation,
                          "the engine hangs")
            true(f"{time.monotonic() - begun} s", 9 < time.monotonic() - begun < 20)


# The configuration


def a_configuration_that_is_wrong():
    for text, why in (("x", "neither [section]"), ("[none]\n", "unknown section"),
                      ("[rules]\nx = 1\n", "[rules] x: unknown key"),
                      ("[enforce]\nmode = maybe\n", "'maybe' is not allowed"),
                      ("\ufeff[windows]\n", "byte order mark"),
                      ("[windows]\n" + "x" * 5000, "over 1000 bytes"),
                      ("[rules]\nuuid_file = /none/there\n", "No such file")):
        configure(text)
        for operation in DECIDES:
            is_fault_that(why, hook(operation), operation, CONFIG, why)


def what_is_wrong_in_part_is_told_and_the_rest_holds():
    """A letter in a timer's name, in a key, in a stylesheet's: the policy is in force, loudly or not."""
    for text, priority, why in (
            ("[windows]\ntimer.pti.tickpolicy = delay\n", 5,
             "timer.pti.tickpolicy: unknown key; did you mean timer.pit.tickpolicy?"),
            ("[enforce]\ncold_strat = report\n", 5,
             "cold_strat: unknown key; did you mean cold_start?"),
            ("[windows]\nhyperv.vapic.state = onn\n", 3, "'onn' is not allowed; allowed: on off"),
            ("[windows]\nstylesheets = nope.xsl\n", 3, "stylesheet nope.xsl: not in ")):
        configure(text)
        result = hook("prepare")
        is_rewritten(text, result)
        equal(f"{result}", [each for each, _ in result.log], [3 << 3 | priority])
        within(text, result.log[0][1], why)


def a_guest_that_is_only_told_of():
    for text in ("[enforce]\nmode = report\n", "[enforce]\nonly.names = other-*\n"):
        configure(text)
        for operation in ("prepare", "define", "create"):
            result = hook(operation)
            equal(f"{operation}: {result}", (result.code, result.out, result.err), (0, b"", ""))
            within(operation, result.log[0][1], "violates", "clock.offset: utc → localtime",
                   "only told of: [enforce] ", "; would be rewritten")
    configure("[enforce]\nonly.names = win*\n")
    is_rewritten("chosen", hook("prepare"))


def a_wrong_configuration_still_says_deny():
    configure(DENY + "[rules]\nx = 1\n")
    is_denied("prepare", hook("prepare"))
    for operation in DECIDES:
        if operation != "prepare":
            is_fault(operation, hook(operation), operation)


def a_configuration_that_others_may_write():
    configure("", 0o666)
    is_fault_that("mode", hook("prepare"), "prepare", CONFIG, "writable by group or others",
                  "hint: chmod go-w")
    configure("")
    os.chmod(os.path.dirname(CONFIG), 0o777)
    try:
        is_fault_that("directory", hook("prepare"), "prepare", "writable by group or others")
    finally:
        os.chmod(os.path.dirname(CONFIG), 0o755)
    is_rewritten("mended", hook("prepare"))


def a_configuration_of_another_user():
    configure(DENY)
    try:
        os.chown(CONFIG, 65533, -1)
    except OSError:
        raise Skip("only root can give files to another user") from None
    is_fault_that("owner", hook("prepare", b""), "prepare", "refused, it belongs to user 65533")


def a_configuration_that_is_no_file():
    os.mkfifo(CONFIG)
    is_fault_that("a FIFO", hook("prepare"), "prepare", "not a regular file")
    os.unlink(CONFIG)
    os.symlink("none", CONFIG)
    is_rewritten("a link to nothing is no configuration", hook("prepare"))
    os.unlink(CONFIG)
    os.mkdir(CONFIG)
    try:
        is_fault_that("a directory", hook("prepare"), "prepare", "not a regular file")
    finally:
        os.rmdir(CONFIG)


def on_error_deny_is_for_prepare():
    configure(DENY)
    for xml in (b"", VIOLATING[:-20], b"<network/>"):
        is_denied("prepare", hook("prepare", xml))
        for operation in DECIDES:
            if operation != "prepare":
                is_fault(operation, hook(operation, xml), operation)
        hook("prepare", xml)  # what was announced is not in flight any more
    is_rewritten("a good one", hook("prepare"))


def a_configuration_that_is_replaced_meanwhile():
    offsets = ("utc", "localtime")
    done = threading.Event()

    def replace():
        for round_ in range(1 << 30):
            if done.is_set():
                return
            fresh = CONFIG + ".new"
            with open(fresh, "w", encoding="ascii") as file:
                file.write(f"[windows]\nclock.offset = {offsets[round_ % 2]}\n")
            os.chmod(fresh, 0o644)
            os.rename(fresh, CONFIG)

    configure("")
    thread = threading.Thread(target=replace)
    thread.start()
    try:
        for _ in range(30):
            result = hook("define")
            equal(f"{result}", (result.code, result.err), (0, ""))
            true(f"{result}", re.search(rb"offset='(utc|localtime)'", result.out))
    finally:
        done.set()
        thread.join()


# The stylesheets


def no_stylesheets():
    empty = private("tmp/empty")
    os.mkdir(empty)
    try:
        with bound(empty, SHEETS):
            is_fault_that("missing", hook("prepare"), "prepare", "clock.xsl: No such file")
            configure(DENY)
            is_denied("missing", hook("prepare"))
    finally:
        os.rmdir(empty)
    is_rewritten("back again", hook("prepare"))


def stylesheets_that_others_may_write():
    copy = private("tmp/xslt")
    shutil.copytree(SHEETS, copy)
    os.chmod(copy, 0o755)
    try:
        with bound(copy, SHEETS):
            is_rewritten("a copy", hook("prepare"))
            os.chmod(copy, 0o777)
            is_fault_that("directory", hook("prepare"), "prepare", "writable by group or others")
            os.chmod(copy, 0o755)
            os.chmod(copy + "/hyperv.xsl", 0o666)
            is_fault_that("file", hook("prepare"), "prepare", "hyperv.xsl: writable by group or others")
            os.chmod(copy + "/hyperv.xsl", 0o644)
            os.chmod(copy + "/merge.xsl", 0o666)
            is_fault_that("imported", hook("prepare"), "prepare", "merge.xsl: writable by group or others")
    finally:
        shutil.rmtree(copy)


def a_stylesheet_of_the_site_that_fails():
    """The policy holds without it, and the log says so loudly."""
    configure("[windows]\nstylesheets = clock.xsl hyperv.xsl none.xsl\n")
    result = hook("prepare")
    is_rewritten("prepare", result)
    equal(f"{result}", [priority for priority, _ in result.log], [3 << 3 | 3])
    within("log", result.log[0][1], "stylesheet none.xsl: not in ")
    configure(DENY + "[windows]\nstylesheets = clock.xsl hyperv.xsl none.xsl\n")
    is_denied("prepare", hook("prepare"))


def tests():
    for function in (no_engine, an_engine_that_is_none, an_engine_of_another_version,
                     an_engine_that_crashes,
                     a_crash_denies_what_the_configuration_denies,
                     an_engine_that_hangs,
                     a_configuration_that_is_wrong,
                     what_is_wrong_in_part_is_told_and_the_rest_holds,
                     a_guest_that_is_only_told_of, a_wrong_configuration_still_says_deny,
                     a_configuration_that_others_may_write, a_configuration_of_another_user,
                     a_configuration_that_is_no_file, on_error_deny_is_for_prepare,
                     a_configuration_that_is_replaced_meanwhile, no_stylesheets,
                     stylesheets_that_others_may_write, a_stylesheet_of_the_site_that_fails):
        yield "faults: " + function.__name__.replace("_", " "), function
