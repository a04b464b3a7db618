/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `winguest filter` writes for systemd, and what it looks for. */
#ifndef WG_CLI_FILTER_H
#define WG_CLI_FILTER_H

#include <limits.h>
#include <stdbool.h>

#define WG_FILTER_LIBRARY "libwinguest-filter.so"
#define WG_FILTER_PATH WG_LIBDIR "/" WG_FILTER_LIBRARY

/* The daemons that run QEMU guests: the one for all drivers, and QEMU's own. */
#define WG_FILTER_DAEMONS 2
extern const char *const wg_filter_daemon[WG_FILTER_DAEMONS];

/* The drop-in of a daemon's service, and the directory that holds it, below root ("" is "/"). */
void wg_filter_dropin(const char *root, const char *daemon, char dir[PATH_MAX],
                      char file[PATH_MAX]);

/* Whether systemd knows a service of that daemon on the host below root. */
bool wg_filter_has_service(const char *root, const char *daemon);

/*
 * Other libraries in the LD_PRELOAD that a service already has: reads systemd's list of assignments
 * (the value of its Environment property) and returns the entries but ours, separated by
 * colons, for free(); "" if there are none, NULL without memory.
 */
char *wg_filter_other_preloads(const char *environment);

/* Prints what is written and what the running daemons have loaded. Returns the exit code. */
int wg_filter_status(const char *root);

#endif
