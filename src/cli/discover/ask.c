/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The asking, of several hosts at a time. */
#include <pthread.h>
#include <stdlib.h>

#include "cli/options.h"
#include "discover.h"

/* The hosts that are asked, by several threads. */
struct round {
    struct wg_asked_host *hosts;
    size_t count;
    unsigned timeout;
    pthread_mutex_t lock; /* of next */
    size_t next;
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

static void *ask_some(void *to)
{
    struct round *round = to;

    for (;;) {
        pthread_mutex_lock(&round->lock);
        size_t i = round->next++;
        pthread_mutex_unlock(&round->lock);
        if (i >= round->count || wg_agent_stopped_by())
            return NULL;
        ask_host(&round->hosts[i], round->timeout);
    }
}

void wg_discovery_ask(struct wg_asked_host *hosts, size_t count, unsigned jobs, unsigned timeout)
{
    struct round round = {hosts, count, timeout, PTHREAD_MUTEX_INITIALIZER, 0};
    pthread_t thread[WG_JOBS_MAX];
    size_t threads = 0;

    while (threads < jobs && threads < count &&
           pthread_create(&thread[threads], NULL, ask_some, &round) == 0)
        threads++;
    if (threads == 0)
        ask_some(&round);
    for (size_t i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
}

void wg_asked_host_clear(struct wg_asked_host *host)
{
    free(host->answer);
    free(host->name);
    wg_virt_guests_free(host->guests, host->count);
    wg_virt_close(host->virt);
}
