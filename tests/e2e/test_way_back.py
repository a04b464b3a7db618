#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whoever's guest it is has the last word on the way back too: what an owner stopped, edited or renamed
stays so, what a client was told holds, and no definition is changed that could not be changed back."""

import os
import random
import re
import shutil
import threading
import time
import uuid

import libvirt

import case
import guest
import repairs
from case import equal, true
from host import Host, wait_for
from repairs import PICKY, PICKY_TEXT, STORED, hold, held, hooked, release, said

ROUNDS = int(os.environ.get("WINGUEST_ROUNDS", "4"))
KEPT = "/var/lib/libvirt-winguest"
# One of whose features QEMU's own emulation has not all, of which it warns at each start.
MODEL = ("<cpu mode='custom' match='exact' check='none'><model fallback='allow'>Skylake-Client</model>"
         "</cpu>")
NIC = "<interface type='user'><model type='e1000e'/></interface>"


def small(name, **options):
    return guest.domain(name, uuid=str(uuid.uuid4()), memory=16, **options)


def no_worker(host):
    time.sleep(0.3)
    wait_for("the workers", lambda: not any("repair" in argv and "winguest" in argv[0]
                                            for argv in host.processes().values()), 60)


def corrected_by_hook(host, xml):
    """A guest whose definition the hook has corrected after its first boot, and that is off."""
    domain = host.conn.defineXML(xml)
    domain.create()
    said(host, domain.UUIDString(), "is corrected for its next cold boot")
    domain.destroy()
    no_worker(host)
    return domain


def fails(domain):
    try:
        domain.create()
    except libvirt.libvirtError as err:
        return str(err)
    raise AssertionError("it has started")


def stopped_while_qemu_warns():
    """QEMU's warnings are no reason why it ended: what an owner's destroy has ended stays off."""
    with Host(case.tree(), preload=False) as host:
        for number in range(ROUNDS):
            name = f"w{number}"
            domain = corrected_by_hook(host, small(name).replace("<devices>", MODEL + "<devices>"))
            domain.setAutostart(True)

            def start(name=name):
                conn = libvirt.open(host.uri())
                try:
                    conn.lookupByName(name).create()
                except libvirt.libvirtError:
                    pass
                conn.close()

            starter = threading.Thread(target=start)
            starter.start()
            wait_for("QEMU", lambda name=name: host.qemu(name), 20)
            time.sleep(random.uniform(0, 0.15))
            domain.destroy()
            starter.join()
            time.sleep(1.5)
            no_worker(host)
            equal(f"{name} runs", domain.isActive(), 0)


def a_failed_start_has_failed():
    """A client that was told so, on a host that has just booted, has its guest off, and as it was."""
    with Host(case.tree(), preload=False, files={PICKY: PICKY_TEXT}) as host:
        domain = corrected_by_hook(host, small("win", emulator=PICKY))
        domain.setAutostart(True)
        true("the host has just booted", os.path.exists(host.inside("/run/libvirt/qemu/autostarted")))
        true("it fails", "picky" in fails(domain))
        said(host, domain.UUIDString(), "previous definition restored; its next start is as it was")
        time.sleep(1.5)
        equal("it runs", domain.isActive(), 0)
        domain.create()


BOOT = "<boot dev='hd'/><boot dev='cdrom'/>"


def swapped(text):
    """Two lines have changed places, which is an edit."""
    other = text.replace("<boot dev='hd'/>", "@").replace("<boot dev='cdrom'/>", "<boot dev='hd'/>")
    true("it is another", other != text)
    return other.replace("@", "<boot dev='cdrom'/>")


def without_clock(text):
    return re.sub(r"<clock .*?</clock>|<hyperv.*?</hyperv>|<clock [^>]*/>|\s+", "", text, flags=re.S)


def edited_since():
    """What somebody has edited since the correction stays; what the correction did goes, once the guest
    does not start with it; by the hook, and by the filter that was enabled meanwhile."""
    for preload in (False, True):
        with Host(case.tree(), preload=False, files={PICKY: PICKY_TEXT}) as host:
            domain = corrected_by_hook(host, small("win", emulator=PICKY, boot=BOOT))
            name = domain.UUIDString()
            domain = host.conn.defineXML(swapped(domain.XMLDesc(STORED)))
            edited = domain.XMLDesc(STORED)
            true("it has the policy", "localtime" in edited)
            if preload:
                host.restart(preload=True)
                domain = host.conn.lookupByName("win")
                domain.create()
            else:
                fails(domain)
                said(host, name, "previous definition restored; its next start is as it was; what was edited "
                                 "since stays")
                domain.create()
            now = domain.XMLDesc(STORED)
            true("it has the policy", "localtime" not in now and "<hyperv" not in now)
            equal("the edit", without_clock(now), without_clock(edited))


def edited_clock():
    """Nor is an edit of what the correction did undone."""
    with Host(case.tree(), preload=False, files={PICKY: PICKY_TEXT}) as host:
        domain = corrected_by_hook(host, small("win", emulator=PICKY, boot=BOOT))
        edited = domain.XMLDesc(STORED).replace("tickpolicy='delay'", "tickpolicy='discard'")
        domain = host.conn.defineXML(edited)
        true("it is edited", "discard" in domain.XMLDesc(STORED))
        fails(domain)
        said(host, domain.UUIDString(), "somebody has changed since")
        equal("the edit", domain.XMLDesc(STORED), edited)


def identity(text):
    return re.findall(r"<mac address[^>]*>|<genid>[^<]*|<uuid>[^<]*", text)


def the_same_guest_as_before():
    """What libvirt made up when it was defined, its owner has seen: it stays over a rollback."""
    with Host(case.tree(), files={PICKY: PICKY_TEXT}) as host:
        xml = guest.domain("win", emulator=PICKY, memory=16, devices=NIC + NIC).replace(
            "<vcpu>", "<genid/><vcpu>")
        domain = host.conn.defineXML(xml)
        shown = identity(domain.XMLDesc(STORED))
        equal("made up", len(shown), 4)
        domain.create()
        true("it runs without the policy", not guest.flags(host.cmdline("win"))["vapic"])
        equal("stored", identity(domain.XMLDesc(STORED)), shown)
        equal("running", identity(domain.XMLDesc()), shown)


def renamed():
    """A name is no part of what does not start: a guest that was renamed has its way back."""
    for preload in (False, True):
        with Host(case.tree(), preload=preload, files={PICKY: PICKY_TEXT}) as host:
            domain = host.conn.defineXML(small("a&b", emulator=PICKY).replace("a&b", "a&amp;b")) if preload \
                else corrected_by_hook(host, small("a&b", emulator=PICKY).replace("a&b", "a&amp;b"))
            domain.rename("c&d")
            domain = host.conn.lookupByUUIDString(domain.UUIDString())
            if not preload:
                fails(domain)
                said(host, domain.UUIDString(), "previous definition restored")
            domain.create()
            equal("it runs", (domain.isActive(), domain.name()), (1, "c&d"))


def without_room():
    """Where what it was cannot be kept, its definition is left alone."""
    with Host(case.tree(), preload=False, files={PICKY: PICKY_TEXT}) as host:
        host.run("sh", "-c", f"mkdir -p {KEPT} && mount -t tmpfs -o size=4k none {KEPT} && "
                 f"dd if=/dev/zero of={KEPT}/full 2>/dev/null")
        domain = host.conn.defineXML(small("win", emulator=PICKY))
        for _ in range(2):
            domain.create()
            said(host, domain.UUIDString(), "cannot be kept in .*hint: make room there")
            domain.destroy()
        host.run("umount", KEPT)
        large = host.conn.defineXML(small("large", description="x" * 300000))
        large.create()
        said(host, large.UUIDString(), "cannot be kept in ")
        equal("left alone", guest.clock_of(large.XMLDesc(STORED))[0], "utc")


def without_marks():
    """A directory that others may enter is closed to them; in one that they may write nothing is left,
    and without marks nothing is corrected."""
    with Host(case.tree(), preload=False, files={PICKY: PICKY_TEXT}) as host:
        host.put(repairs.STATE + "/x", "")
        os.chmod(host.inside(repairs.STATE), 0o777)
        domain = host.conn.defineXML(small("win", emulator=PICKY))
        domain.create()
        host.wait_log("started guest 'win' .*left as it is: .*hint: ")
        domain.destroy()
        os.chmod(host.inside(repairs.STATE), 0o755)
        domain.create()
        said(host, domain.UUIDString(), "is corrected")
        equal("closed", os.stat(host.inside(repairs.STATE)).st_mode & 0o7777, 0o700)
        domain.destroy()
        fails(domain)
        said(host, domain.UUIDString(), "previous definition restored")
        domain.create()


def offline_of_what_libvirt_does_not_know():
    """libvirt loads no definition that it does not understand: none is written."""
    config = "[enforce]\nallow_unknown = yes\n[windows]\ntimer.kvmclok.present = no\n"
    with Host(case.tree(), preload=False, config="[enforce]\ncold_start = report\n") as host:
        domain = host.conn.defineXML(small("win"))
        before = domain.XMLDesc(STORED)
        host.stop()
        host.put("/etc/libvirt/winguest.conf", config, 0o644)
        done = host.run("winguest", "apply", "--offline")
        equal(f"{done}", done.returncode, 2)
        true(done.stderr, "timer.kvmclok: this host's libvirt does not know it" in done.stderr)
        host.start()
        equal("as it was", host.conn.lookupByName("win").XMLDesc(STORED), before)


def daemon_killed_in_the_restart():
    """That is nobody's stop: the guest comes back, with the policy."""
    with hooked() as host:
        for number, delay in enumerate((0.02, 0.2, 0.5)):
            name = f"w{number}"
            domain = host.conn.defineXML(small(name))
            domain.create()
            first = host.qemu(name)[0]
            wait_for("the restart", lambda name=name, first=first: (host.qemu(name) or (first,))[0] != first, 30)
            time.sleep(delay)
            host.kill()
            host.start()
            no_worker(host)
            host.run("winguest", "repair", "--pending")
            no_worker(host)
            domain = host.conn.lookupByName(name)
            equal(f"{name}: {host.log_lines(name)[-3:]}", domain.isActive(), 1)
            equal(f"{name}'s flags", guest.flags(host.cmdline(name)), repairs.ALL)
            domain.destroy()


