/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One line that says what went wrong, "context: cause", without a newline. libc only. */
#ifndef WG_ERROR_H
#define WG_ERROR_H

#include <stdbool.h>

struct wg_error {
    char text[1024];
    bool no_memory; /* what was asked for may be right, and there was no way to look */
};

#define WG_PRINTF(string, first) __attribute__((format(printf, string, first)))

/* Fills *err; returns -1, so that a caller may return it. */
int wg_fail(struct wg_error *err, const char *format, ...) WG_PRINTF(2, 3);

/* Puts "context: " before what *err says already; returns -1. */
int wg_fail_in(struct wg_error *err, const char *format, ...) WG_PRINTF(2, 3);

/* The one message for a failed allocation; returns -1. */
int wg_no_memory(struct wg_error *err);

#endif
