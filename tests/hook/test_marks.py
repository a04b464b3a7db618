# SPDX-License-Identifier: LGPL-2.1-or-later
"""What one call of the hook tells a later one."""

import glob
import os
import time

import harness
from harness import (COMPLIANT, OTHER_UUID, PASSWORD, STATE, VIOLATING, equal, guest, hook,
                     mount, true, umount, within)

ANYWHERE = False


def marks():
    """Those that say anything: an empty one is what `prepare` of a guest that violates leaves."""
    return [path for path in glob.glob(os.path.join(glob.escape(STATE), "*"))
            if os.path.getsize(path) and os.path.basename(path) != "decisions"]


def rewritten(result):
    equal(f"{result}", (result.code, result.err), (0, ""))
    return b"localtime" in result.out


def the_next_prepare_of_a_guest_in_flight_is_left_alone():
    for operation in ("migrate", "restore"):
        hook(operation)
        true("another guest is not in flight", rewritten(hook("prepare", name="win2")))
        true(f"{operation}: left alone", not rewritten(hook("prepare")))
        true("the mark is used up", rewritten(hook("prepare")))


def define_is_no_part_of_it():
    hook("migrate")
    true("define", rewritten(hook("define")))
    true("prepare", not rewritten(hook("prepare")))


def a_mark_in_flight_is_void_after_a_minute():
    hook("migrate")
    mark, = marks()
    then = time.clock_gettime(time.CLOCK_BOOTTIME) - 62
    with open(mark, "w", encoding="ascii") as file:
        file.write(f"{then:.0f}")
    true("too old", rewritten(hook("prepare")))
    equal("marks", marks(), [])


def without_engine(operation):
    """Whether the call is answered without the engine."""
    engine = os.path.join(harness.LIB, "engine.so")
    os.rename(engine, engine + ".away")
    try:
        result = hook(operation)
    finally:
        os.rename(engine + ".away", engine)
    equal(operation, (result.code, result.out), (0, b""))
    return not result.err and not result.log


def a_guest_that_was_compliant_costs_nothing_at_started():
    hook("prepare", COMPLIANT)
    true("started does not load the engine", without_engine("started"))
    true("but the next one does", not without_engine("started"))


def a_mark_is_for_one_name():
    hook("prepare", COMPLIANT, name="win2")
    true("another guest", not without_engine("started"))


def the_end_of_a_guest_takes_its_mark_away():
    for operation in ("stopped", "release"):
        hook("prepare", COMPLIANT)
        equal(operation, (lambda r: (r.code, r.out, r.err))(hook(operation, b"", sub="end")),
              (0, b"", ""))
        equal("marks", marks(), [])


def a_guest_that_violates_is_not_settled():
    hook("prepare", COMPLIANT)
    hook("prepare", VIOLATING)
    true("started looks again", not without_engine("started"))


def a_fault_settles_nothing():
    hook("prepare", COMPLIANT)
    hook("prepare", b"<domain>")
    true("started looks again", not without_engine("started"))


def names_stay_in_the_directory():
    for name in ("../../x", "/etc/x", ".", "..", "a b", "x" * 300, "%s%n", "-", ""):
        hook("prepare", COMPLIANT, name=name)
        hook("started", COMPLIANT, name=name)
        hook("release", b"", name=name, sub="end")
    equal("marks", marks(), [])


def a_directory_that_others_may_enter_is_not_used():
    for mode in (0o777, 0o770, 0o1777):
        os.chmod(STATE, mode)
        hook("migrate")
        true("no mark", rewritten(hook("prepare")))
        equal("marks", marks(), [])


def a_state_directory_that_takes_nothing_costs_nothing():
    """Read-only, and full."""
    for options in (["-o", "ro,mode=0700"], ["-o", "mode=0700,nr_inodes=1"]):
        mount("-t", "tmpfs", *options, "none", STATE)
        try:
            hook("migrate")
            true(f"{options}: prepare", rewritten(hook("prepare")))
            equal("compliant", hook("prepare", COMPLIANT).code, 0)
            equal("started", hook("started", COMPLIANT).code, 0)
        finally:
            umount(STATE)


def a_mark_holds_no_xml():
    hook("migrate")
    hook("prepare", guest(clock=harness.POLICY, uuid=OTHER_UUID), name="win2")
    equal("marks", len(marks()), 2)
    for mark in marks():
        with open(mark, "rb") as file:
            text = file.read()
        true(f"{mark}: {text!r}", len(text) <= 20 and b"<" not in text)
        equal("mode", os.stat(mark).st_mode & 0o7777, 0o600)
        true("no password", PASSWORD not in mark)
    within("their names", "".join(marks()), "flight.win1", "settled.win2")


def every_decision_is_counted():
    hook("define", VIOLATING)
    hook("prepare", COMPLIANT)
    hook("prepare", b"<domain>")
    hook("nothing", COMPLIANT)
    with open(os.path.join(STATE, "decisions"), "rb") as file:
        equal("define rewritten, prepare compliant, prepare failed", file.read().hex(), "063438")
    equal("mode", os.stat(os.path.join(STATE, "decisions")).st_mode & 0o7777, 0o600)


def tests():
    for function in (the_next_prepare_of_a_guest_in_flight_is_left_alone, define_is_no_part_of_it,
                     a_mark_in_flight_is_void_after_a_minute,
                     a_guest_that_was_compliant_costs_nothing_at_started, a_mark_is_for_one_name,
                     the_end_of_a_guest_takes_its_mark_away, a_guest_that_violates_is_not_settled,
                     a_fault_settles_nothing, names_stay_in_the_directory,
                     a_directory_that_others_may_enter_is_not_used,
                     a_state_directory_that_takes_nothing_costs_nothing, a_mark_holds_no_xml,
                     every_decision_is_counted):
        yield "marks: " + function.__name__.replace("_", " "), function
