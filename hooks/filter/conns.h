/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_FILTER_CONNS_H
#define WG_FILTER_CONNS_H

#include <stdbool.h>

/*
 * The connections whose calls the filter may look into: those that the daemon opened read-write on
 * its own QEMU driver. One that is not in the set is passed through, so that an unknown one, and
 * memory that ran out, err on the side of doing nothing. Every function is safe in any thread.
 */

/* Adds @conn. Without memory it is not added. */
void wg_conns_add(const void *conn);

/* Removes @conn, if it is there. */
void wg_conns_forget(const void *conn);

bool wg_conns_has(const void *conn);

#endif
