#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`winguest discover`: what the agents of running guests say, liars and the mute included. What of
it is real, and what a stand-in, is told in agentguest.py."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading

import agentguest
import case
import guest
from agentguest import DEBIAN, WINDOWS
from case import equal, true, within
from host import Host, wait_for

LIST = "/etc/libvirt/windows.uuids"
CONFIG = f"[rules]\nuuid_file = {LIST}\nnames = called-*\n"
OPERATORS = "11111111-2222-4333-8444-555555555555 # by hand\n"
FILES = {agentguest.EMULATOR: agentguest.PROGRAM, agentguest.ANSWERS: "{}", LIST: OPERATORS}
ANSWERS = {
    "behind": {"os": WINDOWS, "ahead": -28800},
    "half": {"os": WINDOWS, "zone": 19800, "ahead": -19800},
    "cured": {"os": WINDOWS},
    "drifts": {"os": WINDOWS, "ahead": 900},
    "called-windows": {"os": DEBIAN, "zone": 0},
    "mute": {"hangs": "guest-sync"},
    "hangs": {"hangs": "guest-get-osinfo"},
    "huge": {"raw": "x" * 1024, "times": 10240},
    "nonsense": {"raw": '{"return": {"id": mswindows}'},
    "forger": {"os": {**WINDOWS, "pretty-name": "Win\u001b[2J\n# x\n*"}},
    "absent": {"absent": True},
}
AGENT = {**{name: "answers" for name in ANSWERS}, "mute": "silent", "hangs": "silent",
         "absent": "absent", "none": "no-channel"}


def discover(host, *args, code=0):
    done = host.run("winguest", "discover", *args, timeout=600)
    equal(f"exit of discover {args}: {done.stderr}", done.returncode, code)
    return done.stdout


def start(host, names):
    for name in names:
        host.conn.defineXML(agentguest.domain(name, channel=name != "none")).create()
    for name in names:
        if AGENT.get(name, "answers") not in ("absent", "no-channel"):
            wait_for(f"the channel of {name}", lambda name=name: "state='connected'" in
                     host.conn.lookupByName(name).XMLDesc(), 60)


def state(host):
    """With libvirt's own status of each, taints and the agent's time-out included."""
    return {each.name(): (each.ID(), each.state(), each.XMLDesc(), each.XMLDesc(2),
                          host.read(f"/run/libvirt/qemu/{each.name()}.xml"))
            for each in host.conn.listAllDomains()}


def asks():
    with Host(case.tree(), config=CONFIG, files=FILES, timezone="Asia/Shanghai") as host:
        os.chmod(host.inside(LIST), 0o644)
        agentguest.answer(host, ANSWERS)
        start(host, AGENT)
        before = state(host)
        told = json.loads(discover(host, "--format", "json"))
        case.against_schema(told, "discover")
        found = {each["name"]: each for each in told["guests"]}
        equal("states, definitions and taints", state(host), before)
        for name in ("huge", "nonsense"):
            true(f"{name} is not believed: {found[name]}", found[name]["agent"] in ("fails", "silent"))
            del found[name]
        equal("agents", {name: each["agent"] for name, each in found.items()},
              {name: AGENT[name] for name in found})
        equal("a UTC start", found["behind"]["clock"],
              "8 h behind: started with utc, keeps local time")
        equal("half hours", found["half"]["clock"],
              "5.5 h behind: started with utc, keeps local time")
        true("cured", found["cured"]["clock"].startswith("right, although started with utc"))
        true("drift", found["drifts"]["clock"].startswith("900 s ahead: "))
        equal("findings", {name: found[name]["finding"] for name in ("behind", "called-windows")},
              {"behind": "unmarked", "called-windows": "not-windows"})
        text = discover(host)
        equal("lines", len(text.splitlines()), len(AGENT))
        true("no escape gets out", "\x1b" not in text)


