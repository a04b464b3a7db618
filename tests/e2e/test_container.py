#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A libvirtd that a script starts, without systemd, in file systems that are put together from mounts, as
the containers of kolla and OpenStack-Helm have it; with the lines of our recipes for them. Namespaces stand
in for a container engine, and the scripts for those of the images, which do the same where it matters."""

import os
import re

import case
import guest
from case import equal, true
from host import Host

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# kolla/docker/base/start.sh: what is sourced, and that the command is run by exec.
KOLLA_START = """#!/bin/bash
set -o errexit
set -o xtrace
CMD=$(cat /run_command)
ARGS=""
. kolla_extend_start
exec ${CMD} ${ARGS}
"""
# openstack-helm/libvirt/templates/bin/_libvirt.sh.tpl: the daemon is found by PATH.
HELM_START = """#!/bin/bash
set -ex
rm -f /var/run/libvirtd.pid
exec libvirtd
"""
CONFIG = "[rules]\nnames = win*\n"
STORED = 0
ALL = {name: True for name in guest.FLAGS}


def recipe(name):
    with open(os.path.join(TOP, "packaging", name), encoding="utf-8") as source:
        return source.read()


def container():
    """Not started; the zone's file is mounted, as containers have it, where otherwise a link is."""
    host = Host(case.tree(), preload=False, start=False)
    host.put("/srv/winguest.conf", CONFIG, 0o644)
    done = host.run("sh", "-ec", """
        rm -f /lib/systemd/system/libvirtd.service /lib/systemd/system/virtqemud.service
        rm -f /etc/systemd/system/libvirtd.service /etc/systemd/system/virtqemud.service
        mount --bind /srv/winguest.conf /etc/libvirt/winguest.conf
        mount -o remount,bind,ro /etc/libvirt/winguest.conf
        rm -f /etc/localtime && : >/etc/localtime
        mount --bind /usr/share/zoneinfo/Asia/Shanghai /etc/localtime
        mkdir -p /usr/local/sbin /usr/local/bin""")
    equal(f"mounts: {done.stderr}", done.returncode, 0)
    return host


def is_right(host):
    domain = host.conn.defineXML(guest.domain("win", memory=16))
    equal("stored", guest.clock_of(domain.XMLDesc(STORED))[0], "localtime")
    domain.create()
    equal("QEMU's flags", guest.flags(host.cmdline("win")), ALL)
    domain.destroy()
    offline = host.conn.lookupByName("win-offline")
    equal("what was there before", guest.clock_of(offline.XMLDesc(STORED))[0], "localtime")


def says_so(host):
    told = host.run("winguest", "status").stdout
    true(f"the filter: {told}", re.search(r"ok +filter: libvirtd, process \d+, has it", told))
    true(f"the zone: {told}", re.search(r"ok +zone: libvirtd, process \d+: CST-8", told))
    done = host.run("winguest", "enable")
    equal(f"enable: {done.stderr}", done.returncode, 0)
    true(f"what to do: {done.stdout}", ". /usr/share/libvirt-winguest/container/start.sh\n" in done.stdout)


def with_definition(host):
    """One that a daemon without us has left there."""
    host.start(preload=False)
    host.conn.defineXML(guest.domain("win-offline", memory=16))
    host.stop()


def kolla():
    line = re.search(r"^RUN echo '(.*)' >>/usr/local/bin/kolla_extend_start$",
                     recipe("kolla/template-override.j2"), re.M).group(1)
    with container() as host:
        with_definition(host)
        host.put("/usr/local/bin/kolla_extend_start", f"#!/bin/bash\n[[ -c /dev/null ]]\n{line}\n")
        host.put("/usr/local/bin/kolla_start", KOLLA_START)
        host.put("/run_command", "/usr/sbin/libvirtd", 0o644)
        host.start(command=["bash", "/usr/local/bin/kolla_start"])
        is_right(host)
        says_so(host)


def openstack_helm():
    wrapper = re.search(r"install -D (\S+) /usr/local/sbin/libvirtd$", recipe("openstack-helm/Dockerfile"),
                        re.M).group(1)
    hook = re.search(r"qemu: \|\n((?: {8}.*\n)+)", recipe("openstack-helm/values.yaml")).group(1)
    with container() as host:
        with_definition(host)
        equal("installed", host.run("install", wrapper, "/usr/local/sbin/libvirtd").returncode, 0)
        # The Debian package has a copy of the hook there; here it is moved out of the chart's way.
        place = host.run("sh", "-ec", "for d in /usr/lib/*/libvirt-winguest /usr/lib/libvirt-winguest; do "
                         "[ ! -d $d ] || cp -p /etc/libvirt/hooks/qemu $d/; done")
        equal(f"a copy: {place.stderr}", place.returncode, 0)
        hook = re.sub(r"^ {8}", "", hook, flags=re.M)
        host.put("/etc/libvirt/hooks/qemu", hook)
        host.put("/tmp/libvirt.sh", HELM_START)
        host.start(command=["bash", "/tmp/libvirt.sh"])
        is_right(host)
        says_so(host)
        told = host.run("winguest", "status").stdout
        true(f"the hook: {told}", re.search(r"ok +hook: /etc/libvirt/hooks/qemu calls /usr/lib\S*/libvirt-winguest/qemu", told)
             and "another program's" not in told and "files: " in told and "cut off" not in told)
        host.wait_log("prepare guest 'win'")


def without_a_zone():
    """A container without one runs its guests on UTC, which status tells of."""
    with container() as host:
        host.run("umount", "/etc/localtime")
        host.start(preload=True)
        told = host.run("winguest", "status").stdout
        true(f"the zone: {told}", re.search(r"warning +zone: .*none is set, which is UTC.*/etc/localtime", told))


if __name__ == "__main__":
    case.run(kolla, openstack_helm, without_a_zone)
