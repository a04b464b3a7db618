# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of the hook's executable share: places of their own, the hook as libvirt runs it,
what it logs, and guests.

The hook's places are compiled in, /dev/log and libvirt's PID files are everybody's: all of it is
bound over in a mount namespace of the tests' own."""

import glob
import os
import shutil
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from checks import MARK, POLICY, Skip, equal, true, within  # noqa: E402, F401

HOOK = os.path.abspath(os.environ.get("WINGUEST_HOOK", "tests/qemu"))
BUILD = os.path.dirname(HOOK)
UNDER = os.environ.get("WINGUEST_UNDER", "").split()
MUST_RUN = os.environ.get("WINGUEST_MUST_RUN") == "1"
BASE = os.environ.get("WINGUEST_HOOK_BASE")
SECONDS = 120  # for one call, under valgrind on a busy machine too
UUID = "6f0f2c04-8a3c-4b8e-9f5e-0f7a5d1e6c11"
OTHER_UUID = "6f0f2c04-8a3c-4b8e-9f5e-0f7a5d1e6c22"
BOUND = 32 << 20  # WG_XML_MAX
CONFIG = os.path.join(BUILD, "etc/libvirt/winguest.conf")
STATE = os.path.join(BUILD, "state")
LIB = os.path.join(BUILD, ".libs")
PIDS = "/run/libvirt/qemu"

PASSWORD = "s3cret-passw0rd"
GUEST = """<domain type='qemu' id='3'>
  <name>win1</name>
  <uuid>%s</uuid>
  <metadata>%s</metadata>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
%s
  <devices><graphics type='vnc' passwd='%s'/></devices>
</domain>
"""


def guest(os_mark="windows", clock="  <clock offset='utc'/>", uuid=UUID):
    return (GUEST % (uuid, MARK % os_mark if os_mark else "", clock, PASSWORD)).encode()


VIOLATING = guest()
COMPLIANT = guest(clock=POLICY)
LINUX = guest("other")
UNMARKED = guest(None)


class Result:
    def __init__(self, code, out, err, log):
        self.code = code
        self.out = out
        # a coverage build complains where it cannot open its own files
        self.err = "".join(line for line in err.decode(errors="replace").splitlines(True)
                           if not line.startswith("profiling:"))
        self.log = log  # (priority, text) of each line

    def __repr__(self):
        return f"exit {self.code}, stdout {self.out[:300]!r}, stderr {self.err!r}, log {self.log}"


def namespace():
    """The command that gives what it runs a mount namespace, or None."""
    for command in (["unshare", "-m"], ["unshare", "-rm"]):
        if os.geteuid() and command[1] == "-m":
            continue
        try:
            if subprocess.run(command + ["sh", "-c", "mount -t tmpfs none /run"],
                              capture_output=True, check=False).returncode == 0:
                return command
        except OSError:
            pass
    return None


def run_inside(command, script):
    """Runs the script again in its namespace, and takes its places away. Returns its exit code."""
    base = tempfile.mkdtemp(prefix="winguest-hook-")
    for place in ("etc", "state"):
        os.makedirs(os.path.join(BUILD, place), mode=0o700, exist_ok=True)
    try:
        return subprocess.run(command + [sys.executable, "-B", *script],
                              env=dict(os.environ, WINGUEST_HOOK_BASE=base), check=False).returncode
    finally:
        os.rmdir(base)


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def umount(place):
    subprocess.run(["umount", place], check=True)


def bind(source, place):
    mount("--bind", source, place)


def private(name):
    """A directory of the tests' own."""
    return os.path.join(BASE, name)


def set_up():
    """Lays the tests' own places over the real ones."""
    mount("--make-rprivate", "/")
    mount("-t", "tmpfs", "-o", "mode=0755", "none", BASE)
    for name in ("dev", "run", "etc/libvirt", "state", "lib", "tmp"):
        os.makedirs(private(name), mode=0o755)
    os.chmod(private("state"), 0o700)
    for device in ("null", "zero", "full", "random", "urandom", "tty", "fuse"):
        if not os.path.exists("/dev/" + device):
            continue
        place = private("dev/" + device)
        with open(place, "w", encoding="ascii"):
            bind("/dev/" + device, place)
    os.symlink("/proc/self/fd", private("dev/fd"))
    for module in glob.glob(os.path.join(LIB, "*.so")):
        shutil.copy(module, private("lib"))
    for name, place in (("dev", "/dev"), ("run", "/run"), ("etc", os.path.join(BUILD, "etc")),
                        ("state", STATE), ("lib", LIB)):
        mount("--rbind", private(name), place)
    os.makedirs(PIDS)


log_socket = None


def open_log():
    """From now on syslog goes to logged(), which must be called: the queue is short."""
    global log_socket
    log_socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log_socket.bind("/dev/log")
    log_socket.setblocking(False)


def close_log():
    global log_socket
    log_socket.close()
    log_socket = None
    os.unlink("/dev/log")


def logged():
    """What came to syslog since the last time: (priority, text) of each message."""
    lines = []
    while log_socket:
        try:
            line = log_socket.recv(1 << 20).decode(errors="replace")
        except BlockingIOError:
            break
        priority, text = line[1:].split(">", 1)
        lines.append((int(priority), text.rstrip("\0\n")))
    return lines


def call(*arguments, stdin=b"", stdout=subprocess.PIPE, env=None, program=HOOK, before=None):
    """Runs the hook once."""
    environment = {"LC_ALL": "C", "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
                   **{key: value for key, value in os.environ.items() if "SAN_OPTIONS" in key},
                   **(env or {})}
    logged()
    process = subprocess.Popen([*UNDER, program, *arguments], stdin=subprocess.PIPE, stdout=stdout,
                               stderr=subprocess.PIPE, env=environment, preexec_fn=before,
                               cwd=private("tmp") if BASE else None)
    try:
        out, err = process.communicate(stdin, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise AssertionError(f"{arguments}: not done after {SECONDS} s") from None
    return Result(process.returncode, out or b"", err, logged())


def hook(operation, stdin=VIOLATING, name="win1", sub="begin", **options):
    """Runs it as libvirt does."""
    return call(name, operation, sub, "-", stdin=stdin, **options)


def configure(text=None, mode=0o644):
    """Writes the configuration, or takes it away."""
    if os.path.exists(CONFIG):
        os.unlink(CONFIG)
    if text is not None:
        with open(CONFIG, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(CONFIG, mode)


def clear():
    """As if nothing had ever happened here."""
    configure()
    os.chmod(STATE, 0o700)
    for path in glob.glob(os.path.join(glob.escape(STATE), "*")) + glob.glob(PIDS + "/*"):
        os.unlink(path)
    logged()
