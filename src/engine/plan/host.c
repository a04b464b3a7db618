/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "engine/config/ini.h"

void wg_host_free(struct wg_host *host)
{
    if (!host)
        return;
    for (size_t i = 0; i < host->stamps; i++)
        free(host->stamp[i].path);
    for (size_t i = 0; i < host->count; i++) {
        struct wg_facts *facts = &host->facts[i];

        free(facts->virttype);
        free(facts->emulator);
        free(facts->arch);
        free(facts->machine);
        wg_list_clear(&facts->hyperv);
        wg_list_clear(&facts->withheld);
        wg_list_clear(&facts->machines);
    }
    for (size_t i = 0; i < host->members; i++) {
        free(host->member[i].name);
        free(host->member[i].vendor);
        wg_list_clear(&host->member[i].beyond);
    }
    free(host->member);
    free(host->kernel);
    free(host->vendor);
    free(host->id);
    free(host->stamp);
    free(host->facts);
    free(host);
}

struct wg_facts *wg_host_add(struct wg_host *host, const char *virttype, const char *emulator,
                             const char *arch, const char *machine)
{
    struct wg_facts *grown = realloc(host->facts, (host->count + 1) * sizeof(*grown));

    if (!grown)
        return NULL;
    host->facts = grown;
    struct wg_facts *facts = &grown[host->count++];
    *facts = (struct wg_facts){.virttype = strdup(virttype),
                               .emulator = strdup(emulator),
                               .arch = strdup(arch),
                               .machine = strdup(machine)};
    return facts->virttype && facts->emulator && facts->arch && facts->machine ? facts : NULL;
}

struct wg_member *wg_host_add_member(struct wg_host *host, const char *name)
{
    struct wg_member *grown = realloc(host->member, (host->members + 1) * sizeof(*grown));

    if (!grown)
        return NULL;
    host->member = grown;
    struct wg_member *member = &grown[host->members++];
    *member = (struct wg_member){.name = strdup(name)};
    return member->name ? member : NULL;
}

static struct wg_stamp *add_stamp(struct wg_host *host, const char *path)
{
    struct wg_stamp *grown = realloc(host->stamp, (host->stamps + 1) * sizeof(*grown));

    if (!grown)
        return NULL;
    host->stamp = grown;
    struct wg_stamp *stamp = &grown[host->stamps++];
    *stamp = (struct wg_stamp){.path = strdup(path)};
    return stamp->path ? stamp : NULL;
}

int wg_host_add_stamp(struct wg_host *host, const char *path, struct wg_error *err)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return wg_fail(err, "%s: %s", path, strerror(errno));
    struct wg_stamp *stamp = add_stamp(host, path);
    if (!stamp)
        return wg_no_memory(err);
    stamp->size = st.st_size;
    stamp->mtime = st.st_mtime;
    return 0;
}

int wg_host_add_kernel(struct wg_host *host, struct wg_error *err)
{
    struct utsname name;

    if (uname(&name) < 0)
        return wg_fail(err, "uname: %s", strerror(errno));
    free(host->kernel);
    host->kernel = strdup(name.release);
    return host->kernel ? 0 : wg_no_memory(err);
}

const char *wg_host_stale(const struct wg_host *host)
{
    struct utsname name;
    struct stat st;

    if (host->kernel && (uname(&name) < 0 || strcmp(name.release, host->kernel) != 0))
        return "the kernel";
    for (size_t i = 0; i < host->stamps; i++) {
        const struct wg_stamp *stamp = &host->stamp[i];

        if (stat(stamp->path, &st) < 0 || st.st_size != stamp->size || st.st_mtime != stamp->mtime)
            return stamp->path;
    }
    return NULL;
}

const struct wg_facts *wg_host_find(const struct wg_host *host, const char *virttype,
                                    const char *emulator, const char *arch, const char *machine)
{
    for (size_t i = 0; i < host->count; i++) {
        const struct wg_facts *facts = &host->facts[i];

        if (fnmatch(facts->virttype, virttype, 0) == 0 && fnmatch(facts->arch, arch, 0) == 0 &&
            (!emulator || fnmatch(facts->emulator, emulator, 0) == 0) &&
            fnmatch(facts->machine, machine ? machine : "", 0) == 0)
            return facts;
    }
    return NULL;
}

static int set_number(long long *number, const char *value, struct wg_error *err)
{
    char *end;

    *number = strtoll(value, &end, 10);
    return *value && !*end ? 0 : wg_fail(err, "'%s' is not a number", value);
}

static int set_text(char **text, const char *value, struct wg_error *err)
{
    free(*text);
    *text = strdup(value);
    return *text ? 0 : wg_no_memory(err);
}

static int set_words(struct wg_list *list, const char *value, struct wg_error *err)
{
    return wg_list_add_words(list, value) < 0 ? wg_no_memory(err) : 0;
}

