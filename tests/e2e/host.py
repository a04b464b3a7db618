# SPDX-License-Identifier: LGPL-2.1-or-later
"""A private hypervisor on this machine: a real libvirtd whose files, devices, network, processes
and log are its own, with the program under test installed in it or not.

    with Host(tree) as host:
        host.conn.defineXML(xml)

Needs root. Nothing of the machine's own libvirt is read or written: /usr, /etc and /var are
overlays whose writes stay in memory, /run, /tmp, /dev and libvirt's directories are private ones.
What is on disk lives in one directory under /tmp, which goes when the host does, even when the
process that made the host is killed.
"""

import contextlib
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
START_SECONDS = 60
# Or virtqemud, which has QEMU's driver alone and a socket of its own (tests/virtqemud).
DAEMON = os.environ.get("WINGUEST_DAEMON", "libvirtd")
SOCKET = "libvirt-sock" if DAEMON == "libvirtd" else DAEMON + "-sock"
# make check sets it for the others; a host's zone is its /etc/localtime.
os.environ.pop("TZ", None)
# Our arrows are ASCII where the locale is.
os.environ["LC_ALL"] = "C.UTF-8"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LIBVIRTD_CONF = """\
auth_unix_rw = "none"
auth_unix_ro = "none"
unix_sock_group = "root"
unix_sock_rw_perms = "0770"
host_uuid = "{uuid}"
log_outputs = "2:file:/var/log/libvirt/libvirtd.log"
"""
# One user for all of it, and QEMU writes its own console files: no second daemon, no chown of
# anything, no cgroup. None of this is what the tests are about.
QEMU_CONF = """\
user = "+0"
group = "+0"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = []
stdio_handler = "file"
cgroup_controllers = []
"""


class HostError(Exception):
    """The host did not come up, or did not do what it was told."""


