#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a host cannot give its guests they are not asked to have: winguest probe, and what follows.

Some machines have KVM, of those some without Hyper-V emulation: that is where a guest with the
whole policy does not start, and the cases here are real. Elsewhere those cases are left out."""

import os
import socket

import libvirt

import case
import guest
from case import equal, true
from host import SOCKET, Host

FACTS = "/var/lib/libvirt-winguest/host.ini"
# What libvirt lists for a host whose kernel knows no Hyper-V.
KERNELLESS = {"spinlocks", "vendor_id"}
MODERN = """\
[facts:1]
virttype = kvm
hyperv = relaxed vapic spinlocks vpindex runtime synic stimer reset frequencies tlbflush ipi
"""
RECOMMENDED = "[windows]\nprofile = recommended\n"


def offered(host):
    """The enlightenments that libvirt says a KVM guest of the host may have; None without KVM."""
    import xml.etree.ElementTree as etree
    done = host.virsh("domcapabilities", "--virttype", "kvm", check=False)
    if done.returncode:
        return None
    hyperv = etree.fromstring(done.stdout).find("features/hyperv")
    return None if hyperv is None else {each.text for each in hyperv.iter("value")}


def winguest(host, *args, stdin=None, code=0):
    done = host.run("winguest", *args, input=stdin)
    equal(f"exit of winguest {' '.join(args)}: {done.stderr}", done.returncode, code)
    return done


def written():
    """The facts are those that libvirt tells, stored in one step, and no second file is left."""
    with Host(case.tree()) as host:
        true("no facts to begin with", not os.path.exists(host.inside(FACTS)))
        winguest(host, "probe")
        folder = os.path.dirname(host.inside(FACTS))
        equal("files", os.listdir(folder), ["host.ini"])
        text = host.read(FACTS)
        equal("who may write it", os.stat(host.inside(FACTS)).st_mode & 0o777, 0o644)
        want = offered(host)
        if want is not None:
            lines = [line for line in text.splitlines() if line.startswith("hyperv =")]
            true(f"facts in {text}", lines)
            equal("enlightenments", set(lines[-1].split("=")[1].split()), want)
        equal(f"whether stamps of the emulator are in {text}", "/usr/bin/qemu-system-x86_64" in text,
              case.has_kvm(host))
        equal("the same printed", winguest(host, "probe", "--print").stdout, text)


def remote_is_printed():
    """Facts of a host that need not be this one never become this one's."""
    with Host(case.tree()) as host:
        uri = "qemu+unix:///system?socket=/run/libvirt/" + SOCKET
        text = winguest(host, "probe", "-c", uri).stdout
        true("nothing is stored", not os.path.exists(host.inside(FACTS)))
        true(f"facts without stamps: {text}", "mtime" not in text and "kernel" not in text)
        host.put("/etc/libvirt/facts.ini", text, mode=0o600)
        winguest(host, "check", "--facts", "/etc/libvirt/facts.ini", "-",
                 stdin=guest.domain("win", kind="kvm"), code=1)


def nothing_half():
    """A probe that fails leaves what was there."""
    with Host(case.tree()) as host:
        host.put(FACTS, MODERN, mode=0o644)
        winguest(host, "probe", "-c", "qemu+unix:///system?socket=/run/no-such-sock", code=2)
        host.stop()
        winguest(host, "probe", code=2)
        equal("facts", host.read(FACTS), MODERN)
        equal("files", os.listdir(os.path.dirname(host.inside(FACTS))), ["host.ini"])


