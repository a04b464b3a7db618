#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""With the filter in libvirtd: many clients for a while ($WINGUEST_LOAD_SECONDS, 20 by itself).
Nothing may be left: no descriptor, no zombie, no memory that grows, no wrong guest."""

import os
import random
import threading
import time

import libvirt

import case
import guest
from case import equal, true
from host import Host

SECONDS = int(os.environ.get("WINGUEST_LOAD_SECONDS", "20"))
CLIENTS = 32
ALL = {name: True for name in guest.FLAGS}
CONF = "max_clients = 200\nmax_anonymous_clients = 100\nmax_workers = 40\n"
case.SCRIPT_SECONDS += 3 * SECONDS


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as source:
        return next(int(line.split()[1]) for line in source if line.startswith("VmRSS"))


def zombies(parent):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as source:
                fields = source.read().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] == "Z" and int(fields[1]) == parent:
            found.append(int(pid))
    return found


def thousand_definitions():
    """One client. The first hundred warm libvirtd up; what it takes then, it has to keep to."""
    with Host(case.tree(), hook=False) as host:
        pid = host.daemon_pid()
        for number in range(1000):
            if number == 100:
                before = descriptors(pid), resident_kib(pid)
            domain = host.conn.defineXML(guest.domain(f"g{number % 10}"))
            if number % 10 == 9:
                for each in host.conn.listAllDomains():
                    each.undefine()
        after = descriptors(pid), resident_kib(pid)
        equal("descriptors", after[0], before[0])
        print(f"# resident: {before[1]} KiB after 100 definitions, {after[1]} after 1000")
        true(f"libvirtd grew from {before[1]} to {after[1]} KiB", after[1] < before[1] + 4096)
        equal("zombies", zombies(pid), [])
        del domain


class Client(threading.Thread):
    """Defines, starts, destroys and undefines guests of its own until it is told to stop."""

    def __init__(self, host, number, until):
        super().__init__()
        self.host, self.number, self.until = host, number, until
        self.rounds = 0
        self.failed = None

    def run(self):
        try:
            while time.monotonic() < self.until:
                conn = libvirt.open(self.host.uri())
                self.live(conn, f"g{self.number}-{self.rounds}")
                conn.close()
                self.rounds += 1
        except Exception as err:  # told by whoever started the thread
            self.failed = f"client {self.number}: {err!r}"

    def live(self, conn, name):
        xml = guest.domain(name, memory=16)
        if self.rounds % 3 == 2:
            domain = conn.createXML(xml, libvirt.VIR_DOMAIN_START_PAUSED)
        else:
            domain = conn.defineXML(xml)
            domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
        offset, timers = guest.clock_of(domain.XMLDesc())
        equal("offset", offset, "localtime")
        equal("rtc", timers["rtc"], {"tickpolicy": "catchup"})
        equal("enlightenments", sorted(guest.hyperv_of(domain.XMLDesc())),
              ["relaxed", "spinlocks", "vapic"])
        domain.destroy()
        if self.rounds % 3 != 2:
            domain.undefine()


def load(host, seconds):
    """Runs the clients; returns how many guests they ran."""
    until = time.monotonic() + seconds
    clients = [Client(host, number, until) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    equal("failed clients", [client.failed for client in clients if client.failed], [])
    return sum(client.rounds for client in clients)


def settled(read, seconds=10):
    """libvirtd closes a client's connection some time after the client has."""
    value = read()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.2)
        value = min(value, read())
    return value


def many_clients():
    with Host(case.tree(), hook=False, libvirtd_conf=CONF) as host:
        pid = host.daemon_pid()
        true("libvirtd answers", host.conn.getVersion())
        load(host, SECONDS / 2)
        before = settled(lambda: descriptors(pid)), resident_kib(pid)
        guests = load(host, SECONDS)
        after = settled(lambda: descriptors(pid)), resident_kib(pid)
        print(f"# {guests} guests of {CLIENTS} clients in {SECONDS} s; descriptors {before[0]} "
              f"then {after[0]}; resident {before[1]} then {after[1]} KiB")
        equal("libvirtd", host.daemon_pid(), pid)
        true(f"descriptors: {before[0]}, then {after[0]}", after[0] <= before[0])
        true(f"libvirtd grew from {before[1]} to {after[1]} KiB", after[1] < before[1] * 1.2 + 4096)
        equal("zombies", zombies(pid), [])
        equal("guests left", host.conn.listAllDomains(), [])
        equal("faults", host.log_lines(r"^<2[4-8]>winguest\[\d+\]: filter: "), [])


def engines_killed():
    """Whatever dies in the middle: every client's call goes through."""
    with Host(case.tree(), hook=False, libvirtd_conf=CONF) as host:
        stop = time.monotonic() + SECONDS / 2
        killed = []

        def kill_engines():
            while time.monotonic() < stop:
                for pid, argv in host.processes().items():
                    if "winguest" in argv[0] and random.random() < 0.5:
                        try:
                            os.kill(pid, 9)
                            killed.append(pid)
                        except ProcessLookupError:
                            pass

        def live(number):
            domain = host.conn.defineXML(guest.domain(f"g{number}", memory=16))
            domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
            domain.destroy()
            domain.undefine()

        killer = threading.Thread(target=kill_engines)
        pid = host.daemon_pid()
        live(0)
        before = settled(lambda: descriptors(pid), 2)
        killer.start()
        number = 1
        while time.monotonic() < stop:
            live(number)
            number += 1
        killer.join()
        print(f"# {number} guests, {len(killed)} engines killed")
        true("engines were killed", killed)
        equal("descriptors", settled(lambda: descriptors(pid), 2), before)
        equal("zombies", zombies(pid), [])


if __name__ == "__main__":
    case.run(thousand_definitions, many_clients, engines_killed)
