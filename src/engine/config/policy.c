/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INSTALLED WG_SYSCONFDIR "/libvirt/winguest.conf"

static bool is_variant(const char *section)
{
    return strncmp(section, "windows:", 8) == 0 && section[8];
}

/* The traits that match.* keys ask for, in the order of struct wg_traits. */
static const char *const match_keys[] = {"match.name", "match.flavor", "match.osinfo",
                                         "match.machine"};

static int match_index(const char *key)
{
    for (int i = 0; i < WG_TRAITS; i++) {
        if (strcmp(match_keys[i], key) == 0)
            return i;
    }
    return -1;
}

static int unknown_key(const char *section, struct wg_error *err)
{
    if (strcmp(section, "linux") == 0)
        return wg_fail(err, "unknown key; allowed: enforce " WG_TARGET_KEYS);
    return wg_fail(err, "unknown key; allowed:%s profile " WG_TARGET_KEYS " hyperv.NAME.ATTRIBUTE",
                   is_variant(section) ? " match.name match.flavor match.osinfo match.machine"
                                       : "");
}

/* Puts one entry of a [windows…] or [linux] section into target; those that are not demands
 * (profile, enforce, match.*) are checked and left to their readers. */
static int apply_entry(struct wg_target *target, const struct wg_entry *entry, struct wg_error *err)
{
    const char *allowed = NULL;

    if (strcmp(entry->section, "linux") == 0) {
        if (strcmp(entry->key, "enforce") == 0)
            allowed = "no yes";
        else if (strncmp(entry->key, "hyperv.", 7) == 0)
            return wg_fail(err, "enlightenments are for Windows guests");
    } else {
        if (strcmp(entry->key, "profile") == 0)
            allowed = "baseline recommended";
        else if (is_variant(entry->section) && match_index(entry->key) >= 0)
            return 0;
    }
    if (!allowed && !strchr(entry->key, '.') && wg_word_index(WG_TARGET_WORDS, entry->key) < 0)
        return unknown_key(entry->section, err);
    if (!allowed)
        return wg_target_set(target, entry->key, entry->value, err);
    return wg_word_index(allowed, entry->value) >= 0
               ? 0
               : wg_fail(err, "'%s' is not allowed; allowed: %s", entry->value, allowed);
}

static const struct wg_entry *find_entry(const struct wg_policy *policy, const char *section,
                                         const char *key)
{
    for (size_t i = 0; i < policy->ini.count; i++) {
        const struct wg_entry *entry = &policy->ini.entry[i];

        if (strcmp(entry->section, section) == 0 && strcmp(entry->key, key) == 0)
            return entry;
    }
    return NULL;
}

/* Whether the section is for a guest with these traits: all of its match keys have a glob that
 * fits. With no traits given the section named only is. */
static int section_applies(const char *section, const struct wg_policy *policy,
                           const struct wg_traits *traits, struct wg_error *err)
{
    bool any = false;

    for (int i = 0; i < WG_TRAITS; i++) {
        const struct wg_entry *entry = find_entry(policy, section, match_keys[i]);
        struct wg_list globs = {0};

        if (!entry)
            continue;
        any = true;
        if (wg_list_add_words(&globs, entry->value) < 0) {
            wg_list_clear(&globs);
            return wg_no_memory(err);
        }
        bool fits = traits->value[i] && wg_list_match(&globs, traits->value[i]);
        wg_list_clear(&globs);
        if (!fits)
            return 0;
    }
    return any;
}

/* Tells which of the sections that make up a target an entry is in. */
static int entry_applies(const struct wg_entry *entry, const struct wg_policy *policy,
                         enum wg_os os, const struct wg_traits *traits, const char *variant,
                         struct wg_error *err)
{
    if (strcmp(entry->section, os == WG_OS_LINUX ? "linux" : "windows") == 0)
        return 1;
    if (os == WG_OS_LINUX || !is_variant(entry->section))
        return 0;
    if (variant)
        return strcmp(entry->section, variant) == 0;
    return traits ? section_applies(entry->section, policy, traits, err) : 0;
}

static int build(const struct wg_policy *policy, enum wg_os os, const struct wg_traits *traits,
                 const char *variant, struct wg_target *target, struct wg_error *err)
{
    bool recommended = false;

    *target = (struct wg_target){0};
    /* The profile is what the other keys start from, and a variant counts over the section that it
     * varies, wherever in the file they stand. */
    for (int pass = 0; pass < 4; pass++) {
        bool demands = pass >= 2;
        bool variants = pass % 2;

        if (pass == 2 && wg_target_init(target, os, recommended, err) < 0)
            return -1;
        for (size_t i = 0; i < policy->ini.count; i++) {
            const struct wg_entry *entry = &policy->ini.entry[i];
            int applies = is_variant(entry->section) != variants
                              ? 0
                              : entry_applies(entry, policy, os, traits, variant, err);

            if (applies < 0)
                return -1;
            if (!applies || !*entry->key)
                continue;
            if (!demands && strcmp(entry->key, "profile") == 0)
                recommended = strcmp(entry->value, "recommended") == 0;
            if (demands && apply_entry(target, entry, err) < 0)
                return wg_fail_in(err, "%s:%u: [%s] %s", policy->ini.path, entry->line,
                                  entry->section, entry->key);
        }
    }
    if (wg_target_close(target, err) == 0)
        return 0;
    return wg_fail_in(err, "%s: [%s]", policy->ini.path ? policy->ini.path : "defaults",
                      variant             ? variant
                      : os == WG_OS_LINUX ? "linux"
                                          : "windows");
}

