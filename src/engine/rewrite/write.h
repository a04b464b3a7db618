/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nodes as new text, in the habits of the document that they go into. */
#ifndef WG_WRITE_H
#define WG_WRITE_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stdio.h>

/* Bytes of the old document. */
struct wg_span {
    const char *start;
    size_t len;
};

struct wg_writer {
    FILE *out;
    const char *encoding;
    char quote; /* that of the document's first attribute */
    struct wg_span step; /* what one level of depth adds to the indentation */
};

/* A line break and the blanks behind it; nothing where the document has no lines. */
struct wg_indent {
    struct wg_span base;
    unsigned steps;
};

struct wg_indent wg_deeper(struct wg_indent indent);

void wg_write_bytes(struct wg_writer *w, const char *start, const char *end);
void wg_write_indent(struct wg_writer *w, struct wg_indent indent);

/* A start tag, open at its end, and an end tag. The prefixes that old declares, unless it is NULL,
 * are declared too: its children's bytes may need them. */
void wg_write_start(struct wg_writer *w, const xmlNode *node, const xmlNode *old);
void wg_write_end(struct wg_writer *w, const xmlNode *node);

/* A node with all that is in it, its end tag at indent; an element with text of its own is written
 * without layout. Returns 0, or -1 if there is no memory. */
int wg_write_node(struct wg_writer *w, const xmlNode *node, struct wg_indent indent);

/* The same as libxml2 writes it. */
int wg_write_plain(struct wg_writer *w, const xmlNode *node);

bool wg_is_text(const xmlNode *node);

/* Whether an element holds text of its own that says something. */
bool wg_has_text(const xmlNode *element);

/* The node, or the next of its siblings, that is no text; NULL at their end. */
const xmlNode *wg_next_item(const xmlNode *node);

#endif
