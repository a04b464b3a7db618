#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""With the filter in libvirtd: guests whose host cannot do what the policy wants, and whose clients
define first and start later, as nova does."""

import os
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import libvirt

import case
import guest
from case import equal, true
from host import Host, wait_for
from test_start import ALL, NONE, PICKY, SECRET, picky

FLAT = {PICKY: picky("base=localtime")}
DISK = "<disk type='file'><source file='/tmp/none.img'/><target dev='vda' bus='virtio'/></disk>"


KEPT = "/var/lib/libvirt-winguest/kept"


def kept(host):
    """What is kept of guests, each file's owner and mode checked."""
    folder = host.inside(KEPT)
    if not os.path.isdir(folder):
        return []
    paths = [os.path.join(folder, name) for name in os.listdir(folder)]
    equal("owners and modes", {(os.stat(path).st_uid, oct(os.stat(path).st_mode & 0o7777))
                               for path in [folder, *paths]} - {(0, "0o700"), (0, "0o600")}, set())
    return paths


def offset(domain):
    return guest.clock_of(domain.XMLDesc(SECRET))[0]


def start_fails(domain, says):
    try:
        domain.create()
    except libvirt.libvirtError as err:
        true(f"the client's error is the first start's: {err}", says in err.get_error_message())
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
    """Without the policy it does not start either: the policy stays, also for the next time."""
    with Host(case.tree(), hook=False, files={PICKY: picky("-rtc base=")}) as host:
        domain = host.conn.defineXML(guest.domain("a", emulator=PICKY))
        for _ in range(2):
            start_fails(domain, "picky: not with base=localtime")
            equal("offset", offset(domain), "localtime")
        equal("guests", [each.name() for each in host.conn.listAllDomains()], ["a"])
        host.put(PICKY, picky("base=localtime"))
        domain.create()
        equal("QEMU's flags", guest.flags(host.cmdline("a")), NONE)
        equal("what is kept", kept(host), [])


def of_a_missing_disk():
    """The autostart that follows is right, although the filter does not see it."""
    with Host(case.tree(), hook=False) as host:
        domain = host.conn.defineXML(guest.domain("a", devices=DISK))
        domain.setAutostart(1)
        start_fails(domain, "/tmp/none.img")
        equal("offset", offset(domain), "localtime")
        host.put("/tmp/none.img", "x" * 4096, mode=0o644)
        host.stop()
        # libvirt starts its guests once after a boot of the host, and writes down that it has
        for folder, _, names in os.walk(host.inside("/run/libvirt/qemu")):
            for name in set(names) & {"autostarted"}:
                os.unlink(os.path.join(folder, name))
        host.start()
        wait_for("the autostart", lambda: host.qemu("a"), 30)
        equal("QEMU's flags", guest.flags(host.cmdline("a")), ALL)


def daemon_restarted():
    """What a client has said outlives the daemon, and a crash of it; nobody else can read it."""
    secret = case.password()
    with Host(case.tree(), hook=False, files=FLAT) as host:
        for name, again in (("a", host.restart), ("b", lambda: (host.kill(), host.start()))):
            host.conn.defineXML(guest.domain(name, emulator=PICKY, devices=guest.vnc(secret)))
            equal("files", len(kept(host)), 1)
            again()
            domain = host.conn.lookupByName(name)
            equal("offset", offset(domain), "localtime")
            domain.create()
            equal("QEMU's flags", guest.flags(host.cmdline(name)), NONE)
            equal("offset", offset(domain), "utc")
            true("the password is back", secret in domain.XMLDesc(SECRET))
            equal("what is kept", kept(host), [])
        equal("places that hold the password", case.holders(host, secret), [])


def daemon_killed_between():
    """Its previous definition is back, the second start has not begun: it is nobody's loss."""
    with Host(case.tree(), hook=False, files=FLAT) as host:
        host.conn.defineXML(guest.domain("a", emulator=PICKY))
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(start_fails, libvirt.open(host.uri()).lookupByName("a"), "")
            wait_for("the previous definition",
                     lambda: "offset='utc'" in host.read("/etc/libvirt/qemu/a.xml"), 30)
            host.kill()
            done.exception()
        host.start()
        domain = host.conn.lookupByName("a")
        if not domain.isActive():
            domain.create()
        equal("QEMU's flags", guest.flags(host.cmdline("a")), NONE)
        equal("offset", offset(domain), "utc")


