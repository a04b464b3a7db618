#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the operator has it repair, the hook alone makes wrong guests right at once: every one of them
that has a definition, without an error for its client."""

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
from host import wait_for
from repairs import (NONE, STATE, STORED, Watcher, clients, compliant, hooked, nothing_left, paused,
                     said)

CLIENTS = 5


def blips(host):
    """The milliseconds for which each repaired guest was off."""
    found = [int(re.search(r"off for (\d+) ms", line).group(1))
             for line in host.log_lines("repaired, off for")]
    return sorted(found)


def boot(conn, name, secret, start_paused):
    """As clouds do: defined and started in one breath. Returns the guest."""
    domain = conn.defineXML(guest.domain(name, uuid=uuid.uuid4(), devices=guest.vnc(secret),
                                         description="mark-" + secret))
    domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED if start_paused else 0)
    return domain


def cold_boots():
    """30 boots, running and paused with the client resuming at once."""
    with hooked() as host, Watcher(host) as watcher:
        secrets = []

        def work(index, conn):
            for turn in range(30 // CLIENTS):
                secret = case.password()
                start_paused = turn % 2 == 1
                domain = boot(conn, f"g{index}-{turn}", secret, start_paused)
                watcher.expect(domain.UUIDString())
                if start_paused:
                    domain.resume()
                line = said(host, domain.UUIDString(), "")
                true(f"it was repaired: {line}", "repaired" in line)
                compliant(host, domain, secret)
                watcher.release(domain.UUIDString())
                domain.destroy()
                domain.undefine()
                secrets.append(secret)

        equal("errors of clients", clients(host, CLIENTS, work), [])
        equal("guests that were not in the list", watcher.missing, [])
        true(f"the list was looked at ({watcher.looks} times)", watcher.looks > 100)
        equal("repairs", len(blips(host)), 30)
        print(f"30 boots, off for {blips(host)[15]} ms (median), {blips(host)[-1]} ms (most)")
        for secret in secrets[:5]:
            equal("places that hold a password", case.holders(host, secret), [])
        nothing_left(host)


def paused_starts():
    """20 guests started paused, each resumed by its client when that likes: never before."""
    with hooked() as host:
        def work(index, conn):
            for turn in range(20 // CLIENTS):
                secret = case.password()
                domain = boot(conn, f"p{index}-{turn}", secret, True)
                before = domain.ID()
                end = time.monotonic() + random.uniform(0, 3)
                while time.monotonic() < end:
                    true("it is still paused", paused(domain))
                    time.sleep(0.05)
                equal("the boot", conn.lookupByName(domain.name()).ID(), before)
                equal("QEMU's flags", guest.flags(host.cmdline(domain.name())), NONE)
                domain.resume()
                line = said(host, domain.UUIDString(), "")
                true(f"it was repaired: {line}", "repaired" in line)
                compliant(host, domain, secret)
                true("it runs", not paused(domain))
                domain.destroy()

        equal("errors of clients", clients(host, CLIENTS, work), [])
        equal("repairs", len(blips(host)), 20)


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
            line = said(host, domain.UUIDString(), "", 300)
            true(f"it was repaired: {line}", "repaired" in line)
            compliant(host, conn.lookupByName(f"a{index}"), f"secret{index:02}")

        begin = time.monotonic()
        equal("errors of clients", clients(host, 20, work), [])
        print(f"20 at once: all right after {time.monotonic() - begin:.1f} s")
        true("no more slots than repair.parallel",
             not os.path.exists(host.inside(f"{STATE}/slot.4")))


def again():
    """A client that puts its own definition back and boots again gets what the policy wants again; but
    a repair's own boot is not repaired, whatever the policy says by then."""
    with hooked() as host:
        wrong = guest.domain("again", uuid=uuid.uuid4(), devices=guest.vnc("secret00"))
        domain = host.conn.defineXML(wrong)
        for turn in (1, 2):
            domain.create()
            wait_for("the repair", lambda n=turn: len(blips(host)) == n, 120)
            if turn == 1:
                domain.destroy()
                host.conn.defineXML(wrong)
        before = host.conn.lookupByName("again").ID()
        nothing_left(host)
        host.put("/etc/libvirt/winguest.conf", "[windows]\nhyperv.spinlocks.retries = 9000\n", 0o644)
        done = host.run("winguest", "repair", domain.UUIDString())
        true(f"it says why: {done.stdout}", "a repair's own" in done.stdout)
        equal("the boot", host.conn.lookupByName("again").ID(), before)
        true("the definition is corrected", "retries='9000'" in domain.XMLDesc(STORED))


def by_hand():
    """`winguest repair`: of a guest that runs as it must, of one that does not, of none."""
    with hooked() as host:
        host.put("/etc/libvirt/winguest.conf",
                 "[enforce]\ncold_start = report\nrepair.window = 600\n", 0o644)
        domain = host.conn.defineXML(guest.domain("hand", devices=guest.vnc("secret00")))
        domain.create()
        done = host.run("winguest", "repair", domain.UUIDString().upper())
        equal("exit code", (done.returncode, done.stderr), (0, ""))
        true(f"it tells: {done.stdout}", "repaired" in done.stdout)
        compliant(host, domain, "secret00")
        done = host.run("winguest", "repair", domain.UUIDString())
        true(f"it tells: {done.stdout}", "runs as it must" in done.stdout and done.returncode == 0)
        for words in ((), ("win",), (str(uuid.uuid4()),), ("--pending", domain.UUIDString()),
                      ("--id", "1x", domain.UUIDString()), ("--id", "", domain.UUIDString())):
            done = host.run("winguest", "repair", *words)
            equal(f"exit code of {words}", done.returncode, 2)
            equal(f"lines of {words}", done.stderr.count("\n"), 1)
        equal("exit code of --pending", host.run("winguest", "repair", "--pending").returncode, 0)
        equal("repairs", len(blips(host)), 1)


if __name__ == "__main__":
    case.run(cold_boots, paused_starts, all_at_once, again, by_hand)
