/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "facts.h"

#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

#include "engine/plan/cluster.h"

/* One architecture of the capabilities, and one emulator of it. */
struct question {
    struct wg_virt *virt;
    struct wg_host *host;
    xmlNodePtr arch;
    const char *arch_name;
    char *emulator;
    struct wg_error *why; /* libvirt's last word where it had no answer */
};

static xmlDocPtr parse(const char *xml, const char *what, struct wg_error *err)
{
    xmlDocPtr doc = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL,
                                  XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);

    if (!doc || !xmlDocGetRootElement(doc)) {
        xmlFreeDoc(doc);
        wg_fail(err, "%s: not XML", what);
        return NULL;
    }
    return doc;
}

static int add_words(struct wg_list *list, xmlNodePtr hyperv)
{
    xmlNodePtr names = wg_named_child(hyperv, "enum", "features");

    for (xmlNodePtr node = names ? names->children : NULL; node; node = node->next) {
        if (!xmlStrEqual(node->name, BAD_CAST "value"))
            continue;
        char *word = wg_trimmed_content(node);
        int rc = word ? wg_list_add_words(list, word) : -1;

        free(word);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* An alias stands for the newest of a host's own. */
static int add_machines(struct wg_list *list, xmlNodePtr arch)
{
    for (xmlNodePtr node = arch->children; node; node = node->next) {
        if (!xmlStrEqual(node->name, BAD_CAST "machine") || wg_attribute(node, "canonical"))
            continue;
        char *name = wg_trimmed_content(node);
        int rc = !name || wg_list_has(list, name) ? 0 : wg_list_add_words(list, name);

        free(name);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int add_vendor(struct wg_host *host, xmlNodePtr root, struct wg_error *err)
{
    xmlNodePtr vendor = wg_child(wg_child(wg_child(root, "host"), "cpu"), "vendor");

    host->vendor = vendor ? wg_trimmed_content(vendor) : NULL;
    return vendor && !host->vendor ? wg_no_memory(err) : 0;
}

/* Asks for the default machine: libvirt has the enlightenments from the accelerator, whatever the
 * machine (virQEMUCapsFillDomainFeatureHypervCaps), and there are some sixty of an emulator.
 * Returns 1 with *known and *list filled, 0 if libvirt has no answer, -1 with *err filled. */
static int ask(const struct question *q, bool *known, struct wg_list *list, struct wg_error *err)
{
    char *xml = wg_virt_domain_capabilities(q->virt, q->emulator, q->arch_name, NULL, "kvm",
                                            q->why);
    if (!xml)
        return 0;
    xmlDocPtr doc = parse(xml, "domain capabilities", err);
    free(xml);
    if (!doc)
        return -1;
    xmlNodePtr hyperv = wg_child(wg_child(xmlDocGetRootElement(doc), "features"), "hyperv");
    *known = hyperv != NULL;
    int rc = hyperv ? add_words(list, hyperv) : 0;
    xmlFreeDoc(doc);
    return rc < 0 ? wg_no_memory(err) : 1;
}

/* Takes list over. */
static int add(const struct question *q, bool known, struct wg_list *list, struct wg_error *err)
{
    struct wg_facts *facts = wg_host_add(q->host, "kvm", q->emulator, q->arch_name, "*");

    if (!facts) {
        wg_list_clear(list);
        return wg_no_memory(err);
    }
    facts->known = known;
    facts->hyperv = *list;
    return add_machines(&facts->machines, q->arch) < 0 ? wg_no_memory(err) : 0;
}

static int ask_emulator(struct question *q, xmlNodePtr node, struct wg_error *err)
{
    struct wg_list general = {0};
    bool known = false;

    q->emulator = wg_trimmed_content(node);
    int rc = q->emulator ? ask(q, &known, &general, err) : wg_no_memory(err);
    if (rc == 1)
        rc = add(q, known, &general, err);
    else
        wg_list_clear(&general);
    free(q->emulator);
    q->emulator = NULL;
    return rc < 0 ? -1 : 0;
}

static int ask_emulators(struct question *q, struct wg_error *err)
{
    xmlNodePtr kvm = q->arch->children;

    while (kvm && !(xmlStrEqual(kvm->name, BAD_CAST "domain") &&
                    xmlStrEqual(BAD_CAST wg_attribute(kvm, "type"), BAD_CAST "kvm")))
        kvm = kvm->next;
    if (!kvm)
        return 0;
    /* That of the type comes before that of the architecture: it is libvirt's default then. */
    xmlNodePtr own = wg_child(kvm, "emulator");
    if (own && ask_emulator(q, own, err) < 0)
        return -1;
    for (xmlNodePtr node = q->arch->children; node; node = node->next) {
        if (xmlStrEqual(node->name, BAD_CAST "emulator") && ask_emulator(q, node, err) < 0)
            return -1;
    }
    return 0;
}

/* An emulator that libvirt cannot use does not keep the others from being asked; if it can use
 * none, that is an error. */
static int ask_all(struct wg_virt *virt, xmlNodePtr root, struct wg_host *host,
                   struct wg_error *err)
{
    struct wg_error why = {0};

    for (xmlNodePtr guest = root->children; guest; guest = guest->next) {
        struct question q = {.virt = virt, .host = host, .why = &why};

        if (!xmlStrEqual(guest->name, BAD_CAST "guest"))
            continue;
        q.arch = wg_child(guest, "arch");
        q.arch_name = wg_attribute(q.arch, "name");
        if (!q.arch_name ||
            (strcmp(q.arch_name, "x86_64") != 0 && strcmp(q.arch_name, "i686") != 0))
            continue;
        if (ask_emulators(&q, err) < 0)
            return -1;
    }
    return host->count == 0 && *why.text ? wg_fail(err, "%s", why.text) : 0;
}

struct wg_host *wg_facts_ask(struct wg_virt *virt, struct wg_error *err)
{
    char *xml = wg_virt_capabilities(virt, err);
    xmlDocPtr doc = xml ? parse(xml, "capabilities", err) : NULL;
    struct wg_host *host = doc ? calloc(1, sizeof(*host)) : NULL;

    if (doc && !host)
        wg_no_memory(err);
    if (host && (add_vendor(host, xmlDocGetRootElement(doc), err) < 0 ||
                 ask_all(virt, xmlDocGetRootElement(doc), host, err) < 0)) {
        wg_host_free(host);
        host = NULL;
    }
    xmlFreeDoc(doc);
    free(xml);
    return host;
}

int wg_facts_stamp(struct wg_host *host, struct wg_error *err)
{
    char *library = wg_virt_library();
    int rc = wg_host_add_kernel(host, err);

    if (rc == 0 && library)
        rc = wg_host_add_stamp(host, library, err);
    free(library);
    for (size_t i = 0; rc == 0 && i < host->count; i++) {
        const char *emulator = host->facts[i].emulator;
        bool seen = false;

        for (size_t k = 0; k < host->stamps; k++)
            seen |= strcmp(host->stamp[k].path, emulator) == 0;
        if (!seen)
            rc = wg_host_add_stamp(host, emulator, err);
    }
    return rc;
}

void wg_facts_use(struct wg_engine *engine, struct wg_virt *virt)
{
    bool local = wg_virt_is_local(virt), limited = true;
    struct wg_error why;
    struct wg_host *host = wg_facts_ask(virt, &why);
    char *name = local ? NULL : wg_virt_host(virt, &why);

    if ((local && host) || name)
        limited = wg_cluster_limit(&host, name, &why) == 0;
    free(name);
    if (host || !local)
        wg_engine_use_host(engine, host, limited ? NULL : why.text);
}
