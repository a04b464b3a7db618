/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What holds, and where it comes from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/domain.h"
#include "policy.h"

struct show {
    const struct wg_policy *policy;
    const char *section;
    wg_setting_fn *tell;
    void *to;
};

static void tell(const struct show *show, const char *key, const char *value)
{
    const struct wg_entry *entry = wg_policy_entry(show->policy, show->section, key);

    /* What a section varies may be said in the one that it varies. */
    if (!entry && strncmp(show->section, "windows:", 8) == 0)
        entry = wg_policy_entry(show->policy, "windows", key);
    show->tell(show->to, show->section, key, value, entry ? entry->line : 0);
}

static void show_key(void *to, const char *section, const char *key, const char *standard)
{
    struct show show = *(struct show *)to;
    const struct wg_entry *entry = wg_policy_entry(show.policy, section, key);

    show.section = section;
    tell(&show, key, entry ? entry->value : standard);
}

static void show_words(const struct show *show, const char *key, const struct wg_list *list)
{
    char text[1024] = "";
    size_t len = 0;

    for (size_t i = 0; i < list->count && len < sizeof(text); i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "",
                                list->item[i]);
    tell(show, key, text);
}

/* The attributes of a demand, under the key of their element, and of what is in it. */
static void show_demands(const struct show *show, xmlNodePtr element, const char *name)
{
    char key[256];

    for (const xmlAttr *at = element->properties; at; at = at->next) {
        bool feature = strcmp((const char *)element->name, "feature") == 0;
        bool named = feature || strcmp((const char *)element->name, "timer") == 0;

        if (named && strcmp((const char *)at->name, "name") == 0)
            continue;
        snprintf(key, sizeof(key), "%s%s%s", name, feature ? "" : ".",
                 feature ? "" : (const char *)at->name);
        tell(show, key, wg_attribute_text(at));
    }
    for (xmlNodePtr node = element->children; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE)
            continue;
        if (strcmp((const char *)node->name, "timer") == 0)
            snprintf(key, sizeof(key), "timer.%s", wg_attribute(node, "name"));
        else if (strcmp((const char *)node->name, "feature") == 0)
            snprintf(key, sizeof(key), "cpu.%s", wg_attribute(node, "name"));
        else
            snprintf(key, sizeof(key), "%s.%s", name, (const char *)node->name);
        show_demands(show, node, key);
    }
}

static void show_match(const struct show *show)
{
    for (size_t i = 0; i < show->policy->ini.count; i++) {
        const struct wg_entry *entry = &show->policy->ini.entry[i];

        if (!entry->ignored && strcmp(entry->section, show->section) == 0 &&
            strncmp(entry->key, "match.", 6) == 0)
            tell(show, entry->key, entry->value);
    }
}

/* Demands that are taken away. */
static void show_taken(const struct show *show, const char *from)
{
    for (size_t i = 0; i < show->policy->ini.count; i++) {
        const struct wg_entry *entry = &show->policy->ini.entry[i];
        bool demand = strncmp(entry->key, "timer.", 6) == 0 ||
                      strncmp(entry->key, "hyperv.", 7) == 0 ||
                      strncmp(entry->key, "cpu.", 4) == 0 ||
                      strcmp(entry->key, "clock.offset") == 0;

        if (demand && !entry->ignored && !*entry->value && strcmp(entry->section, from) == 0)
            tell(show, entry->key, "");
    }
}

static int show_section(struct show *show, const char *section, struct wg_error *err)
{
    const struct wg_entry *profile = wg_policy_entry(show->policy, section, "profile");
    struct wg_target target;
    int rc = wg_policy_target_of(show->policy, section, &target, err);

    show->section = section;
    if (rc == 0) {
        xmlNodePtr clock = wg_target_part(&target, "clock");
        xmlNodePtr hyperv = wg_target_part(&target, "hyperv");
        xmlNodePtr cpu = wg_target_part(&target, "cpu");

        show_match(show);
        if (strcmp(section, "linux") == 0)
            tell(show, "enforce", wg_policy_linux(show->policy) ? "yes" : "no");
        else
            tell(show, "profile", profile ? profile->value : "baseline");
        show_words(show, "stylesheets", &target.stylesheets);
        if (clock)
            show_demands(show, clock, "clock");
        show_words(show, "clock.keep", &target.keep);
        tell(show, "clock.v2v", target.keep_v2v ? "keep" : "enforce");
        if (hyperv)
            show_demands(show, hyperv, "hyperv");
        if (cpu)
            show_demands(show, cpu, "cpu");
        if (strncmp(section, "windows:", 8) == 0)
            show_taken(show, "windows");
        show_taken(show, section);
        tell(show, "guest_agent", wg_target_part(&target, "guest_agent") ? "yes" : "no");
    }
    wg_target_clear(&target);
    return rc;
}

int wg_config_sections(const struct wg_policy *policy, struct wg_list *names)
{
    if (wg_list_add_words(names, "windows linux") < 0)
        return -1;
    for (size_t i = 0; i < policy->ini.count; i++) {
        const struct wg_entry *entry = &policy->ini.entry[i];

        if (!entry->ignored && wg_is_section_of_demands(entry->section) &&
            !wg_list_has(names, entry->section) &&
            wg_list_add(names, entry->section, strlen(entry->section)) < 0)
            return -1;
    }
    return 0;
}

int wg_config_show(const char *config, wg_setting_fn *tell_setting, void *to, struct wg_error *err)
{
    struct wg_policy policy;
    struct wg_list names = {0};
    int rc = wg_policy_load(config, &policy, err);

    if (rc == 0 && wg_config_sections(&policy, &names) < 0)
        rc = wg_no_memory(err);
    struct show show = {.policy = &policy, .tell = tell_setting, .to = to};
    if (rc == 0)
        wg_policy_each_key(show_key, &show);
    for (size_t i = 0; rc == 0 && i < names.count; i++)
        rc = show_section(&show, names.item[i], err);
    wg_list_clear(&names);
    wg_policy_clear(&policy);
    return rc;
}
