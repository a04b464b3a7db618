/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"

static int add(struct wg_policy *policy, enum wg_gravity gravity, char *text)
{
    struct wg_remark *grown = text ? realloc(policy->remark, (policy->remarks + 1) * sizeof(*grown))
                                   : NULL;

    if (!grown) {
        free(text);
        return -1;
    }
    policy->remark = grown;
    grown[policy->remarks++] = (struct wg_remark){gravity, text};
    return 0;
}

int wg_policy_remark(struct wg_policy *policy, enum wg_gravity gravity,
                     const struct wg_entry *entry, const char *why)
{
    char *text;
    int len = entry->line ? asprintf(&text, "%s:%u: [%s]%s%s: %s", policy->ini.path, entry->line,
                                     entry->section, *entry->key ? " " : "", entry->key, why)
                          : asprintf(&text, "%s: [%s]: %s", policy->ini.path, entry->section, why);

    return add(policy, gravity, len < 0 ? NULL : text);
}

int wg_policy_remark_text(struct wg_policy *policy, enum wg_gravity gravity, const char *text)
{
    return add(policy, gravity, strdup(text));
}
