#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the guest itself sees: the RTC of a Windows guest on a host in Asia/Shanghai."""

import case
import clockguest
import guest
from case import equal, true
from host import Host, wait_for

HOURS_AHEAD = 8
# A guest takes seconds to print its clock and a loaded machine longer; zones differ by hours.
TOLERANCE = 600
BOOT_SECONDS = 100


def clock_of_a_boot(host, name):
    seen = wait_for(f"the clock of guest {name}", lambda: clockguest.read(host, name),
                    BOOT_SECONDS)
    print(f"# {name}: RTC {seen['rtc']}, {seen['ahead'] / 3600:+.2f} h, {seen['sources']}")
    return seen


def off_by(seen, hours):
    return abs(seen["ahead"] - hours * 3600)


def with_us():
    with Host(case.tree(), timezone="Asia/Shanghai") as host:
        clockguest.install(host)
        host.conn.defineXML(clockguest.domain("win")).create()
        host.conn.defineXML(clockguest.domain("linux", os_type="linux")).create()
        win, linux = (clock_of_a_boot(host, name) for name in ("win", "linux"))
        true("a Windows guest's RTC shows the host's local time",
             off_by(win, HOURS_AHEAD) < TOLERANCE)
        true("it has no HPET", "hpet" not in win["sources"])
        true("a Linux guest's RTC shows UTC", off_by(linux, 0) < TOLERANCE)


def without_us():
    """The bug itself: if this one fails, the test above proves nothing."""
    with Host(timezone="Asia/Shanghai") as host:
        clockguest.install(host)
        host.conn.defineXML(clockguest.domain("win")).create()
        true("its RTC shows UTC", off_by(clock_of_a_boot(host, "win"), 0) < TOLERANCE)


def needs():
    if not Host.timezone_known("Asia/Shanghai"):
        return "no time zone Asia/Shanghai: install tzdata"
    return clockguest.missing()


if __name__ == "__main__":
    case.run(with_us, without_us, requirement=needs)
