#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""200 running guests, of whose agents 20 hang: the others are asked in the time that those take, and no
longer than 5 s more; the 20 are named. Not part of `make check`: `make check-agents`. What
stands in for the agents is told in agentguest.py."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import libvirt

import agentguest
import case
from case import equal, true
from host import Host, wait_for
from test_discover import FILES, state

GUESTS = int(os.environ.get("WINGUEST_GUESTS", "200"))
HANGING = GUESTS // 10
# WG_AGENT_SECONDS, for as many rounds as those that hang take, WG_AGENT_PARALLEL at a time; and the rest is
# for all the others.
BOUND, MORE = 3 * -(-HANGING // 16), 5


def asked(host, *argv):
    begin = time.monotonic()
    done = host.run("winguest", *argv, timeout=600)
    seconds = time.monotonic() - begin
    true(f"exit {done.returncode}: {done.stderr}", done.returncode in (0, 1))
    return seconds, json.loads(done.stdout)["guests"]


def many():
    names = [f"guest-{number}" for number in range(GUESTS)]
    hanging = names[::GUESTS // HANGING]
    with Host(case.tree(), config="", files=FILES, timezone="Asia/Shanghai",
              libvirtd_conf="max_clients = 500\nmax_workers = 20\n") as host:
        agentguest.answer(host, {name: {"hangs": "guest-sync"} if name in hanging else
                                 {"os": agentguest.WINDOWS, "ahead": -28800} for name in names})

        def start(name):
            conn = libvirt.open(host.uri())
            conn.defineXML(agentguest.domain(name, memory=16)).create()
            conn.close()

        begin = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(start, names))
        for name in names:
            wait_for(f"the channel of {name}", lambda name=name: "state='connected'" in
                     host.conn.lookupByName(name).XMLDesc(), 120)
        print(f"# {GUESTS} guests came up in {time.monotonic() - begin:.0f} s")
        before = state(host)
        for argv in (["discover", "-f", "json"], ["audit", "--ask-guests", "-f", "json"]):
            seconds, guests = asked(host, *argv)
            said = {each["name"]: each["agent"] if argv[0] == "discover" else each["said"]["agent"]
                    for each in guests}
            print(f"# {argv[0]}: {seconds:.1f} s")
            equal("silent", sorted(name for name, each in said.items() if each == "silent"), sorted(hanging))
            equal("answer", sum(each == "answers" for each in said.values()), GUESTS - HANGING)
            true(f"{argv[0]} took {seconds:.1f} s", seconds <= BOUND + MORE)
        equal("states, definitions and taints", state(host), before)


if __name__ == "__main__":
    case.run(many)
