/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which guests may be restarted: those of whose devices it is known that they come back. */
#include "cli/repair/repair.h"

#include <fcntl.h>
#include <unistd.h>

#include "unit.h"

#define DEVICES(devices) DOMAIN("<devices><emulator>/usr/bin/qemu</emulator>" devices "</devices>")
#define DISK(source) \
    "<disk type='file' device='disk'><driver name='qemu' type='raw'/>" source \
    "<target dev='vda' bus='virtio'/><alias name='d'/><address type='pci'/></disk>"
#define ALL (WG_DECLINE_OVIRT | WG_DECLINE_HOSTDEV | WG_DECLINE_FDGROUP | WG_DECLINE_VTPM)

struct row {
    const char *xml;
    const char *reason; /* NULL: it may be restarted */
};

static void check(const struct row *rows, size_t count, unsigned decline)
{
    for (size_t i = 0; i < count; i++) {
        const char *reason = wg_repair_obstacle(rows[i].xml, getpid(), decline);

        if (!rows[i].reason)
            assert_text(rows[i].xml, reason ? reason : "none", "none");
        else
            assert_contains(rows[i].xml, reason ? reason : "none", rows[i].reason);
    }
}

static void what_comes_back(void **state)
{
    static const struct row rows[] = {
        {DOMAIN(""), NULL},
        {DOMAIN("<name>x</name><title>t</title><metadata><a xmlns='urn:x'><serial/></a></metadata>"
                "<memory>1</memory><os><type>hvm</type></os><clock offset='utc'/>"
                "<cpu mode='host-model'/><seclabel type='none'/><resource/>"),
         NULL},
        {DEVICES(DISK("<source file='/etc/passwd' index='1'/><backingStore/>")), NULL},
        {DEVICES(DISK("<source file='/etc/passwd'><seclabel model='dac'/></source>"
                      "<backingStore type='file'><format type='raw'/><source file='/etc/group'/>"
                      "<backingStore type='block'><format type='raw'/><source dev='/dev/null'/>"
                      "<backingStore/></backingStore></backingStore>")),
         NULL},
        {DEVICES("<disk type='block'><source dev='/dev/null'/></disk>"), NULL},
        {DEVICES("<disk type='network'><source protocol='rbd' name='p/i'><host name='m'/>"
                 "<auth username='u'><secret type='ceph' uuid='x'/></auth></source></disk>"),
         NULL},
        {DEVICES("<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>"), NULL},
        {DEVICES("<interface type='bridge'><mac address='x'/><source bridge='br0'/>"
                 "<virtualport type='openvswitch'><parameters interfaceid='x'/></virtualport>"
                 "<target dev='tap0'/><model type='virtio'/></interface>"),
         NULL},
        {DEVICES("<interface type='direct'><source dev='eth0' mode='vepa'/></interface>"), NULL},
        {DEVICES("<serial type='pty'><source path='/dev/pts/1'/><target port='0'/></serial>"),
         NULL},
        {DEVICES("<serial type='file'><source path='/x'/><log file='/y' append='off'/></serial>"),
         NULL},
        {DEVICES("<console type='tcp'><source mode='bind' host='::' service='1'/>"
                 "<protocol type='telnet'/></console>"),
         NULL},
        {DEVICES(
             "<channel type='unix'><source mode='bind' path='/x'/>"
             "<target type='virtio' name='org.qemu.guest_agent.0' state='connected'/></channel>"),
         NULL},
        {DEVICES("<graphics type='vnc' port='5900'><listen type='address' address='::'/></graphics>"
                 "<video><model type='vga'><acceleration accel3d='no'/></model></video>"
                 "<memballoon model='virtio'/><rng model='virtio'>"
                 "<backend model='random'>/dev/urandom</backend></rng><panic model='hyperv'/>"),
         NULL},
        {DEVICES("<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"), NULL},
    };

    (void)state;
    check(rows, COUNT(rows), ALL);
}

static void what_may_not(void **state)
{
    static const struct row rows[] = {
        {"<domain", "cannot be read"},
        {DOMAIN("<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'/>"),
         "<commandline>"},
        {DOMAIN("<memoryBacking><hugepages/></memoryBacking>"), "<hugepages>"},
        {DOMAIN("<launchSecurity type='sev'/>"), "<launchSecurity>"},
        {DOMAIN("<something/>"), "<something>"},
        {DEVICES("<something/>"), "<something>"},
        {DEVICES("<filesystem type='mount'/>"), "<filesystem>"},
        {DEVICES("<shmem name='x'/>"), "<shmem>"},
        {DEVICES("<memory model='dimm'/>"), "<memory>"},
        {DEVICES("<smartcard mode='host'/>"), "<smartcard>"},
        {DEVICES("<lease/>"), "<lease>"},
        {DEVICES(DISK("<source file='/nowhere/to/be/found'/>")), "not there any more"},
        {DEVICES(DISK("<source file='/etc/passwd'/><backingStore type='file'>"
                      "<source file='/nowhere/to/be/found'/></backingStore>")),
         "not there any more"},
        {DEVICES(DISK("<source file='/etc/passwd'/><mirror type='file'/>")), "<mirror>"},
        {DEVICES(DISK("<source file='/etc/passwd'/><transient/>")), "<transient>"},
        {DEVICES(DISK("<source file='/etc/passwd'><reservations managed='no'/></source>")),
         "<reservations>"},
        {DEVICES("<disk type='vhostuser'><source type='unix' path='/x'/></disk>"), "of a kind"},
        {DEVICES("<disk type='nvme'/>"), "of a kind"},
        {DEVICES("<disk type='network'><source protocol='nbd' name='x'/></disk>"),
         "program that may"},
        {DEVICES("<disk type='network'><source protocol='ssh' name='x'/></disk>"),
         "program that may"},
        {DEVICES("<interface type='vhostuser'/>"), "of a kind"},
        {DEVICES("<interface type='hostdev'/>"), "of a kind"},
        {DEVICES("<interface type='ethernet'/>"), "of a kind"},
        {DEVICES("<interface type='user'><backend type='passt'/></interface>"), "<backend>"},
        {DEVICES("<serial type='unix'><source mode='connect' path='/x'/></serial>"), "connects to"},
        {DEVICES("<serial type='tcp'><source mode='connect' host='h'/></serial>"), "connects to"},
        {DEVICES("<channel type='unix'><source mode='client' path='/x'/></channel>"),
         "connects to"},
        {DEVICES("<serial type='udp'/>"), "of a kind"},
        {DEVICES("<serial type='dev'/>"), "of a kind"},
        {DEVICES("<input type='evdev'/>"), "of a kind"},
        {DEVICES("<audio id='1' type='pulseaudio'/>"), "of a kind"},
        {DEVICES("<rng model='virtio'><backend model='egd' type='tcp'/></rng>"), "of a kind"},
        {DEVICES("<redirdev bus='usb' type='tcp'/>"), "of a kind"},
        {DEVICES("<tpm><backend type='passthrough'/></tpm>"), "of a kind"},
        {DEVICES("<tpm><backend type='external'><source type='unix'/></backend></tpm>"),
         "of a kind"},
    };

    (void)state;
    check(rows, COUNT(rows), ALL);
}

