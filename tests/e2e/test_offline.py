#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`winguest apply --offline`: the files of the definitions, before the daemon starts, run as the
drop-in of `winguest enable` has systemd run it."""

import errno
import fcntl
import os
import random
import re
import signal
import time
import uuid

import libvirt

import case
import guest
import repairs
from case import equal, true
from host import DAEMON, Host, wait_for

FOLDER = "/etc/libvirt/qemu"
UNIT = "/etc/systemd/system/libvirtd.service"
RECORD = "/var/lib/libvirt-winguest/undo"
REPORT = "[enforce]\ncold_start = report\n"
AUTOSTARTED = "/run/libvirt/qemu/autostarted"


def path(host, name):
    return host.inside(f"{FOLDER}/{name}.xml")


def stored(host, name):
    with open(path(host, name), "rb") as source:
        return source.read()


def is_right(xml):
    return (guest.clock_of(xml)[0] == "localtime"
            and guest.hyperv_of(xml).get("spinlocks", {}).get("retries") == "8191")


def define(host, name, **options):
    return host.conn.defineXML(guest.domain(name, **options))


def offline(host, *args, code=0, **options):
    """Both streams of it, in lines."""
    done = host.run("winguest", "apply", "--offline", *args, **options)
    equal(f"exit code of {args}: {done.stdout}{done.stderr}", done.returncode, code)
    return (done.stdout + done.stderr).splitlines()


def before_the_start(host):
    """What systemd does of the drop-in, in the environment that it makes."""
    host.put(UNIT, "[Service]\n", mode=0o644)
    host.run("winguest", "enable")
    service = host.read(UNIT + ".d/50-winguest.conf")
    command = re.search("(?m)^ExecStartPre=-(.*)$", service).group(1)
    preload = re.search('(?m)^Environment="(.*)"$', service).group(1)
    return host.run("env", "-i", preload, *command.split())


def files(host):
    """{name: bytes} of all that is in the directory."""
    found = {}
    for name in os.listdir(host.inside(FOLDER)):
        if os.path.isfile(host.inside(f"{FOLDER}/{name}")):
            with open(host.inside(f"{FOLDER}/{name}"), "rb") as source:
                found[name] = source.read()
    return found


def boots(host, name):
    with open(os.path.join(host.base, "log", "qemu", name + ".log"), encoding="utf-8") as source:
        return source.read().count(": starting up libvirt version")


def autostart_is_right_at_once():
    """Row by row: 20 wrong guests that start with the daemon, one that runs on, Linux beside."""
    wrong = [f"win{number}" for number in range(20)]
    linux = [f"lin{number}" for number in range(3)]
    with Host(case.tree(), preload=False, config=REPORT) as host:
        for name in wrong:
            define(host, name).setAutostart(True)
        for name in linux:
            define(host, name, os_type="linux").setAutostart(True)
        define(host, "runs").create()
        before = host.qemu("runs")
        equal("it runs wrong", guest.flags(before[1]), repairs.NONE)
        old = files(host)
        modes = {name: os.stat(path(host, name)).st_mode for name in wrong}
        host.stop()

        host.put("/etc/libvirt/winguest.conf", "", mode=0o644)
        seen = len(host.syslog.lines)
        done = before_the_start(host)
        equal(f"exit code: {done.stderr}", (done.returncode, done.stderr), (0, ""))
        equal("lines", len(done.stdout.splitlines()), 21)
        for name in wrong + ["runs"]:
            equal(name, len(host.log_lines(f"offline guest '{name}' uuid .*: definition corrected: "
                                           "windows, .*clock.offset: utc → localtime")), 1)
            true(name, is_right(stored(host, name).decode()))
            equal("head", stored(host, name)[:300], old[name + ".xml"][:300])
        equal("modes", {name: os.stat(path(host, name)).st_mode for name in wrong}, modes)
        for name in linux:
            equal(name, stored(host, name), old[name + ".xml"])
        equal("again", offline(host), [])

        # As after the host's own boot: libvirt starts guests once.
        os.unlink(host.inside(AUTOSTARTED))
        host.start(preload=True)
        for name in wrong + linux:
            wait_for(name, host.conn.lookupByName(name).isActive, 300)
        for name in wrong:
            equal(name, guest.flags(host.cmdline(name)), repairs.ALL)
        for name in linux:
            equal(name, guest.flags(host.cmdline(name)), repairs.NONE)
        host.virsh("event", "--all", "--timeout", "3", check=False)  # a repair would come by now
        for name in wrong + linux + ["runs"]:
            equal(f"boots of {name}", boots(host, name), 1)
        equal("violations", [line for line in host.syslog.lines[seen:]
                             if "violates" in line or "repair" in line], [])

        equal("it runs on", host.qemu("runs"), before)
        domain = host.conn.lookupByName("runs")
        true("its definition", is_right(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)))
        true("its machine", not is_right(domain.XMLDesc()))
        host.restart(preload=False)  # what is stored is right without the filter too
        equal("it runs on", host.qemu("runs"), before)
        domain = host.conn.lookupByName("runs")
        domain.destroy()
        domain.create()
        equal("its next cold boot", guest.flags(host.cmdline("runs")), repairs.ALL)


def one_that_does_not_start_with_the_policy():
    """It is started with the host as it was; by a client with the next start, or, where the filter
    is, with the same. And it is left alone from then on."""
    with Host(case.tree(), preload=False, hook=True, config=REPORT,
              files={repairs.PICKY: repairs.PICKY_TEXT}) as host:
        was = {}
        for name in ("auto", "hook", "filter"):
            domain = define(host, name, uuid=str(uuid.uuid4()), emulator=repairs.PICKY)
            was[name] = domain.XMLDesc(repairs.STORED)
        host.conn.lookupByName("auto").setAutostart(True)
        host.stop()
        host.put("/etc/libvirt/winguest.conf", "", mode=0o644)
        equal("lines", len(offline(host)), 3)
        os.unlink(host.inside(AUTOSTARTED))
        host.start(preload=False)
        host.wait_log("repair guest 'auto' .*previous definition restored; it starts with the host, "
                      "and was started as it was")
        fails(host.conn.lookupByName("hook"))
        host.wait_log("repair guest 'hook' .*previous definition restored; its next start is as")
        host.conn.lookupByName("hook").create()
        host.restart(preload=True)
        host.conn.lookupByName("filter").create()
        host.wait_log("start guest 'filter': failed with the policy: previous definition restored")
        for name, xml in was.items():
            domain = host.conn.lookupByName(name)
            equal(f"QEMU's flags of {name}", guest.flags(host.cmdline(name)), repairs.NONE)
            equal(f"definition of {name}", domain.XMLDesc(repairs.STORED), xml)
        host.stop()
        said = offline(host, code=2)
        equal("left alone", sum("did not start under this policy" in line for line in said), 2)


def edited_since():
    """What its owner has changed is not undone, only what we have."""
    with Host(case.tree(), preload=False, files={repairs.PICKY: repairs.PICKY_TEXT}) as host:
        domain = define(host, "win", uuid=str(uuid.uuid4()), emulator=repairs.PICKY)
        host.stop()
        equal("lines", len(offline(host)), 1)
        host.start(preload=False)
        domain = host.conn.lookupByName("win")
        domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_DESCRIPTION, "its owner's", None, None,
                           libvirt.VIR_DOMAIN_AFFECT_CONFIG)
        fails(domain)
        host.wait_log("repair guest 'win' .*what was edited since stays")
        stored = domain.XMLDesc(repairs.STORED)
        true("the edit", "<description>" in stored)
        equal("offset", guest.clock_of(stored)[0], "utc")
        domain.create()


def fails(domain):
    try:
        domain.create()
    except libvirt.libvirtError as err:
        true(f"QEMU's error: {err}", "picky: no hv-vapic here" in str(err))
        return
    raise AssertionError("it started on a host that cannot")


def refused_while_a_daemon_has_them():
    with Host(case.tree(), preload=False, hook=False) as host:
        define(host, "win")
        old = files(host)
        for gone in ((), (f"/run/{DAEMON}.pid",), ("/run/libvirt/qemu/driver.pid",)):
            for held in gone:
                os.unlink(host.inside(held))
            for args in ((), ("--dry-run",), ("win",)):
                said = offline(host, *args, code=2)
                equal("lines", len(said), 1)
                true(said[0], "definitions in its memory; hint: stop it first" in said[0])
        equal("files", files(host), old)
        host.kill()
        offline(host, "--dry-run", code=1)
        # another daemon's lock, in another process namespace
        host.put("/run/virtqemud.pid", "1", mode=0o644)
        with open(host.inside("/run/virtqemud.pid"), "r+b") as pid_file:
            fcntl.lockf(pid_file, fcntl.LOCK_EX, 1)
            true("virtqemud's", "/run/virtqemud.pid: held" in offline(host, code=2)[0])
        equal("files", files(host), old)
        equal("with none", len(offline(host)), 1)


def undone():
    """Through the daemon, for those that nobody has changed since; and one record for all runs."""
    with Host(case.tree(), preload=False, hook=False) as host:
        for name in ("win", "edited", "runs"):
            define(host, name)
        host.conn.lookupByName("runs").create()
        host.stop()
        old = files(host)
        equal("first", len(offline(host, "win", "edited")), 2)
        equal("second", len(offline(host)), 1)
        record = host.inside(RECORD)
        equal("record", os.stat(record).st_mode & 0o777, 0o700)
        equal("kept", sorted(len(name) for name in os.listdir(record)), [3, 36, 36, 36, 41, 41, 41])
        host.start()
        host.conn.lookupByName("edited").setMaxMemory(32768)
        done = host.run("winguest", "apply", "--undo", "--yes")
        equal(f"{done.stdout}{done.stderr}", done.returncode, 2)
        equal("back", done.stdout.splitlines(), [f"{name}: previous definition restored"
                                                 for name in ("runs", "win")])
        true(done.stderr, "edited: its definition was changed since" in done.stderr)
        for name in ("win", "runs"):
            equal(name, stored(host, name), old[name + ".xml"])
        true("edited", is_right(stored(host, "edited").decode()))


def saved_guest():
    """Its machine is restored as it was; its next cold boot is right."""
    with Host(case.tree(), preload=False, hook=False) as host:
        domain = define(host, "win")
        domain.create()
        domain.managedSave()
        host.stop()
        with open(host.inside("/var/lib/libvirt/qemu/save/win.save"), "rb") as image:
            saved = image.read()
        equal("lines", len(offline(host)), 1)
        with open(host.inside("/var/lib/libvirt/qemu/save/win.save"), "rb") as image:
            true("the image is as it was", image.read() == saved)
        host.start()
        domain = host.conn.lookupByName("win")
        domain.create()
        true("restored", "-incoming" in host.cmdline("win"))
        equal("restored", guest.flags(host.cmdline("win")), repairs.NONE)
        domain.destroy()
        domain.create()
        equal("cold boot", guest.flags(host.cmdline("win")), repairs.ALL)


def kvm_only_with_facts():
    facts = ("[host]\nkernel = \"{}\"\n[facts:1]\nvirttype = kvm\nhyperv = relaxed vapic "
             "spinlocks vpindex synic\n")
    place = "/var/lib/libvirt-winguest/host.ini"
    with Host(case.tree(), preload=False, hook=False) as host:
        define(host, "tcg")
        host.stop()
        host.put(f"{FOLDER}/kvm.xml", guest.domain("kvm", kind="kvm", uuid=repairs_uuid()), 0o600)
        old = stored(host, "kvm")
        said = offline(host, code=2)
        equal("lines", len(said), 2)
        true(said[1], "kvm: left as it is" in said[1] and "hint: winguest probe" in said[1])
        host.put(place, facts.format("0.1-older"), 0o644)
        true("old facts", "kvm: left as it is" in offline(host, code=2)[0])
        equal("untouched", stored(host, "kvm"), old)
        host.put(place, facts.format(os.uname().release), 0o644)
        equal("lines", len(offline(host)), 1)
        true("corrected", is_right(stored(host, "kvm").decode()))


def repairs_uuid():
    return "6a4d3c5e-0318-4a17-80a5-5e006782fa7a"


def label(place, value=None):
    """An attribute that only root sees, as SELinux' label is one."""
    if value:
        os.setxattr(place, "trusted.winguest", value)
    return os.getxattr(place, "trusted.winguest")


