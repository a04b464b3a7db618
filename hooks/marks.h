/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one call of the hook tells a later one: empty or tiny files in a directory of ours that
 * nobody else may enter. All of it may fail (no such directory, full, not root): a missing mark
 * costs time, never a guest, so nothing here reports errors. libc only.
 */
#ifndef WG_MARKS_H
#define WG_MARKS_H

#include <stdbool.h>

/* Opens the directory, which is made if need be. Returns a descriptor with FD_CLOEXEC, or -1 with
 * errno: it is not there, or others may enter it. */
int wg_open_state(void);

/*
 * `prepare` found nothing to enforce on the guest of that name: `started` need not look again. In
 * two steps, because the one that finds that can open no file any more: the first makes a mark that
 * says nothing and returns its descriptor, or -1, to be given to the second, which closes it.
 */
int wg_begin_settled(const char *guest);
void wg_settle(int mark);

/* Takes the mark away; tells whether it was there and settled. */
bool wg_take_settled(const char *guest);

/* The guest of that name has announced itself as migrating in or being restored. */
void wg_mark_in_flight(const char *guest);

/* Takes the mark away; tells whether it was there and is not over 60 s old. */
bool wg_take_in_flight(const char *guest);

/* The filter starts the guest of that name as it was, because it cannot start under the policy: a
 * repair would only fail likewise. */
void wg_mark_rolled_back(const char *guest);

/* Takes the mark away; tells whether it was there and is not over 60 s old. */
bool wg_take_rolled_back(const char *guest);

#endif
