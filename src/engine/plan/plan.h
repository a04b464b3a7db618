/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Step 3: what of the policy fits this guest, and where the guest falls short of it. */
#ifndef WG_PLAN_H
#define WG_PLAN_H

#include "engine/domain.h"
#include "engine/verdict.h"
#include "target.h"

/* Sets WG_NOT_APPLICABLE and its reason if the policy means nothing to such a machine.
 * Returns 0, or -1 with *err filled. */
int wg_plan_applicable(const struct wg_domain *domain, struct wg_verdict *verdict,
                       struct wg_error *err);

/*
 * Takes the demands out of target that this guest cannot or need not meet, with a note in verdict
 * where that is worth one: what is left are the plan for it.
 * Returns 0, or -1 with *err filled.
 */
int wg_plan_fit(const struct wg_domain *domain, struct wg_target *target,
                struct wg_verdict *verdict, struct wg_error *err);

/* Writes each difference of the domain from the plan into verdict. Returns 0, or -1 with *err
 * filled. */
int wg_plan_compare(const struct wg_domain *domain, const struct wg_target *plan,
                    struct wg_verdict *verdict, struct wg_error *err);

#endif
