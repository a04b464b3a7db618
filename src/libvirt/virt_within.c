/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A connection that does not take forever. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "virt_conn.h"

/* Whoever is the last to need it frees it: who waits, or the thread that was not waited for. */
struct opening {
    char *uri;
    bool read_only;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t ended;
    bool over;
    bool abandoned;
    struct wg_virt *virt;
    struct wg_error err;
};

static atomic_bool left_behind;

int wg_virt_leave(int code)
{
    if (atomic_load(&left_behind)) {
        fflush(NULL);
        _exit(code);
    }
    return code;
}

static void discard(struct opening *opening)
{
    pthread_cond_destroy(&opening->ended);
    pthread_mutex_destroy(&opening->lock);
    free(opening->uri);
    free(opening);
}

static struct opening *prepare(const char *uri, bool read_only)
{
    struct opening *opening = calloc(1, sizeof(*opening));
    pthread_condattr_t attributes;

    if (!opening)
        return NULL;
    opening->read_only = read_only;
    opening->uri = strdup(uri);
    pthread_mutex_init(&opening->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&opening->ended, &attributes);
    pthread_condattr_destroy(&attributes);
    if (opening->uri)
        return opening;
    discard(opening);
    return NULL;
}

static void *connect_it(void *to)
{
    struct opening *opening = to;
    struct wg_error err = {0};
    struct wg_virt *virt = wg_virt_open(opening->uri, opening->read_only, &err);

    pthread_mutex_lock(&opening->lock);
    opening->virt = virt;
    opening->err = err;
    opening->over = true;
    bool abandoned = opening->abandoned;
    pthread_cond_signal(&opening->ended);
    pthread_mutex_unlock(&opening->lock);
    if (abandoned) {
        wg_virt_close(virt);
        discard(opening);
    }
    return NULL;
}

/* Returns whether it is over. */
static bool wait_for(struct opening *opening, unsigned seconds)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += seconds;
    pthread_mutex_lock(&opening->lock);
    while (!opening->over && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&opening->ended, &opening->lock, &until);
    bool over = opening->over;
    opening->abandoned = !over;
    pthread_mutex_unlock(&opening->lock);
    return over;
}

struct wg_virt *wg_virt_open_within(const char *uri, bool read_only, unsigned seconds,
                                    struct wg_error *err)
{
    struct opening *opening = prepare(uri, read_only);
    pthread_t thread;

    if (!opening || pthread_create(&thread, NULL, connect_it, opening) != 0) {
        if (opening)
            discard(opening);
        wg_no_memory(err);
        return NULL;
    }
    if (!wait_for(opening, seconds)) {
        pthread_detach(thread);
        atomic_store(&left_behind, true);
        wg_fail(err, "%s: no answer within %u s", uri, seconds);
        return NULL;
    }
    pthread_join(thread, NULL);
    struct wg_virt *virt = opening->virt;
    if (!virt)
        *err = opening->err;
    discard(opening);
    return virt;
}
