#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`winguest enable|disable: what it writes, and what it sees in a running libvirtd.
Systemd does not run in a private host; where it matters, a stand-in for systemctl does."""

import os
import subprocess

import case
from case import equal, true
from host import Host

UNIT = "/etc/systemd/system/{}.service"
DROPIN = "/etc/systemd/system/{}.service.d/50-winguest.conf"
# Behind a reload it gives what the drop-in says, unless another one comes behind that.
SYSTEMCTL = """#!/bin/sh
echo "$*" >>/run/systemctl.calls
case $1 in
daemon-reload) [ -e /run/systemctl.override ] ||
    sed -n 's/^Environment=//p' /etc/systemd/system/libvirtd.service.d/50-winguest.conf >/run/systemctl.reloaded ;;
show)
    if [ -e /run/systemctl.reloaded ]; then
        cat /run/systemctl.reloaded
        rm /run/systemctl.reloaded
    else
        cat /run/systemctl.environment
    fi ;;
esac
"""


def verb(host, *args, code=0):
    done = host.run("winguest", *args)
    equal(f"exit code of {' '.join(args)}: {done.stdout}{done.stderr}", done.returncode, code)
    return done.stdout + done.stderr


def status(host):
    """What `winguest status` says of the filter, each line with its level."""
    done = host.run("winguest", "status")
    return [line for line in done.stdout.splitlines() if line.split()[1] == "filter:"]


def preload_of(host, daemon="libvirtd"):
    lines = host.read(DROPIN.format(daemon)).splitlines()
    equal("section", lines[1], "[Service]")
    equal("before the daemon", lines[3:], ["ExecStartPre=-/usr/bin/winguest apply --offline"])
    true(lines[2], lines[2].startswith('Environment="LD_PRELOAD=') and lines[2].endswith('"'))
    return lines[2][len('Environment="LD_PRELOAD='):-1]


def exists(host, path):
    return os.path.exists(host.inside(path))


def with_services(*daemons):
    """A host that has these services and no others."""
    host = Host(case.tree(), preload=False, hook=False)
    for daemon in ("libvirtd", "virtqemud"):
        for place in ("/usr/lib", "/lib", "/etc"):
            unit = host.inside(f"{place}/systemd/system/{daemon}.service")
            if os.path.exists(unit):
                os.unlink(unit)
    for daemon in daemons:
        host.put(UNIT.format(daemon), "[Service]\n", mode=0o644)
    return host


def on_and_off():
    with with_services("libvirtd") as host:
        equal("not written", ["runs without" in line for line in status(host)], [True])
        said = verb(host, "enable")
        true(f"what else loads it: {said}", "systemd does not run here" in said and "start.sh" in said
             and "try-restart" not in said)
        equal("preloaded", preload_of(host), host.filter_path())
        equal("virtqemud's", exists(host, DROPIN.format("virtqemud")), False)
        equal("mode", os.stat(host.inside(DROPIN.format("libvirtd"))).st_mode & 0o777, 0o644)
        true("again", "written" not in verb(host, "enable"))
        equal("files", os.listdir(host.inside("/etc/systemd/system/libvirtd.service.d")),
              ["50-winguest.conf"])
        equal("written", ["was not started by systemd" in line for line in status(host)], [True])
        os.makedirs(host.inside("/run/systemd/system"))
        equal("with systemd", ["was started before it was enabled" in line for line in status(host)], [True])
        os.rmdir(host.inside("/run/systemd/system"))
        host.put(DROPIN.format("libvirtd"),
                 host.read(DROPIN.format("libvirtd")).replace("ExecStartPre", "# ExecStartPre"))
        true("of an older version", "may be wrong at first" in status(host)[0])
        verb(host, "disable")
        equal("directory", exists(host, "/etc/systemd/system/libvirtd.service.d"), False)
        verb(host, "disable")


def both_daemons():
    with with_services("libvirtd", "virtqemud") as host:
        host.put("/usr/local/bin/systemctl", "#!/bin/sh\n")
        os.makedirs(host.inside("/run/systemd/system"))
        said = verb(host, "enable")
        true(said, "try-restart libvirtd.service virtqemud.service\n" in said)
        equal("preloaded", preload_of(host, "virtqemud"), host.filter_path())
        host.put("/etc/systemd/system/virtqemud.service.d/60-own.conf", "[Service]\n")
        os.unlink(host.inside(UNIT.format("virtqemud")))
        verb(host, "disable")
        equal("another's drop-in", exists(host, "/etc/systemd/system/virtqemud.service.d"), True)
        equal("ours", exists(host, DROPIN.format("virtqemud")), False)


def what_runs():
    with with_services("libvirtd") as host:
        verb(host, "enable")
        host.restart(preload=True)
        equal("after the restart", [line.startswith("ok ") for line in status(host)], [True])
        environ = host.run("sh", "-c", "tr '\\0' '\\n' </proc/$(pidof libvirtd)/environ").stdout
        true("the daemon was started with LD_PRELOAD", "LD_PRELOAD=" in environ)
        path = host.inside(host.filter_path())
        with open(path, "rb") as source:
            text = source.read()
        os.unlink(path)
        with open(path, "wb") as out:
            out.write(text)
        equal("after an upgrade", ["from before an upgrade" in line for line in status(host)], [True])
        host.stop()
        equal("stopped", status(host), [])


def in_a_container():
    """Where a script starts the daemon: what to set is printed, and it works."""
    with with_services() as host:
        said = verb(host, "enable", "--mode", "enforce")
        true(said, "nothing was written" in said)
        source, preload = [line.strip() for line in said.splitlines() if line.startswith("  ")][:2]
        equal("preload", preload, f"LD_PRELOAD={host.filter_path()}")
        host.stop()
        host.start(command=["sh", "-ec", f"{source}; exec libvirtd"])
        equal("status", [line.startswith("ok ") for line in status(host)], [True])


def with_systemd():
    """What a service preloads already stays, and systemd is told."""
    with with_services("libvirtd") as host:
        host.put("/usr/local/bin/systemctl", SYSTEMCTL)
        os.makedirs(host.inside("/run/systemd/system"))
        ours = host.filter_path()
        for environment, wanted in (
                ("", ours),
                ("LIBVIRTD_ARGS=--timeout\\x20120", ours),
                (f"A=b LD_PRELOAD={ours} C=d", ours),
                ("X_LD_PRELOAD=/no.so LD_PRELOAD=/usr/lib/libjemalloc.so.2 C=d",
                 ours + ":/usr/lib/libjemalloc.so.2"),
                (f'"LD_PRELOAD=/a.so {ours} /b.so" C=d', ours + ":/a.so:/b.so")):
            host.put("/run/systemctl.environment", environment + "\n", mode=0o644)
            verb(host, "enable")
            equal(f"with {environment}", preload_of(host), wanted)
        host.put("/run/systemctl.environment", "LD_PRELOAD=/usr/lib/libjemalloc.so.2\n", mode=0o644)
        host.put("/run/systemctl.override", "", mode=0o644)
        said = verb(host, "enable", code=2)
        true(f"undone by a drop-in behind ours: {said}", "another drop-in undoes ours" in said
             and "Each Windows guest" not in said)
        host.put("/run/systemctl.environment", "LD_PRELOAD=/a%b.so\n", mode=0o644)
        true("not to be kept", "cannot be kept" in verb(host, "enable", code=2))
        verb(host, "disable")
        calls = host.read("/run/systemctl.calls").splitlines()
        equal("reloads", calls.count("daemon-reload"), 7)


def refusals():
    with with_services() as host:
        host.put(UNIT.format("libvirtd"), "[Service]\n", mode=0o644)
        for line in ("LD_PRELOAD=/usr/lib/libjemalloc.so.2", " \tLD_PRELOAD =/usr/lib/libjemalloc.so.2"):
            host.put("/etc/default/libvirtd", line + "\n", mode=0o644)
            said = verb(host, "enable", code=2)
            true(said, "/etc/default/libvirtd" in said and host.filter_path() in said)
            equal("drop-in", exists(host, DROPIN.format("libvirtd")), False)
        os.unlink(host.inside("/etc/default/libvirtd"))

        library = host.inside(host.filter_path())
        os.chmod(library, 0o777)
        true("anybody may write it", host.filter_path() in verb(host, "enable", code=2))
        os.unlink(library)
        said = verb(host, "enable", code=2)
        equal(f"lines of {said!r}", said.count("\n"), 1)
        true(said, host.filter_path() in said)
        for args in (("enable", "now"), ("enable", "--root"), ("disable", "-x", "/")):
            equal(f"lines with {args}", verb(host, *args, code=2).count("\n"), 1)


def not_root():
    with with_services("libvirtd") as host:
        for args in (("enable",), ("disable",)):
            done = subprocess.run(host._entered(["setpriv", "--reuid=65534", "--regid=65534",
                                                 "--clear-groups", "winguest", *args]),
                                  capture_output=True, text=True, timeout=60, check=False)
            equal(f"exit code of {args}", done.returncode, 2)
            # a coverage build complains where it cannot open its own files
            said = [line for line in done.stderr.splitlines() if not line.startswith("profiling:")]
            equal(f"lines of {said}", len(said), 1)
            true(said[0], "root" in said[0])


def another_root():
    """For who builds images: nothing of the running system is asked or told."""
    with with_services("libvirtd") as host:
        root = "/tmp/image"
        for one in ("enable", "disable"):
            true("no such root", root in verb(host, one, "--root", root, code=2))
        host.put(root + UNIT.format("virtqemud").replace("/etc/", "/usr/lib/"), "[Service]\n", mode=0o644)
        host.put(root + host.filter_path(), "library", mode=0o644)
        verb(host, "enable", "--root", root)
        true("written", host.filter_path() in host.read(root + DROPIN.format("virtqemud")))
        host.put(root + "/etc/selinux/config", "SELINUX=enforcing\n", mode=0o644)
        if host.filter_path().startswith("/usr/lib"):
            # the loader in secure mode takes a bare name, of a file with the set-user-ID bit
            verb(host, "enable", "--root", root)
            true("bare", '"LD_PRELOAD=libwinguest-filter.so"' in
                 host.read(root + DROPIN.format("virtqemud")))
            equal("mode", os.stat(host.inside(root + host.filter_path())).st_mode & 0o7777, 0o4644)
        verb(host, "disable", "--root", root)
        equal("our own drop-in", exists(host, DROPIN.format("libvirtd")), False)


if __name__ == "__main__":
    case.run(on_and_off, both_daemons, what_runs, in_a_container, with_systemd, refusals, not_root, another_root)
