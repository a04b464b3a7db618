#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The policy sees in a document what libvirt sees in it: its view, each place with its value, is the same
of what a client writes and of what a real libvirtd makes of that; and what it rewrites, libvirt takes,
and finds it right. Of all fixtures, and of documents made at random with clocks, features,
enlightenments and timers that are repeated, out of order, in namespaces, and between comments.

The view is what two policies that want the opposite of each other have to say, each of which tells
only what is not as it wants it. Guests are TCG's, as every machine has that."""

import random
import re

import libvirt

import case
from case import equal, true
from host import Host
from test_recommended import skeleton, sources

ROUNDS = 400
SEED = 7
WINDOWS = "[rules]\nnames = *\n[windows]\n"
POLICIES = (WINDOWS + """hyperv.runtime.state = on
timer.kvmclock.present = no
timer.tsc.present = no
""", WINDOWS + """clock.offset = utc
timer.pit.tickpolicy = discard
timer.rtc.tickpolicy = delay
timer.hpet.present = yes
timer.hypervclock.present = no
timer.kvmclock.present = yes
timer.tsc.present = yes
hyperv.relaxed.state = off
hyperv.vapic.state = off
hyperv.spinlocks.state = off
hyperv.spinlocks.retries = 4095
hyperv.runtime.state = off
""")
TIMERS = {
    "rtc": ("tickpolicy='catchup'", "tickpolicy='delay'", "track='guest'", "present='yes'"),
    "pit": ("tickpolicy='delay'", "tickpolicy='discard'", "present='no'"),
    "hpet": ("present='no'", "present='yes'"),
    "hypervclock": ("present='yes'", "present='no'"),
    "kvmclock": ("present='no'",),
}
OFFSETS = ("", "offset='utc'", "offset='localtime'", "offset='utc' adjustment='reset'",
           "offset='variable' basis='localtime' adjustment='60'", "offset='variable' adjustment='3600'",
           "offset='timezone' timezone='Asia/Shanghai'", "offset='localtime' adjustment='120'")
MODE = ("<domain type='qemu'><name>m</name><memory>65536</memory><os><type>hvm</type></os><features>"
        "<hyperv mode='passthrough'/></features></domain>")  # libvirt 7.0 has none
# Of what it reads otherwise than those behind it: that, and namespaces in features.
NEWER = re.compile(r"hyperv[^>]* mode=|<features>(?:(?!</features>).)*\w:\w", re.S)
NOISE = ("", "", "<!-- a comment -->", "\n   ", "<?note here?>")


def some(chance, most, make):
    return [make() for _ in range(chance.choice(range(most + 1)))]


def pieces(chance, items):
    return "".join(chance.choice(NOISE) + item for item in items)


def timer(chance):
    name = chance.choice(list(TIMERS))
    prefix = chance.choice(("", "", "", "x:"))
    attributes = chance.choice(TIMERS[name])
    attributes = chance.choice(("", "", "x:")) + attributes
    return f"<{prefix}timer name='{name}' {attributes}/>"


def enlightenment(chance):
    name = chance.choice(("relaxed", "vapic", "runtime", "spinlocks", "reset", "vendor_id"))
    state = chance.choice(("on", "off"))
    more = {"spinlocks": f" retries='{chance.choice((4095, 8191, 9999))}'", "vendor_id": " value='abc'"}
    if state == "off":  # libvirt reads no more of it then
        more = {}
    prefix = chance.choice(("", "", "", "x:"))
    return f"<{prefix}{name} {chance.choice(('', '', 'x:'))}state='{state}'{more.get(name, '')}/>"


def hyperv(chance):
    prefix = chance.choice(("", "", "", "x:"))
    mode = chance.choice(("", "", " mode='custom'", " mode='passthrough'"))
    # What stands in one of passthrough some libvirts read, and others do not.
    inside = [] if "pass" in mode else some(chance, 4, lambda: enlightenment(chance))
    return f"<{prefix}hyperv{mode}>" + pieces(chance, inside) + f"</{prefix}hyperv>"


def features(chance):
    return "<features>" + pieces(chance, ["<acpi/>", *some(chance, 2, lambda: hyperv(chance))]) + "</features>"


