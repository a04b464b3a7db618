#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""With the filter in libvirtd: guests that were defined before it was there."""

import libvirt

import case
import guest
from case import equal, true
from host import Host

ALL = {name: True for name in guest.FLAGS}
NONE = {name: False for name in guest.FLAGS}
SECRET = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
PICKY = "/usr/local/bin/picky-qemu"


def picky(refused):
    """An emulator that does not start when its command line has `refused`, and says so: it stays
    until libvirt is connected to its monitor, and so reports it."""
    return f"""#!/bin/sh
case "$*" in
  *"{refused}"*)
    set -- "$(echo "$*" | sed 's/.*-rtc \\([^ ]*\\).*/\\1/')"
    echo "picky: not with $1" >&2
    sleep 0.5
    exit 1 ;;
esac
exec /usr/bin/qemu-system-x86_64 "$@"
"""


def defined_before():
    secret = case.password()
    with Host(case.tree(), preload=False, hook=False) as host:
        xml = guest.domain("old", devices=guest.vnc(secret), description="mark-" + secret)
        was = host.conn.defineXML(xml).XMLDesc(SECRET)
        host.restart(preload=True)
        domain = host.conn.lookupByName("old")
        equal("definition before the start", domain.XMLDesc(SECRET), was)
        domain.create()
        equal("QEMU's flags", guest.flags(host.cmdline("old")), ALL)
        now = domain.XMLDesc(SECRET)
        equal("stored offset", guest.clock_of(now)[0], "localtime")
        true("the password is in the stored definition", f"passwd='{secret}'" in now)
        for line in was.splitlines():
            if not any(word in line for word in ("clock", "features")):
                true(f"the stored definition keeps {line!r}", line in now.splitlines())
        host.wait_log(r"winguest.*old")
        equal("places that hold the password", case.holders(host, secret), [])


def defined_before_by_virsh():
    with Host(case.tree(), preload=False, hook=False) as host:
        host.virsh_xml("define", guest.domain("old"))
        host.virsh_xml("define", guest.domain("linux", "linux"))
        stored = host.virsh("dumpxml", "--inactive", "linux").stdout
        host.restart(preload=True)
        host.virsh("start", "old", "--paused")
        equal("QEMU's flags", guest.flags(host.cmdline("old")), ALL)
        host.virsh("resume", "old")
        host.virsh("start", "linux")
        equal("QEMU's flags of linux", guest.flags(host.cmdline("linux")), NONE)
        equal("linux", host.virsh("dumpxml", "--inactive", "linux").stdout, stored)


def running_guests():
    """Neither the filter's arrival nor a start of what runs already touches a running guest."""
    with Host(case.tree(), preload=False, hook=False) as host:
        host.conn.defineXML(guest.domain("old")).create()
        before = host.qemu("old")
        host.restart(preload=True)
        domain = host.conn.lookupByName("old")
        stored = domain.XMLDesc(SECRET)
        try:
            domain.create()
            raise AssertionError("a running guest was started once more")
        except libvirt.libvirtError as err:
            equal("error", err.get_error_code(), libvirt.VIR_ERR_OPERATION_INVALID)
        equal("QEMU", host.qemu("old"), before)
        equal("definition", domain.XMLDesc(SECRET), stored)
        host.restart()
        equal("QEMU after another restart", host.qemu("old"), before)
        domain = host.conn.lookupByName("old")
        domain.destroy()
        domain.create()
        equal("QEMU's flags of the next cold boot", guest.flags(host.cmdline("old")), ALL)


def managed_save():
    """A saved guest goes on with the machine it was saved with; the next cold boot is right."""
    with Host(case.tree(), preload=False, hook=False) as host:
        domain = host.conn.defineXML(guest.domain("old"))
        domain.create()
        domain.managedSave()
        stored = domain.XMLDesc(SECRET)
        host.restart(preload=True)
        domain = host.conn.lookupByName("old")
        domain.create()
        true("the guest was restored", "-incoming" in host.cmdline("old"))
        equal("QEMU's flags", guest.flags(host.cmdline("old")), NONE)
        equal("definition", domain.XMLDesc(SECRET), stored)
        domain.destroy()
        domain.create()
        equal("QEMU's flags of the next cold boot", guest.flags(host.cmdline("old")), ALL)


def old_guest(config, refused):
    host = Host(case.tree(), preload=False, hook=False, config=config,
                files={PICKY: picky(refused)})
    host.conn.defineXML(guest.domain("old", emulator=PICKY))
    host.restart(preload=True)
    return host


def rolled_back():
    """A guest that cannot start under the policy starts as it was, and its definition is back."""
    with old_guest("[enforce]\nrollback = yes\n", "base=localtime") as host:
        domain = host.conn.lookupByName("old")
        stored = domain.XMLDesc(SECRET)
        domain.create()
        equal("QEMU's flags", guest.flags(host.cmdline("old")), NONE)
        equal("definition", domain.XMLDesc(SECRET), stored)
        host.wait_log(r"winguest.*old")


def not_rolled_back():
    with old_guest("[enforce]\nrollback = no\n", "base=localtime") as host:
        domain = host.conn.lookupByName("old")
        try:
            domain.create()
            raise AssertionError("started although the emulator refuses local time")
        except libvirt.libvirtError as err:
            true(f"the client's error is QEMU's: {err}", "picky: not with base=localtime" in
                 err.get_error_message())


def rolled_back_in_vain():
    """Both starts fail: the client gets the first error intact, and the policy stays."""
    with old_guest("[enforce]\nrollback = yes\n", "-rtc base=") as host:
        domain = host.conn.lookupByName("old")
        try:
            domain.create()
            raise AssertionError("started although the emulator refuses to")
        except libvirt.libvirtError as err:
            true(f"the client's error is the first start's: {err}",
                 "picky: not with base=localtime" in err.get_error_message())
        host.wait_log(r"winguest.*old")
        equal("stored offset", guest.clock_of(domain.XMLDesc(SECRET))[0], "localtime")


if __name__ == "__main__":
    case.run(defined_before, defined_before_by_virsh, running_guests, managed_save,
             rolled_back, not_rolled_back, rolled_back_in_vain)
