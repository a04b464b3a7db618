/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_FILTER_TURN_H
#define WG_FILTER_TURN_H

#include "libvirt_abi.h"

#include <stdbool.h>

/*
 * A start under the policy may be two starts and three definitions to libvirt, and between them the
 * guest looks stopped. For its clients it must be one: who defines, undefines or starts the same
 * guest meanwhile waits, as libvirt's own jobs have them wait while a guest starts. Nothing can
 * come between a look at a definition and its replacement, and no guest is made anew that its
 * owner has undefined. Only a destroy does not wait. A guest goes by its name, which libvirt keeps
 * unique, since the UUID of a transient one may not be known. Every function is safe in any thread.
 */

/* As long as libvirt's own jobs wait for each other (QEMU_JOB_WAIT_TIME). */
#define WG_TURN_SECONDS 30

struct wg_turn {
    const char *name; /* the guest's; the caller's, until the turn is given back */
    bool starts; /* it is a start */
    bool lost; /* somebody has destroyed the guest, or could not wait any longer */
    struct wg_turn *next;
};

/*
 * Waits for the guest's turn. Returns false if whoever has it would not give it back in time: the
 * caller goes on without, and does nothing of its own to the guest; nor does whoever has it, from
 * then on.
 */
bool wg_turn_take(struct wg_turn *turn, const char *name, bool starts);
void wg_turn_give(struct wg_turn *turn);

/*
 * Whether the guest is somebody else's now: it was destroyed since @turn was taken. Waits for the
 * destroys that have not returned yet, for only their results tell.
 */
bool wg_turn_lost(struct wg_turn *turn);

/*
 * A client's destroy; @flags as it gave them, or NULL for virDomainDestroy(). @ours: the filter
 * looks at this connection's calls, else libvirt's own is called and nothing else done. A guest
 * whose start has failed under the policy looks stopped, or gone if it is transient, until it is
 * started as it was. A destroy that meets it then has ended that start, and has not failed.
 */
int wg_turn_destroy(struct _virDomain *domain, const unsigned int *flags, bool ours);

/* A client's undefine, in its turn; @flags and @ours likewise. What was kept of it is forgotten. */
int wg_turn_undefine(struct _virDomain *domain, const unsigned int *flags, bool ours);

#endif
