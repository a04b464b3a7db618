/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the last `winguest apply` replaced: a directory that only root may enter, with a file a
 * guest that holds its old definition, passwords included. It goes once it is used, with the next
 * apply, or after a week. What `apply --offline` replaces, which may run at each start of the
 * daemon, is added to it.
 */
#ifndef WG_UNDO_H
#define WG_UNDO_H

#include <stdint.h>

#include "common/text.h"

/* Tells one definition from another: an edit, not an attack. Never 0. */
uint64_t wg_undo_digest(const char *xml);

/* Removes what there is and starts a new record for the host at that URI. Returns 0, or -1 with
 * *err filled. */
int wg_undo_begin(const char *uri, struct wg_error *err);

/* Goes on with the record, for another week, if it is of the host at that URI, else begins one. */
int wg_undo_go_on(const char *uri, struct wg_error *err);

/* Keeps the definition of a guest before it is replaced. Returns 0, or -1 with *err filled. */
int wg_undo_keep(const char *uuid, const char *xml, struct wg_error *err);

/* Keeps what tells the new definition from another: as libvirt gives it back, or the bytes of its
 * file. An undo must not take away what somebody changed since. */
int wg_undo_seal(const char *uuid, const char *xml, struct wg_error *err);
bool wg_undo_is_sealed(const char *uuid, const char *xml);

/* The URI of the record; for the caller to free, NULL with *err filled if there is no record. */
char *wg_undo_uri(struct wg_error *err);

/* The old definition of a guest, for the caller to free; NULL with *err empty if the record does
 * not have it. */
char *wg_undo_find(const char *uuid, struct wg_error *err);

void wg_undo_forget(const char *uuid);

/* Removes the record if nothing is left in it, or if it is over a week old. */
void wg_undo_sweep(void);

#endif
