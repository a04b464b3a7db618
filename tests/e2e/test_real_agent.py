#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`winguest discover` and QEMU's own guest agent, Debian's build of it, in a Linux guest: a
distribution's kernel, its modules for the channel, and an initramfs. Nothing stands in."""

import glob
import gzip
import json
import os
import re
import shutil
import stat
import subprocess

import case
import clockguest
import guest
from case import equal, true
from host import Host, wait_for

AGENT = "/usr/sbin/qemu-ga"
NAME = "org.qemu.guest_agent.0"
MODULES = ["virtio", "virtio_ring", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "virtio_console"]
CONFIG = "[rules]\nnames = called-*\n"
INIT = f"""\
#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs dev /dev
# Twice: which of them needs which is not the same in every kernel.
for module in {" ".join(MODULES * 2)}; do $b insmod /modules/$module.ko 2>/dev/null; done
port=$($b grep -l {NAME} /sys/class/virtio-ports/*/name)
port=$($b basename $($b dirname $port))
TZ=CST-8 {AGENT} -m virtio-serial -p /dev/$port -t /run
$b poweroff -f
"""


def modules(kernel):
    """Of a kernel in /boot: {name: path}, without what it has built in."""
    version = os.path.basename(kernel).removeprefix("vmlinuz-")
    every = glob.glob(f"/lib/modules/{version}/kernel/drivers/**/*.ko", recursive=True)
    return {os.path.basename(path)[:-3]: path for path in every}


def kernels():
    return [path for path in sorted(glob.glob("/boot/vmlinuz-*")) if "virtio_console" in modules(path)]


def needs():
    if not os.path.exists(AGENT):
        return "no qemu-ga: install qemu-guest-agent"
    if not kernels():
        return "no kernel in /boot with virtio_console: install linux-image-cloud-amd64"
    return clockguest.missing()


def read(path):
    with open(path, "rb") as source:
        return source.read()


def initramfs():
    found = modules(kernels()[-1])
    programs = {AGENT, *re.findall(r"(/\S+) \(0x", subprocess.run(["ldd", AGENT], text=True, capture_output=True,
                                                                  check=True).stdout)}
    files = {path: read(os.path.realpath(path)) for path in programs}
    files |= {f"/modules/{name}.ko": read(found[name]) for name in MODULES if name in found}
    files |= {"/bin/busybox": read(clockguest.busybox()), "/init": INIT.encode(),
              "/etc/os-release": read(os.path.realpath("/etc/os-release"))}
    folders = {"/dev", "/proc", "/sys", "/run"}
    for path in files:
        while (path := os.path.dirname(path)) != "/":
            folders.add(path)
    return gzip.compress(clockguest.cpio(
        [(path[1:], stat.S_IFDIR | 0o755) for path in sorted(folders)] +
        [("dev/console", stat.S_IFCHR | 0o600, b"", (5, 1))] +
        [(path[1:], stat.S_IFREG | 0o755, content) for path, content in files.items()]), compresslevel=1)


def domain(name):
    channel = f"<channel type='unix'><target type='virtio' name='{NAME}'/></channel>"
    xml = clockguest.domain(name).replace("</devices>", channel + "</devices>")
    return re.sub("<metadata>.*</metadata>", "", xml, flags=re.S)


def asked():
    with Host(case.tree(), config=CONFIG, timezone="Asia/Shanghai") as host:
        clockguest.install(host)
        shutil.copyfile(kernels()[-1], host.inside(clockguest.BOOT + "/vmlinuz"))
        with open(host.inside(clockguest.BOOT + "/initramfs"), "wb") as out:
            out.write(initramfs())
        for name in ("plain", "called-windows"):
            host.conn.defineXML(domain(name)).create()
        true("the rule has its way", guest.has_flag(host.cmdline("called-windows"), guest.FLAGS["rtc"]))

        def told():
            done = host.run("winguest", "discover", "-f", "json", timeout=60)
            found = {each["name"]: each for each in json.loads(done.stdout)["guests"]}
            return found if all(each["says"] for each in found.values()) else None

        ours = re.search(r'(?m)^ID="?([^"\n]*)', read("/etc/os-release").decode()).group(1)
        found = wait_for("both agents", told, 100)
        for each in found.values():
            print(f"# {each}")
            equal("it answers", (each["agent"], each["says"]), ("answers", ours))
        equal("findings", {name: each["finding"] for name, each in found.items()},
              {"plain": "agreement", "called-windows": "not-windows"})
        equal("a Linux guest's clock is right", found["plain"]["clock"], "right")
        equal("unless it was given Windows'", found["called-windows"]["clock"],
              "8 h ahead: started with localtime, keeps UTC")


if __name__ == "__main__":
    case.run(asked, requirement=needs)
