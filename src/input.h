/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading a document whole. */
#ifndef WG_INPUT_H
#define WG_INPUT_H

#include "text.h"

/*
 * Reads a descriptor to its end, WG_XML_MAX bytes at most.
 * Returns the bytes, to be freed by the caller, and their number in *len; NULL with *err filled.
 */
char *wg_read_all(int fd, size_t *len, struct wg_error *err);

/* The same, max bytes at most: a whole number of MiB. */
char *wg_read_up_to(int fd, size_t max, size_t *len, struct wg_error *err);

#endif
