/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The document as the plan wants it: the stylesheets' work, laid over the bytes and held to the
 * plan. */
#ifndef WG_MAKE_H
#define WG_MAKE_H

#include "engine/domain.h"
#include "stylesheets.h"

/* Takes those out of the plan that are not there, a fault each, and ours in in their place: a
 * misspelt name must not keep the policy from its work. Returns 0, or -1 with *err filled. */
int wg_leave_out_missing(const struct wg_stylesheets *sheets, struct wg_target *plan,
                         struct wg_verdict *verdict, struct wg_error *err);

/* Makes verdict's document; sites: with the site's own stylesheets, of which one that fails is left
 * out, a fault. Returns 0, or -1 with *err filled. */
int wg_make(struct wg_stylesheets *sheets, const struct wg_domain *domain,
            const struct wg_target *plan, bool sites, struct wg_verdict *verdict,
            struct wg_error *err);

#endif
