/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading a document whole. */
#ifndef WG_INPUT_H
#define WG_INPUT_H

#include <stddef.h>

#include "error.h"

/* The largest domain XML that is looked at, in bytes. libvirt's own RPC carries 4 MiB
 * (REMOTE_STRING_MAX in its remote_protocol.x); the hook's standard input knows no such bound. */
#define WG_XML_MAX ((size_t)32 << 20)

/*
 * Reads a descriptor to its end, WG_XML_MAX bytes at most.
 * Returns the bytes, to be freed by the caller, and their number in *len; NULL with *err filled.
 */
char *wg_read_all(int fd, size_t *len, struct wg_error *err);

/* The same, max bytes at most: a whole number of MiB. */
char *wg_read_up_to(int fd, size_t max, size_t *len, struct wg_error *err);

#endif