int wg_policy_target(const struct wg_policy *policy, enum wg_os os, const struct wg_traits *traits,
                     struct wg_target *target, struct wg_error *err)
{
    return build(policy, os, traits, NULL, target, err);
}

static int check_target(const struct wg_policy *policy, enum wg_os os, const char *variant,
                        struct wg_error *err)
{
    struct wg_target target;
    int rc = build(policy, os, NULL, variant, &target, err);

    wg_target_clear(&target);
    return rc;
}

static int check_variant(const struct wg_policy *policy, const char *section, struct wg_error *err)
{
    for (int i = 0; i < WG_TRAITS; i++) {
        if (find_entry(policy, section, match_keys[i]))
            return check_target(policy, WG_OS_WINDOWS, section, err);
    }
    return wg_fail(err,
                   "%s: [%s]: section matches no guest; set one of match.name, match.flavor, "
                   "match.osinfo, match.machine",
                   policy->ini.path, section);
}

static int take_entry(struct wg_policy *policy, const struct wg_entry *entry, struct wg_error *err)
{
    if (strcmp(entry->section, "windows") == 0 || strcmp(entry->section, "linux") == 0 ||
        is_variant(entry->section))
        return 0;
    return wg_policy_set(policy, entry, err);
}

/* [enforce] comes first, so that how a fault is to be treated is known when one is found. */
static int take_entries(struct wg_policy *policy, struct wg_error *err)
{
    for (int others = 0; others <= 1; others++) {
        for (size_t i = 0; i < policy->ini.count; i++) {
            const struct wg_entry *entry = &policy->ini.entry[i];

            if ((strcmp(entry->section, "enforce") != 0) != others)
                continue;
            if (take_entry(policy, entry, err) < 0)
                return wg_fail_in(err, "%s:%u: [%s]%s%s", policy->ini.path, entry->line,
                                  entry->section, *entry->key ? " " : "", entry->key);
        }
    }
    return 0;
}

static bool says_anything(const struct wg_policy *policy, const char *section)
{
    for (size_t i = 0; i < policy->ini.count; i++) {
        const struct wg_entry *entry = &policy->ini.entry[i];

        if (*entry->key && strcmp(entry->section, section) == 0)
            return true;
    }
    return false;
}

/* The defaults, which most hosts are content with, need no check at every start of a guest. */
static int check_targets(const struct wg_policy *policy, struct wg_error *err)
{
    if (says_anything(policy, "windows") && check_target(policy, WG_OS_WINDOWS, NULL, err) < 0)
        return -1;
    if (says_anything(policy, "linux") && check_target(policy, WG_OS_LINUX, NULL, err) < 0)
        return -1;
    for (size_t i = 0; i < policy->ini.count; i++) {
        const char *section = policy->ini.entry[i].section;
        bool first = i == 0 || strcmp(policy->ini.entry[i - 1].section, section) != 0;

        if (first && is_variant(section) && check_variant(policy, section, err) < 0)
            return -1;
    }
    return 0;
}

bool wg_policy_has_variants(const struct wg_policy *policy)
{
    for (size_t i = 0; i < policy->ini.count; i++) {
        if (is_variant(policy->ini.entry[i].section))
            return true;
    }
    return false;
}

bool wg_policy_linux(const struct wg_policy *policy)
{
    const struct wg_entry *entry = find_entry(policy, "linux", "enforce");

    return entry && strcmp(entry->value, "yes") == 0;
}

int wg_policy_load(const char *path, struct wg_policy *policy, struct wg_error *err)
{
    *policy = (struct wg_policy){
        .settings = {.cold_start = WG_CORRECT,
                     .rollback = 1,
                     .deadline = 5,
                     .repair_window = 30,
                     .repair_parallel = 4,
                     .repair_decline = WG_DECLINE_OVIRT | WG_DECLINE_HOSTDEV | WG_DECLINE_FDGROUP |
                                       WG_DECLINE_VTPM},
    };
    if (wg_list_add_words(&policy->order, WG_DEFAULT_SOURCES) < 0)
        return wg_no_memory(err);
    if (wg_ini_read(path ? path : INSTALLED, &policy->ini, err) < 0) {
        if (path || errno != ENOENT)
            return -1;
    }
    return take_entries(policy, err) < 0 ? -1 : check_targets(policy, err);
}

/* FNV-1a, 64 bits; each text with its NUL, so that nothing moves from one into the next. */
uint64_t wg_policy_digest(const struct wg_policy *policy)
{
    uint64_t digest = 14695981039346656037u;

    for (size_t i = 0; i < policy->ini.count; i++) {
        const struct wg_entry *entry = &policy->ini.entry[i];
        const char *texts[] = {entry->section, entry->key, entry->value ? entry->value : ""};

        for (size_t t = 0; t < sizeof(texts) / sizeof(*texts); t++) {
            for (size_t b = 0; b <= strlen(texts[t]); b++)
                digest = (digest ^ (unsigned char)texts[t][b]) * 1099511628211u;
        }
    }
    return digest;
}

void wg_policy_clear(struct wg_policy *policy)
{
    struct wg_list *lists[] = {
        &policy->order,    &policy->names,        &policy->titles,
        &policy->flavors,  &policy->uuids,        &policy->images,
        &policy->projects, &policy->exempt_names, &policy->exempt_uuids,
    };

    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        wg_list_clear(lists[i]);
    wg_ini_clear(&policy->ini);
    *policy = (struct wg_policy){0};
}
