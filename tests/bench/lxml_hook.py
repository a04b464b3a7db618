#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The hook that an operator writes in Python: GUEST OPERATION SUB-OPERATION EXTRA, the domain on
standard input. Does what the default policy wants of a guest that nova marks as Windows."""

import sys
import syslog

from lxml import etree

NOVA = "{http://openstack.org/xmlns/libvirt/nova/1.1}"
TIMERS = {"pit": ("tickpolicy", "delay"), "rtc": ("tickpolicy", "catchup"),
          "hpet": ("present", "no"), "hypervclock": ("present", "yes")}
HYPERV = {"relaxed": {"state": "on"}, "vapic": {"state": "on"},
          "spinlocks": {"state": "on", "retries": "8191"}}


def is_windows(root):
    for prop in root.iterfind(f"metadata/{NOVA}instance/{NOVA}image/{NOVA}properties/*"):
        if prop.get("name") in ("os_type", "os_distro"):
            return (prop.text or "").strip().lower().startswith("win")
    return False


def child(parent, tag, **attributes):
    for each in parent.iterfind(tag):
        if all(each.get(key) == value for key, value in attributes.items()):
            return each
    return etree.SubElement(parent, tag, attributes)


def rewrite(root):
    before = etree.tostring(root)
    clock = child(root, "clock")
    clock.set("offset", "localtime")
    for name, (key, value) in TIMERS.items():
        child(clock, "timer", name=name).set(key, value)
    hyperv = child(child(root, "features"), "hyperv")
    for name, attributes in HYPERV.items():
        child(hyperv, name).attrib.update(attributes)
    return etree.tostring(root) != before


def main():
    guest, operation = sys.argv[1:3]
    if operation not in ("prepare", "define", "create"):
        return
    tree = etree.parse(sys.stdin.buffer)
    windows = is_windows(tree.getroot())
    changed = windows and rewrite(tree.getroot())
    syslog.openlog("lxml-hook", syslog.LOG_PID, syslog.LOG_DAEMON)
    syslog.syslog(f"{operation} guest {guest}: {'windows' if windows else 'other'}"
                  f"{', rewritten' if changed else ''}")
    if changed:
        tree.write(sys.stdout.buffer)


main()
