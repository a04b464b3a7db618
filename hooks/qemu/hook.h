/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Answers libvirt's QEMU hook calls. The engine decides, in a confined child (../src/decide.h);
 * what follows from a decision is done here, by libc alone.
 */
#ifndef WG_HOOK_H
#define WG_HOOK_H

#include <stdbool.h>

#include "engine/decision.h"

/* A call, and what is known of it before anything is decided. */
struct wg_hook_call {
    const char *guest; /* its name; "-" if it is not known */
    const char *operation; /* define, create, prepare, started, migrate or restore */
    long long begun; /* wg_now_us() then */
    char subject[1024]; /* "prepare guest 'x': ", in front of a fault */
    bool in_flight; /* prepare: it was announced as migrating in or being restored */
};

/* Does one call, the domain on standard input; of *call the first two are filled. Returns the exit
 * code. */
int wg_hook_answer(struct wg_hook_call *call);

/* act.c: what follows from a decision: a line in the log, an answer, a mark, a repair. libc only.
 */

/* Begins a call: fills the rest of *call, takes and leaves the marks that need no decision. */
void wg_act_begin(struct wg_hook_call *call);

/* Acts on a decision that has not failed. Returns the exit code: not 0 either if an answer to
 * define or create was printed in part, which nobody must take for all of it. */
int wg_act(const struct wg_hook_call *call, const struct wg_decision *decision);

/* Logs and prints a fault of ours, what, escaped and in one line. deny: if this is prepare, it
 * keeps the guest from starting. Returns the exit code. */
int wg_act_on_fault(const struct wg_hook_call *call, const char *what, bool deny);

/* A guest is off. If that was a start of its corrected definition that has failed, it gets its
 * previous one back. */
void wg_act_on_release(const char *guest);

/* hand_over.c: leaves a guest to a process that outlives the hook. libc only. */
#define WG_HAND_OVER_ARGUMENTS 8

/*
 * Starts `winguest repair ARGUMENTS` (NULL behind the last) in a session of its own, without a
 * descriptor or variable of ours: libvirt waits until nobody holds the hook's output any more.
 * Returns 0 when it runs, or the errno of what failed.
 */
int wg_hand_over(const char *const *arguments);

#endif
