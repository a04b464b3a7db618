/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"

#define INSTALLED WG_SYSCONFDIR "/libvirt/winguest.conf"

static int take_entry(struct wg_policy *policy, struct wg_entry *entry)
{
    enum wg_gravity gravity;
    struct wg_error err;

    if (wg_is_section_of_demands(entry->section) ||
        wg_policy_set(policy, entry, &gravity, &err) == 0)
        return 0;
    if (err.no_memory)
        return -1;
    entry->ignored = true;
    return wg_policy_remark(policy, gravity, entry, err.text);
}

static int take_entries(struct wg_policy *policy)
{
    for (size_t i = 0; i < policy->ini.count; i++) {
        if (take_entry(policy, &policy->ini.entry[i]) < 0)
            return -1;
    }
    return wg_policy_check_sections(policy);
}

static int check_usable(const struct wg_policy *policy, struct wg_error *err)
{
    for (size_t i = 0; i < policy->remarks; i++) {
        if (policy->remark[i].gravity == WG_UNUSABLE)
            return wg_fail(err, "%s", policy->remark[i].text);
    }
    return 0;
}

int wg_policy_load(const char *path, struct wg_policy *policy, struct wg_error *err)
{
    *policy = (struct wg_policy){0};
    if (wg_policy_set_standards(policy, err) < 0)
        return -1;
    if (wg_ini_read(path ? path : INSTALLED, &policy->ini, err) < 0 && (path || errno != ENOENT)) {
        wg_policy_remark_text(policy, WG_UNUSABLE, err->text);
        return -1;
    }
    return take_entries(policy) < 0 ? wg_no_memory(err) : check_usable(policy, err);
}

/* Each text with its NUL, so that nothing moves from one into the next. */
uint64_t wg_policy_digest(const struct wg_policy *policy)
{
    uint64_t digest = WG_HASH_EMPTY;

    for (size_t i = 0; i < policy->ini.count; i++) {
        const struct wg_entry *entry = &policy->ini.entry[i];
        const char *texts[] = {entry->section, entry->key, entry->value ? entry->value : ""};

        for (size_t t = 0; t < sizeof(texts) / sizeof(*texts); t++)
            digest = wg_hash(digest, texts[t], strlen(texts[t]) + 1);
    }
    return digest;
}

static void clear_who(struct wg_who *who)
{
    struct wg_list *lists[] = {&who->names, &who->uuids, &who->flavors, &who->projects,
                               &who->images};

    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        wg_list_clear(lists[i]);
}

void wg_policy_clear(struct wg_policy *policy)
{
    wg_list_clear(&policy->order);
    wg_list_clear(&policy->titles);
    wg_list_clear(&policy->told);
    wg_list_clear(&policy->cured);
    clear_who(&policy->windows);
    clear_who(&policy->exempt);
    clear_who(&policy->only);
    wg_ini_clear(&policy->ini);
    for (size_t i = 0; i < policy->remarks; i++)
        free(policy->remark[i].text);
    free(policy->remark);
    *policy = (struct wg_policy){0};
}

static bool is_set(const struct wg_policy *policy, const char *key)
{
    const struct wg_entry *entry = wg_policy_entry(policy, "rules", key);

    return entry && *entry->value;
}

bool wg_policy_lists_images(const struct wg_policy *policy)
{
    return wg_list_has(&policy->order, "rules") &&
           (is_set(policy, "images") || is_set(policy, "image_file"));
}

void wg_config_check(const char *config, wg_remark_fn *tell, void *to)
{
    struct wg_policy policy;
    struct wg_error err;
    int rc = wg_policy_load(config, &policy, &err);

    for (size_t i = 0; i < policy.remarks; i++)
        tell(to, policy.remark[i].gravity, policy.remark[i].text);
    if (rc < 0 && policy.remarks == 0)
        tell(to, WG_UNUSABLE, err.text);
    wg_policy_clear(&policy);
}
