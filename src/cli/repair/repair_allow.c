/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a guest may have that is restarted. Nothing is known of what is not named here: a guest with
 * it is left running. What is left out on purpose: sockets that QEMU connects to and files that its
 * client opened or deletes, as nobody may be there any more; what an external program serves
 * (vhost-user, virtiofsd, swtpm, qemu-nbd); devices of the host; huge pages, which somebody else
 * may take; QEMU arguments of the client's own.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/domain.h"
#include "repair.h"

#define OVIRT "http://ovirt.org/vm/1.0"
#define NOVA "http://openstack.org/xmlns/libvirt/nova/"
#define ALIKE "alias address boot acpi "

/* Devices that libvirt adds by itself, to one of the two documents sooner than to the other. */
#define IMPLICIT "emulator controller audio watchdog memballoon input video hub console panic"

static char said[320];

/*
 * An element by its path below <domain>, the value of the attribute that tells its kind, where that
 * matters, and what it may have: elements; "*" is any, with anything in it. The first row counts
 * that fits path and value; what none fits is not allowed.
 */
static const struct rule {
    const char *path;
    const char *attribute;
    const char *values; /* NULL: any, or none */
    const char *children;
} rules[] = {
    {"", NULL, NULL,
     "name uuid genid title description metadata maxMemory memory currentMemory vcpu vcpus "
     "iothreads iothreadids blkiotune memtune memoryBacking numatune cputune resource sysinfo os "
     "features cpu clock on_poweroff on_reboot on_crash on_lockfailure pm idmap devices seclabel "
     "bootloader perf"},
    {"memoryBacking", NULL, NULL, "nosharepages locked source access allocation discard"},
    {"devices", NULL, NULL,
     "emulator disk controller interface serial parallel console channel input graphics sound audio "
     "video watchdog memballoon rng panic hub iommu vsock redirdev tpm hostdev"},
    {"devices/emulator", NULL, NULL, ""},
    {"devices/disk", "type", "file block network",
     ALIKE "driver auth source backingStore target iotune readonly shareable serial wwn vendor "
           "product blockio geometry encryption"},
    {"devices/disk/source", NULL, NULL,
     "host auth seclabel snapshot config format identity slices"},
    {"devices/disk/backingStore", "type", "file block network", "format source backingStore"},
    {"devices/disk/backingStore/source", NULL, NULL, "host auth seclabel config format identity"},
    {"devices/disk/backingStore", "type", NULL, ""},
    {"devices/controller", NULL, NULL, ALIKE "driver master model target pcihole64"},
    {"devices/interface", "type", "bridge network user direct",
     ALIKE "mac source target model driver bandwidth filterref link mtu coalesce virtualport guest "
           "rom tune vlan port ip route script downscript"},
    {"devices/serial", "type", "pty file null vc spicevmc unix tcp",
     ALIKE "source protocol target log"},
    {"devices/parallel", "type", "pty file null vc unix tcp", ALIKE "source protocol target log"},
    {"devices/console", "type", "pty file null vc spicevmc unix tcp",
     ALIKE "source protocol target log"},
    {"devices/channel", "type", "pty spicevmc spiceport null unix tcp",
     ALIKE "source protocol target log"},
    {"devices/input", "type", "mouse tablet keyboard", ALIKE "driver"},
    {"devices/graphics", "type", "vnc spice egl-headless",
     "listen channel image jpeg zlib playback streaming mouse clipboard filetransfer gl"},
    {"devices/redirdev", "type", "spicevmc", ALIKE "source"},
    {"devices/sound", NULL, NULL, ALIKE "codec audio driver"},
    {"devices/audio", "type", "none spice", ""},
    {"devices/video", NULL, NULL, ALIKE "*"},
    {"devices/watchdog", NULL, NULL, ALIKE},
    {"devices/memballoon", NULL, NULL, ALIKE "stats driver"},
    {"devices/rng", NULL, NULL, ALIKE "rate backend driver"},
    {"devices/rng/backend", "model", "random builtin", ""},
    {"devices/panic", NULL, NULL, ALIKE},
    {"devices/hub", NULL, NULL, ALIKE},
    {"devices/iommu", NULL, NULL, ALIKE "driver"},
    {"devices/vsock", NULL, NULL, ALIKE "cid driver"},
    {"devices/tpm", NULL, NULL, ALIKE "backend"},
    {"devices/tpm/backend", "type", "emulator", "encryption active_pcr_banks"},
    {"devices/hostdev", NULL, NULL, "*"},
};

