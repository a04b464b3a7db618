#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the profile `recommended` makes of every fixture is taken by a real libvirtd: defined, and
started, with the fixture's own clock and features and a machine around them that can start here.

A start is one under TCG, which has no vpindex: the type is made qemu before the rewrite. What the
rewrite makes of a KVM guest is defined, not started."""

import os
import xml.etree.ElementTree as etree

import libvirt

import case
import guest
from case import equal, true
from host import Host

FIXTURES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fixtures")
CONFIG = "[windows]\nprofile = recommended\n[rules]\nnames = *\n"
FACTS = """\
[facts:1]
virttype = kvm
hyperv = relaxed vapic spinlocks vpindex runtime synic stimer reset frequencies tlbflush ipi
"""
# Of the fixture: what the policy is about, and who the guest is.
KEPT = ("name", "metadata", "clock", "features")
# Features that want firmware, another architecture or hardware of the host.
UNSTARTABLE = ("smm", "ibs", "ccf-assist", "htm", "nested-hv", "gic", "tcg", "aia", "async-teardown")


def skeleton(source, kind):
    """The fixture's clock and features on a machine without disks; None if it is no x86 guest."""
    if b"<!DOCTYPE" in source:  # an older expat resolves entities without end
        return None
    try:
        root = etree.fromstring(source)
    except (etree.ParseError, ValueError, LookupError):
        return None
    type_ = root.find("os/type")
    if root.tag != "domain" or root.get("type") not in ("kvm", "qemu") or type_ is None:
        return None
    if type_.get("arch", "x86_64") not in ("x86_64", "i686") or (type_.text or "").strip() != "hvm":
        return None
    if type_.get("machine", "").startswith("microvm"):
        return None
    new = etree.Element("domain", {"type": kind})
    for each in root:
        if each.tag in KEPT:
            new.append(each)
    for features in new.findall("features"):
        for name in UNSTARTABLE:
            for each in features.findall(name):
                features.remove(each)
        if features.find("acpi") is None:
            etree.SubElement(features, "acpi")
    if new.find("name") is None:
        etree.SubElement(new, "name").text = "unnamed"
    etree.SubElement(new, "memory", {"unit": "MiB"}).text = "64"
    etree.SubElement(new, "vcpu").text = "1"
    etree.SubElement(etree.SubElement(new, "os"), "type",
                     {"arch": type_.get("arch", "x86_64"), "machine": "q35"}).text = "hvm"
    etree.SubElement(new, "devices")
    try:
        return etree.tostring(new, encoding="unicode")
    except RecursionError:  # depth is another test's concern
        return None


def rewritten(host, source):
    done = host.run("winguest", "rewrite", "--facts", "/etc/libvirt/facts.ini", "-", input=source)
    equal(f"exit of winguest rewrite: {done.stderr}", done.returncode, 0)
    return done.stdout


def sources():
    for name in sorted(os.listdir(FIXTURES)):
        path = os.path.join(FIXTURES, name, "in.xml")
        if os.path.exists(path):
            with open(path, "rb") as source:
                yield name, source.read()


def defined(host, xml):
    """libvirt's own word on a document; None if it takes it."""
    try:
        domain = host.conn.defineXML(xml)
    except libvirt.libvirtError as err:
        return err.get_error_message()
    domain.undefine()
    return None


def every_fixture(kind, check):
    """Runs check for each fixture that libvirt takes before the rewrite; the hosts have no filter,
    so that what is defined is what was rewritten."""
    looked, failed, refused = 0, [], []
    with Host(case.tree(), preload=False, hook=False, config=CONFIG) as host:
        host.put("/etc/libvirt/facts.ini", FACTS, mode=0o644)
        if kind == "kvm" and not case.has_kvm(host):
            print("# libvirt offers no KVM guests on this machine: nothing can be defined")
            return False
        for name, source in sources():
            xml = skeleton(source, kind)
            if xml is None:
                continue
            before = defined(host, xml)
            if before is not None:
                refused.append(f"{name}: {before}")
                continue
            looked += 1
            wrong = check(host, rewritten(host, xml))
            if wrong and check(host, xml):
                refused.append(f"{name}: {wrong}")
            elif wrong:
                failed.append(f"{name}: {wrong}")
    for line in refused:
        print(f"# not taken before the rewrite either: {line}")
    print(f"# {looked} fixtures")
    true(f"enough fixtures to mean something: {looked}", looked > 100)
    equal("fixtures that fail", failed, [])
    return True


