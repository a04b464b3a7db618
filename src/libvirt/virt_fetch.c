/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Definitions, several requests in flight: most of such a request is waiting. */
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "virt_conn.h"

/* In flight on one connection; libvirtd lets a client have five (max_client_requests). */
#define THREADS 4

/* How far they may be ahead of who takes them. Chosen: a definition is some ten KiB. */
#define AHEAD 64

struct fetched {
    char *xml;
    char *why; /* xml is NULL: libvirt's words */
    bool over;
};

struct wg_virt_fetch {
    struct wg_virt_guest **guests;
    size_t count;
    enum wg_virt_xml which;
    struct fetched *fetched;
    size_t next; /* to be asked for */
    size_t taken;
    bool ended;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread[THREADS];
    size_t threads;
};

static struct fetched fetch(const struct wg_virt_guest *guest, enum wg_virt_xml which)
{
    struct fetched one = {.over = true};
    struct wg_error err;

    if (!guest->persistent)
        return one;
    one.xml = wg_virt_guest_xml(guest, which, &err);
    one.why = one.xml ? NULL : strdup(err.text);
    return one;
}

static void *work(void *to)
{
    struct wg_virt_fetch *run = to;

    pthread_mutex_lock(&run->lock);
    while (run->next < run->count && !run->ended) {
        if (run->next >= run->taken + AHEAD) {
            pthread_cond_wait(&run->changed, &run->lock);
            continue;
        }
        size_t place = run->next++;
        pthread_mutex_unlock(&run->lock);
        struct fetched one = fetch(run->guests[place], run->which);
        pthread_mutex_lock(&run->lock);
        run->fetched[place] = one;
        pthread_cond_broadcast(&run->changed);
    }
    pthread_mutex_unlock(&run->lock);
    return NULL;
}

struct wg_virt_fetch *wg_virt_fetch_begin(struct wg_virt_guest **guests, size_t count,
                                          enum wg_virt_xml which)
{
    struct wg_virt_fetch *run = calloc(1, sizeof(*run));

    if (!run)
        return NULL;
    *run = (struct wg_virt_fetch){.guests = guests,
                                  .count = count,
                                  .which = which,
                                  .fetched = calloc(count + 1, sizeof(*run->fetched)),
                                  .lock = PTHREAD_MUTEX_INITIALIZER,
                                  .changed = PTHREAD_COND_INITIALIZER};
    while (run->fetched && run->threads < THREADS && run->threads < count &&
           pthread_create(&run->thread[run->threads], NULL, work, run) == 0)
        run->threads++;
    if (run->fetched && (run->threads > 0 || count == 0))
        return run;
    wg_virt_fetch_end(run);
    return NULL;
}

char *wg_virt_fetch_take(struct wg_virt_fetch *run, size_t place, struct wg_error *err)
{
    pthread_mutex_lock(&run->lock);
    /* Those before it are left out, and nobody waits for them to be taken. */
    run->taken = place;
    pthread_cond_broadcast(&run->changed);
    while (!run->fetched[place].over)
        pthread_cond_wait(&run->changed, &run->lock);
    struct fetched one = run->fetched[place];
    run->fetched[place] = (struct fetched){.over = true};
    pthread_mutex_unlock(&run->lock);
    if (!one.xml)
        wg_fail(err, "%s", one.why ? one.why : "it has no definition");
    free(one.why);
    return one.xml;
}

void wg_virt_fetch_end(struct wg_virt_fetch *run)
{
    if (!run)
        return;
    pthread_mutex_lock(&run->lock);
    run->ended = true;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
    for (size_t i = 0; i < run->threads; i++)
        pthread_join(run->thread[i], NULL);
    for (size_t i = 0; run->fetched && i < run->count; i++) {
        wg_virt_forget(run->fetched[i].xml);
        free(run->fetched[i].why);
    }
    free(run->fetched);
    free(run);
}
