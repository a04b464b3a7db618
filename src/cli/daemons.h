/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemons that run QEMU guests, as processes of this machine. */
#ifndef WG_CLI_DAEMONS_H
#define WG_CLI_DAEMONS_H

#include "common/text.h"

/* The one for all drivers, and QEMU's own. */
#define WG_DAEMONS 2
extern const char *const wg_daemon[WG_DAEMONS];

#define WG_FILTER_LIBRARY "libwinguest-filter.so"

/* Whether the process has our library: "loaded", "older" for a file that has been replaced since,
 * NULL for none; errno on error. */
const char *wg_daemon_filter(const char *pid);

/* Calls each for every process of root's or of our user that has such a daemon's name, until it
 * returns other than 0, which is returned. -1 with *err filled: there is no /proc. */
int wg_daemons_each(int (*each)(const char *pid, const char *daemon, void *to), void *to,
                    struct wg_error *err);

/*
 * Whether a daemon of ours has in its memory the definitions in the directory that is open at dir:
 * none may be changed behind its back. Returns 0 if none has, else -1 with *err filled.
 */
int wg_daemons_leave(int dir, struct wg_error *err);

#endif
