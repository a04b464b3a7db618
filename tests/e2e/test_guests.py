#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check, diff and rewrite of guests of the host, by name or UUID."""

import case
import guest
from case import equal, true
from host import SOCKET, Host

URI = "qemu+unix:///system?socket=/run/libvirt/" + SOCKET


def winguest(host, *args, code, **options):
    done = host.run("winguest", *args, **options)
    equal(f"exit code of {args}: {done.stdout}{done.stderr}", done.returncode, code)
    return done.stdout + done.stderr


def by_name_and_uuid():
    secret = case.password()
    with Host(case.tree(), preload=False, hook=False, timezone="Asia/Shanghai") as host:
        domain = host.conn.defineXML(guest.domain("win", devices=guest.vnc(secret)))
        host.conn.defineXML(guest.domain("lin", os_type="linux"))
        uuid = domain.UUIDString()
        said = winguest(host, "check", "win", code=1)
        true(said, said.startswith("win: violates (windows, nova os_type: windows): clock.offset: utc"))
        equal("by UUID", winguest(host, "check", uuid, code=1), said)
        equal("in capitals", winguest(host, "check", uuid.upper(), code=1), said)
        equal("by its URI", winguest(host, "-c", URI, "check", "win", code=1), said)
        equal("by the environment", host.run("env", "LIBVIRT_DEFAULT_URI=" + URI, "winguest", "check",
                                             "win").stdout, said)
        true("another", winguest(host, "check", "lin", code=0).startswith("lin: skipped"))
        diff = winguest(host, "diff", "win", code=1)
        true(diff, diff.startswith("--- win\n") and "+  <clock offset='localtime'>" in diff)
        true("no secret", secret not in said + diff)
        # It is what may be defined again.
        made = winguest(host, "rewrite", "win", code=0)
        true("with its secret", secret in made)
        equal("defined", host.conn.defineXML(made).UUIDString(), uuid)
        true("right now", "compliant" in winguest(host, "check", "win", code=0))

        host.put("/tmp/win", guest.domain("of-the-file"), 0o644)
        for args, name, code in (((), "of-the-file", 1), (("--guest",), "win", 0),
                                 (("--file",), "of-the-file", 1)):
            done = host.run("sh", "-c", 'cd /tmp && winguest check "$@"', "sh", *args, "win")
            true(f"{args}: {done.stdout}{done.stderr}", f"{name}: " in done.stdout and done.returncode == code)
        said = winguest(host, "check", "nobody", "win", code=2)
        true(said, "check: nobody: No such file or directory, nor a guest: qemu:///system has no such guest" in said)
        true("the other one", "win: compliant" in said)
        domain.create()
        domain.undefine()
        true("transient", "win: " in winguest(host, "check", "win", code=0))


if __name__ == "__main__":
    case.run(by_name_and_uuid)
