# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domains as nova 2025.2 has libvirt define them, in any size and number."""

import uuid

HEAD = """\
<domain type='kvm'>
  <name>instance-{number:08x}</name>
  <uuid>{uuid}</uuid>
  <metadata>
    <nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">
      <nova:package version="32.0.0"/>
      <nova:name>server-{number}</nova:name>
      <nova:creationTime>2025-10-02 08:11:35</nova:creationTime>
      <nova:flavor name="m1.large" id="9f1bdc9e-8ab6-4a35-9d13-1f9b0e3b5d3f">
        <nova:memory>8192</nova:memory>
        <nova:disk>80</nova:disk>
        <nova:swap>0</nova:swap>
        <nova:ephemeral>0</nova:ephemeral>
        <nova:vcpus>4</nova:vcpus>
        <nova:extraSpecs>
          <nova:extraSpec name="hw:cpu_sockets">1</nova:extraSpec>
        </nova:extraSpecs>
      </nova:flavor>
      <nova:image uuid="6c0c1d0b-12f0-4f1e-8b0e-6d6f6f0b8f11">
        <nova:containerFormat>bare</nova:containerFormat>
        <nova:diskFormat>raw</nova:diskFormat>
        <nova:minDisk>80</nova:minDisk>
        <nova:minRam>0</nova:minRam>
        <nova:properties>
          <nova:property name="hw_disk_bus">virtio</nova:property>
          <nova:property name="hw_machine_type">q35</nova:property>
          <nova:property name="os_distro">{distro}</nova:property>
        </nova:properties>
      </nova:image>
      <nova:owner>
        <nova:user uuid="5b1a0c94e1f54a2ab0d3a1d7a0f3a0f1">admin</nova:user>
        <nova:project uuid="e2d9a8f0c7b64d1c8d3fb1f6a5e4d3c2">demo</nova:project>
      </nova:owner>
      <nova:root type="image" uuid="6c0c1d0b-12f0-4f1e-8b0e-6d6f6f0b8f11"/>
    </nova:instance>
  </metadata>
  <memory unit='KiB'>8388608</memory>
  <currentMemory unit='KiB'>8388608</currentMemory>
  <vcpu placement='static'>4</vcpu>
  <sysinfo type='smbios'>
    <system>
      <entry name='manufacturer'>OpenStack Foundation</entry>
      <entry name='product'>OpenStack Nova</entry>
      <entry name='version'>32.0.0</entry>
      <entry name='serial'>{uuid}</entry>
      <entry name='uuid'>{uuid}</entry>
      <entry name='family'>Virtual Machine</entry>
    </system>
  </sysinfo>
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
    <boot dev='hd'/>
    <smbios mode='sysinfo'/>
  </os>
  <features>
    <acpi/>
    <apic/>
    <vmcoreinfo state='on'/>
  </features>
  <cpu mode='host-model' check='partial'>
    <topology sockets='1' dies='1' cores='4' threads='1'/>
  </cpu>
  <clock offset='utc'>
    <timer name='pit' tickpolicy='delay'/>
    <timer name='rtc' tickpolicy='catchup'/>
    <timer name='hpet' present='no'/>
  </clock>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
"""
DISK = """\
    <disk type='network' device='disk'>
      <driver name='qemu' type='raw' cache='writeback' discard='unmap'/>
      <source protocol='rbd' name='vms/{uuid}_disk{disk}' index='{disk}'>
        <host name='192.0.2.21' port='6789'/>
        <host name='192.0.2.22' port='6789'/>
      </source>
      <target dev='vd{disk}' bus='virtio'/>
      <alias name='virtio-disk{disk}'/>
      <address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/>
    </disk>
"""
TAIL = """\
    <interface type='bridge'>
      <mac address='fa:16:3e:0c:5a:11'/>
      <source bridge='br-int'/>
      <virtualport type='openvswitch'>
        <parameters interfaceid='3d3c0b63-21a4-4c36-b3b6-8ed5d4f1b9a0'/>
      </virtualport>
      <target dev='tap3d3c0b63-21'/>
      <model type='virtio'/>
      <mtu size='1500'/>
    </interface>
    <graphics type='vnc' port='-1' autoport='yes' listen='0.0.0.0'/>
    <video>
      <model type='virtio' heads='1' primary='yes'/>
    </video>
    <rng model='virtio'>
      <backend model='random'>/dev/urandom</backend>
    </rng>
  </devices>
</domain>
"""


def domain(windows, size=5 << 10, number=1):
    """The XML of guest `number`, padded with disks to at least `size` bytes."""
    fields = {"number": number, "uuid": uuid.uuid5(uuid.NAMESPACE_URL, f"guest {number}"),
              "distro": "windows" if windows else "ubuntu"}
    head, tail = HEAD.format(**fields), TAIL
    disks = []
    missing = size - len(head) - len(tail)
    while not disks or missing > 0:
        disks.append(DISK.format(disk=len(disks), **fields))
        missing -= len(disks[-1])
    return head + "".join(disks) + tail
