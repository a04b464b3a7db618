/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "choice.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

int wg_choice_open(struct wg_choice *choice)
{
    choice->used = calloc((size_t)choice->globs + 1, sizeof(*choice->used));
    if (choice->used)
        return 0;
    wg_cli_error("apply", "out of memory");
    return -1;
}

void wg_choice_close(struct wg_choice *choice)
{
    free(choice->used);
}

bool wg_choice_has(struct wg_choice *choice, const char *name)
{
    bool fits = choice->all;

    for (int i = 0; i < choice->globs; i++) {
        if (strcmp(choice->glob[i], name) == 0 || fnmatch(choice->glob[i], name, 0) == 0)
            fits = choice->used[i] = true;
    }
    return fits;
}

bool wg_choice_missed(const struct wg_choice *choice)
{
    bool missed = false;

    for (int i = 0; i < choice->globs; i++) {
        if (choice->used[i])
            continue;
        wg_cli_error("apply", "%s: no such guest", choice->glob[i]);
        missed = true;
    }
    return missed;
}