def audited():
    """An audit tells the same of each guest, in each of its formats."""
    with Host(case.tree(), config=CONFIG, files=FILES, timezone="Asia/Shanghai") as host:
        os.chmod(host.inside(LIST), 0o644)
        agentguest.answer(host, ANSWERS)
        names = ("behind", "drifts", "cured", "called-windows", "absent", "none")
        start(host, names)
        before = state(host)
        host.conn.defineXML(agentguest.domain("off"))
        found = {each["name"]: each for each in json.loads(discover(host, "-f", "json"))["guests"]}
        done = host.run("winguest", "audit", "--ask-guests", "-f", "json")
        told = json.loads(done.stdout)
        case.against_schema(told, "audit")
        said = {each["name"]: each["said"] for each in told["guests"]}
        equal("one that is off says nothing", said.pop("off"), None)
        host.conn.lookupByName("off").undefine()
        equal("states, definitions and taints", state(host), before)
        for name, each in said.items():
            for ours, theirs in (("agent", "agent"), ("os", "says"), ("finding", "finding"), ("clock", "clock")):
                equal(f"{name}: {ours}", each[ours], found[name][theirs])
        text = host.run("winguest", "audit", "--ask-guests").stdout
        within("text", text, "; agent: says mswindows", "unmarked Windows; clock: 8 h behind: started with utc",
               "\n4 of 6 that run answered: 3 unmarked Windows, 2 of 4 clocks wrong\n")
        only = json.loads(host.run("winguest", "audit", "--ask-guests", "--only", "wrong-clock", "-f",
                                   "json").stdout)["guests"]
        equal("wrong clocks", {each["name"] for each in only}, {"behind", "drifts"})
        rows = host.run("winguest", "audit", "--ask-guests", "-f", "csv").stdout
        within("CSV", rows, '"answers","', '"unmarked","8 h behind: started with utc, keeps local time"')
        metrics = host.run("winguest", "audit", "--ask-guests", "-f", "prometheus").stdout
        for name, number in (('agents{%s,state="answers"}', 4), ('agents{%s,state="absent"}', 1),
                             ("unmarked_windows_guests{%s}", 3), ("wrong_clock_guests{%s}", 2),
                             ('clock_error_seconds_bucket{%s,le="60"}', 2),
                             ('clock_error_seconds_bucket{%s,le="1800"}', 3),
                             ('clock_error_seconds_bucket{%s,le="+Inf"}', 4), ("clock_error_seconds_count{%s}", 4)):
            pattern = re.escape("winguest_" + name).replace("%s", 'host="[^"]*",uri="[^"]*"')
            equal(name, [int(each) for each in re.findall(rf"(?m)^{pattern} (\d+)$", metrics)], [number])
        equal("each is named", set(re.findall(r'seconds\{host="[^"]*",uri="[^"]*",guest="([^"]*)"', metrics)),
              {"behind", "drifts"})
        if shutil.which("promtool"):
            subprocess.run(("promtool", "check", "metrics"), input=metrics, text=True, check=True)
        equal("who does not ask cannot choose", host.run("winguest", "audit", "--only", "wrong-clock").returncode, 2)


def interrupted():
    """libvirt's time-out for the agent is in its status of the guest, which is read."""
    with Host(case.tree(), config=CONFIG, files=FILES, timezone="Asia/Shanghai") as host:
        agentguest.answer(host, ANSWERS)
        start(host, ("hangs",))
        before = state(host)
        for argv in (["winguest", "discover"], ["winguest", "audit", "--ask-guests"]):
            with host.background(*argv) as process:
                wait_for("it asks", lambda: state(host) != before, 30)
                inside = [pid for pid, words in host.processes().items() if words[-len(argv):] == argv]
                for pid in inside:
                    os.kill(pid, signal.SIGINT)
                equal("what it prints", process.stdout.read(), "")
                equal("exit", process.wait(), 128 + signal.SIGINT)
            equal("states, definitions and taints", state(host), before)


