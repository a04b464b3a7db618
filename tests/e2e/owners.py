# SPDX-License-Identifier: LGPL-2.1-or-later
"""What owners do with guests that have just been booted, at any moment of what we do with them:
some rounds of each deed, from 0 to 3 s after the boot, several at a time. Afterwards

  - no guest runs that its owner has stopped or deleted, and none is defined that he has deleted,
  - none is down that he wants up, none is on two hosts,
  - what he has changed in it is there,
  - no call of his has failed; or, where a guest may be restarted, only for that."""

import os
import random
import tempfile
import time
import uuid

import libvirt

import case
import guest
from case import equal, true
from host import SOCKET, Host, wait_for
from repairs import STORED, clients, disk, put_qcow2

ROUNDS = int(os.environ.get("WINGUEST_ROUNDS", "8"))
CLIENTS = 8
DELAY = 3.0
LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE
# What a call on a guest says that a repair has just ended, and not yet started again; doc/enforcing.md
# names them.
BLIP = (libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_OPERATION_FAILED,
        libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_ABORTED,
        libvirt.VIR_ERR_INTERNAL_ERROR, libvirt.VIR_ERR_SYSTEM_ERROR)


class Round:
    """One guest and what its owner wants of it."""

    def __init__(self, host, conn, deed, number):
        self.host, self.conn, self.deed = host, conn, deed
        self.name = f"{deed.__name__}-{number}"
        self.uuid = str(uuid.uuid4())
        self.up, self.defined, self.has, self.elsewhere = True, True, "", False
        self.failed = None
        self.again, self.lost = False, False
        if deed in (snapshot, attach):
            put_qcow2(host, f"/tmp/{self.name}.qcow2")
        self.domain = conn.defineXML(guest.domain(
            self.name, uuid=self.uuid, memory=32,
            devices=disk(self.name) if deed is snapshot else ""))

    def act(self):
        self.domain.create()
        time.sleep(random.uniform(0, DELAY))
        try:
            self.deed(self)
        except libvirt.libvirtError as err:
            self.failed = (err.get_error_code(), f"{self.name}: {err}")

    def worked(self):
        """The worker has ended, and what it started with it."""
        return not any(self.uuid in argv and "repair" in argv
                       for argv in self.host.processes().values())

    def wrong(self, there, restarts):
        """What is not as its owner wants it."""
        try:
            domain = self.conn.lookupByUUIDString(self.uuid)
            up, defined = domain.isActive() == 1, domain.isPersistent() == 1
            live = domain.XMLDesc() if up else ""
            saved = domain.snapshotNum() if self.deed is snapshot else 0
        except libvirt.libvirtError as err:
            equal("the guest is gone", err.get_error_code(), libvirt.VIR_ERR_NO_DOMAIN)
            up, defined, live, saved = False, False, "", 0
        over = there is not None and bool(there.qemu(self.name))
        # A repair had ended it when its owner undefined it; doc/enforcing.md names that.
        if self.deed is delete_running and restarts and not up and not defined:
            return []
        # libvirt has no call that replaces a definition only if there still is one: some 0.3 ms
        # before ours nobody can tell any more that a running guest was undefined.
        self.again = self.deed is delete_running and up and defined
        if self.again:
            return []
        found = []
        if up != self.up:
            found.append(f"{self.name}: {'runs' if up else 'is down'}")
        if defined != self.defined:
            found.append(f"{self.name}: is {'' if defined else 'not '}defined")
        if over != self.elsewhere:
            found.append(f"{self.name}: {'is' if over else 'is not'} on the other host")
        # Nor one that destroys a guest only if it still is as it was a millisecond ago.
        self.lost = bool(restarts and up and self.has and self.has not in live)
        if self.has and self.has not in live and not self.lost:
            found.append(f"{self.name}: lacks {self.has}")
        if self.deed is snapshot and not self.failed and not saved:
            found.append(f"{self.name}: has no snapshot")
        return found

    def forget(self):
        try:
            domain = self.conn.lookupByUUIDString(self.uuid)
            if domain.isActive():
                domain.destroy()
            if self.defined:
                domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE |
                                     libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA)
        except libvirt.libvirtError:
            pass


