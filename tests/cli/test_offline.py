# SPDX-License-Identifier: LGPL-2.1-or-later
"""`winguest apply --offline` on a directory of definitions, where no daemon runs: which files it
takes, and what it leaves of them."""

import contextlib
import fcntl
import os
import shutil
import uuid

from harness import (BROKEN, CHANGES, LINUX, PASSWORD, PROGRAM, RIGHT, WRONG, equal, is_error, put,
                     true, winguest, within)

TESTS_DIR = os.path.dirname(PROGRAM)
FOLDER = os.path.join(TESTS_DIR, "etc/libvirt/qemu")
RUN = os.path.join(TESTS_DIR, "run")
RECORD = os.path.join(TESTS_DIR, "var/undo")
WARNING = """<!--
WARNING: THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE
OVERWRITTEN
-->

"""


def named(name, xml=WRONG):
    """The domain under another name, as libvirt's file has it."""
    old = xml.split("<name>")[1].split("</name>")[0]
    return WARNING + xml.replace(f"<name>{old}</name>",
                                 f"<name>{name}</name>\n  <uuid>{uuid.uuid4()}</uuid>")


def put_files(**files):
    """Makes the directory, with these definitions. Returns their bytes by name."""
    clean()
    os.makedirs(FOLDER, mode=0o755)
    for name, text in files.items():
        put(f"{FOLDER}/{name}.xml", text, 0o600)
    return {name: text.encode() for name, text in files.items()}


def clean():
    for folder in (FOLDER, RUN, RECORD):
        shutil.rmtree(folder, ignore_errors=True)


def has(name):
    with open(f"{FOLDER}/{name}.xml", "rb") as file:
        return file.read()


def offline(*arguments, **options):
    # Other tests have their own configuration where this would be read.
    return winguest("apply", "--offline", "--config", put("empty.conf", ""), *arguments, **options)


def told(result):
    return [line.split("'")[1] for line in result.out.splitlines()]


def corrected(name, old):
    """What else is in the file has not changed: it is what rewrite makes of it."""
    rewritten = winguest("rewrite", "--config", put("empty.conf", ""), "-", stdin=old)
    equal(name, has(name), rewritten.out.encode())
    true(name, has(name) != old and has(name).startswith(WARNING.encode()))


def offline_corrects_what_violates():
    old = put_files(win1=named("win1"), win2=named("win2", RIGHT), lin1=named("lin1", LINUX),
                    kvm1=named("kvm1").replace("'qemu'", "'kvm'", 1))
    new = put(f"{FOLDER}/win3.xml.new", named("win3"), 0o600)
    put(f"{FOLDER}/.winguest.new", "of a run that was killed", 0o600)
    result = offline("--dry-run")
    equal(f"{result}", (result.code, told(result), result.err), (1, ["kvm1", "win1"], ""))
    for name, text in old.items():
        equal(name, has(name), text)
    result = offline()
    equal(f"{result}", (result.code, told(result), result.err), (0, ["kvm1", "win1"], ""))
    within("line", result.out.splitlines()[1], "offline guest 'win1' uuid ",
           ": definition corrected: windows, own mark: windows: " + CHANGES)
    for name in ("kvm1", "win1"):
        corrected(name, old[name])
        equal("mode", os.stat(f"{FOLDER}/{name}.xml").st_mode & 0o7777, 0o600)
    for name in ("win2", "lin1"):
        equal(name, has(name), old[name])
    true("what libvirt is writing", os.path.exists(new))
    equal("beside them", len(os.listdir(FOLDER)), 5)
    result = offline("--all")
    equal(f"{result}", (result.code, result.out, result.err), (0, "", ""))


def offline_keeps_what_was_there():
    """One record, root's alone, for all that was replaced in a week."""
    old = put_files(win1=named("win1"), win2=named("win2"))
    for name in old:
        equal("one", told(offline(name)), [name])
    equal("mode", os.stat(RECORD).st_mode & 0o777, 0o700)
    kept = []
    for name in os.listdir(RECORD):
        equal("mode", os.stat(f"{RECORD}/{name}").st_mode & 0o777, 0o600)
        with open(f"{RECORD}/{name}", "rb") as file:
            kept.append(file.read())
    true("both", set(old.values()) <= set(kept))
    equal("others", len(kept), 5)


def offline_takes_the_chosen():
    old = put_files(win1=named("win1"), win2=named("win2"), wine=named("wine"))
    result = offline("win[0-9]", "other")
    equal(f"{result}", (result.code, told(result)), (2, ["win1", "win2"]))
    equal("error", result.err, "winguest: apply: other: no such guest\n")
    equal("not chosen", has("wine"), old["wine"])


