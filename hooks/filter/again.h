/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_FILTER_AGAIN_H
#define WG_FILTER_AGAIN_H

#include "libvirt_abi.h"
#include "turn.h"

#include <stdbool.h>

/*
 * A start under the policy has failed, and the guest is started as it was. A thread of libvirt's
 * may not have dealt with the end of the failed QEMU yet, and ends whichever QEMU the guest has by
 * then (9.0: processMonitorEOFEvent knows the guest only; one thread does this for all guests). So
 * the first try waits 0.2 s, in ten turns, each of which takes the longer the more threads want the
 * processor, as that thread does. Where that was not enough, the start fails though nobody has
 * stopped the guest, or the guest is gone a moment after it; it is then tried again, twice at most
 * and after twice the wait each time.
 */
struct wg_again {
    struct wg_turn *turn;
    struct _virError *error; /* of the start that the client asked for */
    char *said; /* its text; NULL without memory for it */
    int tries;
    int code; /* of the last try's error, which goes into the log; its text may hold secrets */
};

/* To be called while libvirt's error object still has the error of the start that has failed. */
void wg_again_begin(struct wg_again *again, struct wg_turn *turn);

/* Whether the guest is off, or is soon: where that thread ends the QEMU of a failed start, that
 * start returns earlier (7.0). Nobody else starts the guest in our turn. */
bool wg_again_is_off(struct _virDomain *domain);

/*
 * Whether the guest is to be started now, with a mark for the hook that this is a way back. Not if
 * the last try has failed as the client's start did, in the same words: then it is not the policy
 * that it fails of. Words and not kinds are compared, since libvirt has many for a QEMU that it
 * has ended itself, and translates them. Not either once the turn is lost.
 */
bool wg_again_try(struct wg_again *again);

/* To be asked after a try that has worked: false if the guest has lost its QEMU within a second
 * and nobody has stopped, saved or moved it. */
bool wg_again_stays_up(struct _virDomain *domain);

/* Frees what there is. If the guest is not started (@failed) the client gets its own start's
 * error, or, where libvirt no longer exports what that takes, that of the last call. */
void wg_again_end(struct wg_again *again, bool failed);

#endif
