/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Elements, attributes and texts of a document. */
#ifndef WG_NODE_H
#define WG_NODE_H

#include <libxml/tree.h>
#include <stdbool.h>

#include "common/error.h"

/* The first child element of that name (no namespace), NULL if there is none. */
xmlNodePtr wg_child(xmlNodePtr parent, const char *name);

/* The first child element of that name with that attribute name='…'. */
xmlNodePtr wg_named_child(xmlNodePtr parent, const char *element, const char *name);

/* Takes a node out of its document, and frees it. */
void wg_drop(xmlNodePtr node);

/* Whether two texts are the same, NULL being one. */
bool wg_same(const char *a, const char *b);

/* The text of an attribute without namespace, "" if it is empty, NULL if it is missing.
 * It belongs to the tree and lives as long as the attribute. */
const char *wg_attribute(xmlNodePtr element, const char *name);
const char *wg_attribute_text(const xmlAttr *attribute);

/* The text below a node without the blanks around it; for the caller to free, NULL if there is
 * no memory. */
char *wg_trimmed_content(const xmlNode *node);

/* A document as text for the caller to free; NULL with *err filled if there is no memory. */
char *wg_document_text(xmlDocPtr doc, size_t *len, struct wg_error *err);

/* Whether two nodes say the same: names, namespaces, attributes whatever their order, and content;
 * CDATA and text are one. */
bool wg_same_node(const xmlNode *a, const xmlNode *b);

#endif
