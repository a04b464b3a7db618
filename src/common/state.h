/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Small files that one process of ours leaves for another, in directories that nobody else may
 * enter. A file is there as a whole or not at all. Functions return -1 (or NULL) with errno; EPERM:
 * the directory belongs to somebody else, or others may write into it; if they may but enter it, it
 * is closed to them. libc only.
 */
#ifndef WG_STATE_H
#define WG_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* NAME_MAX of every file system in use, and the NUL. */
#define WG_STATE_NAME 256

/* What a file's name begins with until it is whole: no kind begins so. */
#define WG_STATE_FRESH "+"

/*
 * The name of the file of that kind that is about the guest of that name: any name of libvirt's,
 * dots, slashes and 4 KiB of UTF-8 included, fits. Long ones are cut and told apart by a hash.
 */
void wg_state_name(char file[WG_STATE_NAME], const char *kind, const char *guest);

/* Opens the directory, which is made if need be (its parent is not). Returns a descriptor. */
int wg_state_open(const char *dir);

/* Writes a file anew. sync: it must outlive a crash of the host. */
int wg_state_put(const char *dir, const char *file, const char *text, bool sync);

/* Reads a file of at most max bytes (EFBIG). Returns its text, to be freed by the caller. */
char *wg_state_get(const char *dir, const char *file, size_t max);

/* Removes a file. Returns whether it was there. */
bool wg_state_drop(const char *dir, const char *file);

/* Calls each for every file of that kind, with the part of its name behind "KIND.", until it
 * returns other than 0, which is returned. */
int wg_state_each(const char *dir, const char *kind,
                  int (*each)(const char *dir, const char *file, void *to), void *to);

/*
 * Takes the lock on a file, which goes with the process and its children. Returns a descriptor that
 * may be closed to give it back, -1 with errno EWOULDBLOCK if somebody else has it.
 */
int wg_state_lock(const char *dir, const char *file);

#endif