def forgotten():
    """Nothing is kept of a guest that has booted with the policy, or is no more."""
    with Host(case.tree(), hook=False) as host:
        for last in (lambda domain: domain.create(), lambda domain: domain.undefine(),
                     lambda domain: domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM),
                     lambda domain: host.conn.defineXML(domain.XMLDesc(SECRET))):
            domain = host.conn.defineXML(guest.domain("a"))
            equal("files", len(kept(host)), 1)
            last(domain)
            equal("what is kept", kept(host), [])
            if last.__code__.co_names[0] == "create":
                domain.destroy()
                domain.undefine()


def disk_full():
    """Without a way back nothing is put in a definition's place, and an error says so."""
    with Host(case.tree(), hook=False) as host:
        state = os.path.dirname(KEPT)
        done = host.run("sh", "-c", f"mkdir -p {state} && mount -t tmpfs -o size=4k none {state} "
                        f"&& dd if=/dev/zero of={state}/full 2>/dev/null; true")
        equal("a full disk", done.returncode, 0)
        domain = host.conn.defineXML(guest.domain("a"))
        host.wait_log("'a': what it is without the policy cannot be kept .*No space left on device.*hint: ")
        domain.create()
        equal("QEMU's flags", guest.flags(host.cmdline("a")), NONE)
        domain.destroy()
        os.unlink(host.inside(f"{state}/full"))
        domain.create()
        equal("QEMU's flags", guest.flags(host.cmdline("a")), ALL)


def names():
    """The hook is told by libvirt's own name that a guest is started as it was."""
    given = ("a&amp;b", "it's", "x" * 64, "y" * 200, "z&amp;" * 40)
    with Host(case.tree(), files=FLAT, config="[enforce]\ncold_start = repair\n") as host:
        for name in given:
            # the first element of that name is nobody's
            xml = guest.domain("", emulator=PICKY)
            head, metadata, tail = re.match(
                "(.*)<name></name>(.*<metadata>.*</metadata>)(.*)", xml, re.S).groups()
            metadata = metadata.replace("<metadata>", "<metadata><w:w xmlns:w='urn:w'>"
                                        "<name>another</name></w:w>")
            domain = host.conn.defineXML(f"{head}{metadata}<name>{name}</name>{tail}")
            domain.create()
            plain = name.replace("&amp;", "&")
            equal("name", domain.name(), plain)
            wait_for("what the hook says",
                     lambda: len(host.log_lines("could not start under the policy")) ==
                     given.index(name) + 1, 30)
        transient = guest.domain("t&amp;" + "u" * 80, emulator=PICKY)
        host.conn.createXML(transient, 0)
        wait_for("what the hook says of a transient one",
                 lambda: len(host.log_lines("could not start under the policy")) ==
                 len(given) + 1, 30)
        equal("repairs", host.log_lines("handed to"), [])


def uuid_in_any_xml():
    """A client's XML without a UUID is put back as the guest that libvirt has made of it."""
    comment = "<!-- <domain type='qemu'><uuid>none</uuid> -->\n"
    with Host(case.tree(), hook=False, files=FLAT) as host:
        for number, (old, new) in enumerate((
                ("<domain type='qemu'>", comment + "<domain type='qemu'>"),
                ("<domain type='qemu'>", "<domain xmlns:x='a>b' type='qemu' >"),
                ("<domain type='qemu'>", "<?xml version='1.0'?>" + comment +
                 "<domain\nxmlns:x=\"a>'b\" type='qemu'>"))):
            xml = guest.domain(f"a{number}", emulator=PICKY)
            true("the root is as libvirt's tools write it", old in xml)
            domain = host.conn.defineXML(xml.replace(old, new, 1))
            before = domain.UUIDString()
            domain.create()
            equal("QEMU's flags", guest.flags(host.cmdline(f"a{number}")), NONE)
            equal("offset", offset(domain), "utc")
            equal("uuid", host.conn.lookupByName(f"a{number}").UUIDString(), before)


def edited_since():
    """A disk that was added since the definition is not thrown away with the policy."""
    with Host(case.tree(), hook=False, files=FLAT) as host:
        host.put("/tmp/none.img", "x" * 4096, mode=0o644)
        domain = host.conn.defineXML(guest.domain("a", emulator=PICKY))
        domain.attachDeviceFlags(DISK, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
        domain.create()
        equal("QEMU's flags", guest.flags(host.cmdline("a")), NONE)
        stored = domain.XMLDesc(SECRET)
        true("the disk is still there", "/tmp/none.img" in stored)
        equal("offset", guest.clock_of(stored)[0], "utc")


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
             of_a_missing_disk, daemon_restarted, daemon_killed_between, forgotten, disk_full, names,
             uuid_in_any_xml, edited_since, transient, switched_off, right_guests_are_forgotten)