static bool is(xmlNodePtr node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static bool is_named(xmlNodePtr node, const char *name, const char *namespace, size_t len)
{
    return is(node, name) && node->ns && node->ns->href &&
           strncmp((const char *)node->ns->href, namespace, len) == 0;
}

static bool has_metadata(xmlNodePtr root, const char *name, const char *namespace)
{
    xmlNodePtr metadata = wg_child(root, "metadata");

    for (xmlNodePtr node = metadata ? metadata->children : NULL; node; node = node->next) {
        if (is_named(node, name, namespace, strlen(namespace)))
            return true;
    }
    return false;
}

/* What an operator may have restarted all the same, by repair.decline. NULL: nothing of it. */
static const char *declined(xmlNodePtr node, const char *path, unsigned decline)
{
    if (strcmp(path, "devices/hostdev") == 0 && decline & WG_DECLINE_HOSTDEV)
        return "a device of the host is passed through (repair.decline hostdev)";
    if (strcmp(path, "devices/disk/source") == 0 && wg_attribute(node, "fdgroup") &&
        decline & WG_DECLINE_FDGROUP)
        return "its client opened a disk for it (repair.decline fdgroup)";
    if (strcmp(path, "devices/tpm/backend") == 0 && wg_child(node, "encryption") &&
        decline & WG_DECLINE_VTPM)
        return "its TPM needs a secret that may be gone (repair.decline vtpm)";
    return NULL;
}

/* Sockets: QEMU must be the one that listens. Of a backing chain every layer is looked at. */
static const char *source_obstacle(xmlNodePtr node)
{
    const char *protocol = wg_attribute(node, "protocol");
    const char *mode = wg_attribute(node, "mode");
    xmlNodePtr owner = node->parent;

    if (mode && strcmp(mode, "bind") != 0 && !is(owner, "interface"))
        return "connects to a socket";
    if (protocol && !wg_has_word("rbd iscsi gluster http https raw telnet", protocol))
        return "is served by a program that may be gone";
    if ((is(owner, "disk") || is(owner, "backingStore")) && wg_attribute(node, "file") &&
        access(wg_attribute(node, "file"), F_OK) < 0)
        return "is a file that is not there any more";
    return NULL;
}

static const struct rule *rule_of(const char *path, xmlNodePtr node)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
        const char *value = rules[i].attribute ? wg_attribute(node, rules[i].attribute) : NULL;

        if (strcmp(rules[i].path, path) == 0 &&
            (!rules[i].values || (value && wg_has_word(rules[i].values, value))))
            return &rules[i];
    }
    return NULL;
}

/* Whether rows are about what is in such an element; about others they say nothing more. */
static bool is_ruled(const char *path)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
        if (strcmp(rules[i].path, path) == 0)
            return true;
    }
    return false;
}

static const char *may_not(const char *path, const char *what)
{
    snprintf(said, sizeof(said), "its <%.100s> %.200s, which may not come back", path, what);
    return said;
}

static const char *find_obstacle(xmlNodePtr node, const char *path, unsigned decline)
{
    const struct rule *rule = rule_of(path, node);
    const char *reason = declined(node, path, decline);
    char below[128], what[160];

    if (!reason && is(node, "source") && (reason = source_obstacle(node)))
        return may_not(path, reason);
    if (reason || !is_ruled(path))
        return reason;
    if (!rule)
        return may_not(path, "is of a kind");
    for (xmlNodePtr child = node->children; child && !reason; child = child->next) {
        if (child->type != XML_ELEMENT_NODE)
            continue;
        if (child->ns || (!wg_has_word(rule->children, (const char *)child->name) &&
                          !wg_has_word(rule->children, "*"))) {
            snprintf(what, sizeof(what), "has <%.100s>", (const char *)child->name);
            return may_not(*path ? path : "domain", what);
        }
        /* A backing store is like the one that it is in. */
        bool nested = is(child, "backingStore") && is(node, "backingStore");
        snprintf(below, sizeof(below), "%s%s%s", path, *path && !nested ? "/" : "",
                 nested ? "" : (const char *)child->name);
        reason = find_obstacle(child, below, decline);
    }
    return reason;
}

/* A file that QEMU has open and nobody can open again: a client may unlink a scratch disk as soon
 * as its guest runs. What QEMU keeps of memory in such files is its own. */
static const char *deleted_file(long pid)
{
    static const char gone[] = " (deleted)";
    char path[64], target[4096];
    struct dirent *entry;
    const char *reason = NULL;

    snprintf(path, sizeof(path), "/proc/%ld/fd", pid);
    DIR *dir = opendir(path);
    if (!dir)
        return "its QEMU process cannot be seen";
    while (!reason && (entry = readdir(dir))) {
        ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

        if (len < (ssize_t)sizeof(gone) || *target != '/' || strncmp(target, "/memfd:", 7) == 0)
            continue;
        target[len] = '\0';
        if (strcmp(target + len - (sizeof(gone) - 1), gone) == 0)
            reason = "it has a file open that was deleted, and so may not come back";
    }
    closedir(dir);
    return reason;
}

static const char *missing(const char *file)
{
    if (!file || *file != '/' || access(file, F_OK) == 0)
        return NULL;
    snprintf(said, sizeof(said), "%.200s is not there any more: it would not start", file);
    return said;
}

static const char *missing_text(xmlNodePtr parent, const char *name)
{
    xmlNodePtr node = wg_child(parent, name);
    char *file = node ? wg_trimmed_content(node) : NULL;
    const char *reason = missing(file);

    free(file);
    return reason;
}

