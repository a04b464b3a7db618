/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "cli/discover/discover.h"

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