def what_belongs_to_the_file_stays():
    with Host(case.tree(), preload=False, hook=False) as host:
        define(host, "win")
        host.stop()
        place = path(host, "win")
        os.chown(place, 0, 64055)
        os.chmod(place, 0o640)
        try:
            label(place, b"kept")
        except OSError as err:
            if err.errno != errno.ENOTSUP:
                raise
            print("# no extended attributes here")
        os.makedirs(host.inside(f"{FOLDER}/autostart"), exist_ok=True)
        os.symlink(f"{FOLDER}/win.xml", host.inside(f"{FOLDER}/autostart/win.xml"))
        offline(host)
        st = os.stat(place)
        equal("owner and mode", (st.st_uid, st.st_gid, st.st_mode & 0o7777), (0, 64055, 0o640))
        equal("label", label(place), b"kept")
        true("the link", os.path.islink(host.inside(f"{FOLDER}/autostart/win.xml")))
        host.start()
        equal("autostart", host.conn.lookupByName("win").autostart(), 1)


def disk_that_is_full_or_read_only():
    with Host(case.tree(), preload=False, hook=False) as host:
        define(host, "win")
        host.stop()
        old = files(host)
        mount = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs"]
        host.run("cp", "-a", FOLDER, "/tmp/definitions")
        host.run(*mount, FOLDER)
        host.run("cp", "-a", "/tmp/definitions/win.xml", FOLDER)
        with open(host.inside(FOLDER + "/filler"), "wb", buffering=0) as filler:
            try:
                while filler.write(b"x" * 4096):
                    pass
            except OSError as err:
                equal("what ends it", err.errno, errno.ENOSPC)
        true("full", "No space left on device" in offline(host, code=2)[0])
        equal("file", stored(host, "win"), old["win.xml"])
        equal("beside", sorted(files(host)), ["filler", "win.xml"])
        host.run("mount", "-o", "remount,ro", FOLDER)
        true("read-only", "Read-only file system" in offline(host, code=2)[0])
        host.run("umount", FOLDER)
        # no record, no correction
        host.put(RECORD, "no directory")
        true("record", RECORD in offline(host, code=2)[0])
        equal("files", files(host), old)


