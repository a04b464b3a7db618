# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real starts, define and create through the Python binding, on private libvirtds with and without
the program, in turn."""

import os
import random
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
# Without the filter a wrong guest is started wrong; that it is reported is all that this costs.
REPORT = "[enforce]\ncold_start = report\n"
RESAMPLES = 2000


def hosts(tree):
    """{label: what makes its host}"""
    return {
        "without": {},
        # what libvirt takes to run any hook at all, three times a start
        "/bin/true as the hook": {"files": {"/etc/libvirt/hooks/qemu": "#!/bin/true\n"}},
        "hook": {"tree": tree, "preload": False, "config": REPORT},
        "hook and filter": {"tree": tree, "config": REPORT},
    }


def start(host, xml):
    """Milliseconds of defining and starting a guest; it is gone afterwards."""
    begun = time.perf_counter()
    domain = host.conn.defineXML(xml)
    domain.create()
    took = time.perf_counter() - begun
    domain.destroy()
    domain.undefine()
    return took * 1e3


def measure(rounds, tree):
    """{label: milliseconds of each start}"""
    import guest
    from host import Host
    opened = {}
    took = {label: [] for label in hosts(tree)}
    try:
        for label, made in hosts(tree).items():
            opened[label] = Host(**made)
        for number in range(-3, rounds):
            order = list(opened)
            random.shuffle(order)
            for label in order:
                each = start(opened[label], guest.domain(f"g{number + 3}", memory=16))
                if number >= 0:
                    took[label].append(each)
    finally:
        for host in opened.values():
            host.close()
    return took


def interval(values, others):
    """The ratio of the medians and its 95 % confidence interval, by resampling the rounds."""
    count = len(values)
    ratios = []
    for _ in range(RESAMPLES):
        rounds = [random.randrange(count) for _ in range(count)]
        ratios.append(statistics.median(values[i] for i in rounds) /
                      statistics.median(others[i] for i in rounds))
    ratios.sort()
    return (statistics.median(values) / statistics.median(others),
            ratios[int(RESAMPLES * 0.025)], ratios[int(RESAMPLES * 0.975)])


def table(rounds):
    import case
    print("\nA start: define and create of a Windows guest through libvirt's Python binding\n")
    reason = case.require()
    if reason:
        print(f"Not measured: {reason}.")
        return
    took = measure(rounds, case.tree())
    print("| host | ms | × without | 95 % | runs |\n| --- | --- | --- | --- | --- |")
    for label, values in took.items():
        ratio, low, high = interval(values, took["without"])
        print(f"| {label} | {statistics.median(values):.1f} | {ratio:.3f} | {low:.3f}–{high:.3f} | "
              f"{len(values)} |", flush=True)
