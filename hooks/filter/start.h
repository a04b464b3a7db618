/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_FILTER_START_H
#define WG_FILTER_START_H

#include "engine.h"
#include "libvirt_abi.h"
#include "turn.h"

/* A client's call that starts a defined guest, in any of its three forms. */
struct wg_start {
    struct _virDomain *domain;
    unsigned int flags;
    unsigned int nfiles;
    int *files; /* the caller's, before and after; libvirt duplicates what it keeps */
    enum { WG_START_PLAIN, WG_START_FLAGS, WG_START_FILES } form;
};

/* Starts the guest as the client asked, and does nothing else. */
int wg_start_unchanged(const struct wg_start *start);

/*
 * Brings the stored definition of a guest that is about to boot cold in line with the policy, and
 * starts it. If it does not start like that, rollback is on, and nobody has stopped or changed it
 * meanwhile, its previous definition is put back and started instead; if that fails too, the policy
 * goes back in. Returns what the last start returned, with the first one's error in libvirt's error
 * object if it failed.
 */
int wg_start_with_policy(const struct wg_start *start, struct wg_filter_engine *engine);

/* Whether previous could be kept (wg_kept_room); if not, that is logged, and the policy must not be
 * put in its place. Never so for a session daemon, which keeps nothing. */
bool wg_start_has_way_back(const char *previous, const char *name, const char *op);

/*
 * To be called in the call's turn when a guest was defined and it has worked: @said is the client's
 * own XML if the policy was put into it, or NULL if it went through unchanged, or need not be kept.
 * Keeps it for the guest's start, unless the client may not read what is stored now. Leaves no
 * error behind.
 */
void wg_start_may_follow(struct _virDomain *defined, const char *said);

#endif