def put_back(host, definitions):
    for name, text in definitions.items():
        with open(host.inside(f"{FOLDER}/{name}"), "wb") as out:
            out.write(text)


def killed_at_any_point():
    """Each file is the old one or the new one, and the next run ends the work."""
    with Host(case.tree(), preload=False, hook=False) as host:
        for number in range(12):
            define(host, f"win{number}")
        host.stop()
        old = files(host)
        begin = time.monotonic()
        offline(host)
        whole = time.monotonic() - begin
        new = files(host)
        amid = 0
        for _ in range(24):
            put_back(host, old)
            host.run("timeout", "-s", "KILL", f"{random.uniform(0.001, whole):.4f}", "winguest",
                     "apply", "--offline")
            left = files(host)
            left.pop(".winguest.new", None)
            for name, text in left.items():
                true(f"{name} is whole", text in (old[name], new[name]))
            amid += left not in (old, new)
            offline(host)
            equal("the next run", files(host), new)
        print(f"# {amid} of 24 were killed between two files")


def daemon_that_starts_meanwhile():
    """It always starts, loses nothing, and where it read the file of before, that is told."""
    with Host(case.tree(), preload=False, hook=False) as host:
        for number in range(30):
            define(host, f"win{number}")
        host.stop()
        old = files(host)
        counts = []
        for _ in range(12):
            put_back(host, old)
            with host.background("sh", "-c", "winguest apply --offline 2>&1") as run:
                time.sleep(random.uniform(0, 0.3))
                host.start()
                said = run.stdout.read()
            counts.append(said.count("definition corrected"))
            if counts[-1] < len(old):
                true(f"told: {said}", "definitions in its memory" in said)
            for domain in host.conn.listAllDomains():
                text = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
                file = stored(host, domain.name()).decode()
                if is_right(text) != is_right(file):
                    true(f"{domain.name()}: {said}", "definitions in its memory" in said)
                    true("what the daemon does not know is the new one", is_right(file))
            host.stop()
        print(f"# corrected before the daemon came: {counts}")


