/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What follows from a decision: a line in the log, an answer, a mark, a repair. libc only. */
#ifndef WG_ACT_H
#define WG_ACT_H

#include "engine/decision.h"
#include "hook.h"

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

#endif
