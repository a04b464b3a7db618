/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Step 4: the stylesheets, one after the other, make the document that the plan wants. */
#ifndef WG_REWRITE_H
#define WG_REWRITE_H

#include "engine/domain.h"
#include "engine/plan/target.h"
#include "stylesheets.h"

/*
 * Runs the plan's stylesheets over the domain: ours, and with sites the site's own behind them,
 * each in the order of the plan. Their only input besides it is document('winguest:policy'), the
 * plan; they can write, reach and run nothing.
 * A stylesheet of the site that fails, does not come to an end, turns the domain into another,
 * undoes the policy or wants more at each run is left out, as a fault in verdict; one that changes
 * the domain is a difference in verdict.
 * Returns a new document to be freed by the caller, or NULL with *err filled.
 */
xmlDocPtr wg_rewrite(struct wg_stylesheets *sheets, const struct wg_domain *domain,
                     const struct wg_target *plan, bool sites, struct wg_verdict *verdict,
                     struct wg_error *err);

#endif
