/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Documents, read and written whole, and our programs' descriptors. libc only. */
#ifndef WG_IO_H
#define WG_IO_H

#include <stdio.h>

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

/* Writes all of it to a descriptor. Returns 0, or -1 with errno. */
int wg_write_all(int fd, const char *text, size_t len);

/* Microseconds, on a clock that nobody sets. */
long long wg_now_us(void);

/* Keeps the numbers 0, 1 and 2, where the caller closed them, from what is opened next: an answer
 * printed into number 1 must not go into a file or to syslog. Reading and writing fail, as before.
 */
void wg_hold_standard_descriptors(void);

/* Variables that close, or free, what they hold at the end of their block; errno stays. */
void wg_closed(const int *fd);
void wg_closed_file(FILE *const *file);
void wg_freed(char *const *text);
#define WG_CLOSED __attribute__((cleanup(wg_closed))) int
#define WG_CLOSED_FILE __attribute__((cleanup(wg_closed_file))) FILE
#define WG_FREED __attribute__((cleanup(wg_freed))) char

#endif
