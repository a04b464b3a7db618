/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "node.h"

#include <stdlib.h>
#include <string.h>

static bool is_element(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && !node->ns &&
           strcmp((const char *)node->name, name) == 0;
}

xmlNodePtr wg_child(xmlNodePtr parent, const char *name)
{
    for (xmlNodePtr node = parent ? parent->children : NULL; node; node = node->next) {
        if (is_element(node, name))
            return node;
    }
    return NULL;
}

void wg_drop(xmlNodePtr node)
{
    xmlUnlinkNode(node);
    xmlFreeNode(node);
}

bool wg_same(const char *a, const char *b)
{
    return xmlStrEqual(BAD_CAST a, BAD_CAST b);
}

/* Without a document type it is one text node, or none. */
const char *wg_attribute_text(const xmlAttr *attribute)
{
    return attribute->children ? (const char *)attribute->children->content : "";
}

const char *wg_attribute(xmlNodePtr element, const char *name)
{
    xmlAttrPtr attribute = element ? xmlHasNsProp(element, BAD_CAST name, NULL) : NULL;

    return attribute ? wg_attribute_text(attribute) : NULL;
}

char *wg_trimmed_content(const xmlNode *node)
{
    static const char blanks[] = " \t\r\n";
    xmlChar *content = xmlNodeGetContent(node);

    if (!content)
        return NULL;
    const char *start = (const char *)content + strspn((const char *)content, blanks);
    size_t len = strlen(start);
    while (len > 0 && strchr(blanks, start[len - 1]))
        len--;
    char *trimmed = strndup(start, len);
    xmlFree(content);
    return trimmed;
}

xmlNodePtr wg_named_child(xmlNodePtr parent, const char *element, const char *name)
{
    for (xmlNodePtr node = parent ? parent->children : NULL; node; node = node->next) {
        const char *value = is_element(node, element) ? wg_attribute(node, "name") : NULL;

        if (value && strcmp(value, name) == 0)
            return node;
    }
    return NULL;
}

static bool same_string(const xmlChar *a, const xmlChar *b)
{
    return xmlStrEqual(a ? a : BAD_CAST "", b ? b : BAD_CAST "");
}

static bool same_ns(const xmlNs *a, const xmlNs *b)
{
    return same_string(a ? a->href : NULL, b ? b->href : NULL);
}

static bool same_attributes(const xmlNode *a, const xmlNode *b)
{
    size_t balance = 0;

    for (const xmlAttr *p = a->properties; p; p = p->next, balance++) {
        xmlAttrPtr q = xmlHasNsProp((xmlNodePtr)b, p->name, p->ns ? p->ns->href : NULL);

        if (!q || strcmp(wg_attribute_text(p), wg_attribute_text(q)) != 0)
            return false;
    }
    for (const xmlAttr *q = b->properties; q; q = q->next)
        balance--;
    return balance == 0;
}

static bool is_text(const xmlNode *node)
{
    return node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE;
}

static const xmlChar *text_of(const xmlNode *node)
{
    return node->content ? node->content : BAD_CAST "";
}

/* The next character of a run of text nodes; at its end NULL, with *node behind the run. */
static const xmlChar *more_text(const xmlNode **node, const xmlChar *at)
{
    while (!*at) {
        *node = (*node)->next;
        if (!*node || !is_text(*node))
            return NULL;
        at = text_of(*node);
    }
    return at;
}

/* Compares two runs of text, which may be cut into nodes differently, and passes both. */
static bool same_text(const xmlNode **a, const xmlNode **b)
{
    const xmlChar *p = text_of(*a);
    const xmlChar *q = text_of(*b);

    for (;;) {
        p = more_text(a, p);
        q = more_text(b, q);
        if (!p || !q)
            return !p && !q;
        while (*p && *p == *q) {
            p++;
            q++;
        }
        if (*p && *q)
            return false;
    }
}

static const xmlNode *skip_empty_text(const xmlNode *node)
{
    while (node && is_text(node) && !*text_of(node))
        node = node->next;
    return node;
}

static bool same_children(const xmlNode *a, const xmlNode *b)
{
    const xmlNode *p = skip_empty_text(a->children);
    const xmlNode *q = skip_empty_text(b->children);

    while (p && q) {
        if (is_text(p) && is_text(q)) {
            if (!same_text(&p, &q))
                return false;
        } else {
            if (!wg_same_node(p, q))
                return false;
            p = p->next;
            q = q->next;
        }
        p = skip_empty_text(p);
        q = skip_empty_text(q);
    }
    return !p && !q;
}

bool wg_same_node(const xmlNode *a, const xmlNode *b)
{
    if (a->type != b->type)
        return false;
    if (a->type != XML_ELEMENT_NODE)
        return same_string(a->name, b->name) && same_string(a->content, b->content);
    return same_string(a->name, b->name) && same_ns(a->ns, b->ns) && same_attributes(a, b) &&
           same_children(a, b);
}

char *wg_document_text(xmlDocPtr doc, size_t *len, struct wg_error *err)
{
    xmlChar *bytes = NULL;
    int size = 0;

    xmlDocDumpMemory(doc, &bytes, &size);
    char *text = bytes ? strdup((const char *)bytes) : NULL;
    *len = (size_t)size;
    xmlFree(bytes);
    if (!text)
        wg_no_memory(err);
    return text;
}
