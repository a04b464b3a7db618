#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The hook alone makes wrong guests right: every one of them, without an error for its client."""

import os
import random
import re
import threading
import time
import uuid

import libvirt

import case
import guest
from case import equal, true
from repairs import (NONE, STATE, STORED, Watcher, clients, compliant, hooked, nothing_left, paused,
                     said)

CLIENTS = 5


def blips(host):
    """The milliseconds for which each repaired guest was off."""
    found = [int(re.search(r"off for (?:at most )?(\d+) ms", line).group(1))
             for line in host.log_lines("repaired, off for")]
    return sorted(found)


def boot(conn, name, secret, transient, start_paused):
    """As clouds do: defined and started in one breath. Returns the guest."""
    xml = guest.domain(name, uuid=uuid.uuid4(), devices=guest.vnc(secret),
                       description="mark-" + secret)
    flags = libvirt.VIR_DOMAIN_START_PAUSED if start_paused else 0
    if transient:
        return conn.createXML(xml, flags)
    domain = conn.defineXML(xml)
    domain.createWithFlags(flags)
    return domain


def cold_boots():
    """60 boots: persistent and transient, running and paused with the client resuming at once."""
    with hooked() as host, Watcher(host) as watcher:
        secrets = []

        def work(index, conn):
            for turn in range(60 // CLIENTS):
                secret = case.password()
                transient, start_paused = turn % 2 == 1, turn // 2 % 2 == 1
                domain = boot(conn, f"g{index}-{turn}", secret, transient, start_paused)
                watcher.expect(domain.UUIDString())
                if start_paused:
                    domain.resume()
                line = said(host, domain.UUIDString(), "", 60)
                true(f"it was repaired: {line}", "repaired" in line)
                compliant(host, domain, secret, transient)
                watcher.release(domain.UUIDString())
                domain.destroy()
                if not transient:
                    domain.undefine()
                secrets.append(secret)

        equal("errors of clients", clients(host, CLIENTS, work), [])
        equal("guests that were not in the list", watcher.missing, [])
        true(f"the list was looked at ({watcher.looks} times)", watcher.looks > 100)
        equal("repairs", len(blips(host)), 60)
        print(f"60 boots, off for {blips(host)[30]} ms (median), {blips(host)[-1]} ms (most)")
        for secret in secrets[:5]:
            equal("places that hold a password", case.holders(host, secret), [])
        nothing_left(host)


def paused_starts():
    """40 guests started paused, each resumed by its client when that likes: never before."""
    with hooked() as host:
        def work(index, conn):
            for turn in range(40 // CLIENTS):
                secret = case.password()
                transient = (index + turn) % 4 == 3
                domain = boot(conn, f"p{index}-{turn}", secret, transient, True)
                before = domain.ID()
                end = time.monotonic() + random.uniform(0, 3)
                while time.monotonic() < end:
                    true("it is still paused", paused(domain))
                    time.sleep(0.05)
                equal("the boot", conn.lookupByName(domain.name()).ID(), before)
                equal("QEMU's flags", guest.flags(host.cmdline(domain.name())), NONE)
                domain.resume()
                line = said(host, domain.UUIDString(), "", 60)
                true(f"it was repaired: {line}", "repaired" in line)
                compliant(host, domain, secret, transient)
                true("it runs", not paused(domain))
                domain.destroy()

        equal("errors of clients", clients(host, CLIENTS, work), [])
        equal("repairs", len(blips(host)), 40)


def all_at_once():
    """20 guests started at the same moment; no more are restarted at a time than allowed."""
    with hooked() as host:
        for index in range(20):
            host.conn.defineXML(guest.domain(f"a{index}", devices=guest.vnc(f"secret{index:02}")))
        barrier = threading.Barrier(20)

        def work(index, conn):
            domain = conn.lookupByName(f"a{index}")
            barrier.wait()
            domain.create()
            line = said(host, domain.UUIDString(), "", 90)
            true(f"it was repaired: {line}", "repaired" in line)
            compliant(host, conn.lookupByName(f"a{index}"), f"secret{index:02}")

        begin = time.monotonic()
        equal("errors of clients", clients(host, 20, work), [])
        print(f"20 at once: all right after {time.monotonic() - begin:.1f} s")
        true("no more places than repair.parallel",
             not os.path.exists(host.inside(f"{STATE}/place.4")))


def once_in_ten_minutes():
    """A client that puts its own definition back and boots again gets no second restart."""
    with hooked() as host:
        wrong = guest.domain("again", uuid=uuid.uuid4(), devices=guest.vnc("secret00"))
        domain = host.conn.defineXML(wrong)
        domain.create()
        said(host, domain.UUIDString(), "repaired")
        domain.destroy()
        host.conn.defineXML(wrong)
        domain.create()
        before = domain.ID()
        line = said(host, domain.UUIDString(), "not restarted")
        true(f"it says why: {line}", "less than 10 minutes ago" in line)
        equal("the boot", host.conn.lookupByName("again").ID(), before)
        equal("offset of the definition", guest.clock_of(domain.XMLDesc(STORED))[0], "localtime")


def by_hand():
    """`winguest repair`: of a guest that runs as it must, of one that does not, of none."""
    with hooked() as host:
        host.put("/etc/libvirt/winguest.conf", "[enforce]\ncold_start = report\n", 0o644)
        domain = host.conn.defineXML(guest.domain("hand", devices=guest.vnc("secret00")))
        domain.create()
        done = host.run("winguest", "repair", domain.UUIDString().upper())
        equal("exit code", (done.returncode, done.stderr), (0, ""))
        true(f"it tells: {done.stdout}", "repaired" in done.stdout)
        compliant(host, domain, "secret00")
        done = host.run("winguest", "repair", domain.UUIDString())
        true(f"it tells: {done.stdout}", "runs as it must" in done.stdout and done.returncode == 0)
        for words in ((), ("win",), (str(uuid.uuid4()),), ("--pending", domain.UUIDString())):
            done = host.run("winguest", "repair", *words)
            equal(f"exit code of {words}", done.returncode, 2)
            equal(f"lines of {words}", done.stderr.count("\n"), 1)
        equal("exit code of --pending", host.run("winguest", "repair", "--pending").returncode, 0)
        equal("repairs", len(blips(host)), 1)


if __name__ == "__main__":
    case.run(cold_boots, paused_starts, all_at_once, once_in_ten_minutes, by_hand)
