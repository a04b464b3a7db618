/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit.h"

#include <stdlib.h>
#include <string.h>

#include "cli/discover/discover.h"

const struct wg_verdict *wg_finding_verdict(const struct wg_finding *finding)
{
    return finding->stored ? finding->stored : finding->live;
}

void wg_finding_age(const struct wg_finding *finding, char text[16])
{
    double minutes = finding->age / 60;

    if (finding->age < 0)
        *text = '\0';
    else if (minutes < 120)
        snprintf(text, 16, "%.0f min", minutes);
    else if (minutes < 2 * 24 * 60)
        snprintf(text, 16, "%.0f h", minutes / 60);
    else
        snprintf(text, 16, "%.0f d", minutes / 24 / 60);
}

bool wg_finding_is_among(const struct wg_finding *finding, const struct wg_list *only)
{
    const struct wg_verdict *verdict = wg_finding_verdict(finding);
    /* What could not be judged has no verdict. */
    const char *text = verdict && !finding->error ? wg_outcome_text(verdict->outcome) : "error";
    char word[32];

    snprintf(word, sizeof(word), "%s", text);
    char *blank = strchr(word, ' ');
    if (blank)
        *blank = '-';
    return only->count == 0 || wg_list_has(only, word) ||
           (finding->waits && wg_list_has(only, "waiting")) ||
           (wg_list_has(only, "wrong-clock") && wg_finding_clock_is_wrong(finding));
}

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

/* Chosen, in seconds: NTP's doing, drift that Kerberos bears (five minutes) and does not, a zone's.
 */
const unsigned wg_clock_bucket[WG_CLOCK_BUCKETS] = {1, 10, 60, 300, 1800, 3600, 43200};

struct wg_agent_answer *wg_said_ask(struct wg_source *source, struct wg_virt *virt,
                                    struct wg_virt_guest **guests, size_t count,
                                    struct wg_error *err)
{
    struct wg_agent_answer *answer = calloc(count + 1, sizeof(*answer));

    source->said = calloc(1, sizeof(*source->said));
    if (!answer || !source->said)
        wg_no_memory(err);
    else if (count == 0 || wg_agent_ask(virt, guests, count, answer, err) == 0)
        return answer;
    free(answer);
    return NULL;
}

void wg_said_take(struct wg_discovery *said, bool local, const struct wg_verdict *verdict,
                  const struct wg_agent_answer *answer)
{
    said->os = verdict->os;
    said->evidence = verdict->evidence;
    said->answer = *answer;
    if (local)
        wg_discovery_read_zone(said);
}

static int note_wrong(struct wg_said *said, const char *name, const char *uuid, double error)
{
    if (said->n_wrong++ >= WG_WRONG_CLOCKS_MAX)
        return 0;
    struct wg_wrong_clock *clock = &said->wrong[said->n_wrong - 1];

    clock->name = strdup(name);
    snprintf(clock->uuid, sizeof(clock->uuid), "%s", uuid);
    clock->error = error;
    return clock->name ? 0 : -1;
}

static int count_clock(struct wg_said *said, const char *name, const char *uuid,
                       const struct wg_discovery *guest)
{
    double error = guest->answer.clock_error;
    double off = error < 0 ? -error : error;
    char text[200];
    bool wrong;

    said->clocks++;
    said->clock_errors += off;
    for (size_t i = 0; i < WG_CLOCK_BUCKETS; i++)
        said->within[i] += off <= wg_clock_bucket[i];
    wg_discovery_clock(guest, text, &wrong);
    return wrong ? note_wrong(said, name, uuid, error) : 0;
}

int wg_said_count(struct wg_said *said, const char *name, const char *uuid,
                  const struct wg_discovery *guest)
{
    said->agents[guest->answer.state]++;
    said->unmarked += wg_discovery_kind(guest) == WG_FOUND_UNMARKED;
    return guest->answer.has_time ? count_clock(said, name, uuid, guest) : 0;
}

void wg_said_free(struct wg_said *said)
{
    for (size_t i = 0; said && i < WG_WRONG_CLOCKS_MAX; i++)
        free(said->wrong[i].name);
    free(said);
}

bool wg_finding_clock_is_wrong(const struct wg_finding *finding)
{
    char text[200];
    bool wrong = false;

    if (finding->said)
        wg_discovery_clock(finding->said, text, &wrong);
    return wrong;
}
