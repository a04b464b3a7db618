#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every file that we need, in every state in which it may be found: the guest boots, and `winguest
status` names the file and says what to do; where status itself is what is broken, its error does, or the
log. Root may read anything: what it cannot is a directory in a file's place. A file is replaced, as
packages do it, never written over: half a library that is loaded would kill the daemon."""

import json
import os
import shutil

import case
import guest
from case import equal, true
from host import Host

CONFIG = "/etc/libvirt/winguest.conf"
LIST = "/etc/libvirt/windows-uuids"
FACTS = "/var/lib/libvirt-winguest/host.ini"
STATE = "/run/libvirt-winguest"
HOOK = "/etc/libvirt/hooks/qemu"
PROGRAM = "/usr/bin/winguest"
SHEETS = "/usr/share/libvirt-winguest/xslt/"
LIBRARY = "libwinguest-filter.so"
SOMEBODY = 12345
OTHER_ENGINE = os.path.join(os.environ.get("WINGUEST_BUILD", ""), "tests", "hook", ".libs", "other_engine.so")
IDENTITY = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="@*|node()"><xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy></xsl:template>
</xsl:stylesheet>
"""


def missing(path):
    (shutil.rmtree if os.path.isdir(path) else os.unlink)(path)


def unreadable(path):
    """A directory in a file's place, and the other way round."""
    directory = os.path.isdir(path)
    missing(path)
    if directory:
        with open(path, "w", encoding="ascii"):
            pass
    else:
        os.mkdir(path)


def another_owner(path):
    os.chown(path, SOMEBODY, SOMEBODY)


def replaced(path, content):
    mode = os.stat(path).st_mode & 0o7777
    os.unlink(path)
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, mode)


def truncated(path):
    with open(path, "rb") as file:
        content = file.read()
    replaced(path, content[:len(content) // 2])


def another_version(content):
    def change(path):
        replaced(path, content() if callable(content) else content.encode())
    change.__name__ = "another_version"
    return change


def other_engine():
    with open(OTHER_ENGINE, "rb") as file:
        return file.read()


STATES = (missing, unreadable, another_owner, truncated)
# The file, the states besides those above, and what its lines of status are about.
ROWS = (
    (CONFIG, (another_version("[enforce]\nstronger = yes\n"),)),
    (LIST, (another_version("{\"format\": 2}\n"),)),
    (SHEETS + "clock.xsl", (another_version(IDENTITY),)),
    (SHEETS + "hyperv.xsl", (another_version(IDENTITY),)),
    (SHEETS + "merge.xsl", (another_version(IDENTITY),)),
    (FACTS, (another_version("[winguest]\nversion = 99\n"),)),
    ("engine.so", (another_version(other_engine),)),
    ("virt.so", (another_version(other_engine),)),
    (PROGRAM, (another_version("#!/bin/sh\necho winguest 99\n"),)),
)
# A hook that is half a program libvirt cannot run, and a guest whose hook cannot be run does not start.
OTHER_ROWS = (
    (HOOK, (missing, unreadable, another_owner)),
    (STATE, (unreadable, another_owner)),
    (LIBRARY, (*STATES, another_version(lambda: b"\x7fELF"))),
)


def find(host, name):
    """The path of an installed file in the host's view."""
    if name.startswith("/"):
        return name
    for folder, _, names in os.walk(host.inside("/usr/lib")):
        if name in names and "perl" not in folder:
            return os.path.join(folder, name)[len(host.inside("/")) - 1:]
    raise AssertionError(f"{name} is not installed")


def boots(host, what):
    domain = host.conn.defineXML(guest.domain("win", memory=16))
    domain.create()
    equal(f"{what}: the guest runs", domain.isActive(), 1)
    domain.destroy()
    domain.undefine()


def told(host, logged=0):
    """What is not ok, of status or, where that cannot say it, of its error and the log's errors behind
    the first so many."""
    done = host.run("winguest", "status", "--format", "json")
    try:
        lines = [each["text"] for each in json.loads(done.stdout)["checks"] if each["level"] != "ok"]
    except ValueError:
        lines = []
    true(f"its exit code: {done}", done.returncode != 0 or not lines)
    return [*lines, *done.stderr.splitlines(), *host.log_lines("^<27>")[logged:]]


def names(line, path):
    """Or what is beside it and cannot do without it."""
    return os.path.basename(path) in line or path.endswith("merge.xsl") and "clock.xsl" in line


def hints(line):
    return any(word in line for word in ("hint:", "did you mean", "allowed:"))


def cell(host, name, change):
    path = find(host, name)
    inside = host.inside(path)
    what = f"{path}, {change.__name__}"
    saved = inside + ".saved"
    copy = shutil.copytree if os.path.isdir(inside) else shutil.copy2
    if name == LIBRARY:  # an upgrade leaves the daemon a file without a name
        copy(inside, saved)
    else:
        os.rename(inside, saved)
        copy(saved, inside)
    logged = len(host.log_lines("^<27>"))
    change(inside)
    try:
        boots(host, what)
        lines = [line for line in told(host, logged) if names(line, path)]
        true(f"{what} is not told of: {told(host, logged)}", lines)
        print(f"# {what}: {lines[0][:160]}", flush=True)
        return [] if any(hints(line) for line in lines) else [f"{what}: {lines}"]
    finally:
        if os.path.lexists(inside):
            missing(inside)
        os.rename(saved, inside)


def each_file_in_each_state():
    with Host(case.tree(), config=f"[rules]\nuuid_file = {LIST}\n") as host:
        host.put(LIST, "11111111-1111-1111-1111-111111111111\n" * 3, 0o644)
        host.run("winguest", "probe")
        boots(host, "as it was installed")
        equal("no failure", [line for line in told(host) if "failure" in line], [])
        without = []
        for name, more in ROWS:
            for change in (*STATES, *more):
                without += cell(host, name, change)
        for name, states in OTHER_ROWS:
            for change in states:
                without += cell(host, name, change)
        equal("what says not what to do", without, [])
        boots(host, "with all put back")


if __name__ == "__main__":
    case.run(each_file_in_each_state)
