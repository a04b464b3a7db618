/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `winguest filter` writes for systemd, and what it looks for. */
#ifndef WG_CLI_FILTER_H
#define WG_CLI_FILTER_H

#include <limits.h>
#include <stdbool.h>

#include "daemons.h"

#define WG_FILTER_PATH WG_LIBDIR "/" WG_FILTER_LIBRARY
#define WG_FILTER_DROPIN "50-winguest.conf"

/* What systemd runs before the daemon. That it fails, or is not there any more, is no reason not to
 * start that. */
#define WG_FILTER_BEFORE "ExecStartPre=-" WG_BINDIR "/winguest apply --offline"

/* The drop-in of a daemon's service, and the directory that holds it, below root ("" is "/").
 * Returns 0, or -1 after having printed why. */
int wg_filter_dropin(const char *root, const char *daemon, char dir[PATH_MAX], char file[PATH_MAX]);

/* Whether the host below root has the service of that daemon. */
bool wg_filter_has_service(const char *root, const char *daemon);

/*
 * What else than our library a service preloads: takes the value of its Environment property as
 * systemctl shows it; returns the entries, a colon before each, for free(). NULL without memory.
 */
char *wg_filter_other_preloads(const char *environment);

/* Prints what is written and what the running daemons have loaded. Returns the exit code. */
int wg_filter_status(const char *root);

#endif
