/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Step 1: bytes become a domain. Bounded, no network, no document types, no entities. */
#ifndef WG_DOMAIN_H
#define WG_DOMAIN_H

#include <libxml/tree.h>

#include "common/text.h"
#include "node.h"
#include "winguest.h"

struct wg_outline;

struct wg_domain {
    const char *bytes; /* the caller's */
    size_t len;
    struct wg_outline *outline; /* the caller's; NULL: the tree has all of it */
    size_t passed; /* of an outline: a measure of what is not in the tree */
    xmlDocPtr doc; /* as it is written */
    xmlDocPtr merged; /* as libvirt reads it (merge.h), if that is another one */
    xmlNodePtr root; /* of what libvirt reads */
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

/* A UUID as libvirt writes it, from all the ways in which it reads one (without dashes, with
 * blanks, in capitals); any other text as it is. For the caller to free, NULL if there is no
 * memory. */
char *wg_uuid_text(const char *text);

#endif
