#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The hook alone, as it is installed: it stops nobody's guest, and the next cold boot is right."""

import os
import time
import uuid

import libvirt

import case
import guest
from case import equal, true
from host import Host, wait_for
from repairs import ALL, NONE, PICKY, PICKY_TEXT, STATE, STORED, compliant, put_stops, said
from repairs import module_with_stops

KEPT = "/var/lib/libvirt-winguest/kept"
CORRECTED = "its definition is corrected for its next cold boot"


def hooked(config=None, **options):
    return Host(case.tree(), preload=False, config=config, **options)


def kept(host):
    return host.run("sh", "-c", f"cd {KEPT} 2>/dev/null && ls definition.* 2>/dev/null").stdout.split()


def next_boot():
    """What is installed, with the configuration that comes with it."""
    secret = case.password()
    with hooked() as host:
        domain = host.conn.defineXML(guest.domain("w", uuid=uuid.uuid4(), devices=guest.vnc(secret)))
        domain.create()
        before = host.qemu("w"), domain.ID()
        line = said(host, domain.UUIDString(), CORRECTED)
        true(f"of nova's guests it says who writes them: {line}", "nova writes it anew" in line)
        equal("QEMU and the boot", (host.qemu("w"), domain.ID()), before)
        equal("QEMU's flags", guest.flags(host.cmdline("w")), NONE)
        true("the password is in the definition", secret in domain.XMLDesc(STORED))
        equal("what is kept", len(kept(host)), 1)
        mode = host.run("stat", "-c", "%a %U", KEPT, f"{KEPT}/{kept(host)[0]}").stdout
        equal("who may see it", mode, "700 root\n600 root\n")
        equal("others that hold the password",
              [place for place in case.holders(host, secret) if "/kept/" not in place], [])
        domain.destroy()
        domain.create()
        compliant(host, domain, secret)
        wait_for("nothing to be kept", lambda: not kept(host), 60)


def transient():
    with hooked() as host:
        domain = host.conn.createXML(guest.domain("t"), 0)
        said(host, domain.UUIDString(), "it is transient")
        equal("how it is", (domain.isActive(), domain.isPersistent()), (1, 0))


def host_that_cannot():
    """A host that cannot start it with what the policy wants: its owner's next start is as it was, and
    it is not tried again, nor after a reboot of the host. One start has failed, not every one."""
    with hooked(files={PICKY: PICKY_TEXT}) as host:
        domain = host.conn.defineXML(guest.domain("no", uuid=uuid.uuid4(), emulator=PICKY,
                                                  devices=guest.vnc("secret00")))
        was = domain.XMLDesc(STORED)
        domain.create()
        said(host, domain.UUIDString(), CORRECTED)
        domain.destroy()
        # As a reboot of the host does.
        host.run("sh", "-c", f"rm -rf {STATE}")
        try:
            domain.create()
            raise AssertionError("it started on a host that cannot")
        except libvirt.libvirtError as err:
            true(f"QEMU's error: {err}", "picky: no hv-vapic here" in str(err))
        said(host, domain.UUIDString(), "previous definition restored")
        equal("the definition", domain.XMLDesc(STORED), was)
        for _ in range(2):
            domain.create()
            equal("QEMU's flags", guest.flags(host.cmdline("no")), NONE)
            said(host, domain.UUIDString(), "it did not start under this policy before")
            domain.destroy()
            host.run("sh", "-c", f"rm -rf {STATE}")
        equal("the definition", domain.XMLDesc(STORED), was)


# It takes its time before it is QEMU, and says what QEMU says when it is ended.
SLOW = """#!/bin/sh
trap 'echo "qemu-system-x86_64: terminating on signal 15 from pid 1 (libvirtd)" >&2; exit 0' TERM
case " $* " in *" -S "*) sleep 3 & wait;; esac
trap - TERM
exec qemu-system-x86_64 "$@"
"""


def start_that_was_ended():
    """A start of the corrected definition that somebody ends says nothing of the policy."""
    with hooked(files={PICKY: SLOW}) as host:
        domain = host.conn.defineXML(guest.domain("e", uuid=uuid.uuid4(), emulator=PICKY,
                                                  devices=guest.vnc("secret00")))
        domain.create()
        said(host, domain.UUIDString(), CORRECTED)
        domain.destroy()
        other = libvirt.open(host.uri())
        done = host.background("sh", "-c", "virsh start e")
        with done:
            wait_for("the start", lambda: other.lookupByName("e").isActive(), 60)
            other.lookupByName("e").destroy()
        time.sleep(3)
        equal("it is off", domain.isActive(), 0)
        domain.create()
        compliant(host, domain, "secret00")


def autostart():
    """20 guests that start with the daemon: each is booted once, and right the next time."""
    with hooked() as host:
        for index in range(20):
            host.conn.defineXML(guest.domain(f"a{index}", memory=32)).setAutostart(1)
        host.stop()
        # libvirt starts them once per boot of the host (virDriverShouldAutostart)
        os.unlink(host.inside("/run/libvirt/qemu/autostarted"))
        host.start()
        wait_for("all corrections", lambda: len(host.log_lines(CORRECTED)) == 20, 600)
        equal("boots", len(host.log_lines("started guest 'a")), 20)
        for domain in host.conn.listAllDomains():
            equal("it runs", domain.isActive(), 1)
            equal("offset of its definition", guest.clock_of(domain.XMLDesc(STORED))[0], "localtime")
            domain.destroy()
        host.conn.lookupByName("a7").create()
        equal("QEMU's flags", guest.flags(host.cmdline("a7")), ALL)


def hanging_worker():
    """A worker that is held up keeps nobody from anything, and does nothing to what is gone by then."""
    with hooked() as host:
        put_stops(host)
        for deed in ("destroy", "undefine"):
            domain = host.conn.defineXML(guest.domain(deed, uuid=uuid.uuid4()))
            uuid_ = domain.UUIDString()
            host.put(f"{STATE}/lock.{uuid_}", "", 0o600)
            host.run("chmod", "700", STATE)
            with host.background("flock", "-o", f"{STATE}/lock.{uuid_}", "sleep", "999"):
                domain.create()
                time.sleep(1)
                domain.destroy()
                if deed == "undefine":
                    domain.undefine()
                time.sleep(1)
            if deed == "destroy":
                said(host, uuid_, CORRECTED)
            wait_for("the worker's end", lambda u=uuid_: not any(
                u in argv and "repair" in argv for argv in host.processes().values()), 120)
            equal("guests", len(host.conn.listAllDomains()), 1)
            equal("running guests", len(host.conn.listDomainsID()), 0)


def requirement():
    return None if module_with_stops() else "tests/stops/.libs/virt.so is not built"


if __name__ == "__main__":
    case.run(next_boot, transient, host_that_cannot, start_that_was_ended, autostart, hanging_worker,
             requirement=requirement)
