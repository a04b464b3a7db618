/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "feature.h"

#include <libxml/parser.h>
#include <string.h>
#include <unistd.h>

#include "common/words.h"
#include "engine/node.h"

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

int wg_feature_known(const char *key, struct wg_error *err)
{
    xmlDocPtr doc = access(FEATURES, R_OK) == 0
                        ? xmlReadFile(FEATURES, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR)
                        : NULL;
    xmlNodePtr root = doc ? xmlDocGetRootElement(doc) : NULL;
    bool unknown = root && !wg_named_child(root, "feature", key + 4);

    xmlFreeDoc(doc);
    return unknown ? wg_fail(err, "this host's libvirt has no such feature (" FEATURES
                                  "), and would refuse it")
                   : 0;
}
