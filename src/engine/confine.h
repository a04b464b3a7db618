/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a process can still reach once it looks at what a tenant may have written. */
#ifndef WG_CONFINE_H
#define WG_CONFINE_H

#include <stdbool.h>

enum wg_confinement {
    WG_CONFINE_ALL, /* its memory, and the descriptors that are open */
    WG_CONFINE_READ, /* files, too, but only to read them */
};

/*
 * Confines this process for good, by Landlock where the kernel has it: no file can be written,
 * made, removed or executed any more, no TCP port (Linux 6.7) and no other process (6.12) reached.
 * Under WG_CONFINE_ALL no file can be opened either, on any kernel no new descriptor made, and a
 * process of root's goes on as nobody, without capabilities. Returns whether Landlock was there.
 */
bool wg_confine(enum wg_confinement confinement);

#endif
