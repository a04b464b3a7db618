#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shows what the program does: a Windows guest defined wrong is started on a private hypervisor
without it and on one with it, both in Asia/Shanghai, and the two are set side by side.

--probe: only says whether a private hypervisor can run here (exit 77 and the reason if not)."""

import sys
import textwrap

import case
import clockguest
import guest
from host import Host, HostError, wait_for

ZONE = "Asia/Shanghai"
NAME = "instance-0000002a"
BOOT_SECONDS = 120
ROWS = (
    ("-rtc base=localtime,driftfix=slew", "rtc"), ("kvm-pit.lost_tick_policy=delay", "pit"),
    ("no HPET", "hpet"), ("hv-time", "hypervclock"), ("hv-relaxed", "relaxed"),
    ("hv-vapic", "vapic"), ("hv-spinlocks=0x1fff", "spinlocks"))


def definition():
    if clockguest.missing():
        return guest.domain(NAME)
    return clockguest.domain(NAME)


def observe(tree):
    """One hypervisor, one guest: what QEMU was told, and what the guest's clock shows."""
    with Host(tree, timezone=ZONE) as host:
        if not clockguest.missing():
            clockguest.install(host)
        host.virsh_xml("define", definition())
        host.virsh("start", NAME)
        argv = host.cmdline(NAME)
        seen = {"flags": guest.flags(argv), "rtc": argv[argv.index("-rtc") + 1],
                "stored": guest.clock_of(host.virsh("dumpxml", "--inactive", NAME).stdout)[0],
                "log": host.log_lines("winguest"), "clock": None}
        if not clockguest.missing():
            seen["clock"] = wait_for("the guest's clock", lambda: clockguest.read(host, NAME),
                                     BOOT_SECONDS)
        return seen


def clock_rows(without, with_us):
    if not with_us["clock"]:
        return [("guest's own clock", "not seen", "not seen")]
    pair = [each["clock"] for each in (without, with_us)]
    return [("guest's own clock (RTC)", *(each["rtc"] for each in pair)),
            ("ahead of UTC by", *(f"{round(each['ahead'] / 3600)} h" for each in pair))]


def table(without, with_us):
    rows = [("", "without", "with libvirt-winguest"),
            ("the client's definition", "offset='utc'", "offset='utc'"),
            ("what libvirt keeps of it", *(f"offset='{each['stored']}'"
                                           for each in (without, with_us)))]
    for label, flag in ROWS:
        rows.append(("QEMU: " + label, *("yes" if each["flags"][flag] else "-"
                                         for each in (without, with_us))))
    rows += clock_rows(without, with_us)
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for number, row in enumerate(rows):
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        if number == 0:
            print("  " + "  ".join("-" * width for width in widths))


def main():
    reason = case.require(needs_tree="--probe" not in sys.argv)
    if reason is None and not Host.timezone_known(ZONE):
        reason = f"no time zone {ZONE}: install tzdata"
    if reason:
        print(reason)
        sys.exit(77)
    if "--probe" in sys.argv:
        return
    print(f"A cloud in {ZONE} defines a Windows guest with <clock offset='utc'/> and starts it,\n"
          "on a private libvirtd without us ...", flush=True)
    without = observe(None)
    print("... and on one with us.\n", flush=True)
    with_us = observe(case.tree())
    table(without, with_us)
    if clockguest.missing():
        print(f"\n(The guest's clock was not read: {clockguest.missing()}.)")
    print(f"\nA Windows guest takes its RTC for local time: {ZONE} is UTC+8, and without us it is\n"
          "8 hours wrong from the first second. The log says what was done:\n")
    for line in with_us["log"]:
        print(textwrap.fill(line.partition(": ")[2], 96, initial_indent="  ",
                            subsequent_indent="      "))
    if not all(with_us["flags"].values()):
        sys.exit("demo: the guest did not get the whole policy")


if __name__ == "__main__":
    try:
        main()
    except HostError as err:
        sys.exit(f"demo: {err}")
