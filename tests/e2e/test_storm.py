#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many guests at once on a busy machine: all that start with the daemon, and many clients that define and
start. All are right at their first boot, none is booted twice or lost. How long each waited is printed,
against the same daemon without us; $WINGUEST_STORM guests, 10 by itself (`make check-storms`: 50)."""

import multiprocessing
import os
import statistics
import threading
import time

import libvirt

import case
import guest
from case import equal, true
from host import Host, wait_for

GUESTS = int(os.environ.get("WINGUEST_STORM", "10"))
CLIENTS = max(4, GUESTS * 2 // 5)
CONF = "max_clients = 200\nmax_anonymous_clients = 100\nmax_workers = 40\n"
ALL = {name: True for name in guest.FLAGS}
NONE = {name: False for name in guest.FLAGS}
case.SCRIPT_SECONDS += 20 * GUESTS


def burn():
    while True:
        pass


class Busy:
    """As many processes as there are processors, that do nothing but take their time."""

    def __enter__(self):
        self.burners = [multiprocessing.Process(target=burn, daemon=True)
                        for _ in range(os.cpu_count())]
        for each in self.burners:
            each.start()

    def __exit__(self, *_):
        for each in self.burners:
            each.kill()
            each.join()


def os_type(number):
    """Every other one is Windows, and wrong as nova defines it."""
    return "linux" if number % 2 else "windows"


def are_right(host, names, with_us):
    for number, name in enumerate(names):
        wanted = ALL if with_us and os_type(number) == "windows" else NONE
        equal(f"QEMU's flags of {name}", guest.flags(host.cmdline(name)), wanted)
        with open(os.path.join(host.base, "log", "qemu", name + ".log"), encoding="utf-8") as source:
            equal(f"boots of {name}", source.read().count(": starting up libvirt version"), 1)


def told(what, waits):
    """waits: {with us: seconds of each guest}"""
    ours, others = (sorted(waits[each]) for each in (True, False))
    ratio = statistics.median(ours) / statistics.median(others)
    print(f"# {what}, of {len(ours)}: median {statistics.median(ours):.2f} s, last {ours[-1]:.2f} s; without us "
          f"{statistics.median(others):.2f} s and {others[-1]:.2f} s; ratio of the medians {ratio:.2f}",
          flush=True)


def autostart(with_us):
    """How long after the daemon was told to start each guest was running."""
    names = [f"g{number}" for number in range(GUESTS)]
    with Host(case.tree(), preload=False, hook=False, libvirtd_conf=CONF) as host:
        for number, name in enumerate(names):
            host.conn.defineXML(guest.domain(name, os_type=os_type(number), memory=16)).setAutostart(True)
        host.stop()
        os.unlink(host.inside("/run/libvirt/qemu/autostarted"))  # as after the host's boot
        running = {}
        with Busy():
            begin = time.monotonic()
            if with_us:
                equal("exit of apply", host.run("winguest", "apply", "--offline").returncode, 0)
            host.start(preload=with_us)
            while len(running) < GUESTS:
                true(f"{len(running)} of {GUESTS} run", time.monotonic() - begin < 20 * GUESTS)
                for domain in host.conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
                    running.setdefault(domain.name(), time.monotonic() - begin)
                time.sleep(0.05)
        are_right(host, names, with_us)
        return list(running.values())


def start_with_the_host():
    told("guests that start with the daemon", {each: autostart(each) for each in (False, True)})


def define_and_start(with_us):
    """How long each client waited until its guest ran."""
    names = [f"c{number}" for number in range(CLIENTS)]
    waits, failed = {}, []
    with Host(case.tree(), preload=with_us, hook=with_us, libvirtd_conf=CONF) as host:
        gate = threading.Barrier(CLIENTS)

        def live(number, name):
            try:
                conn = libvirt.open(host.uri())
                gate.wait()
                begin = time.monotonic()
                conn.defineXML(guest.domain(name, os_type=os_type(number), memory=16)).create()
                waits[name] = time.monotonic() - begin
                conn.close()
            except Exception as err:  # told below
                failed.append(f"{name}: {err!r}")

        clients = [threading.Thread(target=live, args=each) for each in enumerate(names)]
        with Busy():
            for each in clients:
                each.start()
            for each in clients:
                each.join()
        equal("failed clients", failed, [])
        for name in names:
            wait_for(name, host.conn.lookupByName(name).isActive, 10)
        are_right(host, names, with_us)
        return list(waits.values())


def clients_at_once():
    told("clients that define and start", {each: define_and_start(each) for each in (False, True)})


if __name__ == "__main__":
    case.run(start_with_the_host, clients_at_once)
