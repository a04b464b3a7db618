#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients that act on a guest while another one starts it, on a host whose QEMU is slow and, in
half of the rounds, cannot do what the policy wants. Each race is run on a libvirtd with the filter
and on one without, with the same delays: what the owner stopped or deleted must not run, what he
wanted up must run, and no call may fail that does not fail without the filter."""

import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import libvirt

import case
import guest
from case import equal, true
from host import Host

ROUNDS = 24
AT_ONCE = 12
SLOW = "/usr/local/bin/slow-qemu"
# It waits before it is QEMU, and stays until libvirt is connected to it when it refuses.
SLOW_TEXT = """#!/bin/sh
case "$*" in *-name*) sleep 1.5 ;; esac
case "$*" in
  *guest=picky*base=localtime*) echo "picky: no local time" >&2; sleep 0.5; exit 1 ;;
esac
exec /usr/bin/qemu-system-x86_64 "$@"
"""
STORED = libvirt.VIR_DOMAIN_XML_SECURE | libvirt.VIR_DOMAIN_XML_INACTIVE


def attempt(calls, what, call):
    """Makes a client's call and notes whether it has worked."""
    try:
        call()
        calls[what] = "ok"
    except libvirt.libvirtError as err:
        calls[what] = err.get_error_message()
    return calls[what] == "ok"


def starts(conn, xml, transient, calls):
    if transient:
        return attempt(calls, "start", lambda: conn.createXML(xml, 0))
    return attempt(calls, "start", lambda: conn.lookupByName(calls["name"]).create())


