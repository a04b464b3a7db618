/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sections of demands: [windows], [windows:NAME], [linux]. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "engine/plan/places.h"
#include "policy.h"

/* The traits that match.* keys ask for, in the order of struct wg_traits. */
static const char *const match_keys[] = {"match.name",    "match.title",   "match.flavor",
                                         "match.project", "match.image",   "match.osinfo",
                                         "match.machine", "match.firmware"};
#define MATCH_KEYS \
    "match.name match.title match.flavor match.project match.image match.osinfo match.machine " \
    "match.firmware"

static bool is_variant(const char *section)
{
    return strncmp(section, "windows:", 8) == 0 && strlen(section) > 8;
}

bool wg_is_section_of_demands(const char *section)
{
    return strcmp(section, "windows") == 0 || strcmp(section, "linux") == 0 || is_variant(section);
}

static bool is_match_key(const char *key)
{
    return wg_has_word(MATCH_KEYS, key);
}

/* A match that never fits would leave its guests to the demands that it is there to lift. */
static int check_match(const struct wg_entry *entry, struct wg_error *err)
{
    struct wg_list globs = {0};
    int rc = 0;

    if (strpbrk(entry->value, ",\""))
        return wg_fail(err, WG_WORDS_HINT, entry->value);
    if (strcmp(entry->key, "match.firmware") != 0)
        return 0;
    if (wg_list_add_words(&globs, entry->value) < 0)
        rc = wg_no_memory(err);
    for (size_t i = 0; rc == 0 && i < globs.count; i++) {
        if (fnmatch(globs.item[i], "efi", 0) != 0 && fnmatch(globs.item[i], "bios", 0) != 0)
            rc = wg_fail(err, "'%s' is neither efi nor bios", globs.item[i]);
    }
    wg_list_clear(&globs);
    return rc;
}

/* The keys of such a section that are no demands. */
static const char *own_keys(const char *section)
{
    return strcmp(section, "linux") == 0 ? "enforce"
           : is_variant(section)         ? MATCH_KEYS " profile"
                                         : "profile";
}

static int unknown_key(const struct wg_entry *entry, struct wg_error *err)
{
    const char *own = own_keys(entry->section);
    const char *hyperv = strcmp(entry->section, "linux") == 0 ? "" : " hyperv.NAME.ATTRIBUTE";
    char near[64], words[2048];
    size_t len = (size_t)snprintf(words, sizeof(words),
                                  "%s " WG_TARGET_WORDS
                                  " clock.offset clock.timezone clock.keep clock.v2v",
                                  own);

    wg_place_words(words + len, sizeof(words) - len);
    bool meant = wg_nearest(words, entry->key, near, sizeof(near));
    return wg_fail(err, "unknown key;%s%s%s allowed: %s " WG_TARGET_KEYS "%s",
                   meant ? " did you mean " : "", meant ? near : "", meant ? "?" : "", own, hyperv);
}

/* Puts one entry into target; those that are not demands are checked and left to their readers. */
static int apply_entry(const struct wg_policy *policy, struct wg_target *target,
                       const struct wg_entry *entry, enum wg_gravity *gravity, struct wg_error *err)
{
    const char *allowed = strcmp(entry->key, "enforce") == 0 ? "no yes" : "baseline recommended";
    bool of_linux = strcmp(entry->section, "linux") == 0;

    *gravity = WG_WRONG;
    if (wg_has_word(own_keys(entry->section), entry->key)) {
        if (is_match_key(entry->key))
            return check_match(entry, err);
        if (wg_has_word(allowed, entry->value))
            return 0;
        return wg_fail(err, "'%s' is not allowed; allowed: %s", entry->value, allowed);
    }
    if (wg_policy_is_whom(entry->section, entry->key)) {
        *gravity = WG_UNUSABLE;
        return wg_policy_misplaced(err);
    }
    if (of_linux && strncmp(entry->key, "hyperv.", 7) == 0)
        return wg_fail(err, "enlightenments are for Windows guests");
    if (!wg_target_knows(entry->key, policy->allow_unknown)) {
        /* Of a section with a match that nobody understands nobody knows whom it is about. */
        *gravity = strncmp(entry->key, "match.", 6) == 0 ? WG_WRONG : WG_WARNING;
        return unknown_key(entry, err);
    }
    return wg_target_set(target, entry->key, entry->value, err);
}

const struct wg_entry *wg_policy_entry(const struct wg_policy *policy, const char *section,
                                       const char *key)
{
    for (size_t i = 0; i < policy->ini.count; i++) {
        const struct wg_entry *entry = &policy->ini.entry[i];

        if (!entry->ignored && strcmp(entry->section, section) == 0 && strcmp(entry->key, key) == 0)
            return entry;
    }
    return NULL;
}

