/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the nodes of a parsed document stand in its bytes. For well-formed XML without a document
 * type only: what the parser has accepted. */
#ifndef WG_MARKUP_H
#define WG_MARKUP_H

#include <stdbool.h>
#include <stddef.h>

/* One element, comment or processing instruction and the text in front of it. */
struct wg_item {
    const char *lead; /* where the text in front of it begins, which ends at start */
    const char *start;
    const char *end;
};

struct wg_items {
    struct wg_item *item;
    size_t count;
    const char *tail; /* the text behind the last one */
    const char *end; /* where that text ends */
};

/* The byte behind the start tag that begins at start; *empty tells whether it is <like this/>. */
const char *wg_markup_tag_end(const char *start, const char *limit, bool *empty);

/* Where the root element begins; NULL if there is none. */
const char *wg_markup_root(const char *bytes, const char *limit);

/* The byte behind the element, comment or processing instruction that begins at start; NULL if it
 * does not end before limit. */
const char *wg_markup_end(const char *start, const char *limit);

/* Finds the items from start, the byte behind a start tag, to the end tag that belongs to it.
 * Returns 0, or -1 if there is no memory or no such end; wg_items_clear is due either way. */
int wg_markup_items(const char *start, const char *limit, struct wg_items *items);
void wg_items_clear(struct wg_items *items);

#endif
