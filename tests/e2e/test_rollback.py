#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""With the filter in libvirtd: guests whose host cannot do what the policy wants, and whose clients
define first and start later, as nova does."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import libvirt

import case
import guest
from case import equal, true
from host import Host
from test_start import ALL, NONE, PICKY, SECRET, picky

FLAT = {PICKY: picky("base=localtime")}
DISK = "<disk type='file'><source file='/tmp/none.img'/><target dev='vda' bus='virtio'/></disk>"


def start_fails(domain, says):
    try:
        domain.create()
    except libvirt.libvirtError as err:
        true(f"the client's error is the last start's: {err}", says in err.get_error_message())
        return
    raise AssertionError("started although the emulator refuses to")


def defined_then_started():
    """With a uuid and without: libvirt gives one, and a client may use it from then on."""
    with Host(case.tree(), hook=False, files=FLAT) as host:
        for name, given in (("a", None), ("b", uuid.uuid4())):
            domain = host.conn.defineXML(guest.domain(name, uuid=given, emulator=PICKY))
            equal("offset", guest.clock_of(domain.XMLDesc(SECRET))[0], "localtime")
            before = domain.UUIDString()
            domain.create()
            equal("QEMU's flags", guest.flags(host.cmdline(name)), NONE)
            equal("offset", guest.clock_of(domain.XMLDesc(SECRET))[0], "utc")
            equal("uuid", host.conn.lookupByName(name).UUIDString(), before)
            host.wait_log(rf"filter: start guest '{name}': failed with the policy")
        equal("guests", sorted(each.name() for each in host.conn.listAllDomains()), ["a", "b"])


def many_at_once():
    """On a busy host libvirt may end the second QEMU in place of the one that has failed."""
    with Host(case.tree(), hook=False, files=FLAT) as host:
        def work(thread):
            conn = libvirt.open(host.uri())
            for name in (f"{thread}-{number}" for number in range(4)):
                conn.defineXML(guest.domain(name, emulator=PICKY)).create()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, "abcd"))
        time.sleep(1)
        equal("guests that run", len(host.conn.listDomainsID()), 16)


def with_all_that_libvirt_reorders():
    """libvirt sorts a definition's controllers anew when it copies it for a start."""
    devices = "".join(
        f"<controller type='{kind}' index='{index}'{rest}/>"
        for kind, index, rest in (("scsi", 1, " model='virtio-scsi'"), ("usb", 0, " model='none'"),
                                  ("scsi", 0, " model='virtio-scsi'"), ("sata", 1, ""),
                                  ("virtio-serial", 0, "")))
    with Host(case.tree(), hook=False, files=FLAT) as host:
        domain = host.conn.defineXML(guest.domain("a", devices=devices, emulator=PICKY))
        domain.create()
        equal("QEMU's flags", guest.flags(host.cmdline("a")), NONE)


def in_vain():
    with Host(case.tree(), hook=False, files={PICKY: picky("-rtc base=")}) as host:
        domain = host.conn.defineXML(guest.domain("a", emulator=PICKY))
        start_fails(domain, "picky: not with base=utc")
        equal("offset", guest.clock_of(domain.XMLDesc(SECRET))[0], "utc")
        start_fails(domain, "picky: not with base=utc")
        equal("guests", [each.name() for each in host.conn.listAllDomains()], ["a"])


def edited_since():
    """A disk that was added since the definition is not thrown away with the policy."""
    with Host(case.tree(), hook=False, files=FLAT) as host:
        host.put("/tmp/none.img", "x" * 4096, mode=0o644)
        domain = host.conn.defineXML(guest.domain("a", emulator=PICKY))
        domain.attachDeviceFlags(DISK, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
        start_fails(domain, "picky: not with base=localtime")
        stored = domain.XMLDesc(SECRET)
        true("the disk is still there", "/tmp/none.img" in stored)
        equal("offset", guest.clock_of(stored)[0], "localtime")


def transient():
    with Host(case.tree(), hook=False, files=FLAT) as host:
        host.conn.createXML(guest.domain("a", emulator=PICKY), 0)
        equal("QEMU's flags", guest.flags(host.cmdline("a")), NONE)
        host.wait_log(r"filter: create guest 'a': failed with the policy, and went")


def switched_off():
    with Host(case.tree(), hook=False, files=FLAT,
              config="[enforce]\nrollback = no\n") as host:
        domain = host.conn.defineXML(guest.domain("a", emulator=PICKY))
        start_fails(domain, "picky: not with base=localtime")
        equal("offset", guest.clock_of(domain.XMLDesc(SECRET))[0], "localtime")
        try:
            host.conn.createXML(guest.domain("b", emulator=PICKY), 0)
            raise AssertionError("created although the emulator refuses to")
        except libvirt.libvirtError as err:
            true(f"QEMU's error: {err}", "not with base=localtime" in err.get_error_message())


def right_guests_are_forgotten():
    """Once a guest has started with the policy, a later failure is its host's, not the policy's."""
    with Host(case.tree(), hook=False, files={PICKY: picky("nothing of this")}) as host:
        domain = host.conn.defineXML(guest.domain("a", emulator=PICKY))
        domain.create()
        equal("QEMU's flags", guest.flags(host.cmdline("a")), ALL)
        domain.destroy()
        host.put(PICKY, picky("-rtc base="))
        start_fails(domain, "picky: not with base=localtime")
        equal("offset", guest.clock_of(domain.XMLDesc(SECRET))[0], "localtime")


if __name__ == "__main__":
    case.run(defined_then_started, many_at_once, with_all_that_libvirt_reorders, in_vain,
             edited_since, transient, switched_off, right_guests_are_forgotten)
