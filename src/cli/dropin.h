/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* systemd's drop-ins for libvirt's daemons: they load the filter, and have the definitions
 * corrected before the daemon reads them. root is the directory that they are below, "" for "/". */
#ifndef WG_CLI_DROPIN_H
#define WG_CLI_DROPIN_H

#include <limits.h>
#include <stdbool.h>

#include "daemons.h"

#define WG_FILTER_PATH WG_LIBDIR "/" WG_FILTER_LIBRARY

/* What there is of a drop-in. */
struct wg_dropin {
    bool filter;
    bool offline; /* guests that start with the daemon are right at once */
};

/* Whether systemd runs, as sd_booted(3) has it. */
bool wg_systemd_runs(void);

/* Whether the host has the service of that daemon, and it is not masked. */
bool wg_dropin_has_service(const char *root, const char *daemon);

/* What the drop-in says, its comments left out. */
struct wg_dropin wg_dropin_read(const char *root, const char *daemon);

/*
 * Writes it, as a whole or not at all, if it is not that already: library is what is preloaded,
 * others what else is, a colon before each. Prints what it did. Returns the exit code.
 */
int wg_dropin_write(const char *root, const char *daemon, const char *library, const char *others);

/* Removes it, and says so if it was there. Returns the exit code. */
int wg_dropin_remove(const char *root, const char *daemon);

/*
 * What else than our library a service preloads: takes the value of its Environment property as
 * systemctl shows it; returns the entries, a colon before each, for free(). NULL without memory.
 */
char *wg_dropin_other_preloads(const char *environment);

#endif