def stale():
    """After an upgrade of QEMU the facts are used on, and said to be old."""
    with Host(case.tree()) as host:
        winguest(host, "probe")
        xml = guest.domain("win", kind="kvm")
        said = winguest(host, "check", "-", stdin=xml, code=1).stdout
        true(f"fresh facts are not said to be old: {said}", "older" not in said)
        host.run("touch", "/usr/bin/qemu-system-x86_64")
        said = winguest(host, "check", "-", stdin=xml, code=1).stdout
        # Without KVM nothing is known of the emulator that could grow old.
        times = 1 if case.has_kvm(host) else 0
        equal(f"times that it is said: {said}", said.count("host facts are older than"), times)
        equal(f"which file: {said}", said.count("qemu-system-"), times)
        winguest(host, "probe")
        said = winguest(host, "check", "-", stdin=xml, code=1).stdout
        true(f"after another probe: {said}", "older" not in said)


def bad_facts():
    """Facts that cannot be read are a note, not a fault that stops anything."""
    with Host(case.tree()) as host:
        for text, mode in (("[facts:1]\nnonsense = 1\n", 0o644), (MODERN, 0o666)):
            host.put(FACTS, text, mode)
            host.conn.createXML(guest.domain("win")).destroy()
            said = winguest(host, "check", "-", stdin=guest.domain("win", kind="kvm"), code=1)
            true(f"it is said: {said.stdout}", "no host facts: " in said.stdout)


def tcg_loses_nothing():
    """Facts are KVM's."""
    with Host(case.tree(), config=RECOMMENDED) as host:
        host.put(FACTS, "[facts:1]\nvirttype = kvm\nhyperv =\n", mode=0o644)
        host.conn.defineXML(guest.domain("win")).create()
        equal("QEMU's flags", guest.flags(host.cmdline("win")),
              {name: True for name in guest.FLAGS})


def kvm_without_hyperv():
    """A KVM host that has no Hyper-V emulation starts its Windows guests, with the rest of the
    policy, and they violate nothing then."""
    with Host(case.tree(), config=RECOMMENDED) as host:
        lacking = offered(host)
        if lacking is None or not lacking <= KERNELLESS:
            print(f"# left out kvm_without_hyperv: KVM here offers {lacking}")
            return
        winguest(host, "probe")
        domain = host.conn.defineXML(guest.domain("win", kind="kvm"))
        domain.create()
        argv = " ".join(host.cmdline("win"))
        true(f"KVM: {argv}", "accel=kvm" in argv or "-accel kvm" in argv)
        flags = guest.flags(host.cmdline("win"))
        equal("QEMU's flags", flags, {name: name in ("rtc", "pit", "hpet", "spinlocks")
                                      for name in guest.FLAGS})
        said = winguest(host, "check", "-", stdin=domain.XMLDesc(0)).stdout
        for name in ("vapic", "relaxed", "hypervclock"):
            true(f"host lacks {name}: {said}", f"[host lacks {name}]" in said)


def audit_and_apply_ask():
    """They go by what the host says now; nothing is stored for it."""
    with Host(case.tree(), preload=False, hook=False) as host:
        lacking = offered(host)
        if lacking is None or not lacking <= KERNELLESS:
            print(f"# left out audit_and_apply_ask: KVM here offers {lacking}")
            return
        domain = host.conn.defineXML(guest.domain("win", kind="kvm"))
        true("audit knows", "host lacks vapic" in winguest(host, "audit", "--details", code=1).stdout)
        winguest(host, "apply", "--yes", "win")
        equal("asked for", set(guest.hyperv_of(domain.XMLDesc(0))), {"spinlocks"})
        true("no facts are stored", not os.path.exists(host.inside(FACTS)))
        domain.create()


def host_on_utc():
    """localtime that is UTC is warned of, once, and changes no exit code."""
    for zone, warnings in (("UTC", 1), ("Europe/London", 0), ("Asia/Shanghai", 0)):
        if not Host.timezone_known(zone):
            continue
        with Host(case.tree(), timezone=zone, preload=False, hook=False) as host:
            xml = guest.domain("win")
            said = winguest(host, "check", "-", stdin=xml, code=1).stderr
            equal(f"warnings of check in {zone}: {said}", said.count("zone is UTC"), warnings)
            said = winguest(host, "check", "-", stdin=guest.domain("l", "linux")).stderr
            equal(f"check of a guest that is not Windows: {said}", said, "")
            host.conn.defineXML(xml)
            said = winguest(host, "audit", code=1).stderr
            equal(f"warnings of audit in {zone}: {said}", said.count("zone is UTC"), warnings)


