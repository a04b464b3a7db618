/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Our programs' standard descriptors. libc only. */
#ifndef WG_DESCRIPTORS_H
#define WG_DESCRIPTORS_H

/* Keeps the numbers 0, 1 and 2, where the caller closed them, from what is opened next: an answer
 * printed into number 1 must not go into a file or to syslog. Reading and writing fail, as before.
 */
void wg_hold_standard_descriptors(void);

#endif