def what_was_booted_is_something_else():
    """Booted once from other XML, edited for the next boot, changed as it runs, or from a file that is
    gone: it is left running."""
    bios = "/tmp/bios.bin"
    with hooked() as host:
        shutil.copy(os.path.realpath("/usr/share/seabios/bios-256k.bin"), host.inside(bios))
        rows = (
            ("rescue", lambda xml: (host.conn.defineXML(xml), host.conn.createXML(
                xml.replace("</os>", "<boot dev='cdrom'/></os>"), 0))),
            ("edited", lambda xml: (host.conn.defineXML(xml).create(), host.conn.defineXML(
                xml.replace("<memory unit='MiB'>16<", "<memory unit='MiB'>32<")))),
            ("installer", lambda xml: (host.conn.createXML(
                xml.replace("<devices>", "<on_reboot>destroy</on_reboot><devices>"), 0),
                host.conn.defineXML(xml))),
            ("firmware", lambda xml: (host.conn.defineXML(
                xml.replace("</os>", f"<loader type='rom'>{bios}</loader></os>")).create(),
                os.unlink(host.inside(bios)))),
        )
        for name, boot in rows:
            xml = small(name)
            boot(xml)
            domain = host.conn.lookupByName(name)
            first = host.qemu(name)[0]
            said(host, domain.UUIDString(), "not restarted: ")
            no_worker(host)
            equal(f"{name}'s process", host.qemu(name)[0], first)
            domain.destroy()


def renamed_in_the_restart():
    with hooked() as host:
        repairs.put_stops(host)
        domain = host.conn.defineXML(small("a"))
        name = domain.UUIDString()
        hold(host, "ended", name)
        domain.create()
        held(host, "ended", name)
        domain.rename("b")
        domain = host.conn.lookupByUUIDString(name)
        domain.create()
        domain.destroy()
        release(host, "ended", name)
        said(host, name, "not started again: ")
        no_worker(host)
        equal("it runs", domain.isActive(), 0)


if __name__ == "__main__":
    case.run(stopped_while_qemu_warns, a_failed_start_has_failed, edited_since, edited_clock,
             the_same_guest_as_before, renamed, without_room, without_marks,
             offline_of_what_libvirt_does_not_know, daemon_killed_in_the_restart,
             what_was_booted_is_something_else, renamed_in_the_restart)
