/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Out of memory in libxml2 or libxslt. */
#ifndef WG_MEMORY_H
#define WG_MEMORY_H

/*
 * From now on the process ends by SIGABRT, without a core, when libxml2 or libxslt are out of
 * memory. Neither survives it: they lose text without a word, or crash later on. An answer made of
 * such a tree could be anything, and libvirt's own library ends its process at that too.
 */
void wg_memory_guard(void);

#endif