def kvm_without_facts():
    """Nobody asked the host: the trio is assumed, QEMU refuses it, and the guest starts as it was."""
    with Host(case.tree()) as host:
        lacking = offered(host)
        if lacking is None or not lacking <= KERNELLESS:
            print(f"# left out kvm_without_facts: KVM here offers {lacking}")
            return
        domain = host.conn.defineXML(guest.domain("win", kind="kvm"))
        equal("asked for", set(guest.hyperv_of(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))),
              {"relaxed", "vapic", "spinlocks"})
        domain.create()
        true("the guest runs", domain.isActive())


LESS = MODERN.replace(" synic stimer", "")
CLUSTER = "/etc/libvirt/winguest-cluster.ini"
NO_KVM = ": it has no KVM, and does not count"


def cluster():
    """What not all hosts have is asked for by none; a host that fails leaves everything as it is."""
    with Host(case.tree(), config=RECOMMENDED) as host:
        host.put("/etc/libvirt/rich", MODERN, mode=0o644)
        host.put("/etc/libvirt/poor", LESS, mode=0o644)
        host.put(FACTS, MODERN, mode=0o644)
        kvm = guest.domain("win", kind="kvm")
        rich = winguest(host, "rewrite", "-", stdin=kvm).stdout
        true("what the host has", "stimer" in rich)
        winguest(host, "probe", "/etc/libvirt/rich", "/etc/libvirt/poor", "--output", CLUSTER)
        made = host.read(CLUSTER)
        winguest(host, "probe", "/etc/libvirt/rich", "/etc/libvirt/poor", "--output", "/dev/null")
        host.run("test", "-c", "/dev/null", check=True)
        done = winguest(host, "probe", "/etc/libvirt/rich", "/etc/libvirt/poor", "--output", "/dev/full", code=2)
        true(f"a full one: {done.stderr}", "/dev/full: No space left on device" in done.stderr)
        host.put("/etc/libvirt/mine", "mine", mode=0o600)
        link = host.inside("/tmp/link")
        os.symlink("/etc/libvirt/mine", link)
        os.chown(link, 65534, 65534, follow_symlinks=False)
        done = winguest(host, "probe", "/etc/libvirt/rich", "/etc/libvirt/poor", "--output", "/tmp/link", code=2)
        true(f"another user's link: {done.stderr}", "/tmp/link: another user's link" in done.stderr)
        equal("what it leads to", host.read("/etc/libvirt/mine"), "mine")
        true(f"who has more: {made}", "beyond = synic stimer" in made)
        limited = winguest(host, "rewrite", "-", stdin=kvm).stdout
        true("what not all have", "stimer" not in limited and "synic" not in limited)
        said = winguest(host, "check", "-", stdin=kvm, code=1).stdout
        true(f"why: {said}", "stimer left out: not all hosts of the cluster have it" in said)
        host.put(FACTS, LESS, mode=0o644)
        equal("on the host that has less", winguest(host, "rewrite", "-", stdin=kvm).stdout, limited)
        line = [each for each in host.run("winguest", "status").stdout.splitlines()
                if "cluster:" in each]
        true(f"it has what the file says: {line}", line[0].startswith("ok") and "2 hosts" in line[0])
        host.put(FACTS, LESS.replace(" ipi", ""), mode=0o644)
        said = host.run("winguest", "status").stdout
        true(f"it has not: {said}", "warning  cluster: this host lacks ipi:" in said)
        winguest(host, "probe", "/etc/libvirt/rich", "/etc/libvirt/none", "--output", CLUSTER, code=2)
        equal("the file", host.read(CLUSTER), made)
        host.put(FACTS, LESS.replace(" vapic", ""), mode=0o644)
        for wrong in ("[facts:1]\nnonsense = 1\n", "", "[host]\nvendor = AMD\n", made[:len(made) // 2]):
            host.put(CLUSTER, wrong, mode=0o644)
            said = winguest(host, "check", "-", stdin=kvm, code=1).stdout
            true(f"a file that is wrong: {said}", CLUSTER in said)
            asked = winguest(host, "rewrite", "-", stdin=kvm).stdout
            true("no more than every host has", "<relaxed" in asked and "vpindex" not in asked)
            true("nor what this host lacks", "<vapic" not in asked)
            true("it is told", "warning  cluster: " in host.run("winguest", "status").stdout)
        host.put(CLUSTER, made.replace(" vapic", "").replace("id =", "# id ="), mode=0o644)
        for facts in (None, "[facts:1]\nvirttype = kvm\n"):
            os.remove(host.inside(FACTS))
            if facts:
                host.put(FACTS, facts, mode=0o644)
            asked = winguest(host, "rewrite", "-", stdin=kvm).stdout
            true("the cluster counts without the host's own", "<relaxed" in asked and "<vapic" not in asked)
            host.put(FACTS, "", mode=0o644)
        true("an empty one is told", "warning  host_facts: " + FACTS + ": it is empty" in
             host.run("winguest", "status").stdout)


def hosts_that_hang():
    """One that takes connections and says nothing: named within the timeout, and nothing is written."""
    with Host(case.tree()) as host, socket.socket(socket.AF_UNIX) as silent:
        silent.bind(host.inside("/run/libvirt/silent-sock"))
        silent.listen(4)
        silent_uri = "qemu+unix:///system?socket=/run/libvirt/silent-sock"
        for uris in (("-c", silent_uri), ("-c", "qemu:///system", "-c", silent_uri)):
            done = winguest(host, "probe", *uris, "--timeout", "1", "--output", CLUSTER, code=2)
            said = [line for line in done.stderr.splitlines() if NO_KVM not in line]
            true(f"it is named, once: {said}", len(said) == 1 and said[0].startswith("winguest: probe: " + silent_uri))
            true(f"the other: {done.stderr}", len(done.stderr.splitlines()) in (1, len(uris) // 2))
            true("nothing is written", not os.path.exists(host.inside(CLUSTER)))


def cluster_by_libvirt():
    """Two doors to one daemon are two hosts that have the same."""
    with Host(case.tree()) as host:
        other = "qemu+unix:///system?socket=/run/libvirt/" + SOCKET
        done = host.run("winguest", "probe", "-c", "qemu:///system", "-c", other)
        if NO_KVM in done.stderr:  # libvirt 7.0 lists none where /dev/kvm is missing
            equal("exit code", done.returncode, 2)
            equal(f"both are told: {done.stderr}", done.stderr.count(NO_KVM), 2)
            true(f"and what that means: {done.stderr}", "none of the hosts has KVM" in done.stderr)
            return
        equal(f"exit code: {done.stderr}", done.returncode, 0)
        said = done.stdout
        true(f"both: {said}", said.count("[member:") == 2 and "beyond" not in said)
        want = offered(host)
        if want is not None:
            lines = [line for line in said.splitlines() if line.startswith("hyperv =")]
            equal("enlightenments", set(lines[-1].split("=")[1].split()), want)
            true(f"machine types: {said}", "machines1 = " in said)
        host.put("/tmp/hosts", "qemu:///system\n" + other + "\n", mode=0o644)
        equal("by --hosts", winguest(host, "probe", "--hosts", "/tmp/hosts").stdout, said)


if __name__ == "__main__":
    case.run(written, remote_is_printed, nothing_half, stale, bad_facts, tcg_loses_nothing,
             kvm_without_hyperv, audit_and_apply_ask, host_on_utc, kvm_without_facts, cluster,
             hosts_that_hang, cluster_by_libvirt)
