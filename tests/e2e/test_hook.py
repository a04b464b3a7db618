#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The hook alone, with nothing in the daemon: it sees every cold boot, and answers as configured."""

import os
import shutil

import libvirt

import case
import guest
from case import equal, true
from host import Host, wait_for

NONE = {name: False for name in guest.FLAGS}
REPORT = "[enforce]\ncold_start = report\n"
DENY = "[enforce]\ncold_start = deny\n"
GOOD = {"clock": "<clock offset='localtime'><timer name='pit' tickpolicy='delay'/>"
                 "<timer name='rtc' tickpolicy='catchup'/><timer name='hpet' present='no'/>"
                 "<timer name='hypervclock' present='yes'/></clock>",
        "features": "<hyperv><relaxed state='on'/><vapic state='on'/>"
                    "<spinlocks state='on' retries='8191'/></hyperv>"}


def refused(domain):
    """The error of a start that must not succeed."""
    try:
        domain.create()
    except libvirt.libvirtError as err:
        true("the guest does not run", not domain.isActive())
        true("the guest is still defined", domain.isPersistent())
        return err.get_error_message()
    raise AssertionError(f"guest {domain.name()} was started")


def configure(host, text):
    host.put("/etc/libvirt/winguest.conf", text, mode=0o644)


def report():
    secret = case.password()
    with Host(case.tree(), preload=False, config=REPORT) as host:
        host.conn.defineXML(guest.domain("win", devices=guest.vnc(secret),
                                         description="mark-" + secret)).create()
        equal("QEMU's flags", guest.flags(host.cmdline("win")), NONE)
        line = host.wait_log(r"winguest.*\bwin\b.*offset")[0]
        for word in ("win", host.conn.lookupByName("win").UUIDString(), "utc", "localtime"):
            true(f"the log line names {word!r}: {line}", word in line)
        equal("places that hold the password", case.holders(host, secret), [])


def report_transient():
    with Host(case.tree(), preload=False, config=REPORT) as host:
        host.conn.createXML(guest.domain("win"), libvirt.VIR_DOMAIN_START_PAUSED)
        host.wait_log(r"winguest.*\bwin\b.*offset")


def deny():
    with Host(case.tree(), preload=False, config=DENY) as host:
        domain = host.conn.defineXML(guest.domain("win"))
        said = refused(domain)
        true(f"the client sees our line: {said}", "winguest" in said and "win" in said)
        equal("what virsh shows", "winguest" in host.virsh("start", "win", check=False).stderr,
              True)
        host.wait_log(r"winguest.*\bwin\b")
        host.conn.defineXML(guest.domain("good", **GOOD)).create()
        host.conn.defineXML(guest.domain("linux", "linux")).create()
        configure(host, REPORT)
        domain.create()


def deny_spares_what_runs():
    """Under deny: guests already running survive a restart of libvirtd, and are restored."""
    with Host(case.tree(), preload=False, config=REPORT) as host:
        host.conn.defineXML(guest.domain("run")).create()
        saved = host.conn.defineXML(guest.domain("saved"))
        saved.create()
        saved.managedSave()
        before = host.qemu("run")
        configure(host, DENY)
        host.restart()
        equal("QEMU of a running guest", host.qemu("run"), before)
        saved = host.conn.lookupByName("saved")
        saved.create()
        true("the guest was restored", "-incoming" in host.cmdline("saved"))
        saved.save("/tmp/saved.image")
        host.conn.restore("/tmp/saved.image")
        true("the guest was restored", "-incoming" in host.cmdline("saved"))


def our_faults():
    """A stylesheet that is not there: on_error says what becomes of a cold boot."""
    broken = "[windows]\nstylesheets = no-such.xsl\n[enforce]\ncold_start = report\non_error = "
    with Host(case.tree(), preload=False, config=broken + "allow\n") as host:
        domain = host.conn.defineXML(guest.domain("win"))
        domain.create()
        host.wait_log(r"winguest.*no-such\.xsl")
        before = host.qemu("win")
        configure(host, broken + "deny\n")
        host.restart()
        equal("QEMU of a running guest", host.qemu("win"), before)
        domain = host.conn.lookupByName("win")
        domain.destroy()
        said = refused(domain)
        true(f"the client sees our line: {said}", "no-such.xsl" in said)


def bad_configuration():
    """A configuration that cannot be read keeps no guest from booting and kills none."""
    with Host(case.tree(), preload=False, config=REPORT) as host:
        host.conn.defineXML(guest.domain("run")).create()
        before = host.qemu("run")
        configure(host, "[rules]\nnmaes = deny\n")
        host.restart()
        equal("QEMU of a running guest", host.qemu("run"), before)
        host.conn.defineXML(guest.domain("win")).create()
        host.wait_log(r"winguest.*nmaes")


def installed_later():
    """The first hook on a host needs a reload of libvirtd, no restart."""
    with Host(case.tree(), preload=False, config=REPORT) as host:
        hooks = host.inside("/etc/libvirt/hooks")
        shutil.move(hooks, hooks + ".away")
        host.restart()
        host.conn.defineXML(guest.domain("before")).create()
        os.rename(hooks + ".away", hooks)
        host.reload()
        domain = host.conn.defineXML(guest.domain("after"))

        def seen():
            """libvirtd reloads while it serves: a start may come before it has."""
            domain.create()
            domain.destroy()
            return host.log_lines(r"winguest.*\bafter\b")

        wait_for("the hook after a reload", seen, 10)
        equal("lines about the guest before", host.log_lines(r"winguest.*\bbefore\b"), [])


def with_the_filter():
    """Both in place, the strictest answer configured: what the filter made right is not refused."""
    with Host(case.tree(), config=DENY) as host:
        host.conn.defineXML(guest.domain("win")).create()
        host.conn.createXML(guest.domain("other"), 0)
        equal("QEMU's flags", guest.flags(host.cmdline("win")), {key: True for key in NONE})


if __name__ == "__main__":
    case.run(report, report_transient, deny, deny_spares_what_runs, our_faults,
             bad_configuration, installed_later, with_the_filter)
