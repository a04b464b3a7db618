/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cluster.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host.h"

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

/* Either may be a glob. */
static bool same_arch(const char *a, const char *b)
{
    return fnmatch(a, b, 0) == 0 || fnmatch(b, a, 0) == 0;
}

static struct wg_facts *of_arch(const struct wg_host *host, const char *arch)
{
    for (size_t i = 0; i < host->count; i++) {
        if (same_arch(host->facts[i].arch, arch))
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
    int rc = facts->known ? 0 : wg_list_add_words(&assumed, WG_ASSUMED_HYPERV);

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

/* Those that list machine types come first: who lists none has nothing against any. */
static int take_all_facts(struct wg_host *cluster, const struct wg_host *host, bool with_machines)
{
    for (size_t i = 0; i < host->count; i++) {
        if ((host->facts[i].machines.count > 0) == with_machines &&
            take_facts(cluster, &host->facts[i]) < 0)
            return -1;
    }
    return 0;
}

static int take_all(struct wg_host *cluster, struct wg_host *const *hosts, char *const *names,
                    size_t count)
{
    const struct wg_host *first = NULL;
    bool one_vendor = true;

    for (size_t i = 0; i < count; i++) {
        if (take_all_facts(cluster, hosts[i], true) < 0)
            return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (take_all_facts(cluster, hosts[i], false) < 0)
            return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (add_member(cluster, hosts[i], names[i]) < 0)
            return -1;
        if (hosts[i]->count == 0)
            continue;
        first = first ? first : hosts[i];
        one_vendor = one_vendor && same_vendor(first, hosts[i]);
    }
    return !first || !one_vendor || (cluster->vendor = strdup(first->vendor)) ? 0 : -1;
}

struct wg_host *wg_cluster_of(struct wg_host *const *hosts, char *const *names, size_t count,
                              struct wg_error *err)
{
    struct wg_host *cluster = calloc(1, sizeof(*cluster));
    int rc = cluster ? take_all(cluster, hosts, names, count) : -1;

    if (rc < 0)
        wg_no_memory(err);
    else if (cluster->count == 0)
        rc = wg_fail(err, "none of the hosts has KVM");
    else
        rc = wg_host_identify(cluster, err);
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

struct wg_host *wg_cluster_read(struct wg_error *err)
{
    struct wg_host *cluster = wg_host_read(WG_CLUSTERFACTS, err);

    if (!cluster || cluster->count > 0)
        return cluster;
    wg_host_free(cluster);
    wg_fail(err, WG_CLUSTERFACTS ": it has no facts; hint: winguest probe --hosts FILE "
                                 "--output " WG_CLUSTERFACTS);
    errno = EINVAL;
    return NULL;
}

/* So that there is something to take from. */
static int assume(struct wg_host **host)
{
    if (!*host)
        *host = calloc(1, sizeof(**host));
    if (!*host || ((*host)->count == 0 && !wg_host_add(*host, "kvm", "*", "*", "*")))
        return -1;
    for (size_t i = 0; i < (*host)->count; i++) {
        struct wg_facts *facts = &(*host)->facts[i];

        if (facts->known)
            continue;
        facts->known = facts->assumed = true;
        if (wg_list_add_words(&facts->hyperv, WG_ASSUMED_HYPERV) < 0)
            return -1;
    }
    return 0;
}

static int limit_to(struct wg_host *host, const char *arch, const struct wg_list *has)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < host->count; i++) {
        struct wg_facts *facts = &host->facts[i];

        if (same_arch(facts->arch, arch))
            rc = intersect(&facts->hyperv, has, &facts->withheld);
    }
    return rc;
}

int wg_cluster_limit(struct wg_host **host, const char *name, struct wg_error *err)
{
    struct wg_host *cluster = wg_cluster_read(err);
    bool unread = !cluster && errno != ENOENT;
    struct wg_list assumed = {0};
    int rc = 0;

    if (!unread && (!cluster || (name && !wg_cluster_has(cluster, name)))) {
        wg_host_free(cluster);
        return 0;
    }
    rc = assume(host);
    for (size_t i = 0; cluster && rc == 0 && i < cluster->count; i++)
        rc = limit_to(*host, cluster->facts[i].arch, &cluster->facts[i].hyperv);
    if (unread && rc == 0)
        rc = wg_list_add_words(&assumed, WG_ASSUMED_HYPERV);
    if (unread && rc == 0)
        rc = limit_to(*host, "*", &assumed);
    wg_list_clear(&assumed);
    wg_host_free(cluster);
    if (rc < 0)
        return wg_no_memory(err);
    return unread ? -1 : 0;
}

static size_t append(char *text, size_t size, size_t len, const char *what, const char *word)
{
    return len < size ? len + (size_t)snprintf(text + len, size - len, " %s%s", what, word) : len;
}

void wg_cluster_lacking(const struct wg_host *cluster, const struct wg_host *host, char *text,
                        size_t size)
{
    size_t len = 0;

    *text = '\0';
    for (size_t i = 0; i < cluster->count; i++) {
        const struct wg_facts *common = &cluster->facts[i];
        const struct wg_facts *facts = of_arch(host, common->arch);
        bool lists = facts && facts->machines.count > 0;

        if (!facts)
            len = append(text, size, len, "KVM for ", common->arch);
        for (size_t k = 0; facts && k < common->hyperv.count; k++) {
            const char *word = common->hyperv.item[k];

            if (facts->known ? !wg_list_has(&facts->hyperv, word)
                             : !wg_has_word(WG_ASSUMED_HYPERV, word))
                len = append(text, size, len, "", word);
        }
        for (size_t k = 0; lists && k < common->machines.count; k++) {
            if (!wg_list_has(&facts->machines, common->machines.item[k]))
                len = append(text, size, len, "", common->machines.item[k]);
        }
    }
    if (cluster->vendor && host->vendor && !same_vendor(cluster, host))
        append(text, size, len, "a CPU of ", cluster->vendor);
}

void wg_cluster_text(const struct wg_host *cluster, char *text, size_t size)
{
    snprintf(text, size, "%zu hosts, facts %s", cluster->members,
             cluster->id ? cluster->id : "without an id");
}
