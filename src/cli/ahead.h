/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many files are judged by as many threads as there are processors, ahead of the one who tells of
 * them in their order. It takes the memory of 64 verdicts a thread, however many files there are. */
#ifndef WG_AHEAD_H
#define WG_AHEAD_H

#include "cli.h"

struct wg_judged {
    const char *file;
    struct wg_verdict *verdict; /* NULL: err tells why */
    struct wg_error err;
};

typedef void wg_ahead_tell(void *context, const struct wg_judged *judged);

/* Judges the files of input and tells of each, in the caller's thread. */
void wg_cli_judge_all(const struct wg_cli_input *input, unsigned flags, wg_ahead_tell *tell,
                      void *context);

#endif
