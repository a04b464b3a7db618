/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "../domain.h"
#include "repair.h"

#define OVIRT "http://ovirt.org/vm/1.0"

static bool is(xmlNodePtr node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && xmlStrEqual(node->name, BAD_CAST name);
}

static bool has(xmlNodePtr node, const char *attribute, const char *value)
{
    const char *text = wg_attribute(node, attribute);

    return text && strcmp(text, value) == 0;
}

static bool is_ovirt(xmlNodePtr node)
{
    return is(node, "vm") && node->ns && xmlStrEqual(node->ns->href, BAD_CAST OVIRT);
}

static bool is_host_device(xmlNodePtr node)
{
    if (is(node, "hostdev"))
        return has(node, "type", "pci") || has(node, "type", "mdev");
    return is(node, "interface") && has(node, "type", "hostdev");
}

static bool is_passed_file(xmlNodePtr node)
{
    return is(node, "source") && wg_attribute(node, "fdgroup");
}

static bool is_encrypted_tpm(xmlNodePtr node)
{
    return is(node, "encryption") && wg_attribute(node, "secret") && is(node->parent, "backend") &&
           is(node->parent->parent, "tpm");
}

static const struct {
    unsigned decline;
    bool (*found)(xmlNodePtr node);
    const char *reason;
} signs[] = {
    {WG_DECLINE_OVIRT, is_ovirt, "it is oVirt's (repair.decline ovirt)"},
    {WG_DECLINE_HOSTDEV, is_host_device,
     "a device of the host is passed through (repair.decline hostdev)"},
    {WG_DECLINE_FDGROUP, is_passed_file,
     "its client opened a disk for it (repair.decline fdgroup)"},
    {WG_DECLINE_VTPM, is_encrypted_tpm,
     "its TPM needs a secret that may be gone (repair.decline vtpm)"},
};

static const char *find_sign(xmlNodePtr node, unsigned decline)
{
    const char *reason = NULL;

    for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
        if (signs[i].decline & decline && signs[i].found(node))
            return signs[i].reason;
    }
    for (xmlNodePtr child = node->children; child && !reason; child = child->next)
        reason = find_sign(child, decline);
    return reason;
}

static void print_children(xmlNodePtr parent, const char *const *names, FILE *out)
{
    for (xmlNodePtr node = parent ? parent->children : NULL; node; node = node->next) {
        for (size_t i = 0; names[i]; i++) {
            if (is(node, names[i])) {
                xmlChar *text = xmlNodeGetContent(node);
                fprintf(out, "%s %s %s\n", names[i], (const char *)text,
                        wg_attribute(node, "dev") ? wg_attribute(node, "dev") : "");
                xmlFree(text);
            }
        }
    }
}

/* A disk's medium by whatever names it; the running guest's has more attributes. */
static void print_source(xmlNodePtr source, FILE *out)
{
    static const char *const names[] = {"file", "dev", "name", "volume", "dir"};

    for (size_t i = 0; source && i < sizeof(names) / sizeof(*names); i++) {
        const char *value = wg_attribute(source, names[i]);

        fprintf(out, " %s", value ? value : "");
    }
}

/* What the guest boots from and which devices it has, a line each. */
static char *list_parts(xmlNodePtr root)
{
    static const char *const boot[] = {"boot", "kernel", "initrd", "cmdline", NULL};
    static const char *const sizes[] = {"memory", "vcpu", NULL};
    xmlNodePtr devices = wg_child(root, "devices");
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    if (!out)
        return NULL;
    print_children(root, sizes, out);
    print_children(wg_child(root, "os"), boot, out);
    for (xmlNodePtr node = devices ? devices->children : NULL; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE)
            continue;
        fputs((const char *)node->name, out);
        if (is(node, "disk"))
            print_source(wg_child(node, "source"), out);
        fputc('\n', out);
    }
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

/* virt-install, say, boots an installation from one document and stores another. */
static bool same_machine(xmlNodePtr a, xmlNodePtr b)
{
    char *parts_a = list_parts(a);
    char *parts_b = list_parts(b);
    bool same = parts_a && parts_b && strcmp(parts_a, parts_b) == 0;

    free(parts_a);
    free(parts_b);
    return same;
}

const char *wg_repair_obstacle(const char *live, const char *stored, unsigned decline)
{
    struct wg_domain runs, defined;
    struct wg_error err;
    const char *reason = "its XML cannot be read";

    if (wg_domain_parse(live, strlen(live), NULL, &runs, &err) < 0)
        return reason;
    if (wg_domain_parse(stored, strlen(stored), NULL, &defined, &err) == 0) {
        reason = find_sign(runs.root, decline);
        if (!reason)
            reason = find_sign(defined.root, decline);
        if (!reason && !same_machine(runs.root, defined.root))
            reason = "it runs with other devices or another boot medium than it is defined with";
        wg_domain_clear(&defined);
    }
    wg_domain_clear(&runs);
    return reason;
}

struct wg_verdict *wg_repair_judge(const struct wg_repair *repair, const char *xml, unsigned flags,
                                   struct wg_error *err)
{
    if (repair->engine)
        return wg_evaluate(repair->engine, xml, strlen(xml), flags, err);
    wg_fail(err, "the configuration cannot be read");
    return NULL;
}
