/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cluster.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host.h"

/* What a host is taken to have that says nothing of Hyper-V. */
#define ASSUMED "relaxed vapic spinlocks"

static void remove_at(struct wg_list *list, size_t place)
{
    free(list->item[place]);
    list->count--;
    memmove(&list->item[place], &list->item[place + 1],
            (list->count - place) * sizeof(*list->item));
}

/* Leaves what other has, too; the rest goes to gone, unless that is NULL. Returns 0, or -1. */
static int intersect(struct wg_list *list, const struct wg_list *other, struct wg_list *gone)
{
    for (size_t i = list->count; i-- > 0;) {
        const char *word = list->item[i];

        if (wg_list_has(other, word))
            continue;
        if (gone && !wg_list_has(gone, word) && wg_list_add(gone, word, strlen(word)) < 0)
            return -1;
        remove_at(list, i);
    }
    return 0;
}

static struct wg_facts *of_arch(const struct wg_host *host, const char *arch)
{
    for (size_t i = 0; i < host->count; i++) {
        if (strcmp(host->facts[i].arch, arch) == 0)
            return &host->facts[i];
    }
    return NULL;
}

static int copy(struct wg_list *to, const struct wg_list *from)
{
    for (size_t i = 0; i < from->count; i++) {
        if (wg_list_add(to, from->item[i], strlen(from->item[i])) < 0)
            return -1;
    }
    return 0;
}

/* Goes by all emulators: whose a guest gets at the other end nobody knows. A host without KVM for
 * an architecture gets no such guests, and does not count. */
static int take_facts(struct wg_host *cluster, const struct wg_facts *facts)
{
    struct wg_facts *common = of_arch(cluster, facts->arch);
    struct wg_list assumed = {0};
    const struct wg_list *has = facts->known ? &facts->hyperv : &assumed;
    int rc = facts->known ? 0 : wg_list_add_words(&assumed, ASSUMED);

    if (rc == 0 && common) {
        rc = intersect(&common->hyperv, has, NULL);
        if (rc == 0 && facts->machines.count > 0)
            rc = intersect(&common->machines, &facts->machines, NULL);
    } else if (rc == 0) {
        common = wg_host_add(cluster, facts->virttype, "*", facts->arch, "*");
        rc = common && copy(&common->hyperv, has) == 0 &&
                     copy(&common->machines, &facts->machines) == 0
                 ? 0
                 : -1;
        if (common)
            common->known = true;
    }
    wg_list_clear(&assumed);
    return rc;
}

static int add_member(struct wg_host *cluster, const struct wg_host *host, const char *name)
{
    struct wg_member *member = wg_host_add_member(cluster, name);

    if (!member)
        return -1;
    if (host->vendor && !(member->vendor = strdup(host->vendor)))
        return -1;
    for (size_t i = 0; i < host->count; i++) {
        const struct wg_facts *common = of_arch(cluster, host->facts[i].arch);

        for (size_t k = 0; k < host->facts[i].hyperv.count; k++) {
            const char *word = host->facts[i].hyperv.item[k];

            if ((!common || !wg_list_has(&common->hyperv, word)) &&
                !wg_list_has(&member->beyond, word) &&
                wg_list_add(&member->beyond, word, strlen(word)) < 0)
                return -1;
        }
    }
    return 0;
}

static bool same_vendor(const struct wg_host *a, const struct wg_host *b)
{
    return a->vendor && b->vendor && strcmp(a->vendor, b->vendor) == 0;
}

static int take_all(struct wg_host *cluster, struct wg_host *const *hosts, char *const *names,
                    size_t count)
{
    bool one_vendor = true;

    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < hosts[i]->count; k++) {
            if (take_facts(cluster, &hosts[i]->facts[k]) < 0)
                return -1;
        }
        one_vendor = one_vendor && same_vendor(hosts[0], hosts[i]);
    }
    for (size_t i = 0; i < count; i++) {
        if (add_member(cluster, hosts[i], names[i]) < 0)
            return -1;
    }
    return !one_vendor || (cluster->vendor = strdup(hosts[0]->vendor)) ? 0 : -1;
}

struct wg_host *wg_cluster_of(struct wg_host *const *hosts, char *const *names, size_t count,
                              struct wg_error *err)
{
    struct wg_host *cluster = calloc(1, sizeof(*cluster));

    int rc = cluster && take_all(cluster, hosts, names, count) == 0 ? wg_host_identify(cluster, err)
                                                                    : wg_no_memory(err);
    if (rc == 0)
        return cluster;
    wg_host_free(cluster);
    return NULL;
}

/* A member is named by its host, with or without its domain, or by a URI of it,
 * DRIVER://[USER@]HOST[:PORT]/PATH. */
static bool is_named(const struct wg_member *member, const char *name)
{
    const char *host = strstr(member->name, "://");

    host = host ? host + 3 : member->name;
    size_t len = strcspn(host, "/?");
    const char *at = memchr(host, '@', len);
    if (at) {
        len -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    const char *port = memchr(host, ':', len);
    if (port)
        len = (size_t)(port - host);
    size_t other = strlen(name);
    char next = len < other ? name[len] : len > other ? host[other] : '.';
    return strncasecmp(host, name, len < other ? len : other) == 0 && next == '.';
}

bool wg_cluster_has(const struct wg_host *cluster, const char *name)
{
    for (size_t i = 0; i < cluster->members; i++) {
        if (is_named(&cluster->member[i], name))
            return true;
    }
    return false;
}

int wg_cluster_limit(struct wg_host *host, const char *name, struct wg_error *err)
{
    struct wg_host *cluster = wg_host_read(WG_CLUSTERFACTS, err);
    bool counts = cluster && (!name || wg_cluster_has(cluster, name));
    int rc = 0;

    if (!cluster)
        return errno == ENOENT ? 0 : -1;
    for (size_t i = 0; counts && rc == 0 && i < host->count * cluster->count; i++) {
        struct wg_facts *facts = &host->facts[i / cluster->count];
        const struct wg_facts *common = &cluster->facts[i % cluster->count];

        if (fnmatch(facts->arch, common->arch, 0) == 0)
            rc = intersect(&facts->hyperv, &common->hyperv, &facts->withheld);
    }
    wg_host_free(cluster);
    return rc < 0 ? wg_no_memory(err) : 0;
}

void wg_cluster_lacking(const struct wg_host *cluster, const struct wg_host *host, char *text,
                        size_t size)
{
    size_t len = 0;

    *text = '\0';
    for (size_t i = 0; i < cluster->count; i++) {
        const struct wg_facts *common = &cluster->facts[i];
        const struct wg_facts *facts = of_arch(host, common->arch);

        for (size_t k = 0; facts && k < common->hyperv.count && len < size; k++) {
            if (!wg_list_has(&facts->hyperv, common->hyperv.item[k]))
                len += (size_t)snprintf(text + len, size - len, " %s", common->hyperv.item[k]);
        }
        for (size_t k = 0;
             facts && facts->machines.count > 0 && k < common->machines.count && len < size; k++) {
            if (!wg_list_has(&facts->machines, common->machines.item[k]))
                len += (size_t)snprintf(text + len, size - len, " %s", common->machines.item[k]);
        }
    }
    if (len < size && cluster->vendor && host->vendor && !same_vendor(cluster, host))
        snprintf(text + len, size - len, " a CPU of %s", cluster->vendor);
}

void wg_cluster_text(const struct wg_host *cluster, char *text, size_t size)
{
    snprintf(text, size, "%zu hosts, facts %s", cluster->members,
             cluster->id ? cluster->id : "without an id");
}