/* Only of these the operator may say that they do come back. */
static void what_the_operator_decides(void **state)
{
    static const struct {
        unsigned decline;
        struct row row;
    } rows[] = {
        {WG_DECLINE_OVIRT,
         {DOMAIN("<metadata><ovirt-vm:vm xmlns:ovirt-vm='http://ovirt.org/vm/1.0'/></metadata>"),
          "oVirt's (repair.decline ovirt)"}},
        {WG_DECLINE_HOSTDEV,
         {DEVICES("<hostdev mode='subsystem' type='pci'><source><address/></source></hostdev>"),
          "passed through (repair.decline hostdev)"}},
        {WG_DECLINE_FDGROUP,
         {DEVICES(DISK("<source file='/etc/passwd' fdgroup='g'/>")),
          "opened a disk for it (repair.decline fdgroup)"}},
        {WG_DECLINE_VTPM,
         {DEVICES("<tpm><backend type='emulator'><encryption secret='x'/></backend></tpm>"),
          "needs a secret that may be gone (repair.decline vtpm)"}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct row allowed = {rows[i].row.xml, NULL};

        check(&rows[i].row, 1, rows[i].decline);
        check(&rows[i].row, 1, ALL);
        check(&allowed, 1, ALL & ~rows[i].decline);
    }
}

static void a_deleted_file_that_is_open(void **state)
{
    (void)state;
    const char *path = put_file("scratch.img", "x");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_null(wg_repair_obstacle(DOMAIN(""), getpid(), ALL));
    assert_int_equal(unlink(path), 0);
    assert_contains("deleted", wg_repair_obstacle(DOMAIN(""), getpid(), ALL), "was deleted");
    close(fd);
    assert_null(wg_repair_obstacle(DOMAIN(""), getpid(), ALL));
    assert_contains("gone", wg_repair_obstacle(DOMAIN(""), 999999999, ALL), "cannot be seen");
}

static void the_same_guest(void **state)
{
    static const char defined[] = DOMAIN(
        "<title>t</title><metadata><a xmlns='urn:x' b='1'/></metadata>");
    static const char with[] = DEVICES(DISK(
        "<source file='/a'/>") "<graphics type='vnc' passwd='p'/><interface type='user'><link state='up'/></interface>");
    static const char *const others[] = {
        DEVICES(DISK(
            "<source file='/b'/>") "<graphics type='vnc' passwd='p'/><interface type='user'><link state='up'/></interface>"),
        DEVICES(DISK(
            "<source file='/a'/>") "<graphics type='vnc' passwd='q'/><interface type='user'><link state='up'/></interface>"),
        DEVICES(DISK(
            "<source file='/a'/>") "<graphics type='vnc' passwd='p'/><interface type='user'><link state='down'/></interface>"),
        DEVICES(DISK("<source file='/a'/>") DISK(
            "<source file='/a'/>") "<graphics type='vnc' passwd='p'/><interface type='user'><link state='up'/></interface>"),
    };

    (void)state;
    assert_true(wg_repair_same_guest(defined, defined));
    assert_false(wg_repair_same_guest(
        defined, DOMAIN("<title>t</title><metadata><a xmlns='urn:x' b='2'/></metadata>")));
    assert_false(wg_repair_same_guest(defined, DOMAIN("<title>t</title>")));
    assert_true(wg_repair_same_guest(with, with));
    for (size_t i = 0; i < COUNT(others); i++)
        assert_false(wg_repair_same_guest(with, others[i]));
}

static void nova_is_known(void **state)
{
    (void)state;
    assert_true(wg_repair_is_nova(DOMAIN(
        "<metadata><n:instance xmlns:n='http://openstack.org/xmlns/libvirt/nova/1.1'/></metadata>")));
    assert_false(wg_repair_is_nova(DOMAIN("<metadata><instance xmlns='urn:x'/></metadata>")));
    assert_false(wg_repair_is_nova(DOMAIN("")));
    assert_false(wg_repair_is_nova("<domain"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_back),
        cmocka_unit_test(what_may_not),
        cmocka_unit_test(what_the_operator_decides),
        cmocka_unit_test(a_deleted_file_that_is_open),
        cmocka_unit_test(the_same_guest),
        cmocka_unit_test(nova_is_known),
    };

    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
