/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Step 2: which OS, and by what sign. */
#ifndef WG_DETECT_H
#define WG_DETECT_H

#include "engine/config/policy.h"
#include "engine/domain.h"

/* Whether a sign has that source: those of [detect] order (policy.h) do. */
bool wg_is_source(const char *name);

/* A sign that the caller knows of, not the domain. */
struct wg_told {
    char *label;
    char *value;
};

/*
 * Fills os, evidence, nova, outcome WG_EXEMPT with its reason if the guest is exempt, and with
 * explain the trail of verdict; reads traits for wg_policy_target. Returns 0, or -1 with *err
 * filled.
 */
int wg_detect(const struct wg_domain *domain, const struct wg_policy *policy,
              const struct wg_told *told, size_t n_told, bool explain, struct wg_verdict *verdict,
              struct wg_traits *traits, struct wg_error *err);

/* Where it looks, path by path from number 0 on; NULL behind the last. The outline of a domain
 * (outline.h) must have them all. */
const char *wg_detect_path(size_t number);

#endif
