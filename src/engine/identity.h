/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A definition that somebody wrote, as the guest that libvirt has made of it. */
#ifndef WG_IDENTITY_H
#define WG_IDENTITY_H

#include "winguest.h"

/*
 * Gives previous the identity that the guest has in now: its name and UUID, and what libvirt made
 * up where previous says nothing: the ID of its generation and the addresses of its interfaces.
 * Without them it would be defined as a machine with other network cards. Returns a document for
 * the caller to free, or NULL with *err filled.
 */
char *wg_with_identity(const char *previous, size_t previous_len, const char *now, size_t now_len,
                       size_t *len, struct wg_error *err);

#endif
