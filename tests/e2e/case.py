# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every end-to-end test script shares: when it can run at all, its cases, its checks.

A script ends with 0, with 1 when a case failed, with 77 when the machine cannot run it (1 then
too, when WINGUEST_MUST_RUN=1 is set)."""

import faulthandler
import os
import secrets
import shutil
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import host as hosts  # noqa: E402
from checks import POLICY, against_schema, equal, true, within  # noqa: E402, F401
from host import Host, HostError  # noqa: E402

# Against a hang only: a machine may be busy with other things.
SCRIPT_SECONDS = 3600
TREE_HINT = "make check makes one; by hand: make install DESTDIR=DIR, then WINGUEST_TREE=DIR"


def tree():
    """The DESTDIR to test: $WINGUEST_TREE, else where make check puts it."""
    named = os.environ.get("WINGUEST_TREE")
    top = os.path.dirname(os.path.dirname(hosts.HERE))
    built = [os.path.join(each, "tests", "e2e", "tree")
             for each in (os.getcwd(), top, os.path.join(top, "build"))]
    for path in [named] if named else built:
        if os.path.isdir(path):
            return os.path.abspath(path)
    return None


def require(needs_tree=True):
    """Why no private libvirtd can run here, or None."""
    if os.geteuid():
        return "not root: a private libvirtd needs mount, process and network namespaces"
    for program in ("libvirtd", "qemu-system-x86_64", "virsh", "unshare", "nsenter", "mount"):
        if not shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
            return f"{program} is not installed"
    try:
        import libvirt  # noqa: F401
    except ImportError as err:
        return f"the Python binding of libvirt is missing ({err}): install python3-libvirt"
    if needs_tree and not tree():
        return "no installed tree to test: " + TREE_HINT
    if needs_tree and not os.path.exists(os.path.join(tree(), "usr", "bin", "winguest")):
        return f"{tree()} was not configured with --prefix=/usr, it has no usr/bin/winguest"
    try:
        with Host():
            return None
    except (HostError, OSError) as err:
        return f"no private libvirtd can run here: {err}"


def skip(reason):
    must = os.environ.get("WINGUEST_MUST_RUN") == "1"
    print(("FAIL (WINGUEST_MUST_RUN=1): " if must else "SKIP: ") + reason, flush=True)
    sys.exit(1 if must else 77)


def run(*cases, requirement=None, needs_tree=True):
    """Runs the cases one after the other, each on hosts of its own, and ends the script.
    Names on the command line select cases."""
    faulthandler.dump_traceback_later(SCRIPT_SECONDS, exit=True)
    reason = require(needs_tree) or (requirement() if requirement else None)
    if reason:
        skip(reason)
    wanted = sys.argv[1:]
    unknown = set(wanted) - {case.__name__ for case in cases}
    if unknown:
        sys.exit(f"no such case: {', '.join(sorted(unknown))}")
    failed = 0
    for case in cases:
        if wanted and case.__name__ not in wanted:
            continue
        begin = time.monotonic()
        try:
            case()
            verdict = "ok"
        except Exception:
            traceback.print_exc(file=sys.stdout)
            failed += 1
            verdict = "not ok"
        print(f"{verdict} - {case.__name__} ({time.monotonic() - begin:.1f} s)", flush=True)
    sys.exit(1 if failed else 0)


def password():
    """A secret nobody else can have written. VNC takes eight characters."""
    return "Pw" + secrets.token_hex(3)


def has_kvm(host):
    """Whether libvirt offers KVM guests on this machine, of whose abilities alone it tells."""
    return "<domain type='kvm'" in host.conn.getCapabilities()


# libvirt itself keeps definitions and live state here; whatever else has them, has them from us.
LIBVIRT_OWN = ("etc/qemu", "run/libvirt", "lib/qemu", "lib/boot")


def holders(host, text):
    """Files and logs of the host that hold `text` though libvirt did not put it there."""
    found = [f"syslog: {line}" for line in host.log_lines() if text in line]
    roots = [(host.base, LIBVIRT_OWN), (host.inside("/tmp"), ()), (host.inside("/dev/shm"), ())]
    for root, excepted in roots:
        for folder, folders, names in os.walk(root):
            folders[:] = [each for each in folders
                          if os.path.relpath(os.path.join(folder, each), root) not in excepted]
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path) and not os.path.islink(path):
                    with open(path, "rb") as source:
                        if text.encode() in source.read():
                            found.append(path)
    return found
