/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a guest was defined as before the policy was put into its definition, until it has once
 * booted under the policy: should it not start so, it gets that back. A file a guest below
 * WG_VARDIR, which only root may enter, as it holds whole definitions, passwords included; it
 * outlives the daemon and the host's reboot. At most WG_KEPT_GUESTS of them, of guests that are
 * defined; none is kept longer than WG_KEPT_DAYS. libc only, safe in any thread.
 */
#ifndef WG_KEPT_H
#define WG_KEPT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#define WG_KEPT_GUESTS 1024
/* A domain with a hundred disks has some 40 KiB. */
#define WG_KEPT_BYTES (256 * 1024)
/* Guests run for years until their next cold boot. */
#define WG_KEPT_DAYS 1000

/*
 * Whether previous could be kept: to be asked before the policy is put in its place, as a guest
 * that then does not start has no way back. Returns 0, or -1 with errno as wg_kept_put.
 */
int wg_kept_room(const char *previous);

/*
 * Keeps previous, and that it was replaced by what libvirt now gives out as stored (both with
 * INACTIVE and SECURE). Returns 0, or -1 with errno (EFBIG: over WG_KEPT_BYTES; ENOSPC: also if
 * there are WG_KEPT_GUESTS of them).
 */
int wg_kept_put(const char *uuid, const char *previous, const char *stored);

/*
 * The same for a definition that was replaced in libvirt's own file while no daemon ran, when
 * nobody knows what libvirt will give out: file is how it is there. libvirt writes a file anew, and
 * under the old name, whenever a definition changes.
 */
int wg_kept_put_offline(const char *uuid, const char *previous, const struct stat *file);

/*
 * The definition that was kept of the guest of that name, for the caller to free; NULL if nothing
 * is kept. *edited tells whether somebody has edited the guest since, so that it is not defined as
 * stored any more; if edited is NULL, such a guest has nothing kept, and errno is ESTALE.
 */
char *wg_kept_get(const char *uuid, const char *name, const char *stored, bool *edited);

/* Whether what is kept was replaced while no daemon ran, and when. */
bool wg_kept_offline_since(const char *uuid, time_t *since);

bool wg_kept_has(const char *uuid);
void wg_kept_forget(const char *uuid);

/* The hook is to follow that guest's next cold start: should it fail, nobody else gives it back
 * what was kept. Forgotten with it, as the doubt is. */
void wg_kept_follow(const char *uuid);
bool wg_kept_followed(const char *uuid);

/* Its start has come to an end that may have been its owner's. Returns whether one had before. */
bool wg_kept_doubt(const char *uuid);
bool wg_kept_doubted(const char *uuid);

/* The guest did not start under the policy of that digest: none of ours puts it into the definition
 * again, until the policy changes or wg_kept_allow. */
void wg_kept_refuse(const char *uuid, uint64_t policy);
bool wg_kept_refused(const char *uuid, uint64_t policy);
void wg_kept_allow(const char *uuid);

#endif
