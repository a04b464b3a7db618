#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tells of each domain file which OS it has and where a Windows guest falls short of the default
policy: what `winguest check` does, as one would write it in Python. --nova: by nova's mark alone."""

import fnmatch
import sys

from lxml import etree

NAMESPACES = {"wg": "urn:libvirt-winguest:domain:1.0", "unraid": "http://unraid",
              "libosinfo": "http://libosinfo.org/xmlns/libvirt/domain/1.0",
              "cockpit": "https://github.com/cockpit-project/cockpit-machines"}
NOVA = ("/domain/metadata/*[local-name()='instance']/*[local-name()='image']/*[local-name()="
        "'properties']/*[@name='{0}']/text()")
ANYWHERE = ("/domain/metadata//*[local-name()='{0}']/text() | "
            "/domain/metadata//@*[local-name()='{0}']")
EXEMPT = etree.XPath("/domain/metadata/wg:guest[@policy='none']", namespaces=NAMESPACES)
SIGNS = [(label, etree.XPath(path, namespaces=NAMESPACES)) for label, path in [
    ("own mark", "/domain/metadata/wg:guest/@os"),
    ("libosinfo", "/domain/metadata/libosinfo:libosinfo/libosinfo:os/@id"),
    *(("nova " + name, NOVA.format(name)) for name in ("os_type", "os_distro", "os")),
    ("cockpit", "/domain/metadata/cockpit:data/cockpit:os_variant/text()"),
    ("unraid", "/domain/metadata/unraid:vmtemplate/@os"),
    ("cloudstack", "/domain/description/text()"),
    *(("metadata " + name, ANYWHERE.format(name))
      for name in ("os_type", "os-type", "ostype", "os_distro", "os"))]]
LINUX = ("alma* alpine* amzn* arch* centos* cirros* debian* fedora* flatcar* gentoo* linux* "
         "opensuse* ol[0-9]* oracle* redhat* rhel* rocky* sled* sles* suse* ubuntu*").split()
WANTED = [(etree.XPath("/domain/" + path), value) for path, value in (
    ("clock/@offset", "localtime"),
    ("clock/timer[@name='pit']/@tickpolicy", "delay"),
    ("clock/timer[@name='rtc']/@tickpolicy", "catchup"),
    ("clock/timer[@name='hpet']/@present", "no"),
    ("clock/timer[@name='hypervclock']/@present", "yes"),
    ("features/hyperv/relaxed/@state", "on"),
    ("features/hyperv/vapic/@state", "on"),
    ("features/hyperv/spinlocks/@state", "on"),
    ("features/hyperv/spinlocks/@retries", "8191"))]


def detect(tree, signs):
    for label, sign in signs:
        for value in sign(tree):
            value = value.strip().lower().replace("http://microsoft.com/", "")
            if value.startswith("win"):
                return "windows", label
            if any(fnmatch.fnmatchcase(value, name) for name in LINUX):
                return "linux", label
    return "unknown", None


def check(path, signs):
    tree = etree.parse(path)
    name = tree.findtext("name")
    if EXEMPT(tree):
        return f"{name}: exempt"
    system, label = detect(tree, signs)
    if system != "windows":
        return f"{name}: skipped ({system}, {label})"
    has = [(xpath.path, xpath(tree), value) for xpath, value in WANTED]
    wrong = [f"{place}: {''.join(values) or 'none'}" for place, values, value in has
             if values != [value]]
    return f"{name}: {'violates: ' + '; '.join(wrong) if wrong else 'compliant'} ({label})"


def main():
    nova = sys.argv[1] == "--nova"
    signs = [sign for sign in SIGNS if sign[0].startswith("nova")] if nova else SIGNS
    for path in sys.argv[1 + nova:]:
        print(f"{path}: {check(path, signs)}")


main()
