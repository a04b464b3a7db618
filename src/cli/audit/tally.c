/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "audit.h"

/* Returns the place's count, NULL without memory. */
static size_t *tally_place(struct wg_tally *tally, const char *where)
{
    size_t at = 0;

    while (at < tally->n_places && strcmp(tally->places[at].where, where) != 0)
        at++;
    if (at == tally->n_places) {
        struct wg_place_count *grown = realloc(tally->places, (at + 1) * sizeof(*grown));

        if (!grown)
            return NULL;
        tally->places = grown;
        grown[at] = (struct wg_place_count){strdup(where), 0};
        if (!grown[at].where)
            return NULL;
        tally->n_places++;
    }
    return &tally->places[at].count;
}

int wg_tally_add(struct wg_tally *tally, const struct wg_verdict *verdict)
{
    tally->outcome[verdict->outcome]++;
    for (size_t i = 0; i < verdict->n_differences; i++) {
        size_t *count = tally_place(tally, verdict->differences[i].where);

        if (!count)
            return -1;
        ++*count;
    }
    return 0;
}

void wg_tally_demand(void *to, const char *section, const char *key, const char *value,
                     unsigned line)
{
    struct wg_source *source = to;

    (void)section;
    (void)line;
    if (*value && (strncmp(key, "timer.", 6) == 0 || strncmp(key, "hyperv.", 7) == 0 ||
                   strcmp(key, "clock.offset") == 0)) {
        tally_place(&source->stored, key);
        tally_place(&source->live, key);
    }
}

void wg_tally_clear(struct wg_tally *tally)
{
    for (size_t i = 0; i < tally->n_places; i++)
        free(tally->places[i].where);
    free(tally->places);
    *tally = (struct wg_tally){0};
}
