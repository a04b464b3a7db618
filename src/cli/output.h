/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Standard output, or a file that is there whole or not at all. */
#ifndef WG_OUTPUT_H
#define WG_OUTPUT_H

#include "common/text.h"

struct wg_output {
    FILE *file;
    const char *path; /* NULL: standard output */
    char *target; /* the file that a link leads to */
    char *fresh; /* becomes target; NULL: that is no regular file, and is written to as it is */
};

/* path NULL is standard output. A file of root's or of the caller's keeps its owner and its mode;
 * a new one is for all to read. Another user's link is refused. Returns 0, or -1 with *err filled.
 */
int wg_output_open(struct wg_output *output, const char *path, struct wg_error *err);

/* Puts what was written in its place. Returns 0, or -1 with *err filled and nothing changed. */
int wg_output_commit(struct wg_output *output, struct wg_error *err);
void wg_output_abandon(struct wg_output *output);

#endif
