/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

#include <string.h>

#include "engine/detect/path.h"

static bool has_the_same(xmlNodePtr timer, xmlNodePtr want)
{
    if (timer->children)
        return false;
    for (xmlAttrPtr attribute = timer->properties; attribute; attribute = attribute->next) {
        const char *name = (const char *)attribute->name;

        if (!wg_same(wg_attribute(timer, name), wg_attribute(want, name)))
            return false;
    }
    return true;
}

static bool is_wanted(xmlNodePtr timer, xmlNodePtr want)
{
    for (xmlNodePtr child = want->children; child; child = child->next) {
        if (wg_same(wg_attribute(child, "name"), wg_attribute(timer, "name")))
            return has_the_same(timer, child);
    }
    return false;
}

enum wg_v2v wg_v2v_shape(const struct wg_domain *domain, xmlNodePtr want)
{
    xmlNodePtr clock = wg_child(domain->root, "clock");
    enum wg_v2v shape = WG_V2V_LIKE;

    if (!clock || !wg_same(wg_attribute(clock, "offset"), "utc") ||
        wg_attribute(clock, "adjustment") || wg_same(wg_attribute(want, "offset"), "utc") ||
        !wg_path_leads(domain->root, WG_PATH_LIBOSINFO) ||
        wg_path_leads(domain->root, "metadata/nova:instance"))
        return WG_V2V_NOT;
    for (xmlNodePtr timer = clock->children; timer; timer = timer->next) {
        if (timer->type != XML_ELEMENT_NODE)
            continue;
        if (!is_wanted(timer, want))
            return WG_V2V_NOT;
        shape = WG_V2V_TIMED;
    }
    return shape;
}
