#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""With the filter in libvirtd: what a client defines or creates is right the first time it runs."""

import threading
import uuid

import libvirt

import case
import guest
from case import equal, true
from host import Host
from test_start import PICKY, picky

POLICY_TIMERS = {"pit": {"tickpolicy": "delay"}, "rtc": {"tickpolicy": "catchup"},
                 "hpet": {"present": "no"}, "hypervclock": {"present": "yes"}}
POLICY_HYPERV = {"relaxed": {"state": "on"}, "vapic": {"state": "on"},
                 "spinlocks": {"state": "on", "retries": "8191"}}
ALL = {name: True for name in guest.FLAGS}
NONE = {name: False for name in guest.FLAGS}
SECRET = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE


def right(host, name):
    """The running guest has the whole policy: on QEMU's command line and in the live XML."""
    equal(f"QEMU's flags of {name}", guest.flags(host.cmdline(name)), ALL)
    live = host.virsh("dumpxml", name).stdout
    equal(f"live clock of {name}", guest.clock_of(live), ("localtime", POLICY_TIMERS))
    equal(f"live hyperv of {name}", guest.hyperv_of(live), POLICY_HYPERV)


def no_trace(host, *texts):
    for text in texts:
        equal(f"places outside of libvirt's own that hold {text!r}", case.holders(host, text), [])


def by_virsh():
    secret = case.password()
    with Host(case.tree()) as host:
        host.virsh_xml("define", guest.domain("web", devices=guest.vnc(secret),
                                              description="mark-" + secret))
        host.virsh("start", "web")
        right(host, "web")
        host.wait_log(r"winguest.*web")
        stored = host.virsh("dumpxml", "--inactive", "--security-info", "web").stdout
        true("the password is in the stored definition", f"passwd='{secret}'" in stored)
        no_trace(host, secret)


def by_python():
    secret = case.password()
    with Host(case.tree()) as host:
        domain = host.conn.defineXML(guest.domain("web", devices=guest.vnc(secret)))
        domain.create()
        right(host, "web")
        true("the password is in the stored definition",
             f"passwd='{secret}'" in domain.XMLDesc(SECRET))
        domain.destroy()
        domain.createWithFlags(0)
        right(host, "web")
        no_trace(host, secret)


def with_flags():
    """The calls that take flags or descriptors are other functions of libvirt's."""
    with Host(case.tree()) as host:
        domain = host.conn.defineXMLFlags(guest.domain("a"), libvirt.VIR_DOMAIN_DEFINE_VALIDATE)
        domain.createWithFlags(libvirt.VIR_DOMAIN_START_BYPASS_CACHE)
        right(host, "a")
        host.conn.createXML(guest.domain("b"), libvirt.VIR_DOMAIN_START_VALIDATE)
        right(host, "b")
        domain.destroy()
        # libvirt's QEMU driver has never had these two: its own word must reach the client.
        for call in (lambda: domain.createWithFiles([], 0),
                     lambda: host.conn.createXMLWithFiles(guest.domain("c"), [], 0)):
            try:
                call()
                raise AssertionError("a call that QEMU's driver does not have succeeded")
            except libvirt.libvirtError as err:
                equal("error", err.get_error_code(), libvirt.VIR_ERR_NO_SUPPORT)
        host.conn.lookupByName("a").create()
        right(host, "a")


def transient():
    with Host(case.tree()) as host:
        host.virsh_xml("create", guest.domain("a"))
        right(host, "a")
        domain = host.conn.createXML(guest.domain("b"), 0)
        right(host, "b")
        true("a transient guest stays transient", not domain.isPersistent())


def paused():
    """Nova starts guests paused and resumes them: neither may fail, nothing may be restarted."""
    with Host(case.tree()) as host:
        domain = host.conn.defineXML(guest.domain("a"))
        domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
        equal("state", domain.state()[0], libvirt.VIR_DOMAIN_PAUSED)
        right(host, "a")
        before = host.qemu("a")[0]
        domain.resume()
        equal("state", domain.state()[0], libvirt.VIR_DOMAIN_RUNNING)
        host.virsh_xml("create", guest.domain("b"), "--paused")
        right(host, "b")
        host.virsh("resume", "b")
        equal("QEMU of a", host.qemu("a")[0], before)


def compliant_again():
    """What libvirt gives back, defined once more, stays as it is."""
    with Host(case.tree()) as host:
        domain = host.conn.defineXML(guest.domain("a"))
        first = domain.XMLDesc(SECRET)
        equal("definition", host.conn.defineXML(first).XMLDesc(SECRET), first)


