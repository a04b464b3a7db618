#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`winguest discover --disks` with the real virt-inspector, and an owner who starts the guest at
that moment. Needs guestfs-tools, mtools and a kernel in /boot; half a minute under TCG."""

import json
import os
import shutil
import time

import agentguest
import case
import windowsdisk
from case import equal, true, within
from host import Host, wait_for

IMAGES = "/var/lib/libvirt/images"
LIST = "/etc/libvirt/found"
CONFIG = f"[rules]\nuuid_file = {LIST}\n"


def define(host, name):
    path = f"{IMAGES}/{name}.raw"
    os.makedirs(host.inside(IMAGES), exist_ok=True)
    if name != "blank":
        windowsdisk.make(host.inside(path))
    else:
        with open(host.inside(path), "wb") as disk:
            disk.truncate(windowsdisk.SIZE)
    disk = (f"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{path}'/>"
            "<target dev='vda' bus='virtio'/></disk>")
    xml = agentguest.domain(name, channel=False).replace("</devices>", disk + "</devices>")
    return host.conn.defineXML(xml.replace(agentguest.EMULATOR, "/usr/bin/qemu-system-x86_64"))


def digest(host, name):
    with open(host.inside(f"{IMAGES}/{name}.raw"), "rb") as disk:
        return hash(disk.read())


def looks():
    with Host(case.tree(), config=CONFIG, files={LIST: ""}) as host:
        os.chmod(host.inside(LIST), 0o644)
        guests = {name: define(host, name) for name in ("blank", "off", "runs", "started")}
        guests["runs"].create()
        before = {name: (digest(host, name), guests[name].XMLDesc(2)) for name in guests}
        argv = ["env", "LIBGUESTFS_BACKEND=direct", "LIBGUESTFS_BACKEND_SETTINGS=force_tcg", "winguest", "discover",
                "--disks", "-f", "json", "--merge", LIST]
        with host.background(*argv) as process:
            uuid = guests["started"].UUIDString()
            wait_for("its disks are looked at", lambda: any("virt-inspector" in words and uuid in words
                                                            for words in host.processes().values()), 60)
            time.sleep(3)
            guests["started"].create()
            told = json.loads(process.stdout.read())
            equal("exit", process.wait(), 0)
        true("the owner's start stands", guests["started"].isActive())
        case.against_schema(told, "discover")
        found = {each["name"]: each for each in told["guests"]}
        equal("guests", set(found), {"blank", "off", "runs"})
        equal("Windows", [found["off"][key] for key in ("agent", "says", "finding")],
              ["shut-off", "mswindows", "unmarked"])
        equal("nothing", [found["blank"][key] for key in ("agent", "says", "finding")], ["shut-off", None, "unknown"])
        equal("one that runs is not looked at", found["runs"]["agent"], "no-channel")
        within("the list", host.read(LIST), guests["off"].UUIDString() + " # agent: off has on its disks mswindows, ")
        equal("disks and definitions", {name: (digest(host, name), guests[name].XMLDesc(2)) for name in guests}, before)


def needs():
    for program, package in (("virt-inspector", "guestfs-tools"), ("mformat", "mtools")):
        if not shutil.which(program):
            return f"no {program}: install {package}"
    return None


if __name__ == "__main__":
    case.run(looks, requirement=needs)