def clock(chance):
    prefix = chance.choice(("", "", "", "", "x:"))
    return f"<{prefix}clock {chance.choice(OFFSETS)}>" + pieces(chance, some(chance, 5, lambda: timer(chance))) \
        + f"</{prefix}clock>"


def at_random(chance, number):
    parts = [*some(chance, 2, lambda: features(chance)), *some(chance, 3, lambda: clock(chance))]
    chance.shuffle(parts)
    return (f"<domain type='qemu' xmlns:x='urn:x'><name>random{number}</name><memory unit='MiB'>64</memory>"
            "<os><type arch='x86_64' machine='q35'>hvm</type></os>" + pieces(chance, parts) + "</domain>")


def documents():
    for name, source in sources():
        xml = skeleton(source, "qemu")
        if xml is not None:
            yield name, xml
    chance = random.Random(SEED)
    for number in range(ROUNDS):
        yield f"random {number}", at_random(chance, number)


def taken(host, xml):
    """What libvirt makes of it; None if it does not take it."""
    try:
        domain = host.conn.defineXML(xml)
    except libvirt.libvirtError:
        return None
    made = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    domain.undefine()
    return made


def checked(host, policy, files):
    """The verdict on each of them, without the guest's name."""
    done = host.run("winguest", "check", "--config", f"/etc/libvirt/policy{policy}", *files)
    true(f"exit of check: {done.stderr}", done.returncode in (0, 1))
    lines = done.stdout.splitlines()
    equal("verdicts", len(lines), len(files))
    return lines


def differences(line):
    """Each place that is told of with what it has; a number is a number however it is written."""
    found = re.findall(r"([a-z_.]+): (\S.*?) → ", line.partition("): ")[2])
    return sorted((place, str(int(has, 0)) if has.startswith("0x") else has) for place, has in found)


def without_retries(view):
    """libvirt forgets them with the state."""
    return [each for each in view if each[0] != "hyperv.spinlocks.retries"]


def views(host, documents_):
    """The view of each document."""
    files = []
    for number, xml in enumerate(documents_):
        host.put(f"/tmp/documents/{number}.xml", xml, 0o644)
        files.append(f"/tmp/documents/{number}.xml")
    both = [map(differences, checked(host, policy, files)) for policy in (0, 1)]
    return [tuple(without_retries(each) if ("hyperv.spinlocks.state", "off") in one else each
                  for each in (one, other)) for one, other in zip(*both)]


def read_as_libvirt_does():
    with Host(case.tree(), preload=False, hook=False) as host:
        for number, policy in enumerate(POLICIES):
            host.put(f"/etc/libvirt/policy{number}", policy, 0o644)
        names, written, made = [], [], []
        knows_mode = "<hyperv mode=" in (taken(host, MODE) or "")
        for name, xml in documents():
            read = taken(host, xml) if knows_mode or not NEWER.search(xml) else None
            if read is not None:
                names.append(name)
                written.append(xml)
                made.append(read)
        repeated = sum(name.startswith("random") for name in names)
        print(f"# {len(names)} documents that libvirt takes, {repeated} of them made at random")
        true("enough documents to mean something", len(names) > 200 and repeated > 100)
        wrong = [f"{name}: {set(map(str, ours)) ^ set(map(str, theirs))}\n{xml}"
                 for name, ours, theirs, xml in zip(names, views(host, written), views(host, made), written)
                 if ours != theirs]
        true(f"{len(wrong)} read otherwise, the first: {wrong[:1]}", not wrong)

        again = []
        for name, xml in zip(names, written):
            done = host.run("winguest", "rewrite", "--config", "/etc/libvirt/policy0", "-", input=xml)
            equal(f"exit of rewrite of {name}: {done.stderr}", done.returncode, 0)
            read = taken(host, done.stdout)
            true(f"{name} is not taken when it is rewritten: {done.stdout}", read is not None)
            again.append(read)
        left = [f"{name}: {view[0]}" for name, view in zip(names, views(host, again)) if view[0]]
        equal("what is not right after the rewrite", left, [])


if __name__ == "__main__":
    case.run(read_as_libvirt_does)
