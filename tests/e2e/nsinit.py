#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""First process of a private hypervisor: arranges the mounts of its namespace, then reaps.

Started by host.py under `unshare --mount --pid --net --fork`; takes one JSON argument. It prints
its process id as the outside sees it, and lives until its standard input is closed: whoever made
the host may die any way it likes, the kernel then ends every process of the pid namespace and
drops the mounts with it.
"""

import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys

DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "kvm", "fuse")
# The user and group as which libvirt would run QEMU, by the distribution; libvirtd wants them to exist although
# the tests' QEMU does not run so. Where libvirt's units are not installed, they may not.
QEMU_USERS = ("libvirt-qemu", "qemu", "kvm")
QEMU_ID = 64055
# No cgroup is made under these, so none is left behind when the host is killed.
CGROUPS = "/sys/fs/cgroup"
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1


def mount(*args):
    subprocess.run(["mount", *args], check=True, stdin=subprocess.DEVNULL)


def overlay(layers, top, tree):
    """Makes /TOP writable for this host only, with tree/TOP laid over it if there is one."""
    upper = os.path.join(layers, top, "up")
    work = os.path.join(layers, top, "work")
    os.makedirs(upper)
    os.makedirs(work)
    lower = "/" + top
    # The tree is a copy in the host's own directory: its path holds no ':' or ',' to escape.
    if tree and os.path.isdir(os.path.join(tree, top)):
        lower = f"{tree}/{top}:{lower}"
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    mount("-t", "overlay", "overlay", "-o", options, "/" + top)


def private_dev(base):
    """A /dev of its own: syslog(3) wants a socket in it, and the machine's is not ours to fill."""
    dev = os.path.join(base, "dev")
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", dev)
    for name in DEVICES:
        if os.path.exists("/dev/" + name):
            open(os.path.join(dev, name), "w").close()
            mount("--bind", "/dev/" + name, os.path.join(dev, name))
    for name, where in (("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"),
                        ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2"),
                        ("ptmx", "pts/ptmx")):
        os.symlink(where, os.path.join(dev, name))
    for name in ("pts", "shm"):
        os.mkdir(os.path.join(dev, name))
    mount("-t", "devpts", "-o", "newinstance,ptmxmode=0666,mode=620", "devpts", dev + "/pts")
    mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", dev + "/shm")
    open(os.path.join(dev, "log"), "w").close()
    mount("--bind", os.path.join(base, "log.sock"), os.path.join(dev, "log"))
    mount("--move", dev, "/dev")


def add_user(name):
    """In this host's own /etc, which is an overlay."""
    for path, line in (("/etc/passwd", f"{name}:x:{QEMU_ID}:{QEMU_ID}::/:/usr/sbin/nologin\n"),
                       ("/etc/group", f"{name}:x:{QEMU_ID}:\n")):
        with open(path, "r+", encoding="utf-8") as table:
            if not any(entry.startswith(name + ":") for entry in table):
                table.write(line)


def bind(source, target):
    os.makedirs(target, exist_ok=True)
    mount("--bind", source, target)


def arrange(spec):
    base = spec["base"]
    layers = os.path.join(base, "layers")
    mount("-t", "proc", "proc", "/proc")
    if os.path.ismount(CGROUPS):
        subprocess.run(["umount", "-l", CGROUPS], check=True)
    mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", layers)
    # A coverage build's programs write where they were built: no layer may lie over that.
    counts, kept = spec["counts"], os.path.join(base, "kept")
    if counts:
        bind(counts, kept)
    for top in ("usr", "etc", "var"):
        overlay(os.path.join(layers, ".layers"), top, spec["tree"])
    for name, target in (("run", "/run"), ("etc", "/etc/libvirt"), ("lib", "/var/lib/libvirt"),
                         ("log", "/var/log/libvirt"), ("cache", "/var/cache/libvirt")):
        bind(os.path.join(base, name), target)
    for name, source in spec["share"].items():
        bind(source, os.path.join(layers, name))
    for name in QEMU_USERS:
        add_user(name)
    if spec["timezone"]:
        if os.path.lexists("/etc/localtime"):
            os.unlink("/etc/localtime")
        os.symlink("/usr/share/zoneinfo/" + spec["timezone"], "/etc/localtime")
    private_dev(base)
    if counts:
        place = layers + counts[len("/tmp"):] if counts.startswith("/tmp/") else counts
        os.makedirs(place, exist_ok=True)
        mount("--move", kept, place)
    # Last: from here on the host's directory is out of sight, and so is what others left in /tmp.
    mount("--move", layers, "/tmp")


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(sock, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def reap_until_closed(fd):
    """libvirt waits for a QEMU it kills to be gone: as its adoptive parent we must not keep it."""
    child, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        ready = select.select([fd, child], [], [])[0]
        if fd in ready and not os.read(fd, 4096):
            return
        if child in ready:
            os.read(child, 4096)


def main():
    os.umask(0o022)
    outside = os.readlink("/proc/self")
    try:
        arrange(json.loads(sys.argv[1]))
        loopback_up()
    except (subprocess.CalledProcessError, OSError) as err:
        sys.exit(f"nsinit: {err}")
    print(outside, flush=True)
    reap_until_closed(0)


if __name__ == "__main__":
    main()
