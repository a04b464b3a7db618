/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the package's own stylesheets need not see. They look into a few parts of a domain, and copy
 * all of it; most of a domain is its devices and its metadata.
 */
#ifndef WG_SPARE_H
#define WG_SPARE_H

#include "domain.h"

/* A part of a domain, an element below its root, and what is in it. */
struct wg_part {
    xmlNodePtr node;
    xmlNodePtr children;
    xmlNodePtr last;
    xmlNodePtr twin; /* what the stylesheets made of node, while it shows what is in it */
};

struct wg_spared {
    struct wg_part *part;
    size_t count;
};

/*
 * Empties the parts of the domain that none of these stylesheets looks into: none, where one of
 * them is not known here. Returns 0, or -1 with *err filled; wg_spare_restore is due either way,
 * before anything else happens to the domain.
 */
int wg_spare(const struct wg_domain *domain, const struct wg_list *stylesheets,
             struct wg_spared *spared, struct wg_error *err);
void wg_spare_restore(const struct wg_spared *spared);

/*
 * Shows in what the stylesheets made, an element root, what is in the domain's parts, until
 * wg_spare_clear: before root is freed. Returns 0, or -1 with *err filled: the stylesheets lost a
 * part.
 */
int wg_spare_show(const struct wg_spared *spared, xmlNodePtr root, struct wg_error *err);
void wg_spare_clear(struct wg_spared *spared);

#endif
