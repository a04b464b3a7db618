# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest that reads its clock: a distribution's kernel and an initramfs that prints the RTC and
the clock sources on the serial console and powers off. About 4 s under TCG."""

import calendar
import glob
import gzip
import os
import re
import shutil
import stat
import struct
import time

import guest

BOOT = "/var/lib/libvirt/boot"
IMAGES = "/var/lib/libvirt/images"
PT_INTERP = 3
INIT = """\
#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
rtc=/sys/class/rtc/rtc0
echo "clock rtc $($b cat $rtc/date) $($b cat $rtc/time)"
echo "clock sources $($b cat /sys/devices/system/clocksource/clocksource0/available_clocksource)"
echo "clock epoch $($b date +%s)"
echo "clock end"
$b poweroff -f
"""


def kernel():
    """The kernel to boot: one named by WINGUEST_KERNEL, else one of this machine's, or None."""
    named = os.environ.get("WINGUEST_KERNEL")
    if named:
        return named if os.access(named, os.R_OK) else None
    found = sorted(glob.glob("/boot/vmlinuz-*-cloud-*")) + sorted(glob.glob("/boot/vmlinuz-*"))
    found += sorted(glob.glob("/usr/lib/modules/*/vmlinuz"))
    return next((path for path in found if os.access(path, os.R_OK)), None)


def static(path):
    """Whether an ELF program needs no loader, which the initramfs has not."""
    with open(path, "rb") as source:
        head = source.read(4096)
    if head[:5] != b"\x7fELF\x02":
        return False
    start, size, count = (struct.unpack_from("<Q", head, 32)[0], *struct.unpack_from("<HH", head,
                                                                                     54))
    return all(struct.unpack_from("<I", head, start + each * size)[0] != PT_INTERP
               for each in range(count))


def busybox():
    """A static busybox: one named by WINGUEST_BUSYBOX, else one on the path, or None."""
    named = os.environ.get("WINGUEST_BUSYBOX")
    for path in [named] if named else ["/bin/busybox", shutil.which("busybox")]:
        if path and os.path.exists(path) and static(path):
            return path
    return None


def missing():
    """What keeps this machine from making the guest, or None."""
    if not kernel():
        return ("no readable kernel: install linux-image-cloud-amd64, "
                "or set WINGUEST_KERNEL=/path/to/vmlinuz")
    if not busybox():
        return "no static busybox: install busybox-static, or set WINGUEST_BUSYBOX"
    return None


def cpio(entries):
    """A newc archive of (name, mode, content, device) entries."""
    out = bytearray()

    def add(number, name, mode, content=b"", device=(0, 0)):
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(name) + 1, 0)
        out.extend(b"070701" + b"".join(b"%08X" % field for field in fields))
        out.extend(name.encode() + b"\0")
        out.extend(b"\0" * (-len(out) % 4))
        out.extend(content)
        out.extend(b"\0" * (-len(out) % 4))

    for number, entry in enumerate(entries, 1):
        add(number, *entry)
    add(0, "TRAILER!!!", 0)
    return bytes(out)


def initramfs():
    with open(busybox(), "rb") as source:
        program = source.read()
    folders = [(name, stat.S_IFDIR | 0o755) for name in ("bin", "dev", "proc", "sys")]
    return gzip.compress(cpio([
        *folders,
        ("dev/console", stat.S_IFCHR | 0o600, b"", (5, 1)),
        ("bin/busybox", stat.S_IFREG | 0o755, program),
        ("init", stat.S_IFREG | 0o755, INIT.encode())]), compresslevel=1)


def install(host):
    """Puts kernel and initramfs into the host: copies, since libvirt may chown what a guest uses."""
    for folder in (BOOT, IMAGES):
        os.makedirs(host.inside(folder), exist_ok=True)
    shutil.copyfile(kernel(), host.inside(BOOT + "/vmlinuz"))
    with open(host.inside(BOOT + "/initramfs"), "wb") as out:
        out.write(initramfs())


def domain(name, **options):
    boot = f"""<kernel>{BOOT}/vmlinuz</kernel>
    <initrd>{BOOT}/initramfs</initrd>
    <cmdline>console=ttyS0 quiet panic=-1</cmdline>"""
    console = f"""<serial type='file'><source path='{IMAGES}/{name}.console'/></serial>"""
    return guest.domain(name, boot=boot, devices=console, memory=256, **options)


def console(host, name):
    path = host.inside(f"{IMAGES}/{name}.console")
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="backslashreplace") as source:
        return source.read()


def read(host, name):
    """{'ahead': seconds by which the guest's RTC, read as UTC, is ahead of this machine's UTC,
    'rtc': what it showed, 'sources': clock sources, 'epoch': what its kernel takes for UTC},
    or None while it has not printed them all."""
    text = console(host, name)
    if "clock end" not in text:
        return None
    rtc = re.search(r"clock rtc (\S+ \S+)", text).group(1)
    seen = calendar.timegm(time.strptime(rtc, "%Y-%m-%d %H:%M:%S"))
    return {"rtc": rtc, "ahead": seen - time.time(),
            "sources": re.search(r"clock sources (.*)", text).group(1).split(),
            "epoch": int(re.search(r"clock epoch (\d+)", text).group(1))}