static int take_fact(struct wg_facts *facts, const struct wg_entry *entry, struct wg_error *err)
{
    if (strcmp(entry->key, "virttype") == 0)
        return set_text(&facts->virttype, entry->value, err);
    if (strcmp(entry->key, "emulator") == 0)
        return set_text(&facts->emulator, entry->value, err);
    if (strcmp(entry->key, "arch") == 0)
        return set_text(&facts->arch, entry->value, err);
    if (strcmp(entry->key, "machine") == 0)
        return set_text(&facts->machine, entry->value, err);
    if (strncmp(entry->key, "machines", 8) == 0)
        return set_words(&facts->machines, entry->value, err);
    if (strcmp(entry->key, "hyperv") != 0)
        return wg_fail(err,
                       "unknown key; allowed: virttype emulator arch machine machinesN hyperv");
    facts->known = true;
    return set_words(&facts->hyperv, entry->value, err);
}

static int take_stamp(struct wg_stamp *stamp, const struct wg_entry *entry, struct wg_error *err)
{
    if (strcmp(entry->key, "path") == 0)
        return set_text(&stamp->path, entry->value, err);
    if (strcmp(entry->key, "size") == 0)
        return set_number(&stamp->size, entry->value, err);
    if (strcmp(entry->key, "mtime") == 0)
        return set_number(&stamp->mtime, entry->value, err);
    return wg_fail(err, "unknown key; allowed: path size mtime");
}

static int take_member(struct wg_member *member, const struct wg_entry *entry, struct wg_error *err)
{
    if (strcmp(entry->key, "name") == 0)
        return set_text(&member->name, entry->value, err);
    if (strcmp(entry->key, "vendor") == 0)
        return set_text(&member->vendor, entry->value, err);
    if (strcmp(entry->key, "beyond") == 0)
        return set_words(&member->beyond, entry->value, err);
    return wg_fail(err, "unknown key; allowed: name vendor beyond");
}

static int take_host(struct wg_host *host, const struct wg_entry *entry, struct wg_error *err)
{
    if (!*entry->key)
        return 0;
    if (strcmp(entry->key, "kernel") == 0)
        return set_text(&host->kernel, entry->value, err);
    if (strcmp(entry->key, "vendor") == 0)
        return set_text(&host->vendor, entry->value, err);
    if (strcmp(entry->key, "id") == 0)
        return set_text(&host->id, entry->value, err);
    return wg_fail(err, "unknown key; allowed: kernel vendor id");
}

/* A section's opening line adds what its keys then fill. */
static int take_entry(struct wg_host *host, const struct wg_entry *entry, struct wg_error *err)
{
    bool opens = !*entry->key;

    if (strcmp(entry->section, "host") == 0)
        return take_host(host, entry, err);
    if (strncmp(entry->section, "member:", 7) == 0) {
        if (opens)
            return wg_host_add_member(host, "") ? 0 : wg_no_memory(err);
        return take_member(&host->member[host->members - 1], entry, err);
    }
    if (strncmp(entry->section, "file:", 5) == 0) {
        if (opens)
            return add_stamp(host, "") ? 0 : wg_no_memory(err);
        return take_stamp(&host->stamp[host->stamps - 1], entry, err);
    }
    if (strncmp(entry->section, "facts:", 6) != 0)
        return wg_fail(err, "unknown section; allowed: host member:N file:N facts:N");
    if (opens)
        return wg_host_add(host, "kvm", "*", "*", "*") ? 0 : wg_no_memory(err);
    return take_fact(&host->facts[host->count - 1], entry, err);
}

/* One that was cut off may read like one that is whole. */
static int check_id(struct wg_host *host, const char *path, struct wg_error *err)
{
    WG_FREED *said = host->id;

    if (!said)
        return 0;
    host->id = NULL;
    int rc = wg_host_identify(host, err);
    if (rc == 0 && strcmp(said, host->id) != 0)
        rc = wg_fail(err,
                     "%s: not as winguest probe has written it; hint: winguest probe, or take "
                     "its line with the id out",
                     path);
    return rc;
}

struct wg_host *wg_host_read(const char *path, struct wg_error *err)
{
    struct wg_host *host = calloc(1, sizeof(*host));
    struct wg_ini ini;
    int rc = 0;

    if (!host) {
        wg_no_memory(err);
        errno = ENOMEM;
        return NULL;
    }
    if (wg_ini_read(path ? path : WG_HOSTFACTS, &ini, err) < 0) {
        int saved = errno;
        wg_host_free(host);
        errno = saved;
        return NULL;
    }
    for (size_t i = 0; rc == 0 && i < ini.count; i++) {
        rc = take_entry(host, &ini.entry[i], err);
        if (rc < 0)
            wg_fail_in(err, "%s:%u: [%s]%s%s", ini.path, ini.entry[i].line, ini.entry[i].section,
                       *ini.entry[i].key ? " " : "", ini.entry[i].key);
    }
    if (rc == 0)
        rc = check_id(host, ini.path, err);
    wg_ini_clear(&ini);
    if (rc == 0)
        return host;
    wg_host_free(host);
    errno = EINVAL;
    return NULL;
}

bool wg_host_is_empty(const struct wg_host *host)
{
    return host->count == 0 && !host->id;
}
