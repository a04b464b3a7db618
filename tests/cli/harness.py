# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of the command line share: how the program is run, some domains, the checks."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from checks import MARK, POLICY, Skip, against_schema, equal, true, within  # noqa: E402, F401

PROGRAM = os.path.abspath(os.environ.get("WINGUEST", "tests/winguest"))
UNDER = os.environ.get("WINGUEST_UNDER", "").split()
SECONDS = 120  # for one call, under valgrind on a busy machine too
READERS = ("check", "diff", "rewrite")
VERBS = READERS + ("audit", "apply", "repair", "probe", "enable", "disable", "status", "config")
PASSWORD = "s3cret-passw0rd"
GUEST = """<domain type='qemu'>
  <name>%s</name>
  <metadata>%s</metadata>
  <os><type arch='x86_64'>hvm</type></os>
%s
  <devices><graphics type='vnc' passwd='""" + PASSWORD + """'/></devices>
</domain>
"""
CHANGES = ("clock.offset: utc → localtime; timer.pit.tickpolicy: none → delay; "
           "timer.rtc.tickpolicy: none → catchup; timer.hpet.present: none → no; "
           "timer.hypervclock.present: none → yes; hyperv.relaxed.state: none → on; "
           "hyperv.vapic.state: none → on; hyperv.spinlocks.state: none → on; "
           "hyperv.spinlocks.retries: none → 8191")
WRONG = GUEST % ("win1", MARK % "windows", "  <clock offset='utc'/>")
RIGHT = GUEST % ("win2", MARK % "windows", POLICY)
LINUX = GUEST % ("lin1", MARK % "other", "")
BROKEN = WRONG[:-20]


class Result:
    def __init__(self, process):
        self.code = process.returncode
        self.out = (process.stdout or b"").decode(errors="surrogateescape")
        self.err = process.stderr.decode(errors="surrogateescape")

    def __repr__(self):
        return f"exit {self.code}, stdout {self.out[:300]!r}, stderr {self.err!r}"


def winguest(*arguments, stdin="", **options):
    """Runs the program; the password that is in every domain is seen where the domain is shown."""
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": SECONDS,
                "env": dict(os.environ, LC_ALL="C.UTF-8", TZ="CST-8", LIBVIRT_DEBUG="error"),
                **options}
    if isinstance(stdin, str):
        stdin = stdin.encode()
    result = Result(subprocess.run([*UNDER, PROGRAM, *arguments], input=stdin, check=False,
                                   **settings))
    if arguments[:1] not in (("rewrite",), ("diff",), ("decide",)):
        true(f"the password in {result}", PASSWORD not in result.out + result.err)
    return result


def is_error(what, result, *words):
    """One line on standard error, nothing on standard output."""
    equal(f"{what}: {result}", (result.code, result.out), (2, ""))
    true(f"{what}: one line: {result}", re.fullmatch("winguest: [^\n]*\n", result.err))
    within(what, result.err, *words)


def put(name, text, mode=0o644):
    """Writes a file into the directory of this test, where it runs."""
    with open(name, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    os.chmod(name, mode)
    return name
