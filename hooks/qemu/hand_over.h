/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Leaves a guest to a process that outlives the hook. libc only. */
#ifndef WG_HAND_OVER_H
#define WG_HAND_OVER_H

#define WG_HAND_OVER_ARGUMENTS 8

/*
 * Starts `winguest repair ARGUMENTS` (NULL behind the last) in a session of its own, without a
 * descriptor or variable of ours: libvirt waits until nobody holds the hook's output any more.
 * Returns 0 when it runs, or the errno of what failed.
 */
int wg_hand_over(const char *const *arguments);

#endif
