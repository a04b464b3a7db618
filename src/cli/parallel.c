/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parallel.h"

#include <pthread.h>
#include <stdatomic.h>

#include "options.h"

struct work {
    size_t count;
    wg_parallel_fn *do_one;
    void *to;
    atomic_size_t next;
};

static void *do_some(void *argument)
{
    struct work *work = argument;
    size_t place;

    while ((place = atomic_fetch_add(&work->next, 1)) < work->count)
        work->do_one(work->to, place);
    return NULL;
}

void wg_parallel(unsigned jobs, size_t count, wg_parallel_fn *do_one, void *to)
{
    struct work work = {.count = count, .do_one = do_one, .to = to};
    pthread_t thread[WG_JOBS_MAX];
    size_t threads = 0;

    while (threads < jobs && threads < count &&
           pthread_create(&thread[threads], NULL, do_some, &work) == 0)
        threads++;
    if (threads == 0)
        do_some(&work);
    for (size_t i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
}
