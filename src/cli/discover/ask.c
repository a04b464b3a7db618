/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The asking, of several hosts at a time. */
#include <stdlib.h>

#include "cli/parallel.h"
#include "discover.h"

struct round {
    struct wg_asked_host *hosts;
    unsigned timeout;
};

static int ask_guests(struct wg_asked_host *host, unsigned timeout)
{
    struct wg_error *err = &host->error;

    host->virt = wg_virt_open_within(host->uri, false, timeout, err);
    host->name = host->virt ? wg_virt_host(host->virt, err) : NULL;
    host->guests = host->name ? wg_virt_guests(host->virt, &host->count, err) : NULL;
    if (!host->guests)
        return -1;
    host->answer = calloc(host->count + 1, sizeof(*host->answer));
    if (!host->answer)
        return wg_no_memory(err);
    return host->count == 0
               ? 0
               : wg_agent_ask(host->virt, host->guests, host->count, host->answer, err);
}

static void ask_host(struct wg_asked_host *host, unsigned timeout)
{
    if (ask_guests(host, timeout) == 0)
        return;
    if (host->virt)
        wg_fail_in(&host->error, "%s", host->uri);
    free(host->answer);
    host->answer = NULL;
}

static void ask_one(void *to, size_t place)
{
    const struct round *round = to;

    if (!wg_agent_stopped_by())
        ask_host(&round->hosts[place], round->timeout);
}

void wg_discovery_ask(struct wg_asked_host *hosts, size_t count, unsigned jobs, unsigned timeout)
{
    struct round round = {hosts, timeout};

    wg_parallel(jobs, count, ask_one, &round);
}

void wg_asked_host_clear(struct wg_asked_host *host)
{
    free(host->answer);
    free(host->name);
    wg_virt_guests_free(host->guests, host->count);
    wg_virt_close(host->virt);
}