def merges():
    with Host(case.tree(), config=CONFIG, files=FILES, timezone="Asia/Shanghai") as host:
        kept = host.inside("/etc/libvirt/kept.uuids")
        with open(host.inside(LIST), "a", encoding="utf-8") as out:
            out.write("# a \0 of somebody's\n")
        os.rename(host.inside(LIST), kept)
        os.symlink("kept.uuids", host.inside(LIST))
        os.chmod(kept, 0o640)
        os.chown(kept, 0, 107)
        agentguest.answer(host, ANSWERS)
        start(host, ("behind", "forger", "called-windows"))
        behind, forger = (host.conn.lookupByName(name) for name in ("behind", "forger"))
        discover(host, "--merge", LIST)
        true("the link stays", os.path.islink(host.inside(LIST)))
        equal("whose it is", (os.stat(kept).st_mode & 0o777, os.stat(kept).st_gid), (0o640, 107))
        lines = host.read(LIST).splitlines()
        equal("the operator's line stays", lines.pop(1), "# a \0 of somebody's")
        equal("the operator's line stays", lines[0] + "\n", OPERATORS)
        equal("UUIDs", sorted(each.split()[0] for each in lines[1:]),
              sorted((behind.UUIDString(), forger.UUIDString())))
        inode = os.stat(host.inside(LIST)).st_ino
        discover(host, "--merge", LIST, "--prune")
        equal("nothing to do, nothing written", os.stat(host.inside(LIST)).st_ino, inode)
        true("it runs as it was started", not guest.has_flag(host.cmdline("behind"),
                                                             guest.FLAGS["rtc"]))
        behind.destroy()
        behind.create()
        true("its next cold boot is right", guest.has_flag(host.cmdline("behind"),
                                                           guest.FLAGS["rtc"]))
        xml = behind.XMLDesc(2)
        host.put("/etc/libvirt/operator.conf", CONFIG + "[detect]\ntrust = operator\n", 0o644)
        checked = host.run("winguest", "check", "--config", "/etc/libvirt/operator.conf", "-", input=xml)
        true("trust = operator does not believe it: " + checked.stdout,
             "unknown" in checked.stdout)
        forger.destroy()
        forger.undefine()
        discover(host, "--merge", LIST)
        true("it stays without --prune", forger_line(host, lines))
        discover(host, "-c", "qemu:///system", "-c", "qemu+unix:///system?socket=/none", "--merge",
                 LIST, "--prune", code=2)
        true("it stays while a host does not answer", forger_line(host, lines))
        discover(host, "--merge", LIST, "--prune")
        true("it is taken out", not forger_line(host, lines))
        true("the operator's stays", host.read(LIST).startswith(OPERATORS))


def spares_the_cured():
    """An exempt list of those whose clock is UTC inside; what an agent says counts as tenants' word."""
    spared = "/etc/libvirt/cured.uuids"
    config = CONFIG + f"exempt.uuid_file = {spared}\n"
    with Host(case.tree(), config=config, files={**FILES, spared: OPERATORS}, timezone="Asia/Shanghai") as host:
        for path in (LIST, spared):
            os.chmod(host.inside(path), 0o644)
        agentguest.answer(host, ANSWERS)
        start(host, ("cured", "behind", "called-windows"))
        host.put("/tmp/hosts", "# ours\nqemu:///system\n", 0o644)
        discover(host, "--hosts", "/tmp/hosts", "--cured", spared, "--merge", LIST)
        cured = host.conn.lookupByName("cured")
        equal("the operator's, and the cured one", [line.split()[0] for line in host.read(spared).splitlines()],
              [OPERATORS.split()[0], cured.UUIDString()])
        xml = cured.XMLDesc(2)
        said = host.run("winguest", "check", "-", input=xml).stdout
        true(said, "exempt" in said and "its agent showed" in said)
        cured.destroy()
        cured.create()
        true("it keeps UTC", not guest.has_flag(host.cmdline("cured"), guest.FLAGS["rtc"]))
        host.put("/etc/libvirt/operator.conf", config + "[detect]\ntrust = operator\n", 0o644)
        said = host.run("winguest", "check", "--config", "/etc/libvirt/operator.conf", "-", input=xml).stdout
        true(said, "exempt" not in said)
        cured.destroy()
        cured.undefine()
        discover(host, "--cured", spared, "--prune")
        equal("it is taken out", host.read(spared), OPERATORS)


