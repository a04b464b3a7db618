#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that the repair must not restart: they run on, their definition is corrected, the log says
why. And guests in flight, which are not its business at all."""

import os
import struct
import tempfile
import time
import uuid

import libvirt

import case
import guest
from case import equal, true
from host import Host
from repairs import (ALL, NONE, STATE, STORED, clients, held, hold, hooked, module_with_stops,
                     nothing_left, put_stops, release, repair_lines, said)

# libvirt asks them what they can before it takes a definition with a TPM.
SWTPM = """#!/bin/sh
echo '{"type": "TYPE", "features": ["tpm-1.2", "tpm-2.0", "cmdarg-pwd-fd", "cmdarg-pwdfile-fd"]}'
"""
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


def not_to_be_had_here():
    """Devices that this machine has not got: the definition has them, the running guest has not."""
    devices = {
        "mdev": ("passed through", "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>"
                 "<address uuid='4b20d080-1b54-4048-85b3-a6a62d165c01'/></source></hostdev>"),
        "pci": ("passed through", "<hostdev mode='subsystem' type='pci' managed='yes'><source>"
                "<address domain='0' bus='1' slot='2' function='0'/></source></hostdev>"),
        "vf": ("passed through", "<interface type='hostdev' managed='yes'><source><address "
               "type='pci' domain='0' bus='1' slot='3' function='0'/></source></interface>"),
        "tpm": ("TPM needs a secret", "<tpm model='tpm-crb'><backend type='emulator' version='2.0'>"
                f"<encryption secret='{uuid.uuid4()}'/></backend></tpm>"),
    }
    files = {f"/usr/bin/{name}": SWTPM.replace("TYPE", name)
             for name in ("swtpm", "swtpm_setup", "swtpm_ioctl")}
    with hooked("repair.window = 120\n", files=files) as host:
        put_stops(host)

        def work(index, conn):
            name = list(devices)[index]
            why, device = devices[name]
            xml = guest.domain(name, uuid=uuid.uuid4())
            domain = conn.defineXML(xml)
            hold(host, "waited", domain.UUIDString())
            domain.create()
            held(host, "waited", domain.UUIDString(), 60)
            conn.defineXML(xml.replace("</devices>", device + "</devices>"))
            release(host, "waited", domain.UUIDString())
            runs_on(host, domain, domain.ID(), why)
            stored = domain.XMLDesc(STORED)
            true("the device is there", any(each in stored for each in (
                "<hostdev ", "<interface type='hostdev'", "<encryption ")))

        equal("errors of clients", clients(host, len(devices), work), [])


def told_not_to_decline():
    """repair.decline is a list: what it does not name is restarted."""
    with hooked("repair.decline = hostdev vtpm\n") as host:
        domain = host.conn.defineXML(guest.domain("o").replace("<metadata>", OVIRT))
        domain.create()
        said(host, domain.UUIDString(), "repaired")
        equal("QEMU's flags", guest.flags(host.cmdline("o")), ALL)


def past_the_window():
    """By its age; and by the time it had to wait for a place."""
    with hooked("repair.window = 2\nrepair.parallel = 1\n") as host:
        put_stops(host)
        first = host.conn.defineXML(guest.domain("first", uuid=uuid.uuid4()))
        hold(host, "judged", first.UUIDString())
        first.create()
        held(host, "judged", first.UUIDString())
        second = host.conn.defineXML(guest.domain("second"))
        second.create()
        runs_on(host, second, second.ID(), "it has been running for")
        release(host, "judged", first.UUIDString())
        said(host, first.UUIDString(), "repaired|not restarted")
        second.destroy()
        # The place is free again; on a busy machine a boot alone may take as long as that window.
        host.put("/etc/libvirt/winguest.conf", "[enforce]\ncold_start = repair\n"
                 "repair.window = 60\nrepair.parallel = 1\n", mode=0o644)
        host.conn.defineXML(guest.domain("third")).create()
        third = host.conn.lookupByName("third")
        said(host, third.UUIDString(), "repaired")


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

    deeds = {"stop": (stop, "it was stopped meanwhile"),
             "restart": (restart, "it was stopped and started meanwhile"),
             "suspend": (suspend, "it was paused meanwhile"),
             "snapshot": (snapshot, "a snapshot was taken meanwhile")}
    with hooked("repair.window = 120\n") as host:
        put_stops(host)
        for name in deeds:
            put_qcow2(host, f"/tmp/{name}.qcow2")

        def work(index, conn):
            name = list(deeds)[index]
            deed, why = deeds[name]
            domain = conn.defineXML(guest.domain(name, uuid=uuid.uuid4(), devices=disk(name)))
            hold(host, "judged", domain.UUIDString())
            domain.create()
            before = domain.ID()
            held(host, "judged", domain.UUIDString(), 60)
            deed(conn, domain)
            pid = host.qemu(name)
            release(host, "judged", domain.UUIDString())
            line = said(host, domain.UUIDString(), "not restarted")
            true(f"the line says {why!r}: {line}", why in line)
            if name in ("suspend", "snapshot"):
                equal("the boot", conn.lookupByName(name).ID(), before)
                equal("QEMU", host.qemu(name), pid)
            if name == "stop":
                time.sleep(1)
                equal("it stays off", domain.isActive(), 0)
            if name == "restart":
                # that boot has a worker of its own, which waited for the lock
                said(host, domain.UUIDString(), "repaired")
                equal("QEMU's flags", guest.flags(host.cmdline(name)), ALL)
            equal("stored offset", guest.clock_of(domain.XMLDesc(STORED))[0], "localtime")

        equal("errors of clients", clients(host, len(deeds), work), [])
        nothing_left(host)


def managed_save_pending():
    """A saved state has turned up, and libvirtd was restarted while the worker waited."""
    with hooked("repair.window = 120\n") as host:
        put_stops(host)
        domain = host.conn.defineXML(guest.domain("m", uuid=uuid.uuid4()))
        hold(host, "judged", domain.UUIDString())
        domain.create()
        before = domain.ID()
        name = domain.UUIDString()
        held(host, "judged", name)
        host.put("/var/lib/libvirt/qemu/save/m.save", "x", 0o600)
        host.restart()
        release(host, "judged", name)
        runs_on(host, host.conn.lookupByName("m"), before, "managed save")


def qcow2(size):
    """An empty image of the format that internal snapshots need."""
    cluster = 1 << 16
    header = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, 16, size, 0, 1, 3 * cluster,
                         cluster, 1, 0, 0)
    table = struct.pack(">Q", 2 * cluster)
    counts = struct.pack(">4H", 1, 1, 1, 1)
    return b"".join(each.ljust(cluster, b"\0") for each in (header, table, counts, b""))


def put_qcow2(host, path):
    with open(host.inside(path), "wb") as out:
        out.write(qcow2(1 << 20))


def disk(name):
    return ("<disk type='file'><driver name='qemu' type='qcow2'/>"
            f"<source file='/tmp/{name}.qcow2'/><target dev='vda' bus='virtio'/></disk>")


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
        domain.revertToSnapshot(snapshot)
        equal("how it runs", domain.state(),
              [libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_FROM_SNAPSHOT])
        there.conn.restore("/tmp/saved.image")
        managed.create()
        share = {"common": common, "to": os.path.join(there.base, "run/libvirt")}
        with Host(share=share) as here:
            leave(here.conn, "moving").migrateToURI3(
                "qemu+unix:///system?socket=/tmp/to/libvirt-sock",
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
            there.wait_log(rf"started guest '{name}'.*in flight")
        equal("lines of the repair", repair_lines(there), [])
        equal("handed over, or denied", there.log_lines("left to the repair|denied"), [])


def in_flight_repair():
    in_flight("repair")


def in_flight_deny():
    in_flight("deny")


def requirement():
    return None if module_with_stops() else "tests/stops/.libs/virt.so is not built"


if __name__ == "__main__":
    case.run(ovirt, fd_passed_disk, not_to_be_had_here, told_not_to_decline, past_the_window,
             meanwhile, managed_save_pending, in_flight_repair, in_flight_deny, requirement=requirement)
