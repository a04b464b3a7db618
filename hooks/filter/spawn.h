/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_FILTER_SPAWN_H
#define WG_FILTER_SPAWN_H

#include <sys/types.h>

struct wg_spawned {
    pid_t pid;
    int in; /* the writing end of its stdin */
    int out; /* the reading end of its stdout */
};

/*
 * Starts the program at @path as a child with default signals, an empty signal mask, a process
 * group of its own, no descriptor but 0, 1 and 2 (2 is /dev/null), "/" as its directory and an
 * environment of PATH and LC_ALL. Returns 0 or an errno, that of exec included. The caller closes
 * both ends, which are non-blocking and close-on-exec, and reaps the child.
 */
int wg_spawn(const char *path, char *const *argv, struct wg_spawned *child);

#endif
