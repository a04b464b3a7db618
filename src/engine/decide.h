/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the hook and the filter have a guest decided about: in a process of its own. */
#ifndef WG_DECIDE_H
#define WG_DECIDE_H

#include <stddef.h>

struct wg_decision;
struct wg_engine;
struct wg_settings;

/*
 * Reads a domain from in to its end, and writes a decision about it to out (decision.h). Confines
 * this process by wg_confine before it looks at the domain, for good; so nothing is freed: what is
 * left to do is _exit.
 * operation: define, create, prepare, started, migrate or restore; guest: its name, or "-".
 * WG_PREVIOUS and WG_EDITED read two, with a NUL between them: what was kept of a guest and what it
 * is now, as it was left or edited since; they answer with what it is to be again (previous.h).
 */
#define WG_PREVIOUS "previous"
#define WG_EDITED "edited"
typedef void wg_decide_fn(const char *operation, const char *guest, int in, int out);
wg_decide_fn wg_decide;

/* Its name in the engine module. */
#define WG_DECIDE "wg_decide"

/* The part of it that follows when the process is confined. */
void wg_decide_domain(struct wg_engine *engine, const struct wg_settings *settings,
                      const char *operation, const char *guest, const char *xml, size_t len,
                      int out);

#endif
