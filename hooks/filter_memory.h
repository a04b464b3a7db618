/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_FILTER_MEMORY_H
#define WG_FILTER_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "../src/common/hash.h"
#include "../src/text.h" /* WG_UUID_SIZE */

/*
 * What clients said of guests that were then defined with the policy and have not been started
 * since. A client defines now and starts later; if the guest does not start, only this knows what
 * its definition would have been without us. It lives in the daemon's memory alone, as the
 * definitions' passwords do in libvirt's: a restarted daemon has forgotten it, as it has when more
 * than WG_MEMORY_GUESTS others were defined since. Every function is safe in any thread.
 */
#define WG_MEMORY_GUESTS 256
/* Together 16 MiB at most; a domain with a hundred disks has some 40 KiB. */
#define WG_MEMORY_XML_MAX (64 * 1024)

/* Remembers a copy of @xml as what the client said of guest @uuid, now stored as @stored. */
void wg_memory_keep(const char *uuid, const char *xml, const struct wg_fingerprint *stored);

/* Whether anything is remembered of guest @uuid. */
bool wg_memory_has(const char *uuid);

/*
 * What the client said of guest @uuid, for free(), if it is stored as it was then; else NULL.
 * Either way it is forgotten.
 */
char *wg_memory_take(const char *uuid, const struct wg_fingerprint *stored);

void wg_memory_forget(const char *uuid);

#endif
