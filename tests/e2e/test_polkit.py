#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""With polkit ACLs the calls inside of a call run as the client: one that may start a guest but
neither read its secrets nor write it gets its call unchanged, and the log says so."""

import os
import sys

import case
import guest
from case import equal
from host import Host, HostError, wait_for
from test_start import PICKY, picky

NONE = {name: False for name in guest.FLAGS}
ALL = {name: True for name in guest.FLAGS}
NOBODY = "65534"
POLKITD = ("/usr/lib/polkit-1/polkitd", "/usr/libexec/polkitd", "/usr/lib/polkitd")
ACTIONS = "/usr/share/polkit-1/actions/org.libvirt.api.policy"
CONF = 'access_drivers = ["polkit"]\nunix_sock_rw_perms = "0777"\n'
READ = ("connect.getattr", "connect.read", "connect.search-domains", "domain.getattr",
        "domain.read", "domain.start")
MAY_ALL = (*READ, "domain.read-secure", "domain.write", "domain.save")
# polkit refuses what it has no declaration of. libvirt's own file declares these among others; it
# comes with the package that starts the machine's libvirtd, which a test has no need of.
ACTION = """<action id="org.libvirt.api.%s">
    <description>a permission of libvirt</description><message>needed</message>
    <defaults><allow_any>no</allow_any></defaults>
  </action>"""
RULES = """
polkit.addRule(function (action, subject) {
    var may = %s;
    if (subject.user == "root" || may.indexOf(action.id) >= 0)
        return polkit.Result.YES;
    return polkit.Result.NO;
});
"""
# What polkit 0.105 of Debian 11 and Ubuntu 22.04 reads in its place
OLD_RULES = """[test]
Identity=unix-user:*
Action=%s
ResultAny=yes
ResultInactive=yes
ResultActive=yes
"""
CLIENT = """
import sys, libvirt
conn = libvirt.open("qemu:///system")
if sys.argv[1] == "define":
    conn.defineXML(sys.stdin.read())
else:
    conn.lookupByName(sys.argv[2]).create()
"""


def polkitd():
    return next((path for path in POLKITD if os.path.exists(path)), None)


def actions():
    declared = "\n  ".join(ACTION % name for name in MAY_ALL)
    return f"<?xml version='1.0' encoding='UTF-8'?>\n<policyconfig>\n  {declared}\n</policyconfig>\n"


def owned(host, name):
    """Whether a program on the host's bus has taken that name."""
    asked = host.run("dbus-send", "--system", "--print-reply", "--dest=org.freedesktop.DBus", "/",
                     "org.freedesktop.DBus.NameHasOwner", "string:" + name)
    return "boolean true" in asked.stdout


def started(allowed):
    """A host with ACLs under which ordinary users may do what is `allowed`, and root all."""
    host = Host(case.tree(), libvirtd_conf=CONF, hook=False, start=False)
    try:
        may = ["org.libvirt.api." + each for each in allowed]
        host.put(ACTIONS, actions(), mode=0o644)
        host.put("/etc/polkit-1/rules.d/00-test.rules", RULES % may, mode=0o644)
        host.put("/etc/polkit-1/localauthority/50-local.d/test.pkla", OLD_RULES % ";".join(may),
                 mode=0o644)
        bus = host.run("sh", "-c", "mkdir -p /run/dbus && exec dbus-daemon --system --fork")
        equal("dbus-daemon", (bus.returncode, bus.stderr), (0, ""))
        host.run("sh", "-c", f"{polkitd()} --no-debug >/run/polkit.out 2>&1 &")
        wait_for("polkitd", lambda: owned(host, "org.freedesktop.PolicyKit1"), 60)
        host.start()
        return host
    except BaseException:
        host.close()
        raise


def client(host, user, *args, stdin=None):
    """A client inside of the host: libvirtd asks polkit by the client's process id."""
    return host.run("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
                    sys.executable, "-B", "-c", CLIENT, *args, input=stdin)


def old_guest(host):
    """Defines a wrong guest behind the filter's back."""
    host.stop()
    host.start(preload=False)
    done = client(host, "0", "define", stdin=guest.domain("old"))
    equal("define by root", (done.returncode, done.stderr), (0, ""))
    host.restart(preload=True)


def may_only_start():
    with started(READ) as host:
        old_guest(host)
        done = client(host, NOBODY, "start", "old")
        equal("start by an ordinary user", (done.returncode, done.stderr), (0, ""))
        equal("QEMU's flags", guest.flags(host.cmdline("old")), NONE)
        host.wait_log(r"winguest.*\bold\b")


def may_read_but_not_write():
    with started((*READ, "domain.read-secure")) as host:
        old_guest(host)
        done = client(host, NOBODY, "start", "old")
        equal("start by an ordinary user", (done.returncode, done.stderr), (0, ""))
        equal("QEMU's flags", guest.flags(host.cmdline("old")), NONE)
        host.wait_log(r"winguest.*\bold\b")


def may_only_start_what_cannot():
    """Whoever may not write a definition cannot have the previous one restored: the client gets
    QEMU's error, nothing is lost, and the next one that may is served."""
    with started(READ) as host:
        host.put(PICKY, picky("base=localtime"))
        done = client(host, "0", "define", stdin=guest.domain("new", emulator=PICKY))
        equal("define by root", (done.returncode, done.stderr), (0, ""))
        done = client(host, NOBODY, "start", "new")
        equal("QEMU's words", "picky: not with base=localtime" in done.stderr, True)
        host.wait_log("'new': failed with the policy; .* not restored: the client may not read it")
        done = client(host, "0", "start", "new")
        equal("start by root", (done.returncode, done.stderr), (0, ""))
        equal("QEMU's flags", guest.flags(host.cmdline("new")), NONE)


def may_all():
    with started(MAY_ALL) as host:
        old_guest(host)
        done = client(host, NOBODY, "start", "old")
        equal("start by an ordinary user", (done.returncode, done.stderr), (0, ""))
        equal("QEMU's flags", guest.flags(host.cmdline("old")), ALL)


def may_not_start():
    """The refusal the client gets is libvirt's own."""
    with started(READ[:-1]) as host:
        old_guest(host)
        done = client(host, NOBODY, "start", "old")
        equal("exit status", done.returncode, 1)
        equal("libvirt's words", "access denied" in done.stderr, True)
        equal("QEMU", host.qemu("old"), None)


def needs():
    if not polkitd():
        return "polkitd is not installed"
    try:
        started(READ).close()
    except (AssertionError, HostError, OSError) as err:
        return f"no libvirtd with polkit ACLs can run here: {err}"
    return None


if __name__ == "__main__":
    case.run(may_only_start, may_read_but_not_write, may_only_start_what_cannot, may_all,
             may_not_start, requirement=needs)
