/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The part of the plan that is about CPU features. */
#ifndef WG_CPU_H
#define WG_CPU_H

#include "engine/domain.h"
#include "engine/verdict.h"
#include "target.h"

/* Takes out of target what this guest has, or has more strictly, or cannot be asked for. Returns 0,
 * or -1 with *err filled. */
int wg_cpu_fit(const struct wg_domain *domain, struct wg_target *target, struct wg_verdict *verdict,
               struct wg_error *err);

/* Writes each difference of the domain from the plan into verdict. Returns 0, or -1 with *err
 * filled. */
int wg_cpu_compare(const struct wg_domain *domain, const struct wg_target *plan,
                   struct wg_verdict *verdict, struct wg_error *err);

#endif