/* What only a start reads: firmware, a kernel, tables, the ROMs of devices. */
static const char *missing_file(xmlNodePtr root)
{
    static const char *const files[] = {"loader", "nvram", "kernel", "initrd", "dtb"};
    xmlNodePtr os = wg_child(root, "os"), devices = wg_child(root, "devices");
    const char *reason = missing_text(wg_child(os, "acpi"), "table");

    for (size_t i = 0; !reason && i < sizeof(files) / sizeof(*files); i++)
        reason = missing_text(os, files[i]);
    for (xmlNodePtr node = devices ? devices->children : NULL; node && !reason; node = node->next) {
        xmlNodePtr rom = node->type == XML_ELEMENT_NODE ? wg_child(node, "rom") : NULL;

        reason = rom ? missing(wg_attribute(rom, "file")) : NULL;
    }
    return reason;
}

const char *wg_repair_obstacle(const char *live, long pid, unsigned decline)
{
    struct wg_domain domain;
    struct wg_error err;

    if (wg_domain_parse(live, strlen(live), NULL, &domain, &err) < 0)
        return "its XML cannot be read";
    const char *reason = decline & WG_DECLINE_OVIRT && has_metadata(domain.root, "vm", OVIRT)
                             ? "it is oVirt's (repair.decline ovirt)"
                             : find_obstacle(domain.root, "", decline);
    if (!reason)
        reason = missing_file(domain.root);
    wg_domain_clear(&domain);
    return reason ? reason : deleted_file(pid);
}

/* An attribute of a device or of an element in it, where it has one: what owners change at will. */
static void print_attribute(xmlNodePtr device, const char *element, const char *attribute,
                            FILE *out)
{
    xmlNodePtr node = element ? wg_child(device, element) : device;
    const char *value = wg_attribute(node, attribute);

    fprintf(out, " %s", value ? value : "-");
}

static void print_element(xmlNodePtr node, FILE *out)
{
    xmlBufferPtr buffer = xmlBufferCreate();

    if (node && buffer && xmlNodeDump(buffer, node->doc, node, 0, 0) >= 0)
        fprintf(out, "%s\n", (const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
}

/* Which of its devices it boots from, and what instead. */
static void print_boot(xmlNodePtr os, FILE *out)
{
    static const char *const how[] = {"boot", "kernel", "initrd", "cmdline"};

    for (xmlNodePtr node = os ? os->children : NULL; node; node = node->next) {
        for (size_t i = 0; i < sizeof(how) / sizeof(*how); i++) {
            if (is(node, how[i]))
                print_element(node, out);
        }
    }
}

static void print_disk(xmlNodePtr disk, FILE *out)
{
    static const char *const media[] = {"file", "dev", "name", "volume"};

    for (size_t i = 0; i < sizeof(media) / sizeof(*media); i++)
        print_attribute(disk, "source", media[i], out);
    print_attribute(disk, NULL, "device", out);
    print_attribute(disk, "target", "dev", out);
    print_attribute(disk, "target", "bus", out);
    print_attribute(disk, "boot", "order", out);
    print_element(wg_child(disk, "iotune"), out);
}

static void print_parts(xmlNodePtr root, FILE *out)
{
    static const char *const wholes[] = {"title",     "description", "metadata",  "memory",  "vcpu",
                                         "iothreads", "on_poweroff", "on_reboot", "on_crash"};
    xmlNodePtr devices = wg_child(root, "devices");

    for (size_t i = 0; i < sizeof(wholes) / sizeof(*wholes); i++)
        print_element(wg_child(root, wholes[i]), out);
    print_boot(wg_child(root, "os"), out);
    for (xmlNodePtr node = devices ? devices->children : NULL; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE || wg_has_word(IMPLICIT, (const char *)node->name))
            continue;
        fputs((const char *)node->name, out);
        if (is(node, "disk"))
            print_disk(node, out);
        if (is(node, "interface")) {
            print_attribute(node, "mac", "address", out);
            print_attribute(node, "boot", "order", out);
            print_attribute(node, "link", "state", out);
            print_element(wg_child(node, "bandwidth"), out);
        }
        if (is(node, "graphics"))
            print_attribute(node, NULL, "passwd", out);
        fputc('\n', out);
    }
}

static char *parts_of(const char *xml)
{
    struct wg_domain domain;
    struct wg_error err;
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    if (out && wg_domain_parse(xml, strlen(xml), NULL, &domain, &err) == 0) {
        print_parts(domain.root, out);
        wg_domain_clear(&domain);
    }
    if (out)
        fclose(out);
    return text;
}

/* Passwords are in it. */
static void forget(char *parts)
{
    if (parts)
        explicit_bzero(parts, strlen(parts));
    free(parts);
}

bool wg_repair_same_guest(const char *live, const char *definition)
{
    char *a = parts_of(live);
    char *b = parts_of(definition);
    bool same = a && b && *a && strcmp(a, b) == 0;

    forget(a);
    forget(b);
    return same;
}

bool wg_repair_is_nova(const char *definition)
{
    struct wg_domain domain;
    struct wg_error err;

    if (wg_domain_parse(definition, strlen(definition), NULL, &domain, &err) < 0)
        return false;
    bool nova = has_metadata(domain.root, "instance", NOVA);
    wg_domain_clear(&domain);
    return nova;
}
