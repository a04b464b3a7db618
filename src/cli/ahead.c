/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ahead.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS_MAX 8
/* Files that a thread takes: with fewer, threads would wait for each other more than they judge. */
#define BATCH 16

struct batch {
    struct wg_judged judged[BATCH];
    bool done;
};

struct crew {
    const struct wg_cli_input *input;
    unsigned flags;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    size_t taken; /* batches that threads have taken */
    size_t told;
    size_t room; /* batches in ring: no thread is further ahead than that */
    struct batch *ring;
};

struct member {
    struct crew *crew;
    struct wg_engine *engine;
    pthread_t thread;
};

static size_t files_of(const struct crew *crew, size_t batch)
{
    size_t left = (size_t)crew->input->files - batch * BATCH;

    return left < BATCH ? left : BATCH;
}

static size_t batches_of(const struct wg_cli_input *input)
{
    return ((size_t)input->files + BATCH - 1) / BATCH;
}

static void judge(struct wg_engine *engine, const char *file, unsigned flags,
                  struct wg_judged *judged)
{
    char *xml;
    size_t len;

    judged->file = file;
    judged->verdict = wg_cli_judge(engine, file, flags, &xml, &len, &judged->err);
    if (judged->verdict)
        free(xml);
}

static void *work(void *argument)
{
    struct member *member = argument;
    struct crew *crew = member->crew;

    pthread_mutex_lock(&crew->lock);
    while (crew->taken < batches_of(crew->input)) {
        if (crew->taken - crew->told == crew->room) {
            pthread_cond_wait(&crew->changed, &crew->lock);
            continue;
        }
        size_t number = crew->taken++;
        struct batch *batch = &crew->ring[number % crew->room];

        pthread_mutex_unlock(&crew->lock);
        for (size_t i = 0; i < files_of(crew, number); i++)
            judge(member->engine, crew->input->file[number * BATCH + i], crew->flags,
                  &batch->judged[i]);
        pthread_mutex_lock(&crew->lock);
        batch->done = true;
        pthread_cond_broadcast(&crew->changed);
    }
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

static void tell_all(struct crew *crew, wg_ahead_tell *tell, void *context)
{
    for (size_t number = 0; number < batches_of(crew->input); number++) {
        struct batch *batch = &crew->ring[number % crew->room];

        pthread_mutex_lock(&crew->lock);
        while (!batch->done)
            pthread_cond_wait(&crew->changed, &crew->lock);
        pthread_mutex_unlock(&crew->lock);
        for (size_t i = 0; i < files_of(crew, number); i++) {
            tell(context, &batch->judged[i]);
            wg_verdict_free(batch->judged[i].verdict);
        }
        pthread_mutex_lock(&crew->lock);
        batch->done = false;
        crew->told++;
        pthread_cond_broadcast(&crew->changed);
        pthread_mutex_unlock(&crew->lock);
    }
}

/* Starts up to count threads, the first with the engine that there is, as many of the others as get
 * one of the same policy. Returns how many. */
static size_t hire(struct crew *crew, struct member *member, size_t count)
{
    struct wg_error unused;
    size_t hired = 0;

    for (; hired < count; hired++) {
        struct wg_engine *engine = hired == 0 ? crew->input->engine
                                              : wg_cli_open_engine(crew->input, &unused);

        /* What is read from files is read by one thread: iniparser has one place for its errors. */
        if (engine)
            wg_engine_take_files(engine);
        member[hired] = (struct member){.crew = crew, .engine = engine};
        if (engine && wg_engine_digest(engine) == wg_engine_digest(crew->input->engine) &&
            pthread_create(&member[hired].thread, NULL, work, &member[hired]) == 0)
            continue;
        if (hired > 0)
            wg_engine_close(engine);
        break;
    }
    return hired;
}

/* Returns false if no thread could be started, and nothing has been done. */
static bool judge_ahead(const struct wg_cli_input *input, unsigned flags, size_t threads,
                        wg_ahead_tell *tell, void *context)
{
    struct crew crew = {
        .input = input,
        .flags = flags,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
        .room = 4 * threads,
        .ring = calloc(4 * threads, sizeof(*crew.ring)),
    };
    struct member member[THREADS_MAX];
    size_t hired = crew.ring ? hire(&crew, member, threads) : 0;

    if (hired > 0)
        tell_all(&crew, tell, context);
    for (size_t i = 0; i < hired; i++) {
        pthread_join(member[i].thread, NULL);
        if (i > 0)
            wg_engine_close(member[i].engine);
    }
    free(crew.ring);
    return hired > 0;
}

void wg_cli_judge_all(const struct wg_cli_input *input, unsigned flags, wg_ahead_tell *tell,
                      void *context)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t threads = processors < 1 ? 1 : processors > THREADS_MAX ? THREADS_MAX : (size_t)processors;

    if (threads > batches_of(input))
        threads = batches_of(input);
    if (threads > 1 && judge_ahead(input, flags, threads, tell, context))
        return;
    for (int i = 0; i < input->files; i++) {
        struct wg_judged judged;

        judge(input->engine, input->file[i], flags, &judged);
        tell(context, &judged);
        wg_verdict_free(judged.verdict);
    }
}