class Syslog(threading.Thread):
    """Collects what the host's programs say to /dev/log, in the order it comes."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.lines = []
        self._file = open(os.path.join(os.path.dirname(path), "syslog.txt"), "w",
                          encoding="utf-8")
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.bind(path)
        os.chmod(path, 0o666)
        self.start()

    def run(self):
        while True:
            data = self._sock.recv(65536)
            if data == b"\0stop":
                break
            line = data.decode("utf-8", "backslashreplace").rstrip("\0\n")
            self.lines.append(line)
            self._file.write(line + "\n")
            self._file.flush()

    def close(self, path):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"\0stop", path)
        self.join()
        self._sock.close()
        self._file.close()


def wait_for(what, ready, seconds):
    """Polls ready() until it returns something true, and returns that."""
    end = time.monotonic() + seconds
    while True:
        value = ready()
        if value:
            return value
        if time.monotonic() > end:
            raise HostError(f"{what}: nothing within {seconds} s")
        time.sleep(0.02)


class Host:
    """tree: DESTDIR of an installation with prefix /usr, or None for a host without one.
    preload: the daemon filter is loaded into libvirtd. hook: libvirt's hook is in place.
    config: text of winguest.conf in place of the shipped one. timezone: the host's.
    files: {absolute path: text} put into the host, executable, before libvirtd starts.
    libvirtd_conf: lines that go before the others in libvirtd.conf. share: {name: directory} seen as /tmp/name.
    $WINGUEST_COUNTS: a directory that is in sight of every host, for what a coverage build counts.
    within: the directory that gets the host's own; hosts that share it see each other's sockets."""

    def __init__(self, tree=None, preload=True, hook=True, config=None, timezone=None,
                 files=None, libvirtd_conf="", share=None, start=True, within="/tmp"):
        self.preload = bool(tree) and preload
        tree = tree or os.environ.get("WINGUEST_LIBVIRT")  # a libvirt that this machine has not
        self.base = tempfile.mkdtemp(prefix="winguest-", dir=within)
        self.within = within
        self.daemon = None
        self._conn = None
        os.chmod(self.base, 0o755)
        for name in ("run", "etc", "lib", "log", "cache", "dev", "layers"):
            os.mkdir(os.path.join(self.base, name))
        self._log_path = os.path.join(self.base, "log.sock")
        self.syslog = Syslog(self._log_path)
        self._init = None
        try:
            self._configure(tree, hook, config, libvirtd_conf)
            self._enter(bool(tree), timezone, share or {})
            for path, text in (files or {}).items():
                self.put(path, text)
            if start:
                self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None and self._init:
            print(self.report())
        self.close()

    @staticmethod
    def timezone_known(name):
        return os.path.exists("/usr/share/zoneinfo/" + name)

    # -- making and unmaking ------------------------------------------------------------------

    def _configure(self, tree, hook, config, libvirtd_conf):
        etc = os.path.join(self.base, "etc")
        if tree:
            # Copied without owners: the program refuses configuration that is not root's.
            subprocess.run(["cp", "-R", "--preserve=mode,links", tree,
                            os.path.join(self.base, "tree")], check=True)
            subprocess.run(["chmod", "-R", "go-w", os.path.join(self.base, "tree")], check=True)
            installed = os.path.join(self.base, "tree", "etc", "libvirt")
            if os.path.isdir(installed):
                shutil.copytree(installed, etc, dirs_exist_ok=True, symlinks=True)
        if not hook:
            shutil.rmtree(os.path.join(etc, "hooks"), ignore_errors=True)
        self._write(os.path.join(etc, DAEMON + ".conf"),
                    # libvirt takes the first of two settings of a name.
                    libvirtd_conf + LIBVIRTD_CONF.format(uuid=uuid.uuid4()))
        self._write(os.path.join(etc, "qemu.conf"), QEMU_CONF)
        if config is not None:
            self._write(os.path.join(etc, "winguest.conf"), config)

    @staticmethod
    def _write(path, text, mode=0o644):
        """In one step, so that nobody reads half of it; over whatever is there, even in use."""
        fresh = path + ".new"
        with open(fresh, "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(fresh, mode)
        os.replace(fresh, path)

    def _enter(self, with_tree, timezone, share):
        spec = {"base": self.base, "timezone": timezone, "share": share,
                "counts": os.environ.get("WINGUEST_COUNTS"),
                "tree": os.path.join(self.base, "tree") if with_tree else None}
        unshare = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child",
                   "--propagation", "private", sys.executable, "-B",
                   os.path.join(HERE, "nsinit.py"), json.dumps(spec)]
        # The shell outlives us if we are killed; it removes the directory from outside of the
        # namespace, where nothing is mounted in it.
        sweep = '"$@"; [ -n "$WINGUEST_KEEP" ] || rm -rf --one-file-system -- "$BASE"'
        self._init = subprocess.Popen(
            ["sh", "-c", sweep, "sh", *unshare], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, "BASE": self.base})
        answer = self._init.stdout.readline().strip()
        if not answer:
            raise HostError("private namespace: " + self._init.communicate()[1].strip())
        self.init = int(answer)
        self._namespace = os.stat(f"/proc/{self.init}/ns/pid").st_ino

    def close(self):
        """Ends everything that runs in the host and removes what it left. Safe to call twice."""
        self._disconnect()
        if self._init:
            self._init.stdin.close()
            self._init.wait()
            self._init.stdout.close()
            self._init.stderr.close()
            self._init = None
        if self.daemon:
            self.daemon.wait()
            self.daemon = None
        if self.syslog:
            if os.path.exists(self._log_path):
                self.syslog.close(self._log_path)
            self.syslog = None
        if not os.environ.get("WINGUEST_KEEP"):
            shutil.rmtree(self.base, ignore_errors=True)

    # -- files and programs inside ------------------------------------------------------------

    def inside(self, path):
        """The path by which the outside reaches the host's own `path`."""
        return f"/proc/{self.init}/root{path}"

    def put(self, path, text, mode=0o755):
        os.makedirs(os.path.dirname(self.inside(path)), exist_ok=True)
        self._write(self.inside(path), text, mode)

    def read(self, path):
        with open(self.inside(path), encoding="utf-8", errors="backslashreplace") as source:
            return source.read()

    def _entered(self, argv):
        # --root: in a chroot the mount namespace's own root is the machine outside of it.
        return ["nsenter", "--mount", "--pid", "--net", "--root", "--wd", f"--target={self.init}",
                "--", *argv]

    def run(self, *argv, **options):
        """Runs a program inside, with its output captured."""
        options.setdefault("timeout", START_SECONDS)
        options.setdefault("env", {**os.environ, "PATH": PATH})
        return subprocess.run(self._entered(argv), capture_output=True, text=True, **options)

    @contextlib.contextmanager
    def background(self, *argv):
        """Runs a program inside for as long as it is entered; its output is in its stdout."""
        with subprocess.Popen(self._entered(argv), stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "PATH": PATH}) as process:
            try:
                yield process
            finally:
                for pid, words in self.processes().items():
                    if list(argv) == words[-len(argv):]:
                        with contextlib.suppress(ProcessLookupError):  # it ends by itself, too
                            os.kill(pid, signal.SIGKILL)

    def processes(self):
        """{process id, as the outside counts: argv} of everything that runs in the host."""
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == self.init:
                continue
            try:
                if os.stat(f"/proc/{entry}/ns/pid").st_ino != self._namespace:
                    continue
                with open(f"/proc/{entry}/cmdline", "rb") as source:
                    argv = source.read().decode("utf-8", "backslashreplace").split("\0")[:-1]
            except OSError:
                continue
            if argv:
                found[int(entry)] = argv
        return found

    # -- libvirtd -----------------------------------------------------------------------------

    def filter_path(self):
        tree = os.path.join(self.base, "tree")
        found = glob.glob(os.path.join(glob.escape(tree), "usr", "lib*", "**",
                                       "libwinguest-filter.so"), recursive=True)
        if not found:
            raise HostError("libwinguest-filter.so is not in the installed tree")
        return found[0][len(tree):]

    def start(self, preload=None, command=(DAEMON,)):
        """Starts libvirtd and returns when it takes connections. preload: whether with the filter of the
        installed tree, or the path of one. command: what starts it."""
        if preload is not None:
            self.preload = preload
        env = ["env", "-i", "LC_ALL=C", "PATH=" + PATH]
        if self.preload:
            path = self.preload if isinstance(self.preload, str) else self.filter_path()
            env.append("LD_PRELOAD=" + path)
        with open(os.path.join(self.base, "log", "libvirtd.out"), "a", encoding="utf-8") as out:
            self.daemon = subprocess.Popen(self._entered([*env, *command]), stdout=out,
                                           stderr=out, stdin=subprocess.DEVNULL, cwd="/")
        wait_for("libvirtd", self._answers, START_SECONDS)
        if any("-name" in argv for argv in self.processes().values()):
            wait_for("libvirtd's hold on its guests", self._reconnected, START_SECONDS)

    def _answers(self):
        if self.daemon.poll() is not None:
            raise HostError(f"{DAEMON} ended ({self.daemon.returncode}): {self.daemon_errors()[-1:]}")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            return sock.connect_ex(self.socket()) == 0

    def _reconnected(self):
        """After a restart libvirtd answers before it has its running guests back."""
        import libvirt
        try:
            for domain in self.conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
                domain.memoryStats()
        except libvirt.libvirtError:
            return False
        return True

    def daemon_pid(self):
        for pid, argv in self.processes().items():
            if os.path.basename(argv[0]) == DAEMON:
                return pid
        raise HostError(f"{DAEMON} does not run")

    def daemon_log(self):
        text = ""
        for name in ("libvirtd.out", "libvirtd.log"):
            path = os.path.join(self.base, "log", name)
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="backslashreplace") as source:
                    text += source.read()
        return text

    def daemon_errors(self):
        return [line for line in self.daemon_log().splitlines()
                if " error " in line and "EthtoolIoctl" not in line]

    def stop(self, with_signal=signal.SIGTERM):
        """Ends libvirtd only; guests run on."""
        self._disconnect()
        os.kill(self.daemon_pid(), with_signal)
        self.daemon.wait(START_SECONDS)
        self.daemon = None

    def kill(self):
        self.stop(signal.SIGKILL)

    def restart(self, preload=None):
        self.stop()
        self.start(preload)

    def reload(self):
        """libvirtd looks anew for hooks; it answers on while it does."""
        os.kill(self.daemon_pid(), signal.SIGHUP)

    # -- the client's side --------------------------------------------------------------------

    def socket(self, readonly=False):
        return os.path.join(self.base, "run/libvirt", SOCKET + ("-ro" if readonly else ""))

    def uri(self, readonly=False):
        return "qemu+unix:///system?socket=" + self.socket(readonly)

    @property
    def conn(self):
        """The Python binding's connection, made at first use and again after a restart."""
        if self._conn is None:
            import libvirt
            libvirt.registerErrorHandler(lambda *_: None, None)
            self._conn = libvirt.open(self.uri())
        return self._conn

    def _disconnect(self):
        if self._conn is not None:
            try:
                self._conn.close()
            except Exception:  # the daemon may be gone by now
                pass
            self._conn = None

    def virsh(self, *args, stdin=None, check=True, **options):
        """Runs virsh outside of the host. Returns the completed process."""
        options.setdefault("timeout", START_SECONDS)
        done = subprocess.run(["virsh", "-q", "-c", self.uri(), *args], input=stdin, text=True,
                              capture_output=True, env={**os.environ, "LC_ALL": "C"}, **options)
        if check and done.returncode:
            raise HostError(f"virsh {' '.join(args)}: {done.stderr.strip()}")
        return done

    def virsh_xml(self, verb, xml, *args, **options):
        """virsh VERB with the document in a file, which virsh insists on."""
        with tempfile.NamedTemporaryFile("w", suffix=".xml", dir=self.base) as source:
            source.write(xml)
            source.flush()
            return self.virsh(verb, source.name, *args, **options)

    def qemu(self, name):
        """(process id, argv) of the QEMU that runs guest `name`, or None."""
        for pid, argv in self.processes().items():
            if "-name" in argv and f"guest={name}," in argv[argv.index("-name") + 1] + ",":
                return pid, argv
        return None

    def cmdline(self, name):
        found = self.qemu(name)
        if not found:
            raise HostError(f"no QEMU runs guest {name}")
        return found[1]

    def log_lines(self, pattern=""):
        return [line for line in list(self.syslog.lines) if re.search(pattern, line)]

    def wait_log(self, pattern, seconds=30):
        try:
            return wait_for(f"syslog line /{pattern}/", lambda: self.log_lines(pattern), seconds)
        except HostError as err:
            raise HostError(f"{err}; it has:\n" + "\n".join(self.syslog.lines)) from None

    def report(self):
        """What somebody who looks for the cause of a failure wants to see."""
        return "\n".join([f"# syslog of {self.base}", *self.syslog.lines,
                          "# errors of its libvirtd", *self.daemon_errors()])