class Round:
    """One guest, the client that starts it and the client that interferes."""

    def __init__(self, host, index, delay, transient, interfere):
        self.host, self.delay = host, delay
        self.transient, self.interfere = transient, interfere
        self.name = f"{'picky' if index % 2 else 'plain'}-{index}"
        self.xml = guest.domain(self.name, uuid=uuid.uuid4(), emulator=SLOW)
        self.calls = {"name": self.name}

    def first(self):
        conn = libvirt.open(self.host.uri())
        starts(conn, self.xml, self.transient, self.calls)
        conn.close()

    def second(self):
        conn = libvirt.open(self.host.uri())
        time.sleep(self.delay)
        self.interfere(self, conn)
        conn.close()

    def run(self):
        if not self.transient:
            self.host.conn.defineXML(self.xml)
        threads = [threading.Thread(target=self.first), threading.Thread(target=self.second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = [each for each in self.host.conn.listAllDomains() if each.name() == self.name]
        self.defined = bool(found) and found[0].isPersistent() == 1
        self.running = bool(found) and found[0].isActive() == 1
        if self.running:
            found[0].destroy()  # the other rounds need the processor
        return self


def domain_of(conn, round_):
    """The guest, as soon as it is there: a transient one may not be yet."""
    for _ in range(500):
        try:
            return conn.lookupByName(round_.name)
        except libvirt.libvirtError:
            time.sleep(0.01)
    return None


def destroys(round_, conn):
    domain = domain_of(conn, round_)
    if domain:
        attempt(round_.calls, "destroy", domain.destroy)


def destroys_at_once(round_, conn):
    """Again and again, so that it comes within the same millisecond as the guest."""
    domain = domain_of(conn, round_)
    while domain and not attempt(round_.calls, "destroy", domain.destroy):
        time.sleep(0.001)


def undefines(round_, conn):
    attempt(round_.calls, "undefine", conn.lookupByName(round_.name).undefine)


def deletes(round_, conn):
    domain = conn.lookupByName(round_.name)
    attempt(round_.calls, "destroy", domain.destroy)
    attempt(round_.calls, "undefine", domain.undefine)


def redefines(round_, conn):
    xml = round_.xml.replace("<description>", "<description>edited")
    attempt(round_.calls, "define", lambda: conn.defineXML(xml))


def also_starts(round_, conn):
    attempt(round_.calls, "second", conn.lookupByName(round_.name).create)


def race(interfere, transient, filtered):
    """All rounds of a race on one host, some at a time; the delays are the same each time."""
    delays = random.Random(11)
    done = []
    with Host(case.tree(), preload=filtered, hook=False, files={SLOW: SLOW_TEXT}) as host:
        rounds = [Round(host, index, delays.uniform(0, 3), transient, interfere)
                  for index in range(ROUNDS)]
        todo = iter(rounds)
        lock = threading.Lock()

        def work():
            while True:
                with lock:
                    each = next(todo, None)
                if each is None:
                    return
                done.append(each.run())

        host.conn  # made before there are threads
        threads = [threading.Thread(target=work) for _ in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for each in done:
            each.log = host.log_lines(each.name)
        equal("QEMUs that libvirt has lost",
              [argv for argv in host.processes().values() if "-name" in argv], [])
    equal("rounds that came to their end", len(done), ROUNDS)
    return sorted(done, key=lambda each: int(each.name.split("-")[1]))


def failed(calls, but=()):
    return {what: said for what, said in calls.items()
            if what not in ("name", *but) and said != "ok"}


def compare(interfere, judge, transient=False):
    """judge() says what is wrong of a round with the filter; the calls are counted in both."""
    with ThreadPoolExecutor(2) as pool:
        without, with_ = pool.map(lambda filtered: race(interfere, transient, filtered),
                                  (False, True))
    print(f"# {interfere.__name__}{' transient' if transient else ''}: calls that failed without "
          f"the filter {sum(len(failed(each.calls)) for each in without)}, with it "
          f"{sum(len(failed(each.calls)) for each in with_)}; running "
          f"{sum(each.running for each in without)}, {sum(each.running for each in with_)}")
    for each in with_:
        if judge(each):
            print("# " + "\n# ".join(each.log))
    equal("what is wrong without the filter", [judge(each) for each in without if judge(each)], [])
    equal("what is wrong with the filter", [judge(each) for each in with_ if judge(each)], [])


def stays_stopped(round_):
    """Whoever's destroy succeeded has stopped it. Of a transient guest that is being started
    libvirt says that there is none, once the destroy has ended it."""
    calls = round_.calls
    if "destroy" not in calls:
        return f"{round_.name}: the guest was never there"
    if calls["destroy"] == "ok" or round_.transient and "not found" in calls["destroy"]:
        return f"{round_.name} at {round_.delay:.3f} runs: {calls}" if round_.running else None
    if calls["start"] != "ok" or not round_.running:
        return f"{round_.name} at {round_.delay:.3f} is down: {calls}"
    return None


def destroyed():
    compare(destroys, stays_stopped)


def destroyed_transient():
    compare(destroys, stays_stopped, transient=True)


def destroyed_at_once():
    compare(destroys_at_once, stays_stopped)


def undefined():
    """It goes on as a transient guest, if the start has come first."""
    def judge(round_):
        started = round_.calls["start"] == "ok"
        if round_.defined or failed(round_.calls, but=("start",)) or round_.running != started:
            return f"{round_.name} at {round_.delay:.3f}: {round_.calls}, {vars(round_)}"
        if not started and "not found" not in round_.calls["start"]:
            return f"{round_.name} at {round_.delay:.3f}: {round_.calls}"
        return None

    compare(undefines, judge)


def deleted():
    def judge(round_):
        calls = round_.calls
        if round_.defined or calls["undefine"] != "ok":
            return f"{round_.name} at {round_.delay:.3f} is still there: {calls}"
        if calls["destroy"] == "ok" and round_.running:
            return f"{round_.name} at {round_.delay:.3f} runs: {calls}"
        return None

    compare(deletes, judge)


def redefined():
    """Neither client notices the other, and the second one's word is what is stored."""
    def judge(round_):
        bad = failed(round_.calls) or not round_.running or not round_.defined
        return f"{round_.name} at {round_.delay:.3f}: {round_.calls}" if bad else None

    compare(redefines, judge)


def started_twice():
    """One start succeeds and the other says that it runs."""
    def judge(round_):
        said = [round_.calls["start"], round_.calls["second"]]
        if not round_.running or said.count("ok") != 1:
            return f"{round_.name} at {round_.delay:.3f}: {said}"
        return None if any("already" in each for each in said) else f"{round_.name}: {said}"

    compare(also_starts, judge)


if __name__ == "__main__":
    case.run(destroyed, destroyed_transient, destroyed_at_once, undefined, deleted, redefined,
             started_twice)
