/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "feature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/words.h"

/* libvirt's list of the features of x86, since 4.5. */
#define FEATURES "/usr/share/libvirt/cpu_map/x86_features.xml"

bool wg_feature_is_key(const char *key)
{
    return strncmp(key, "cpu.", 4) == 0 && key[4] &&
           strspn(key + 4, "abcdefghijklmnopqrstuvwxyz0123456789_-.") == strlen(key + 4);
}

int wg_feature_check(const char *value, struct wg_error *err)
{
    static const char allowed[] = "disable forbid optional require force";

    return !*value || wg_has_word(allowed, value)
               ? 0
               : wg_fail(err, "'%s' is not allowed; allowed: %s", value, allowed);
}

/* As text, for it is asked at every decision: parsing libvirt 9.0's list takes 0.3 ms of the 4 ms
 * that a rewrite with one such key takes, each time. */
static bool names(const char *line, const char *feature)
{
    static const char tag[] = "<feature name=";
    const char *at = strstr(line, tag);
    size_t len = strlen(feature);

    if (!at)
        return false;
    at += sizeof(tag) - 1;
    return (*at == '\'' || *at == '"') && strncmp(at + 1, feature, len) == 0 && at[len + 1] == *at;
}

int wg_feature_known(const char *key, struct wg_error *err)
{
    FILE *from = fopen(FEATURES, "re");
    char *line = NULL;
    size_t size = 0;
    bool listed = false, known = false;

    while (from && !known && getline(&line, &size, from) > 0) {
        listed |= strstr(line, "<feature ") != NULL;
        known = names(line, key + 4);
    }
    free(line);
    if (from)
        fclose(from);
    return listed && !known ? wg_fail(err, "this host's libvirt has no such feature (" FEATURES
                                           "), and would refuse it")
                            : 0;
}
