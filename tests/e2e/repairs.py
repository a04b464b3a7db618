# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of the repair share: the hook alone on a host, clients that boot guests, and what
must be true of a guest afterwards."""

import os
import shutil
import struct
import threading
import time
import xml.etree.ElementTree as etree

import libvirt

import case
import guest
from case import equal, true
from host import Host, wait_for

STATE = "/run/libvirt-winguest"
SECRET = libvirt.VIR_DOMAIN_XML_SECURE
STORED = libvirt.VIR_DOMAIN_XML_SECURE | libvirt.VIR_DOMAIN_XML_INACTIVE
ALL = {name: True for name in guest.FLAGS}
NONE = {name: False for name in guest.FLAGS}
PICKY = "/usr/local/bin/picky-qemu"
# It stays until libvirt is connected to its monitor, and so reports what it said.
PICKY_TEXT = """#!/bin/sh
case " $* " in *hv-vapic*) echo 'picky: no hv-vapic here' >&2; sleep 0.5; exit 1;; esac
exec qemu-system-x86_64 "$@"
"""


def hooked(extra="repair.window = 600\n", answer="repair", **options):
    """A host with nothing in the daemon, whose hook repairs; in a window that a busy machine cannot
    miss, unless told otherwise."""
    return Host(case.tree(), preload=False, config=f"[enforce]\ncold_start = {answer}\n" + extra,
                **options)


def module_with_stops():
    """The module whose workers can be killed or held in named places; no installation has it."""
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    for build in (os.environ.get("WINGUEST_BUILD"), os.getcwd(), os.path.join(top, "build")):
        path = os.path.join(build or "", "tests", "stops", ".libs", "virt.so")
        if build and os.path.exists(path):
            return path
    return None


def put_stops(host):
    for folder, _, names in os.walk(host.inside("/usr/lib")):
        if os.path.basename(folder) == "libvirt-winguest" and "virt.so" in names:
            shutil.copyfile(module_with_stops(), os.path.join(folder, "fresh.so"))
            os.rename(os.path.join(folder, "fresh.so"), os.path.join(folder, "virt.so"))
            return
    raise AssertionError("virt.so is not in the installed tree")


def hold(host, name, uuid):
    host.put(f"{STATE}/hold-{name}.{uuid}", "", 0o600)
    os.chmod(host.inside(STATE), 0o700)


def held(host, name, uuid, seconds=120):
    wait_for(f"the worker at {name}",
             lambda: os.path.exists(host.inside(f"{STATE}/at-{name}.{uuid}")), seconds)


def release(host, name, uuid):
    os.unlink(host.inside(f"{STATE}/hold-{name}.{uuid}"))


def said(host, uuid, pattern, seconds=120):
    """Waits for a line of the repair about that guest; returns the last one."""
    return host.wait_log(rf"repair guest .*{uuid}: .*(?:{pattern})", seconds)[-1]


def repair_lines(host, uuid=""):
    return host.log_lines(rf"repair guest .*{uuid}: ")


def compliant(host, domain, secret):
    """The whole policy in QEMU's arguments, the running XML and the stored one; the password."""
    name = domain.name()
    equal(f"QEMU's flags of {name}", guest.flags(host.cmdline(name)), ALL)
    equal(f"whether {name} is persistent", domain.isPersistent(), 1)
    for xml in (domain.XMLDesc(SECRET), domain.XMLDesc(STORED)):
        equal(f"clock offset of {name}", guest.clock_of(xml)[0], "localtime")
        equal(f"enlightenments of {name}", sorted(guest.hyperv_of(xml)),
              ["relaxed", "spinlocks", "vapic"])
        password = etree.fromstring(xml).find("devices/graphics").get("passwd")
        equal(f"password of {name}", password, secret)


class Watcher(threading.Thread):
    """Looks again and again whether guests that must be there are in the list of all guests."""

    def __init__(self, host):
        super().__init__(daemon=True)
        self._conn = libvirt.open(host.uri())
        self._lock = threading.Lock()
        self._expected = set()
        self._ended = threading.Event()
        self.missing = []
        self.looks = 0

    def expect(self, uuid):
        with self._lock:
            self._expected.add(uuid)

    def release(self, uuid):
        with self._lock:
            self._expected.discard(uuid)

    def run(self):
        while not self._ended.wait(0.01):
            with self._lock:
                before = set(self._expected)
            there = {each.UUIDString() for each in self._conn.listAllDomains()}
            with self._lock:
                gone = (before & self._expected) - there
            self.missing += [(time.monotonic(), uuid) for uuid in gone]
            self.looks += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self.join()
        self._conn.close()


def clients(host, number, work):
    """Runs work(index, connection) in so many clients at once; returns the errors they met."""
    errors = []

    libvirt.registerErrorHandler(lambda *_: None, None)

    def one(index):
        conn = libvirt.open(host.uri())
        try:
            work(index, conn)
        except (libvirt.libvirtError, AssertionError, Exception) as err:
            errors.append(f"client {index}: {type(err).__name__}: {err}")
        finally:
            conn.close()

    threads = [threading.Thread(target=one, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def vnc_with(domain, password):
    """The guest's graphics device, but for the password: libvirt changes nothing else of it."""
    graphics = etree.fromstring(domain.XMLDesc()).find("devices/graphics")
    graphics.set("passwd", password)
    return etree.tostring(graphics, encoding="unicode")


def paused(domain):
    return domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED


def nothing_left(host):
    """Neither intents nor locks outlive a repair."""
    wait_for("the end of the repairs",
             lambda: not [name for name in os.listdir(host.inside(STATE))
                          if name.startswith(("intent", "ended", "claim", "retry", "lock", "+"))], 60)


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