def enlightenments(xml):
    return {each.tag for each in etree.fromstring(xml).findall("features/hyperv/*")}


def defines():
    """The whole profile, as a KVM guest gets it."""
    full = set()

    def check(host, xml):
        full.update(enlightenments(xml))
        return defined(host, xml)

    if every_fixture("kvm", check):
        true(f"the profile was there: {full}", {"vpindex", "synic", "stimer", "ipi"} <= full)


def starts():
    known = {}

    def check(host, xml):
        """What is alike but for its name is started once."""
        root = etree.fromstring(xml)
        alike = tuple(etree.tostring(each) for each in root
                      if each.tag not in ("name", "metadata"))
        if alike not in known:
            known[alike] = start(host, xml)
        return known[alike]

    def start(host, xml):
        try:
            domain = host.conn.createXML(xml, libvirt.VIR_DOMAIN_START_PAUSED)
        except libvirt.libvirtError as err:
            return err.get_error_message()
        domain.destroy()
        return None

    every_fixture("qemu", check)


def guest_agent():
    """The channel, on a guest without a controller for it: libvirt adds that, and the socket."""
    with Host(case.tree(), config="[windows]\nguest_agent = yes\n") as host:
        domain = host.conn.defineXML(guest.domain("win"))
        xml = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
        root = etree.fromstring(xml)
        equal("channels", [each.get("name") for each in root.findall("devices/channel/target")],
              ["org.qemu.guest_agent.0"])
        equal("controllers", len(root.findall("devices/controller[@type='virtio-serial']")), 1)
        domain.create()
        argv = " ".join(host.cmdline("win"))
        true(f"QEMU has it: {argv}", "org.qemu.guest_agent.0" in argv)
        domain.destroy()
        again = host.conn.defineXML(xml).XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
        equal("channels, defined again", again.count("org.qemu.guest_agent.0"), 1)


# All that has, or is, a dependency, asked for together; and what a host may have of it.
ALL = "[windows]\nprofile = recommended\n" + "".join(
    f"hyperv.{name}.state = on\n" for name in ("evmcs", "reenlightenment")) + "[rules]\nnames = *\n"
HAVES = ("vapic", "vpindex", "synic", "stimer", "frequencies", "tlbflush", "ipi", "evmcs",
         "reenlightenment")
SHAPES = 2 ** len(HAVES)


def every_subset():
    """Whatever part of the enlightenments a host has, what a guest is asked to have is whole:
    libvirt 11.9 and later refuse one without what it needs. As a TCG guest, of which libvirt checks
    the same, so that it can be defined without KVM."""
    wrong, known = [], {}
    with Host(case.tree(), preload=False, hook=False, config=ALL) as host:
        print(f"# libvirt {host.conn.getLibVersion()}")
        for shape in range(SHAPES):
            has = [name for bit, name in enumerate(HAVES) if shape >> bit & 1]
            host.put("/etc/libvirt/facts.ini", "[facts:1]\nvirttype = kvm\n"
                     f"hyperv = relaxed spinlocks runtime reset {' '.join(has)}\n", mode=0o644)
            xml = rewritten(host, guest.domain("win", kind="kvm")).replace("'kvm'", "'qemu'", 1)
            asked = enlightenments(xml)
            if frozenset(asked) in known:
                continue
            known[frozenset(asked)] = True
            true(f"no more than {has}: {asked}", asked <= {"relaxed", "spinlocks", "runtime", "reset", *has})
            why = defined(host, xml)
            if why:
                wrong.append(f"{asked}: {why}")
    print(f"# {len(known)} combinations")
    true(f"combinations: {len(known)}", len(known) > 100)
    equal("combinations that libvirt refuses", wrong, [])


if __name__ == "__main__":
    case.run(defines, starts, guest_agent, every_subset)
