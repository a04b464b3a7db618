/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Step 1: bytes become a domain. Bounded, no network, no document types, no entities. */
#ifndef WG_DOMAIN_H
#define WG_DOMAIN_H

#include <libxml/tree.h>

#include "common/text.h"
#include "winguest.h"

struct wg_outline;

struct wg_domain {
    const char *bytes; /* the caller's */
    size_t len;
    struct wg_outline *outline; /* the caller's; NULL: the tree has all of it */
    size_t passed; /* of an outline: a measure of what is not in the tree */
    xmlDocPtr doc;
    xmlNodePtr root;
    char *name; /* NULL if it has none */
    char *uuid; /* in libvirt's form */
};

/*
 * Parses a domain; bytes must outlive it. With an outline (outline.h), which must outlive it too,
 * the tree has only what a verdict needs. Returns 0, or -1 with *err filled and nothing to free.
 */
int wg_domain_parse(const char *bytes, size_t len, struct wg_outline *outline,
                    struct wg_domain *domain, struct wg_error *err);

/* Takes a document that is there already for a domain, without its bytes; doc stays the caller's
 * on failure. Returns 0, or -1 with *err filled. */
int wg_domain_take(xmlDocPtr doc, struct wg_domain *domain, struct wg_error *err);
void wg_domain_clear(struct wg_domain *domain);

/* The first or last child element of that name (no namespace), NULL if there is none. */
xmlNodePtr wg_child(xmlNodePtr parent, const char *name);
xmlNodePtr wg_last_child(xmlNodePtr parent, const char *name);

/* The first child element of that name with that attribute name='…'. */
xmlNodePtr wg_named_child(xmlNodePtr parent, const char *element, const char *name);

/* The text of an attribute without namespace, "" if it is empty, NULL if it is missing.
 * It belongs to the tree and lives as long as the attribute. */
const char *wg_attribute(xmlNodePtr element, const char *name);
const char *wg_attribute_text(const xmlAttr *attribute);

/* The text below a node without the blanks around it; for the caller to free, NULL if there is
 * no memory. */
char *wg_trimmed_content(const xmlNode *node);

/* A UUID as libvirt writes it, from all the ways in which it reads one (without dashes, with
 * blanks, in capitals); any other text as it is. For the caller to free, NULL if there is no
 * memory. */
char *wg_uuid_text(const char *text);

/* A document as text for the caller to free; NULL with *err filled if there is no memory. */
char *wg_document_text(xmlDocPtr doc, size_t *len, struct wg_error *err);

/* Whether two nodes say the same: names, namespaces, attributes whatever their order, and content;
 * CDATA and text are one. */
bool wg_same_node(const xmlNode *a, const xmlNode *b);

#endif
