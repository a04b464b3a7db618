/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "previous.h"

#include <stdlib.h>
#include <string.h>

#include "domain.h"

static bool replace_node(xmlNodePtr parent, xmlNodePtr old, const xmlNode *by)
{
    xmlNodePtr copy = xmlDocCopyNode((xmlNode *)by, parent->doc, 1);

    if (!copy)
        return false;
    if (old)
        xmlReplaceNode(old, copy);
    else if (parent->children)
        xmlAddPrevSibling(parent->children, copy);
    else
        xmlAddChild(parent, copy);
    xmlFreeNode(old);
    return true;
}

/* Only where there is one to take; into: also where there was none. */
static bool take(xmlNodePtr to, const xmlNode *from, const char *name, bool into)
{
    xmlNodePtr old = wg_child(to, name), by = wg_child((xmlNode *)from, name);

    return !by || (!old && !into) || replace_node(to, old, by);
}

static size_t count_interfaces(const xmlNode *devices)
{
    size_t count = 0;

    for (const xmlNode *node = devices ? devices->children : NULL; node; node = node->next)
        count += node->type == XML_ELEMENT_NODE &&
                 strcmp((const char *)node->name, "interface") == 0;
    return count;
}

static xmlNodePtr next_interface(xmlNodePtr node)
{
    while (node &&
           (node->type != XML_ELEMENT_NODE || strcmp((const char *)node->name, "interface") != 0))
        node = node->next;
    return node;
}

/* libvirt keeps their order; if there are not as many, it is not known which is which. */
static bool take_addresses(xmlNodePtr to, xmlNodePtr from)
{
    if (!to || !from || count_interfaces(to) != count_interfaces(from))
        return true;
    xmlNodePtr mine = next_interface(to->children), theirs = next_interface(from->children);
    while (mine && theirs) {
        if (!wg_child(mine, "mac") && !take(mine, theirs, "mac", true))
            return false;
        mine = next_interface(mine->next);
        theirs = next_interface(theirs->next);
    }
    return true;
}

/*
 * Gives previous the identity that the guest has in now: its name and UUID, and what libvirt made
 * up where previous says nothing: the ID of its generation and the addresses of its interfaces.
 * Without them it would be defined as a machine with other network cards.
 */
static char *with_identity(const char *previous, size_t previous_len, const char *now,
                           size_t now_len, size_t *len, struct wg_error *err)
{
    struct wg_domain old, guest;
    char *text = NULL;

    if (wg_domain_parse(previous, previous_len, NULL, &old, err) < 0)
        return NULL;
    if (wg_domain_parse(now, now_len, NULL, &guest, err) == 0) {
        if (take(old.root, guest.root, "uuid", true) && take(old.root, guest.root, "name", true) &&
            take(old.root, guest.root, "genid", false) &&
            take_addresses(wg_child(old.root, "devices"), wg_child(guest.root, "devices")))
            text = wg_document_text(old.root->doc, len, err);
        else
            wg_no_memory(err);
        wg_domain_clear(&guest);
    }
    wg_domain_clear(&old);
    return text;
}

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
    wg_drop(now);
    return 0;
}

static xmlNodePtr enlightenments(xmlNodePtr root)
{
    return wg_child(wg_child(root, "features"), "hyperv");
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
                  : with_identity(kept, strlen(kept), now, strlen(now), len, err);
}
