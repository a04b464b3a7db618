#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may reach the engine: nobody who may not define, and no hypervisor but QEMU."""

import os
import subprocess
import sys

import libvirt

import case
import guest
from case import equal, true
from host import Host

ENGINE = "/usr/bin/winguest"
CALLS = "/run/engine.calls"
NOBODY = 65534

# Opens the read-only socket as if it were the other one: a client that asks politely is stopped by
# its own library, one that does not is stopped by libvirtd, after the calls that we see.
CLIENT = """
import sys, libvirt
libvirt.registerErrorHandler(lambda *_: None, None)
uri, xml = sys.argv[1:]
conn = libvirt.open(uri)
def attempt(call):
    try:
        call()
        print("done")
    except libvirt.libvirtError as err:
        print(err.get_error_code())
attempt(lambda: conn.defineXML(xml))
attempt(lambda: conn.defineXMLFlags(xml, 0))
attempt(lambda: conn.createXML(xml, 0))
old = conn.lookupByName("old")
attempt(old.create)
attempt(lambda: old.createWithFlags(0))
"""


def spied(host):
    """Counts the engine's calls from now on."""
    os.rename(host.inside(ENGINE), host.inside(ENGINE + ".real"))
    host.put(ENGINE, f'#!/bin/sh\necho "$*" >>{CALLS}\n'
                     f'exec {ENGINE}.real "$@"\n')
    host.put(CALLS, "", mode=0o644)


def calls(host):
    return host.read(CALLS).splitlines()


def asked(host, operation):
    return any(line.startswith(f"decide {operation} ") for line in calls(host))


def as_nobody(uri, xml):
    done = subprocess.run([sys.executable, "-B", "-c", CLIENT, uri, xml], user=NOBODY,
                          group=NOBODY, extra_groups=[], cwd="/", capture_output=True, text=True,
                          timeout=60, check=True)
    return done.stdout.split()


def readonly():
    with Host(case.tree(), preload=False, hook=False) as host:
        host.conn.defineXML(guest.domain("old"))
        host.restart(preload=True)
        spied(host)
        refused = str(libvirt.VIR_ERR_OPERATION_DENIED)
        equal("answers", as_nobody(host.uri(readonly=True), guest.domain("new")), [refused] * 5)
        equal("calls of the engine", calls(host), [])
        equal("guests", [each.name() for each in host.conn.listAllDomains()], ["old"])
        stored = host.conn.lookupByName("old").XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
        equal("offset of old", guest.clock_of(stored)[0], "utc")


def readwrite_does_reach():
    """The spy works: without this the case above could not fail."""
    with Host(case.tree(), hook=False) as host:
        spied(host)
        domain = host.conn.defineXML(guest.domain("new"))
        true("the engine is called for a definition", asked(host, "define"))
        domain.create()
        host.conn.createXML(guest.domain("other"), 0)
        true("the engine is called for a creation", asked(host, "create"))


def other_hypervisors():
    """libvirtd serves more than QEMU: libvirt's test driver here."""
    with Host(case.tree(), hook=False) as host:
        true("libvirtd answers", host.conn.getVersion())
        spied(host)
        conn = libvirt.open(f"test+unix:///default?socket={host.socket()}")
        equal("driver", conn.getType(), "TEST")
        domain = conn.defineXML(guest.domain("new", kind="test"))
        equal("offset", guest.clock_of(domain.XMLDesc())[0], "utc")
        domain.create()
        conn.createXML(guest.domain("other", kind="test"), 0)
        conn.close()
        equal("calls of the engine", calls(host), [])


if __name__ == "__main__":
    case.run(readonly, readwrite_does_reach, other_hypervisors)