def others_untouched():
    """Guests not known to be Windows get, byte for byte, what they get without us."""
    others = {"linux": guest.domain("linux", "linux", uuid.uuid4()),
              "unmarked": guest.domain("unmarked", "unknown", uuid.uuid4())}
    seen = []
    for tree in (case.tree(), None):
        with Host(tree) as host:
            domains = [host.conn.defineXML(xml) for xml in others.values()]
            domains[0].create()
            equal("QEMU's flags", guest.flags(host.cmdline("linux")), NONE)
            seen.append([domain.XMLDesc(SECRET) for domain in domains])
    equal("definitions with us", seen[0], seen[1])


def wrong_definitions():
    """A definition that libvirt refuses is refused in libvirt's own words."""
    wrong = {"not a domain": "<network/>", "truncated": guest.domain("a")[:-12], "empty": "",
             "no name": guest.domain("a").replace("<name>a</name>", ""),
             "unknown machine": guest.domain("a").replace("machine='q35'", "machine='q3'")}
    said = []
    for tree in (case.tree(), None):
        with Host(tree) as host:
            words = {}
            for what, xml in wrong.items():
                try:
                    host.conn.defineXML(xml)
                    words[what] = "accepted"
                except libvirt.libvirtError as err:
                    words[what] = err.get_error_code(), err.get_error_message()
            said.append(words)
            true("libvirtd still answers", host.conn.getVersion())
    equal("with us", said[0]["no name"], said[1]["no name"])
    # Where the parser points at a line of what it was given, the text has to be the client's own.
    equal("with us", said[0], said[1])


def many_at_once():
    """A boot storm of clients with a connection each."""
    failed = []

    def client(host, name):
        try:
            conn = libvirt.open(host.uri())
            conn.defineXML(guest.domain(name, memory=32)).create()
            conn.close()
        except libvirt.libvirtError as err:
            failed.append(err)

    with Host(case.tree()) as host:
        true("libvirtd answers", host.conn.getVersion())
        names = [f"g{number}" for number in range(8)]
        threads = [threading.Thread(target=client, args=(host, name)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal("failed clients", failed, [])
        for name in names:
            right(host, name)
        equal("left of the engine", [argv for argv in host.processes().values()
                                     if "winguest" in argv[0]], [])


def named_by_libvirt():
    """That a guest cannot start under the policy is noted under libvirt's name of it, which is not
    always the first text in the XML that looks like one, nor short: the hook finds the note."""
    decoy = "<metadata><x:y xmlns:x='urn:x'><name>decoy</name></x:y>"
    named = {"a&b": guest.domain("a&amp;b", emulator=PICKY),
             "n" * 100: guest.domain("n" * 100, emulator=PICKY),
             "real": guest.domain("real", emulator=PICKY).replace("<metadata>", decoy)}
    own = "  <name>behind</name>\n"
    named["behind"] = guest.domain("behind", emulator=PICKY).replace("<metadata>", decoy).replace(
        own, "").replace("</domain>", own + "</domain>")
    with Host(case.tree(), files={PICKY: picky("base=localtime")}) as host:
        for name, xml in named.items():
            host.conn.createXML(xml, 0)
            host.wait_log(rf"filter: create guest '{name}': failed with the policy, and went")
            host.wait_log(rf"started guest '{name}' .*could not start under the policy")


CPU = """  <cpu mode='custom' match='minimum' check='none'>
    <model fallback='allow'>qemu64</model>
    <feature policy='optional' name='svm'/>
  </cpu>
  <devices>"""


def cpu_features():
    """A feature that libvirt does not know would keep the guest from starting: it is left out."""
    config = "[windows]\ncpu.pdpe1gb = disable\ncpu.no-such-feature = disable\n"
    with Host(case.tree(), config=config) as host:
        host.conn.defineXML(guest.domain("win").replace("<devices>", CPU, 1)).create()
        host.conn.defineXML(guest.domain("bare")).create()
        for name in ("win", "bare"):
            equal("QEMU's flags of " + name, guest.flags(host.cmdline(name)), ALL)
        argv = host.cmdline("win")
        cpu = argv[argv.index("-cpu") + 1].split(",")
        true(f"pdpe1gb is off in {cpu}", "pdpe1gb=off" in cpu)
        true(f"nobody asked for another in {cpu}", not [e for e in cpu if "no-such" in e])
        true("a definition as it was asked for", "svm" in host.conn.lookupByName("win").XMLDesc(
            libvirt.VIR_DOMAIN_XML_INACTIVE))


if __name__ == "__main__":
    case.run(by_virsh, by_python, with_flags, transient, paused, compliant_again,
             others_untouched, wrong_definitions, many_at_once, named_by_libvirt, cpu_features)