def offline_leaves_what_it_cannot_trust():
    """Each is told of, none is changed, and the rest goes on."""
    outside = put("outside.xml", named("link"), 0o600)
    twin = put("twin.xml", named("twin"), 0o600)
    old = put_files(broken=BROKEN, group=named("group"), misnamed=named("other"),
                    huge="", nobody=WRONG.replace("win1", "nobody"), zfine=named("zfine"))
    os.chmod(f"{FOLDER}/group.xml", 0o620)
    os.truncate(f"{FOLDER}/huge.xml", 33 << 20)
    os.mkfifo(f"{FOLDER}/fifo.xml")
    os.mkdir(f"{FOLDER}/folder.xml")
    os.symlink(os.path.abspath(outside), f"{FOLDER}/link.xml")
    os.link(twin, f"{FOLDER}/twin.xml")
    result = offline()
    equal(f"{result}", (result.code, told(result)), (2, ["zfine"]))
    wanted = {"broken": "broken: ", "fifo": "not a regular file", "folder": "not a regular file",
              "group": "writable by group or others", "huge": "over 32 MiB", "link": "a link",
              "misnamed": "another name than the file", "nobody": "no UUID",
              "twin": "another name too"}
    lines = result.err.splitlines()
    equal("lines", [line.split(": ")[2] for line in lines], sorted(wanted))
    for line, word in zip(lines, wanted.values()):
        within("line", line, "winguest: apply: ", word)
    for name in ("broken", "group", "misnamed", "nobody"):
        equal(name, has(name), old[name])
    for file, name in ((outside, "link"), (twin, "twin")):
        with open(file, encoding="utf-8") as text:
            within(name, text.read(), "<clock offset='utc'/>")
    os.chmod(FOLDER, 0o777)
    put(f"{FOLDER}/zfine.xml", old["zfine"], 0o600)
    is_error("directory", offline(), FOLDER, "writable by group or others")
    equal("zfine", has("zfine"), old["zfine"])


@contextlib.contextmanager
def held(name):
    """As libvirt's daemons hold the files of their process ids."""
    os.makedirs(os.path.dirname(f"{RUN}/{name}"), exist_ok=True)
    with open(f"{RUN}/{name}", "w", encoding="utf-8") as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
        yield


def offline_is_refused_under_a_daemon():
    old = put_files(win1=named("win1"))
    for name in ("libvirt/qemu/driver.pid", "libvirtd.pid", "virtqemud.pid"):
        with held(name):
            for arguments in ((), ("--dry-run",)):
                is_error(name, offline(*arguments), f"{RUN}/{name}: held by a daemon, process "
                         f"{os.getpid()}, ", "hint: stop it first", "winguest apply --all")
            equal("file", has("win1"), old["win1"])
    # they are left behind, without the lock
    equal("then", told(offline()), ["win1"])


def offline_of_a_host_without_definitions():
    clean()
    result = offline()
    equal(f"{result}", (result.code, result.out, result.err), (0, "", ""))
    is_error("a guest", offline("win1"), FOLDER, "No such file or directory")
    put_files()
    equal("none", offline().code, 0)


def offline_with_a_configuration_that_is_wrong():
    old = put_files(win1=named("win1"))
    is_error("config", winguest("apply", "--offline", "--config", "none.conf"), "none.conf")
    equal("file", has("win1"), old["win1"])
    exempt = put("exempt.conf", "[rules]\nexempt.names = win*\n")
    result = winguest("apply", "--offline", "--config", exempt)
    equal(f"{result}", (result.code, result.out, result.err), (0, "", ""))
    equal("file", has("win1"), old["win1"])


def offline_is_told_what_it_cannot_do():
    put_files()
    is_error("undo", winguest("apply", "--offline", "--undo"), "--undo goes with --connect and --yes")
    is_error("connect", winguest("apply", "--offline", "-c", "qemu:///system"),
             "--offline is of this host's files: it does not go with --connect")
    is_error("config", winguest("apply", "--offline", "--config"), "--config needs a value")
    is_error("both", winguest("apply", "--offline", "--all", "win1"), "expects --all, or names")
    true("password", PASSWORD not in offline("--dry-run").out)
    clean()


TESTS = (
    offline_corrects_what_violates, offline_keeps_what_was_there, offline_takes_the_chosen,
    offline_leaves_what_it_cannot_trust, offline_is_refused_under_a_daemon,
    offline_of_a_host_without_definitions, offline_with_a_configuration_that_is_wrong,
    offline_is_told_what_it_cannot_do,
)
