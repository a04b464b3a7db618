/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_TEST_DOUBLE_H
#define WG_TEST_DOUBLE_H

#include "hooks/filter/libvirt_abi.h"

#include <stdbool.h>

/*
 * A stand-in for libvirt, for the daemon filter only: guests in memory, one lock, the rules that
 * matter to the filter (read-only connections, an error object a thread that every public call
 * resets, freed connections whose address comes back). <policy/> in a document stands for the
 * policy: a fake engine puts it there. What a guest is called says how it behaves:
 *
 *   refuse*     its definition with <policy/> is refused
 *   nostart*    with <policy/> it does not start
 *   late*       nor does this, and the next start meets the end of that QEMU
 *   twice*      the same while it starts, in words that nobody knows
 *   signal*     the same, after a first start that was ended in the same words
 *   lost*       the same a moment after that start has succeeded
 *   moved*      its next start is as that, but that somebody has moved it away then
 *   broken*     it does not start at all, and says something else each time
 *   alike*      it does not start at all, and says the same each time, but for a number
 *   edited*     its definition is edited by somebody else as soon as one has read it
 *   meddled*    it is edited by somebody else while it fails to start
 *   secret*     the client may not read its definition with the secrets
 *   hidden*     the client may not look at it
 *   readonly*   the client may not write its definition
 */

/* What a domain looks like from outside of the public API; copies, for free(). */
char *double_definition(const char *name); /* NULL if there is none */
char *double_running(const char *name); /* the XML it runs with; NULL if it does not run */
void double_destroy(const char *name);
void double_undefine(const char *name);
void double_edit(const char *name, const char *definition);
void double_set_managed_save(const char *name, bool saved);

/* Text of this thread's error, "" if there is none. */
const char *double_error(void);

int double_live_connections(void);
int double_live_domains(void);
int double_live_errors(void);

/* Calls that got a document with <policy/> over a connection that must never see one. */
int double_wrongly_filtered(void);
int double_defines(void);
int double_starts(void);

#endif