def together():
    """Hosts are asked at the same time: each of the two answers only when the other was called too."""
    with Host(case.tree(), config=CONFIG, files=FILES, timezone="Asia/Shanghai") as host:
        agentguest.answer(host, ANSWERS)
        start(host, ("behind",))
        both = threading.Barrier(2, timeout=60)
        doors = [Door(host, f"/tmp/door{i}", both) for i in (1, 2)]
        uris = [f"qemu+unix:///system?socket={door.path}" for door in doors]
        os.remove(host.inside(LIST))
        discover(host, "--merge", LIST)
        within("a list that is named before it is there", host.read(LIST), "# agent: behind says ")
        hole = socket.socket(socket.AF_UNIX)
        hole.bind(host.inside("/tmp/hole"))
        hole.listen()
        told = json.loads(discover(host, "-c", uris[0], "-c", uris[1], "-c", uris[0], "-f", "json"))
        equal("a guest of each, of none twice", [each["name"] for each in told["guests"]], ["behind"] * 2)
        done = host.run("winguest", "discover", "-c", "qemu+unix:///system?socket=/tmp/hole", "-c", "qemu:///system",
                        "--timeout", "1", timeout=600)
        equal("a host that does not answer", done.returncode, 2)
        within("it is named, the other is told", done.stderr + done.stdout, "socket=/tmp/hole", "behind: says mswindows")


class Door:
    """A socket behind which is the daemon's, once all have been called."""
    def __init__(self, host, path, barrier):
        self.path, self.daemon, self.barrier = path, host.inside("/run/libvirt/libvirt-sock"), barrier
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(host.inside(path))
        self.socket.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        first = True
        while True:
            client = self.socket.accept()[0]
            if first:
                self.barrier.wait()
            first = False
            daemon = socket.socket(socket.AF_UNIX)
            daemon.connect(self.daemon)
            for pair in ((client, daemon), (daemon, client)):
                threading.Thread(target=self.pass_on, args=pair, daemon=True).start()

    @staticmethod
    def pass_on(source, target):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


SYSTEM = "<operatingsystem><name>{0}</name><distro>{0}</distro><product_name>{1}</product_name></operatingsystem>"
ON_DISKS = {
    "win": SYSTEM.format("windows", "Windows Server 2019 &amp;lt;"),
    "debian": SYSTEM.format("debian", "12"),
    "both": SYSTEM.format("windows", "x") + SYSTEM.format("debian", "12"),
    "none": "",
    "endless": None,
}
INSPECTOR = """#!/usr/bin/python3
import sys
with open("/tmp/disks/" + sys.argv[sys.argv.index("-d") + 1]) as source:
    text = source.read()
if not text:
    while True:
        print("x" * 65536)
print(text)
"""


def disks():
    """What virt-inspector says, which is a stand-in here; test_disks.py has the real one."""
    with Host(case.tree(), config=CONFIG, files={**FILES, "/tmp/bin/virt-inspector": INSPECTOR}) as host:
        os.chmod(host.inside(LIST), 0o644)
        os.chmod(host.inside("/tmp/bin/virt-inspector"), 0o755)
        agentguest.answer(host, {})
        for name, systems in ON_DISKS.items():
            uuid = host.conn.defineXML(agentguest.domain(name)).UUIDString()
            host.put(f"/tmp/disks/{uuid}", "" if systems is None else
                     f"<operatingsystems>{systems}</operatingsystems>", 0o644)
        host.conn.defineXML(agentguest.domain("called-windows"))
        inspect = ("env", "PATH=/tmp/bin:/usr/bin:/bin", "winguest", "discover", "--disks")
        told = json.loads(host.run(*inspect, "-f", "json", timeout=600).stdout)
        case.against_schema(told, "discover")
        equal("what is found", {each["name"]: (each["says"], each["why"]) for each in told["guests"]}, {
            "win": ("mswindows", None), "debian": ("debian", None),
            "both": (None, "more than one OS is on its disks"), "none": (None, "no OS is known on its disks"),
            "endless": (None, "virt-inspector found no OS, or failed: run it with -d and the guest's name")})
        text = host.run(*inspect).stdout
        within("text", text, "win: shut off, has on its disks mswindows, ", "; unmarked Windows\n",
               "both: shut off (more than one OS is on its disks)\n")
        os.symlink("/usr/bin/timeout", host.inside("/tmp/bin/timeout"))
        os.remove(host.inside("/tmp/bin/virt-inspector"))
        done = host.run("env", "PATH=/tmp/bin", "/usr/bin/winguest", "discover", "--disks")
        equal("exit without it", done.returncode, 2)
        within("it says what to install", done.stderr, "virt-inspector is not installed; hint: ")


def forger_line(host, lines):
    return all(line in host.read(LIST).splitlines() for line in lines if "forger" in line)


if __name__ == "__main__":
    case.run(asks, audited, interrupted, merges, spares_the_cured, together, disks)
