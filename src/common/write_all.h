/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing a document whole. libc only. */
#ifndef WG_WRITE_ALL_H
#define WG_WRITE_ALL_H

#include <stddef.h>

/* Writes all of it to a descriptor. Returns 0, or -1 with errno. */
int wg_write_all(int fd, const char *text, size_t len);

#endif
