/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "merge.h"

#include <string.h>

#include "node.h"

/* More than libvirt has enlightenments, by far: no repetition is looked for behind more. */
#define MANY 200

/* Whatever its namespace. */
static bool is_called(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static xmlNodePtr next_called(const xmlNode *node, const char *name, bool plain)
{
    while (node && !(is_called(node, name) && !(plain && node->ns)))
        node = node->next;
    return (xmlNodePtr)node;
}

static bool has_namespace(const xmlNode *node)
{
    for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next) {
        if (attribute->ns)
            return true;
    }
    return node->ns != NULL;
}

static xmlNodePtr earlier(const xmlNode *node)
{
    xmlNodePtr other = node->parent->children;

    for (size_t count = 0; other != node && count < MANY; other = other->next, count++) {
        if (is_called(other, (const char *)node->name))
            return other;
    }
    return NULL;
}

/* Whether an enlightenment, or what is in it, is repeated or has a namespace. */
static bool is_odd(const xmlNode *parent)
{
    for (const xmlNode *node = parent->children; node; node = node->next) {
        if (node->type == XML_ELEMENT_NODE &&
            (has_namespace(node) || earlier(node) || is_odd(node)))
            return true;
    }
    return false;
}

static bool hyperv_is_odd(const xmlNode *root)
{
    const xmlNode *features = next_called(root->children, "features", true);
    size_t count = 0;

    for (; features; features = next_called(features->next, "features", true)) {
        const xmlNode *hyperv = next_called(features->children, "hyperv", false);

        for (; hyperv; hyperv = next_called(hyperv->next, "hyperv", false)) {
            if (++count > 1 || has_namespace(hyperv) || is_odd(hyperv))
                return true;
        }
    }
    return false;
}

static bool timers_are_odd(const xmlNode *clock)
{
    const xmlNode *timer = next_called(clock->children, "timer", true);

    while (timer && !has_namespace(timer))
        timer = next_called(timer->next, "timer", true);
    return timer != NULL;
}

bool wg_merge_needed(const xmlNode *root)
{
    const xmlNode *clock = next_called(root->children, "clock", true);

    return (clock && (next_called(clock->next, "clock", true) || timers_are_odd(clock))) ||
           hyperv_is_odd(root);
}

/* Without namespaces; of two attributes that then have one name libvirt sees the first. */
static void strip(xmlNodePtr node)
{
    xmlAttrPtr next;

    node->ns = NULL;
    for (xmlAttrPtr attribute = node->properties; attribute; attribute = next) {
        next = attribute->next;
        attribute->ns = NULL;
        if (xmlHasProp(node, attribute->name) != attribute)
            xmlRemoveProp(attribute);
    }
}

static bool copy_attribute(xmlNodePtr to, const xmlAttr *attribute)
{
    const xmlChar *text = attribute->children ? attribute->children->content : BAD_CAST "";

    return xmlSetProp(to, attribute->name, text) != NULL;
}

static bool take_children(xmlNodePtr to, xmlNodePtr from);

/* What is said last counts. */
static bool merge_element(xmlNodePtr to, xmlNodePtr from)
{
    for (const xmlAttr *attribute = from->properties; attribute; attribute = attribute->next) {
        if (!copy_attribute(to, attribute))
            return false;
    }
    bool done = take_children(to, from);
    wg_drop(from);
    return done;
}

/* Moves the children of from into to, or leaves them if these are one; of a name there is one then.
 * Text between elements, which says nothing, goes. */
static bool take_children(xmlNodePtr to, xmlNodePtr from)
{
    xmlNodePtr next;

    for (xmlNodePtr node = from->children; node; node = next) {
        next = node->next;
        if (to != from) {
            if (node->type == XML_TEXT_NODE)
                continue;
            xmlUnlinkNode(node);
            xmlAddChild(to, node);
        }
        if (node->type != XML_ELEMENT_NODE)
            continue;
        strip(node);
        xmlNodePtr same = earlier(node);
        if (!take_children(node, node) || (same && !merge_element(same, node)))
            return false;
    }
    return true;
}

/* libvirt 9.0 reads what stands in it, 11.3 does not: none of it is relied on. */
static void empty_passthrough(xmlNodePtr hyperv)
{
    xmlChar *mode = xmlGetNoNsProp(hyperv, BAD_CAST "mode");

    if (mode && strcmp((const char *)mode, "passthrough") == 0) {
        while (hyperv->children)
            wg_drop(hyperv->children);
    }
    xmlFree(mode);
}

static bool merge_hyperv(xmlNodePtr root)
{
    xmlNodePtr first = NULL, next;

    for (xmlNodePtr features = next_called(root->children, "features", true); features;
         features = next_called(features->next, "features", true)) {
        for (xmlNodePtr node = next_called(features->children, "hyperv", false); node;
             node = next) {
            next = next_called(node->next, "hyperv", false);
            strip(node);
            empty_passthrough(node);
            if (!take_children(node, node))
                return false;
            if (first)
                xmlUnsetProp(first, BAD_CAST "mode");
            if (first && !merge_element(first, node))
                return false;
            first = first ? first : node;
        }
    }
    return true;
}

static bool merge_clocks(xmlNodePtr root)
{
    xmlNodePtr first = next_called(root->children, "clock", true), next;

    for (xmlNodePtr clock = first; clock; clock = next) {
        next = next_called(clock->next, "clock", true);
        for (const xmlAttr *attribute = clock->properties; attribute; attribute = attribute->next) {
            if (!attribute->ns && !xmlHasNsProp(first, attribute->name, NULL) &&
                !copy_attribute(first, attribute))
                return false;
        }
        for (xmlNodePtr timer = next_called(clock->children, "timer", true); timer;
             timer = next_called(timer->next, "timer", true))
            strip(timer);
        for (xmlNodePtr node = clock->children, after; clock != first && node; node = after) {
            after = node->next;
            if (node->type != XML_TEXT_NODE) {
                xmlUnlinkNode(node);
                xmlAddChild(first, node);
            }
        }
        if (clock != first)
            wg_drop(clock);
    }
    return true;
}

xmlDocPtr wg_merged(xmlDocPtr doc)
{
    xmlDocPtr copy = xmlCopyDoc(doc, 1);

    if (copy && merge_clocks(xmlDocGetRootElement(copy)) &&
        merge_hyperv(xmlDocGetRootElement(copy)))
        return copy;
    xmlFreeDoc(copy);
    return NULL;
}
