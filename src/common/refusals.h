/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How often libvirt has refused a definition with the policy, and taken it without. libc only. */
#ifndef WG_REFUSALS_H
#define WG_REFUSALS_H

/* Once more. Returns how often in a row, as wg_refusals does. */
unsigned wg_refusals_add(void);
unsigned wg_refusals(void);

/* It has taken one with the policy. */
void wg_refusals_end(void);

#endif
