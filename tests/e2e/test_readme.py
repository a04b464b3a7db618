#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""README's commands say what README shows that they say, on a host with the guests that it has."""

import contextlib
import os
import re
import shlex
from xml.etree import ElementTree

import case
import guest
from case import equal, true
from host import Host

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MARK = ("<metadata><libosinfo:libosinfo xmlns:libosinfo='http://libosinfo.org/xmlns/libvirt/domain/1.0'>"
        "<libosinfo:os id='{}'/></libosinfo:libosinfo></metadata>")
SVG = "{http://www.w3.org/2000/svg}"
UUIDS = {"win2022": "0c9b8a7e-6d5c-4b3a-9281-706f5e4d3c2b", "debian13": "1d0c9b8a-7e6d-4c5b-8a39-2817065f4e3d"}
GUESTS = {"win2022": "http://microsoft.com/win/2k22", "debian13": "http://debian.org/debian/13"}


def readme():
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as source:
        return source.read()


def shown():
    """[(command, its output)] of README's console."""
    text = re.search(r"```console\n(.*?)```", readme(), re.S).group(1)
    parts = re.split(r"^# (.*)\n", text, flags=re.M)[1:]
    return list(zip(parts[::2], parts[1::2]))


def pattern(output):
    """A line of … stands for any lines, one within a line for the rest of it."""
    lines = ["(?:.*\n)*" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + "\n"
             for line in output.splitlines()]
    return "".join(lines)


COMMANDS = ["winguest audit", "winguest diff win2022", "winguest enable"]


@contextlib.contextmanager
def a_host():
    with Host(case.tree(), preload=False, hook=False, timezone="Asia/Shanghai") as host:
        # A reader's host has a systemd that runs; here a stand-in bears its calls.
        host.put("/usr/local/bin/systemctl", "#!/bin/sh\n")
        os.makedirs(host.inside("/run/systemd/system"))
        host.put("/etc/systemd/system/libvirtd.service", "[Service]\n", 0o644)
        for folder in ("/usr/lib", "/lib", "/etc"):
            unit = host.inside(f"{folder}/systemd/system/virtqemud.service")
            if os.path.exists(unit):
                os.unlink(unit)
        for name, os_id in GUESTS.items():
            xml = guest.domain(name, uuid=UUIDS[name])
            host.conn.defineXML(re.sub(r"<metadata>.*</metadata>", MARK.format(os_id), xml, flags=re.S))
        yield host


def as_it_says():
    with a_host() as host:
        commands = shown()
        equal("commands", [command for command, _ in commands], COMMANDS)
        for command, output in commands:
            done = host.run(*shlex.split(command), env={**os.environ, "LC_ALL": "C.UTF-8"})
            true(f"{command} says {done.stdout}{done.stderr}", done.stderr == "" and
                 re.fullmatch(pattern(output), done.stdout))


def as_recorded():
    """The picture has the same commands, and what they say, but for what another libvirt defines."""
    frames = ElementTree.parse(os.path.join(TOP, "doc", "pictures", "recording.svg")).getroot().findall(SVG + "g")
    texts = [["".join(text.itertext()) for text in frame.findall(SVG + "text")] for frame in frames]
    equal("commands", [lines[0] for lines in texts], ["# " + command for command in COMMANDS])
    with a_host() as host:
        for command, (_, *lines) in zip(COMMANDS, texts):
            said = host.run(*shlex.split(command), env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout.splitlines()
            changed = [[line for line in each if line[:1] != " " and line[:2] != "@@"] for each in (said, lines)]
            equal(command, *(changed if " diff " in command else (said, lines)))


def short_and_whole():
    """A stranger reads it in a minute, and what it points to is there."""
    text = readme()
    true(f"{len(text.split())} words", len(text.split()) <= 1200)
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        true(f"{target} is there", "://" in target or os.path.exists(os.path.join(TOP, target)))


if __name__ == "__main__":
    case.run(as_it_says, as_recorded, short_and_whole)
