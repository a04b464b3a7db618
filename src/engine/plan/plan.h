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

/* cpu.c */

/* Takes out of target what this guest has, or has more strictly, or cannot be asked for. Returns 0,
 * or -1 with *err filled. */
int wg_cpu_fit(const struct wg_domain *domain, struct wg_target *target, struct wg_verdict *verdict,
               struct wg_error *err);

/* Writes each difference of the domain from the plan into verdict. Returns 0, or -1 with *err
 * filled. */
int wg_cpu_compare(const struct wg_domain *domain, const struct wg_target *plan,
                   struct wg_verdict *verdict, struct wg_error *err);

/* v2v.c */

/*
 * A guest whose clock is UTC inside (RealTimeIsUniversal) as virt-v2v defines it from 2.4 on:
 * libosinfo's mark, an explicit utc and no timers. Who writes definitions by hand may write the
 * same.
 */
enum wg_v2v {
    WG_V2V_NOT,
    WG_V2V_LIKE, /* as virt-v2v defines it */
    WG_V2V_TIMED, /* the same, with no timers but those that want has, as want has them */
};

/* want: the <clock> that is asked for. */
enum wg_v2v wg_v2v_shape(const struct wg_domain *domain, xmlNodePtr want);

/* schema.c */

/* libvirt's own grammar of a domain, where it is installed. */
/* Whether this host's libvirt knows all that is demanded. Where the grammar is not there, must:
 * whether libvirt 7.0, the oldest that we work with, did. Returns 0, or -1 with *err naming what it
 * does not know. */
int wg_schema_check(const struct wg_target *target, bool must, struct wg_error *err);

#endif