def destroy(this):
    this.domain.destroy()
    this.up = False


def shut_off_and_delete(this):
    this.domain.destroy()
    this.up = False
    this.domain.undefine()
    this.defined = False


def delete_running(this):
    this.domain.undefine()
    this.defined = False


def edit(this):
    this.conn.defineXML(guest.domain(this.name, uuid=this.uuid, memory=32,
                                     description="edited by its owner"))


def save(this):
    this.domain.managedSave()
    this.up = False


def snapshot(this):
    this.domain.snapshotCreateXML("<domainsnapshot/>")


def attach(this):
    this.domain.attachDeviceFlags(disk(this.name), LIVE)
    this.has = f"/tmp/{this.name}.qcow2"


def ended_by_libvirt(domain):
    """libvirt 9.0's own: the end of the QEMU before, of which it hears late, ends the new one within a
    moment (processMonitorEOFEvent knows the guest only). With or without us, on a busy machine; what
    we end has another reason."""
    for _ in range(50):
        if not domain.isActive():
            break
        time.sleep(0.02)
    return domain.state() == [libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_CRASHED]


def restart(this):
    this.domain.destroy()
    this.up = False
    try:
        this.domain.create()
    except libvirt.libvirtError as err:
        if "domain is no longer running" not in str(err):
            raise
        time.sleep(1)
        this.domain.create()
    if ended_by_libvirt(this.domain):
        this.domain.create()
    this.up = True


def migrate(this):
    this.domain.migrateToURI3(
        "qemu+unix:///system?socket=/tmp/to/" + SOCKET,
        {libvirt.VIR_MIGRATE_PARAM_URI: f"unix:///tmp/common/{this.name}"},
        libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_PEER2PEER |
        libvirt.VIR_MIGRATE_PERSIST_DEST | libvirt.VIR_MIGRATE_UNDEFINE_SOURCE)
    this.up, this.defined, this.elsewhere = False, False, True


DEEDS = (destroy, shut_off_and_delete, delete_running, edit, save, snapshot, attach, restart)


def play(host, deed, there=None, may_fail=()):
    """All rounds of one deed. Returns nothing: it is right, or an error."""
    rounds, wrong = [], []

    def work(index, conn):
        for number in range(index, ROUNDS, CLIENTS):
            this = Round(host, conn, deed, number)
            rounds.append(this)
            this.act()
            wait_for(f"the end of the work on {this.name}", this.worked, 600)
            # Whatever was left to somebody has time to come to light.
            time.sleep(1)
            wrong.extend(this.wrong(there, bool(may_fail)))
            this.forget()

    equal(f"errors of clients ({deed.__name__})", clients(host, CLIENTS, work), [])
    failed = [this.failed[1] for this in rounds
              if this.failed and this.failed[0] not in may_fail]
    few = [this.failed[1] for this in rounds if this.failed and this.failed[0] in may_fail]
    again = sum(this.again for this in rounds)
    lost = sum(this.lost for this in rounds)
    true(f"definitions made again in libvirt's gap: {again}", again <= 1)
    true(f"changes lost in libvirt's gap: {lost}", lost <= 1)
    print(f"{deed.__name__}: {len(rounds)} rounds, {again} defined again, {lost} lost, "
          f"{len(wrong)} wrong, {len(failed)} calls failed, {len(few)} within a restart", flush=True)
    equal(f"guests that are not as their owner wants them ({deed.__name__})", wrong, [])
    equal(f"calls that failed ({deed.__name__})", failed, [])


def all_deeds(config, may_fail=(), **options):
    with Host(case.tree(), config=config, **options) as host:
        for deed in DEEDS:
            play(host, deed, may_fail=may_fail)


def migrations(config, may_fail=(), **options):
    """Live, from the host under test to one without us."""
    with tempfile.TemporaryDirectory(dir="/tmp") as common, \
         Host(share={"common": common}) as there:
        share = {"common": common, "to": os.path.join(there.base, "run/libvirt")}
        with Host(case.tree(), config=config, share=share, **options) as host:
            play(host, migrate, there, may_fail)
