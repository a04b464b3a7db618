/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that decide what root does: only root, or the user we run as, may have written them. */
#ifndef WG_SAFE_H
#define WG_SAFE_H

#include "text.h"

/*
 * Opens a regular file for reading if it and the directories that hold it (where it is named and
 * where it really is) belong to root or the effective user and nobody else may write them.
 * Returns a descriptor with FD_CLOEXEC, or -1 with *err filled and errno kept (ENOENT: no file).
 */
int wg_safe_open(const char *path, struct wg_error *err);

/* The same for a directory, and for a file in one that was opened so, at dir; path is its whole
 * name. A file that is a link is opened as above. */
int wg_safe_open_directory(const char *path, struct wg_error *err);
int wg_safe_open_in(int dir, const char *path, struct wg_error *err);

#endif
