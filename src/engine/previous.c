/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "previous.h"

#include <string.h>

#include "domain.h"
#include "identity.h"

/* Whether b says all that a says, itself and in its children, whatever their order. libvirt writes
 * the mode that enlightenments have if none is given. */
static bool says_all(const xmlNode *a, xmlNodePtr b)
{
    for (const xmlAttr *attribute = a->properties; attribute; attribute = attribute->next) {
        const char *has = wg_attribute_text(attribute);
        const char *other = wg_attribute(b, (const char *)attribute->name);

        if (strcmp(has, other ? other : "custom") != 0)
            return false;
    }
    for (const xmlNode *child = a->children; child; child = child->next) {
        const xmlNode *other = child->type == XML_ELEMENT_NODE ? b->children : NULL;

        while (other && !wg_same_node(child, other))
            other = other->next;
        if (!other && child->type == XML_ELEMENT_NODE)
            return false;
    }
    return true;
}

static bool same(xmlNodePtr a, xmlNodePtr b)
{
    return a && b ? says_all(a, b) && says_all(b, a) : a == b;
}

static int put_back(xmlNodePtr into, xmlNodePtr now, const xmlNode *previous, struct wg_error *err)
{
    xmlNodePtr copy = previous ? xmlDocCopyNode((xmlNode *)previous, into->doc, 1) : NULL;

    if (previous && !copy)
        return wg_no_memory(err);
    if (copy)
        xmlAddNextSibling(now, copy);
    xmlUnlinkNode(now);
    xmlFreeNode(now);
    return 0;
}

static xmlNodePtr enlightenments(xmlNodePtr root)
{
    xmlNodePtr features = wg_child(root, "features");

    return features ? wg_child(features, "hyperv") : NULL;
}

static int undo(xmlNodePtr now, xmlNodePtr corrected, xmlNodePtr previous, struct wg_error *err)
{
    xmlNodePtr clock = wg_child(now, "clock"), hyperv = enlightenments(now);

    if (!same(clock, wg_child(corrected, "clock")) || !same(hyperv, enlightenments(corrected)))
        return wg_fail(err, "its clock or its enlightenments have been edited since");
    if (clock && put_back(now, clock, wg_child(previous, "clock"), err) < 0)
        return -1;
    return hyperv ? put_back(now, hyperv, enlightenments(previous), err) : 0;
}

/* corrected: as the policy makes it of previous. */
static char *undo_in(struct wg_domain *previous, const struct wg_verdict *corrected,
                     struct wg_domain *now, size_t *len, struct wg_error *err)
{
    struct wg_domain domain;
    char *text = NULL;

    if (!corrected->xml) {
        wg_fail(err, "the policy has changed since");
        return NULL;
    }
    if (wg_domain_parse(corrected->xml, corrected->xml_len, NULL, &domain, err) < 0)
        return NULL;
    if (undo(now->root, domain.root, previous->root, err) == 0)
        text = wg_document_text(now->root->doc, len, err);
    wg_domain_clear(&domain);
    return text;
}

static char *without_policy(struct wg_engine *engine, const char *kept, const char *now,
                            size_t *len, struct wg_error *err)
{
    struct wg_verdict *corrected = wg_evaluate(engine, kept, strlen(kept), WG_REWRITE, err);
    struct wg_domain previous, domain;
    char *text = NULL;

    if (corrected && wg_domain_parse(kept, strlen(kept), NULL, &previous, err) == 0) {
        if (wg_domain_parse(now, strlen(now), NULL, &domain, err) == 0) {
            text = undo_in(&previous, corrected, &domain, len, err);
            wg_domain_clear(&domain);
        }
        wg_domain_clear(&previous);
    }
    wg_verdict_free(corrected);
    return text;
}

char *wg_previous(struct wg_engine *engine, const char *kept, const char *now, bool edited,
                  size_t *len, struct wg_error *err)
{
    return edited ? without_policy(engine, kept, now, len, err)
                  : wg_with_identity(kept, strlen(kept), now, strlen(now), len, err);
}
