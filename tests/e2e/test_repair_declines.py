#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that the repair must not restart: they run on, their definition is corrected, the log says
why. And guests in flight, which are not its business at all. tests/unit/test_repair_allow.c has more
of the devices that keep a guest from it."""

import os
import socket
import tempfile
import time
import uuid

import libvirt

import case
import guest
from case import equal, true
from host import SOCKET, Host
from repairs import (ALL, NONE, STORED, clients, disk, held, hold, hooked, module_with_stops,
                     nothing_left, put_qcow2, put_stops, release, repair_lines, said,
                     vnc_with)

NET = "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>"
OVIRT = "<metadata><ovirt-vm:vm xmlns:ovirt-vm='http://ovirt.org/vm/1.0'/>"


def runs_on(host, domain, before, why):
    """It was not restarted, the log says why, and the stored definition is right now."""
    line = said(host, domain.UUIDString(), "not restarted")
    true(f"the line says {why!r}: {line}", why in line)
    equal("the boot", host.conn.lookupByName(domain.name()).ID(), before)
    equal("QEMU's flags", guest.flags(host.cmdline(domain.name())), NONE)
    equal("stored offset", guest.clock_of(domain.XMLDesc(STORED))[0], "localtime")


def ovirt():
    with hooked() as host:
        domain = host.conn.defineXML(guest.domain("o").replace("<metadata>", OVIRT))
        domain.create()
        runs_on(host, domain, domain.ID(), "oVirt")


def fd_passed_disk():
    if not hasattr(libvirt.virDomain, "FDAssociate"):
        print("# libvirt before 9.0 takes no descriptors from a client")
        return
    disk = ("<disk type='file'><source file='/tmp/passed.img' fdgroup='g'/>"
            "<target dev='vda' bus='virtio'/></disk>")
    with hooked() as host:
        domain = host.conn.defineXML(guest.domain("f", devices=disk))
        image = os.memfd_create("image")
        os.truncate(image, 1 << 20)
        domain.FDAssociate("g", [image], 0)
        domain.create()
        os.close(image)
        runs_on(host, domain, domain.ID(), "opened a disk for it")


def one_shot_devices():
    """What is served once: a socket that somebody listens on for one guest's sake, a scratch disk that
    is unlinked once the guest has it, a transient guest."""
    serial = ("<serial type='unix'><source mode='connect' path='/tmp/once.sock'/>"
              "<target port='0'/></serial>")
    for config in ("repair", "correct"):
        with hooked(answer=config) as host:
            with socket.socket(socket.AF_UNIX) as once:
                once.bind(host.inside("/tmp/once.sock"))
                once.listen(1)
                domain = host.conn.defineXML(guest.domain("serial", devices=serial))
                domain.create()
                once.accept()
            os.unlink(host.inside("/tmp/once.sock"))
            put_qcow2(host, "/tmp/scratch.qcow2")
            scratch = host.conn.defineXML(guest.domain("scratch", devices=disk("scratch")))
            put_stops(host)
            hold(host, "waited", scratch.UUIDString())
            scratch.create()
            os.unlink(host.inside("/tmp/scratch.qcow2"))
            release(host, "waited", scratch.UUIDString())
            transient = host.conn.createXML(guest.domain("transient"), 0)
            boots = {each: each.ID() for each in (domain, scratch, transient)}
            for each, why in ((domain, "connects to a socket"), (scratch, "not there any more"),
                              (transient, "transient")):
                line = said(host, each.UUIDString(), "")
                if config == "repair" or each is transient:
                    true(f"the line says {why!r}: {line}", why in line)
            for each, boot in boots.items():
                equal(f"the boot of {each.name()}", host.conn.lookupByName(each.name()).ID(), boot)
                if each is not transient:
                    equal("stored offset", guest.clock_of(each.XMLDesc(STORED))[0], "localtime")


def told_not_to_decline():
    """repair.decline is a list: what it does not name is restarted."""
    with hooked("repair.window = 600\nrepair.decline = hostdev vtpm\n") as host:
        domain = host.conn.defineXML(guest.domain("o").replace("<metadata>", OVIRT))
        domain.create()
        said(host, domain.UUIDString(), "repaired")
        equal("QEMU's flags", guest.flags(host.cmdline("o")), ALL)


def past_the_window():
    """By its age, or by the time it had to wait for a slot."""
    with hooked("repair.window = 600\nrepair.parallel = 1\n") as host:
        put_stops(host)
        first = host.conn.defineXML(guest.domain("first", uuid=uuid.uuid4()))
        hold(host, "recorded", first.UUIDString())
        first.create()
        held(host, "recorded", first.UUIDString())
        host.put("/etc/libvirt/winguest.conf", "[enforce]\ncold_start = repair\n"
                 "repair.window = 1\nrepair.parallel = 1\n", mode=0o644)
        second = host.conn.defineXML(guest.domain("second"))
        second.create()
        runs_on(host, second, second.ID(), "repair.window")
        release(host, "recorded", first.UUIDString())
        said(host, first.UUIDString(), "repaired")


def meanwhile():
    """What others do to a guest while its worker waits, all of it on guests of one host."""
    def stop(_, domain):
        domain.destroy()

    def restart(_, domain):
        domain.destroy()
        domain.create()

    def suspend(_, domain):
        domain.suspend()

    def snapshot(_, domain):
        domain.snapshotCreateXML("<domainsnapshot/>")

    def password(_, domain):
        domain.updateDeviceFlags(vnc_with(domain, "other000"), libvirt.VIR_DOMAIN_AFFECT_LIVE)

    def link(_, domain):
        domain.updateDeviceFlags(NET.replace("<model", "<link state='down'/><model"),
                                 libvirt.VIR_DOMAIN_AFFECT_LIVE)

    deeds = {"stop": (stop, "it was stopped meanwhile"),
             "restart": (restart, "it was stopped and started meanwhile"),
             "suspend": (suspend, "it was paused meanwhile"),
             "snapshot": (snapshot, "it has snapshots"),
             "password": (password, "it was changed meanwhile"),
             "link": (link, "it was changed meanwhile")}
    with hooked() as host:
        put_stops(host)
        for name in deeds:
            put_qcow2(host, f"/tmp/{name}.qcow2")

        def work(index, conn):
            name = list(deeds)[index]
            deed, why = deeds[name]
            domain = conn.defineXML(guest.domain(
                name, uuid=uuid.uuid4(), devices=disk(name) + guest.vnc("secret00") + NET))
            hold(host, "corrected", domain.UUIDString())
            domain.create()
            before = domain.ID()
            held(host, "corrected", domain.UUIDString())
            deed(conn, domain)
            pid = host.qemu(name)
            release(host, "corrected", domain.UUIDString())
            line = said(host, domain.UUIDString(), "not restarted")
            true(f"the line says {why!r}: {line}", why in line)
            if name not in ("stop", "restart"):
                equal("the boot", conn.lookupByName(name).ID(), before)
                equal("QEMU", host.qemu(name), pid)
            if name == "stop":
                time.sleep(1)
                equal("it stays off", domain.isActive(), 0)
            if name == "restart":
                # its definition was right by then
                equal("QEMU's flags", guest.flags(host.cmdline(name)), ALL)
            equal("stored offset", guest.clock_of(domain.XMLDesc(STORED))[0], "localtime")

        equal("errors of clients", clients(host, len(deeds), work), [])
        nothing_left(host)


def before_it_was_resumed():
    """A guest started paused, whose client sets a password or a device before it resumes it."""
    with hooked() as host:
        put_qcow2(host, "/tmp/added.qcow2")
        for name in ("password", "added"):
            domain = host.conn.defineXML(guest.domain(name, devices=guest.vnc("secret00")))
            domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
            before = domain.ID()
            if name == "added":
                domain.attachDeviceFlags(disk("added"), libvirt.VIR_DOMAIN_AFFECT_LIVE)
            else:
                domain.updateDeviceFlags(vnc_with(domain, "other000"),
                                         libvirt.VIR_DOMAIN_AFFECT_LIVE)
            domain.resume()
            line = said(host, domain.UUIDString(), "not restarted")
            true(f"it says why: {line}", "something else" in line or "changed meanwhile" in line)
            equal("the boot", host.conn.lookupByName(name).ID(), before)


def names():
    """libvirt escapes a name in some of its files; the guest is found all the same."""
    for answer in ("correct", "deny"):
        with hooked(answer=answer) as host:
            for name in ("a&b", "it's", "<n>", 'say "n"', "n" * 100, "\u7a97" * 6):
                xml = guest.domain(name.replace("&", "&amp;").replace("<", "&lt;"))
                domain = host.conn.defineXML(xml)
                try:
                    domain.create()
                    equal("it was let through", answer, "correct")
                    said(host, domain.UUIDString(), "its definition is corrected")
                except libvirt.libvirtError as err:
                    true(f"it was denied: {err}", answer == "deny" and "denied by" in str(err))


def managed_save_pending():
    """A saved state has turned up, and libvirtd was restarted while the worker waited."""
    with hooked() as host:
        put_stops(host)
        domain = host.conn.defineXML(guest.domain("m", uuid=uuid.uuid4()))
        hold(host, "corrected", domain.UUIDString())
        domain.create()
        before = domain.ID()
        name = domain.UUIDString()
        held(host, "corrected", name)
        host.put("/var/lib/libvirt/qemu/save/m.save", "x", 0o600)
        host.restart()
        release(host, "corrected", name)
        runs_on(host, host.conn.lookupByName("m"), before, "managed save")


def leave(conn, name):
    """Boots a guest that is to come back; returns it."""
    domain = conn.defineXML(guest.domain(name, devices=disk(name) if name == "back" else ""))
    domain.create()
    return domain


def in_flight(answer):
    """Incoming migration, a restore, a managed save and a revert of a running guest."""
    report, strict = ("[enforce]\ncold_start = " + each for each in ("report", answer))
    with tempfile.TemporaryDirectory(dir="/tmp") as common, \
         Host(case.tree(), preload=False, config=report, share={"common": common}) as there:
        put_qcow2(there, "/tmp/back.qcow2")
        domain, saved, managed = (leave(there.conn, name) for name in ("back", "saved", "managed"))
        snapshot = domain.snapshotCreateXML("<domainsnapshot/>")
        saved.save("/tmp/saved.image")
        managed.managedSave()
        there.put("/etc/libvirt/winguest.conf", strict, 0o644)
        there.syslog.lines.clear()
        ran = there.qemu("back")
        domain.revertToSnapshot(snapshot)
        equal("how it runs", domain.state(),
              [libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_FROM_SNAPSHOT])
        there.conn.restore("/tmp/saved.image")
        managed.create()
        share = {"common": common, "to": os.path.join(there.base, "run/libvirt")}
        with Host(share=share) as here:
            leave(here.conn, "moving").migrateToURI3(
                "qemu+unix:///system?socket=/tmp/to/" + SOCKET,
                {libvirt.VIR_MIGRATE_PARAM_URI: "unix:///tmp/common/qemu"},
                libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_PEER2PEER)
        before = {name: (there.qemu(name), there.conn.lookupByName(name).ID())
                  for name in ("back", "saved", "managed", "moving")}
        time.sleep(3)
        for name, (process, boot) in before.items():
            if name != "back":
                true(f"{name} came running", "-incoming" in process[1])
            equal(f"QEMU of {name}", there.qemu(name), process)
            equal(f"the boot of {name}", there.conn.lookupByName(name).ID(), boot)
            equal(f"QEMU's flags of {name}", guest.flags(process[1]), NONE)
            if process != ran:  # libvirt 7.0 reverts in the QEMU that there is
                there.wait_log(rf"started guest '{name}'.*in flight")
        equal("lines of the repair", repair_lines(there), [])
        equal("handed over, or denied", there.log_lines("repair worker|denied"), [])


def in_flight_repair():
    in_flight("repair")


def in_flight_deny():
    in_flight("deny")


def requirement():
    return None if module_with_stops() else "tests/stops/.libs/virt.so is not built"


if __name__ == "__main__":
    case.run(ovirt, fd_passed_disk, one_shot_devices, told_not_to_decline, past_the_window,
             meanwhile, before_it_was_resumed, names, managed_save_pending, in_flight_repair, in_flight_deny, requirement=requirement)