/* Whether the section is for a guest with these traits: all of its match keys have a glob that
 * fits. */
static int section_applies(const char *section, const struct wg_policy *policy,
                           const struct wg_traits *traits, struct wg_error *err)
{
    bool any = false;

    for (int i = 0; i < WG_TRAITS; i++) {
        const struct wg_entry *entry = wg_policy_entry(policy, section, match_keys[i]);
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
    if (entry->ignored || !*entry->key)
        return 0;
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
    enum wg_gravity unused;

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
            if (!applies)
                continue;
            if (!demands && strcmp(entry->key, "profile") == 0)
                recommended = strcmp(entry->value, "recommended") == 0;
            if (demands && apply_entry(policy, target, entry, &unused, err) < 0)
                return -1;
        }
    }
    return wg_target_close(target, err);
}

int wg_policy_target_of(const struct wg_policy *policy, const char *section,
                        struct wg_target *target, struct wg_error *err)
{
    return build(policy, strcmp(section, "linux") == 0 ? WG_OS_LINUX : WG_OS_WINDOWS, NULL,
                 is_variant(section) ? section : NULL, target, err);
}

int wg_policy_target(const struct wg_policy *policy, enum wg_os os, const struct wg_traits *traits,
                     struct wg_target *target, struct wg_error *err)
{
    return build(policy, os, traits, NULL, target, err);
}

/* Leaves out, with its remark, what of the section is wrong by itself. Returns whether its guests
 * are clear, or -1. */
static int check_entries(struct wg_policy *policy, const char *section, struct wg_target *scratch)
{
    int clear = 1;

    for (size_t i = 0; i < policy->ini.count; i++) {
        struct wg_entry *entry = &policy->ini.entry[i];
        enum wg_gravity gravity;
        struct wg_error err;

        if (!*entry->key || strcmp(entry->section, section) != 0)
            continue;
        if (apply_entry(policy, scratch, entry, &gravity, &err) == 0) {
            if (!wg_feature_is_key(entry->key) || !*entry->value ||
                wg_feature_known(entry->key, &err) == 0)
                continue;
            gravity = WG_WARNING;
        }
        if (err.no_memory)
            return -1;
        entry->ignored = true;
        if (wg_policy_remark(policy, gravity, entry, err.text) < 0)
            return -1;
        if (strncmp(entry->key, "match.", 6) == 0)
            clear = 0;
    }
    return clear;
}

static int leave_out(struct wg_policy *policy, const char *section, const char *why)
{
    const struct wg_entry head = {.section = (char *)section, .key = ""};

    for (size_t i = 0; i < policy->ini.count; i++) {
        if (strcmp(policy->ini.entry[i].section, section) == 0)
            policy->ini.entry[i].ignored = true;
    }
    return wg_policy_remark(policy, WG_WRONG, &head, why);
}

static bool matches_any(const struct wg_policy *policy, const char *section)
{
    for (int i = 0; i < WG_TRAITS; i++) {
        if (wg_policy_entry(policy, section, match_keys[i]))
            return true;
    }
    return false;
}

static int check_section(struct wg_policy *policy, const char *section)
{
    enum wg_os os = strcmp(section, "linux") == 0 ? WG_OS_LINUX : WG_OS_WINDOWS;
    const char *variant = is_variant(section) ? section : NULL;
    struct wg_target target;
    struct wg_error err;
    int clear = wg_target_init(&target, os, false, &err);

    if (clear == 0)
        clear = check_entries(policy, section, &target);
    wg_target_clear(&target);
    if (clear < 0)
        return -1;
    if (!clear)
        return leave_out(policy, section, "left out: it is not clear for which guests it is");
    if (variant && !matches_any(policy, section))
        return leave_out(policy, section,
                         "left out: section matches no guest; set one of " MATCH_KEYS);
    int rc = wg_policy_target_of(policy, section, &target, &err);
    wg_target_clear(&target);
    if (rc == 0)
        return 0;
    if (err.no_memory)
        return -1;
    wg_fail_in(&err, "left out");
    return leave_out(policy, section, err.text);
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
int wg_policy_check_sections(struct wg_policy *policy)
{
    if (says_anything(policy, "windows") && check_section(policy, "windows") < 0)
        return -1;
    if (says_anything(policy, "linux") && check_section(policy, "linux") < 0)
        return -1;
    for (size_t i = 0; i < policy->ini.count; i++) {
        const char *section = policy->ini.entry[i].section;
        bool first = i == 0 || strcmp(policy->ini.entry[i - 1].section, section) != 0;

        if (first && is_variant(section) && check_section(policy, section) < 0)
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
    const struct wg_entry *entry = wg_policy_entry(policy, "linux", "enforce");

    return entry && strcmp(entry->value, "yes") == 0;
}
