/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A decision on its way from the process that has made it to the one that acts: a pipe. libc only. */
#ifndef WG_DECISION_H
#define WG_DECISION_H

#include "hook.h"

/* To be written first: what the configuration says. */
void wg_decision_begin(int to, bool deny);

void wg_decision_write(int to, const struct wg_decision *decision);

/*
 * Reads both, until CLOCK_MONOTONIC tells that many seconds.
 * Fills *decision, which points into *bytes, to be freed by the caller in any case, and *deny,
 * which holds even when nothing else was written. Returns 0, 1 when the time is over, or -1: it is
 * not whole. Numbers and the UUID's form are checked; the text is to be escaped.
 */
int wg_decision_read(int from, double until, struct wg_decision *decision, bool *deny,
                     char **bytes);

#endif