def told_once_under_systemd():
    """What a service prints is in the journal already."""
    with Host(case.tree(), preload=False, hook=False) as host:
        define(host, "win")
        host.stop()
        host.run("sh", "-c", "exec >/tmp/out; JOURNAL_STREAM=$(stat -c %d:%i /tmp/out) "
                 "winguest apply --offline")
        true("printed", "definition corrected" in host.read("/tmp/out"))
        equal("log", host.log_lines("offline"), [])


def one_after_the_other():
    """The next one waits, but not for ever: the daemon's start waits for it."""
    with Host(case.tree(), preload=False, hook=False) as host:
        define(host, "win")
        host.stop()
        old = files(host)
        host.run("winguest", "apply", "--offline", "--dry-run")
        private = host.inside("/run/libvirt-winguest")
        equal("who may hold the lock", oct(os.stat(private).st_mode & 0o777), "0o700")
        folder = os.open(private, os.O_RDONLY)
        for ends in (False, True):
            fcntl.flock(folder, fcntl.LOCK_EX)
            with host.background("sh", "-c", "exec winguest apply --offline 2>&1") as run:
                pid = wait_for("its wait", lambda: waiting(host), 30)
                equal("files", files(host), old)
                if ends:
                    fcntl.flock(folder, fcntl.LOCK_UN)
                else:
                    os.kill(pid, signal.SIGALRM)
                said = run.stdout.read()
                equal("exit code", run.wait(), 0 if ends else 2)
            true(said, ("definition corrected" if ends else "hint: run it again") in said)
        os.close(folder)
        true("corrected", is_right(stored(host, "win").decode()))


def waiting(host):
    """The process that waits for the lock."""
    for pid, argv in host.processes().items():
        if argv == ["winguest", "apply", "--offline"]:
            with open("/proc/locks", encoding="utf-8") as locks:
                if re.search(rf"-> FLOCK .* {pid} ", locks.read()):
                    return pid
    return None


if __name__ == "__main__":
    case.run(autostart_is_right_at_once, one_that_does_not_start_with_the_policy,
             edited_since,
             refused_while_a_daemon_has_them, undone, saved_guest,
             kvm_only_with_facts, what_belongs_to_the_file_stays, disk_that_is_full_or_read_only,
             killed_at_any_point, daemon_that_starts_meanwhile, told_once_under_systemd,
             one_after_the_other)
