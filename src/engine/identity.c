/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "identity.h"

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

char *wg_with_identity(const char *previous, size_t previous_len, const char *now, size_t now_len,
                       size_t *len, struct wg_error *err)
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
