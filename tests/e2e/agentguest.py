# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests whose agent answers as a test says, without a guest in them. Real: libvirtd, its side of
the agent's channel, QEMU. A stand-in: EMULATOR, which starts QEMU and, at libvirt's ends of monitor
and channel, tells that the guest has opened the channel and speaks QEMU's guest agent protocol
(qga/qapi-schema.json) with answers as Windows' agent gives them."""

import json
import re

import guest

EMULATOR = "/usr/local/bin/qemu-with-agent"
ANSWERS = "/etc/libvirt/agents.json"
WINDOWS = {"id": "mswindows", "name": "Microsoft Windows", "variant": "server",
           "pretty-name": "Windows Server 2019 Standard", "version": "Microsoft Windows Server 2019",
           "version-id": "2019", "kernel-release": "17763", "kernel-version": "10.0",
           "machine": "x86_64", "variant-id": "server"}
DEBIAN = {"id": "debian", "name": "Debian GNU/Linux", "pretty-name": "Debian GNU/Linux 12",
          "version-id": "12", "kernel-release": "6.1.0", "machine": "x86_64"}
PROGRAM = r"""#!/usr/bin/python3 -B
import json, os, re, socket, sys, threading, time
QEMU = "/usr/bin/qemu-system-x86_64"
argv = [QEMU, *sys.argv[1:]]
find = lambda start: next((i for i, each in enumerate(argv) if each.startswith(start)), None)
monitor, channel = find("socket,id=charmonitor"), find("socket,id=charchannel0")
if monitor is None or channel is None:
    os.execv(QEMU, argv)
name = re.match("guest=([^,]*)", argv[argv.index("-name") + 1]).group(1)
ends = [socket.socket(fileno=int(re.search("fd=([0-9]+)", argv[i]).group(1)))
        for i in (monitor, channel)]
ours, theirs = socket.socketpair()
argv[monitor] = f"socket,id=charmonitor,fd={theirs.fileno()}"
argv[channel] = "null,id=charchannel0"
if os.fork():
    theirs.set_inheritable(True)
    os.execv(QEMU, argv)
theirs.close()
EVENT = b'{"timestamp":{"seconds":1,"microseconds":0},"event":"VSERPORT_CHANGE",' \
        b'"data":{"open":true,"id":"channel0"}}\r\n'

def lies():
    with open("%(answers)s") as source:
        return json.load(source).get(name, {})

def answer(command, lie):
    return {"guest-info": {"version": "102.10.0", "supported_commands": []},
            "guest-get-osinfo": lie.get("os"),
            "guest-get-timezone": {"zone": "CST", "offset": lie.get("zone", 28800)},
            "guest-get-time": int((time.time() + lie.get("ahead", 0)) * 1e9)}.get(command, {})

def serve(conn):
    for line in conn.makefile("rb"):
        try:
            asked = json.loads(line.strip(b"\xff\r\n") or b"{}")
        except ValueError:
            continue
        command, lie = asked.get("execute"), lies()
        if not command or command.startswith(lie.get("hangs", " ")):
            if command and not command.startswith("guest-sync"):
                conn.sendall(b'{"return": {"id": "msw')
            continue
        if command.startswith("guest-sync"):
            begin = b"\xff" if command.endswith("delimited") else b""
            conn.sendall(begin + json.dumps({"return": asked["arguments"]["id"]}).encode() + b"\n")
        elif lie.get("raw") and command == "guest-get-osinfo":
            conn.sendall((lie["raw"] * lie.get("times", 1)).encode() + b"\n")
        else:
            conn.sendall(json.dumps({"return": answer(command, lie)}).encode() + b"\n")

def agent():
    while True:
        try:
            serve(ends[1].accept()[0])
        except OSError:
            pass

client, running = None, False

def from_qemu():
    global running
    for line in ours.makefile("rb"):
        client.sendall(line)
        if running and b'"return"' in line and not lies().get("absent"):
            running = False
            client.sendall(EVENT)
    os._exit(0)

threading.Thread(target=agent, daemon=True).start()
while True:
    fresh = ends[0].accept()[0]
    first, client = client is None, fresh
    if first:
        threading.Thread(target=from_qemu, daemon=True).start()
    while data := client.recv(65536):
        running = running or b'"cont"' in data
        ours.sendall(data)
""".replace("%(answers)s", ANSWERS)


def domain(name, channel=True, **options):
    """A guest of which nothing tells the OS."""
    device = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
    xml = guest.domain(name, emulator=EMULATOR, devices=device if channel else "", **options)
    return re.sub("<metadata>.*</metadata>", "", xml, flags=re.S)


def answer(host, answers):
    """answers: {name: {os, zone, ahead, hangs, raw, times, absent}}"""
    host.put(ANSWERS, json.dumps(answers), 0o644)
