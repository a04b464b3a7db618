# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domain definitions as clouds write them, and what the policy makes of them."""

import re

NOVA = "http://openstack.org/xmlns/libvirt/nova/1.1"
# What QEMU must have been told once a guest is right. The last is how libvirt >= 9.1 says -no-hpet.
FLAGS = {
    "rtc": "-rtc base=localtime,driftfix=slew",
    "pit": "-global kvm-pit.lost_tick_policy=delay",
    "hpet": "-no-hpet|hpet=off",
    "hypervclock": "hv-time",
    "relaxed": "hv-relaxed",
    "vapic": "hv-vapic",
    "spinlocks": "hv-spinlocks=0x1fff",
}


def nova_metadata(os_type):
    """The part of nova's metadata that tells the image's os_type (nova 2025.2 and later)."""
    return f"""
    <nova:instance xmlns:nova="{NOVA}">
      <nova:name>{os_type}-server</nova:name>
      <nova:flavor name="m1.large"/>
      <nova:image uuid="c0ffee00-1111-4222-8333-444455556666">
        <nova:properties>
          <nova:property name="os_type">{os_type}</nova:property>
        </nova:properties>
      </nova:image>
    </nova:instance>"""


def domain(name, os_type="windows", uuid=None, clock="<clock offset='utc'/>", features="",
           boot="", devices="", description="", memory=64, kind="qemu", emulator=None):
    """A small guest without disks, defined as a cloud defines one whose image it knows as
    `os_type`: with UTC and no enlightenment, which is wrong for Windows."""
    uuid_line = f"<uuid>{uuid}</uuid>" if uuid else ""
    emulator_line = f"<emulator>{emulator}</emulator>" if emulator else ""
    return f"""<domain type='{kind}'>
  <name>{name}</name>
  {uuid_line}
  <description>{description}</description>
  <metadata>{nova_metadata(os_type)}
  </metadata>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    {boot}
  </os>
  <features>
    <acpi/>
    <apic/>
    {features}
  </features>
  {clock}
  <devices>
    {emulator_line}
    {devices}
  </devices>
</domain>
"""


def vnc(password):
    return f"<graphics type='vnc' port='-1' autoport='yes' passwd='{password}'/>"


def has_flag(argv, flag):
    """Whether a QEMU command line carries one of FLAGS."""
    line = " ".join(argv)
    cpu = argv[argv.index("-cpu") + 1].split(",") if "-cpu" in argv else []
    if flag.startswith("hv-"):
        return flag in cpu or flag + "=on" in cpu
    return any(re.search(rf"(^|[ ,]){re.escape(one)}( |,|$)", line) for one in flag.split("|"))


def flags(argv):
    """{name: present} of the policy's flags on a QEMU command line."""
    return {name: has_flag(argv, flag) for name, flag in FLAGS.items()}


def clock_of(xml):
    """(offset, {timer: attributes}) of a domain document, for comparisons."""
    import xml.etree.ElementTree as etree
    clock = etree.fromstring(xml).find("clock")
    if clock is None:
        return "utc", {}
    timers = {timer.get("name"): {key: value for key, value in timer.items() if key != "name"}
              for timer in clock.findall("timer")}
    return clock.get("offset", "utc"), timers


def hyperv_of(xml):
    """{enlightenment: attributes} of a domain document."""
    import xml.etree.ElementTree as etree
    hyperv = etree.fromstring(xml).find("features/hyperv")
    return {} if hyperv is None else {each.tag: dict(each.items()) for each in hyperv}
