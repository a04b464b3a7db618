/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guests that `winguest apply` is about. */
#ifndef WG_CLI_CHOICE_H
#define WG_CLI_CHOICE_H

#include <stdbool.h>

struct wg_choice {
    bool all;
    char **glob; /* names, or globs that fit them */
    int globs;
    bool *used; /* per glob: some guest fitted it */
};

/* With the rest of it filled. Returns 0, or -1 after having printed why. */
int wg_choice_open(struct wg_choice *choice);
void wg_choice_close(struct wg_choice *choice);

bool wg_choice_has(struct wg_choice *choice, const char *name);

/* Once all guests were asked for: whether some name or glob fitted none, which is printed. */
bool wg_choice_missed(const struct wg_choice *choice);

#endif
