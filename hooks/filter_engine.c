/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "filter_engine.h"
#include "filter_child.h"
#include "filter_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

/* The most that the configuration allows, in src/policy.c. */
#define DEADLINE_MAX_S 60
/* Two short lines. */
#define SETTINGS_MAX 4096

static long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

bool wg_filter_paused(struct wg_filter_engine *engine)
{
    return now_ms() < atomic_load(&engine->paused_until_ms);
}

static void was_good(struct wg_filter_engine *engine)
{
    atomic_store(&engine->late, 0);
}

/*
 * When a host boots, many guests start at once: without the pause each would wait its deadline for
 * an engine that is known not to answer. After the pause one more deadline renews it.
 */
static void was_late(struct wg_filter_engine *engine)
{
    long long now = now_ms();
    long long until = atomic_load(&engine->paused_until_ms);

    if (atomic_fetch_add(&engine->late, 1) + 1 < WG_FILTER_LATE_MAX || now < until)
        return;
    /* of the threads that were late together one says it */
    if (atomic_compare_exchange_strong(&engine->paused_until_ms, &until, now + WG_FILTER_PAUSE_MS))
        wg_filter_log(LOG_ERR, NULL, NULL,
                      "%s did not answer in time %d times in a row: for %d s every guest goes "
                      "through as its client says, without the policy",
                      engine->program, WG_FILTER_LATE_MAX, WG_FILTER_PAUSE_MS / 1000);
}

static void describe(const struct wg_child_reply *reply, int deadline_ms, char *out, size_t size)
{
    switch (reply->end) {
    case WG_CHILD_EXITED:
        if (reply->code != 0)
            snprintf(out, size, "exited with status %d", reply->code);
        else
            snprintf(out, size, "answered with something that is not a domain");
        break;
    case WG_CHILD_KILLED:
        snprintf(out, size, "was killed by signal %d", reply->code);
        break;
    case WG_CHILD_LATE:
        snprintf(out, size, "did not answer within %d s", deadline_ms / 1000);
        break;
    case WG_CHILD_FLOOD:
        snprintf(out, size, "answered with more than it may");
        break;
    case WG_CHILD_LOST:
        snprintf(out, size, "was reaped by somebody else");
        break;
    case WG_CHILD_FAULT:
        errno = reply->code;
        snprintf(out, size, "could not be run: %m");
        break;
    }
}

static const struct wg_filter_settings defaults = {WG_FILTER_DEADLINE_S * 1000, true};

static bool parse_deadline(const char *value, struct wg_filter_settings *settings)
{
    char *end;
    long seconds = strtol(value, &end, 10);

    if (end == value || (*end != '\n' && *end != '\0') || seconds < 1 || seconds > DEADLINE_MAX_S)
        return false;
    settings->deadline_ms = (int)seconds * 1000;
    return true;
}

static bool parse_rollback(const char *value, struct wg_filter_settings *settings)
{
    size_t len = strcspn(value, "\n");

    settings->rollback = len == 3 && strncmp(value, "yes", len) == 0;
    return settings->rollback || (len == 2 && strncmp(value, "no", len) == 0);
}

bool wg_filter_parse_settings(const char *text, struct wg_filter_settings *settings)
{
    struct wg_filter_settings read = *settings;
    bool deadline = false, rollback = false;

    while (*text != '\0') {
        if (strncmp(text, "deadline=", 9) == 0)
            deadline = parse_deadline(text + 9, &read);
        else if (strncmp(text, "rollback=", 9) == 0)
            rollback = parse_rollback(text + 9, &read);
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    if (deadline && rollback)
        *settings = read;
    return deadline && rollback;
}

static struct wg_filter_stamp stamp_of(const char *path)
{
    struct wg_filter_stamp stamp = {0};
    struct stat st;

    if (stat(path, &st) == 0) {
        stamp.device = st.st_dev;
        stamp.inode = st.st_ino;
        stamp.size = st.st_size;
        stamp.mtime_s = st.st_mtim.tv_sec;
        stamp.mtime_ns = st.st_mtim.tv_nsec;
    }
    return stamp;
}

static bool same_stamp(const struct wg_filter_stamp *a, const struct wg_filter_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->mtime_s == b->mtime_s && a->mtime_ns == b->mtime_ns;
}

/*
 * The engine reads the configuration, not the daemon: one reader of that file, and its parser's
 * faults stay out of the daemon. @settings are those that were known before; an engine that does
 * not answer leaves them as they are, one that answers with an error puts the defaults in their
 * place. Returns whether they are the file's.
 */
static bool read_settings(struct wg_filter_engine *engine, struct wg_filter_settings *settings)
{
    char *argv[] = {"winguest", "filter", "settings", NULL};
    struct wg_child_call call = {.path = engine->program, .argv = argv,
                                 .output_max = SETTINGS_MAX, .deadline_ms = settings->deadline_ms};
    struct wg_child_reply reply;
    char why[128];
    bool good;

    wg_child_run(&call, &reply);
    good = reply.end == WG_CHILD_EXITED && reply.code == 0 &&
           wg_filter_parse_settings(reply.output, settings);
    if (reply.end == WG_CHILD_LATE)
        was_late(engine);
    else if (!good)
        *settings = defaults;
    if (!good) {
        if (reply.end == WG_CHILD_EXITED && reply.code == 0)
            snprintf(why, sizeof(why), "answered with something that is not its settings");
        else
            describe(&reply, call.deadline_ms, why, sizeof(why));
        wg_filter_log(LOG_WARNING, NULL, NULL,
                      "%s filter settings %s: deadline = %d and rollback = %s are taken",
                      engine->program, why, settings->deadline_ms / 1000,
                      settings->rollback ? "yes" : "no");
    }
    free(reply.output);
    return good;
}

struct wg_filter_settings wg_filter_get_settings(struct wg_filter_engine *engine)
{
    static const struct wg_filter_stamp no_file;
    struct wg_filter_settings settings;
    int saved_errno = errno;
    struct wg_filter_stamp stamp = stamp_of(engine->config);
    bool good = true, stale;

    pthread_mutex_lock(&engine->lock);
    stale = !same_stamp(&stamp, &engine->read_from) ||
            (engine->read_again_ms != 0 && now_ms() >= engine->read_again_ms);
    /* while one thread asks, the others go by what was known before */
    settings = engine->settings;
    if (!stale || engine->reading || wg_filter_paused(engine)) {
        pthread_mutex_unlock(&engine->lock);
        errno = saved_errno;
        return settings;
    }
    engine->reading = true;
    pthread_mutex_unlock(&engine->lock);

    if (same_stamp(&stamp, &no_file))
        settings = defaults;
    else
        good = read_settings(engine, &settings);

    pthread_mutex_lock(&engine->lock);
    engine->settings = settings;
    engine->read_from = stamp;
    engine->read_again_ms = good ? 0 : now_ms() + WG_FILTER_PAUSE_MS;
    engine->reading = false;
    pthread_mutex_unlock(&engine->lock);
    errno = saved_errno;
    return settings;
}

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* Past one "<?...?>" or "<!--...-->" at @at; @at itself if there is none, NULL if it has no end. */
static const char *skip_misc(const char *at)
{
    const char *end;

    if (strncmp(at, "<?", 2) == 0) {
        end = strstr(at + 2, "?>");
        return end == NULL ? NULL : end + 2;
    }
    if (strncmp(at, "<!--", 4) == 0) {
        end = strstr(at + 4, "-->");
        return end == NULL ? NULL : end + 3;
    }
    return at;
}

bool wg_filter_answer_ok(const char *text, size_t len)
{
    /* a byte order mark that the client sent comes back */
    const char *at = skip_blanks(strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text), *next;

    if (strlen(text) != len)
        return false;
    while ((next = skip_misc(at)) != NULL && next != at)
        at = skip_blanks(next);
    if (next == NULL || strncmp(at, "<domain", 7) != 0 || strchr(" \t\r\n/>", at[7]) == NULL ||
        at[7] == '\0')
        return false;
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
        len--;
    return text[len - 1] == '>';
}

static void take_answer(struct wg_filter_engine *engine,
                        const struct wg_filter_question *question, struct wg_child_reply *reply,
                        int deadline_ms, struct wg_filter_answer *answer)
{
    char why[128];

    answer->bytes = reply->output;
    if (reply->end == WG_CHILD_LATE)
        was_late(engine);
    if (reply->end == WG_CHILD_EXITED && reply->code == 0 &&
        (reply->output_len == 0 || wg_filter_answer_ok(reply->output, reply->output_len))) {
        was_good(engine);
        if (reply->output_len > 0 && strcmp(reply->output, question->xml) != 0)
            answer->xml = reply->output;
        return;
    }
    describe(reply, deadline_ms, why, sizeof(why));
    wg_filter_log(LOG_WARNING, question->log_name, question->log_op,
                  "%s %s: it goes through unchanged, without the policy", engine->program, why);
}

void wg_filter_ask(struct wg_filter_engine *engine, const struct wg_filter_question *question,
                   struct wg_filter_answer *answer)
{
    /* a name that looks like an option is none of the engine's business: it is in the XML too */
    const char *name = question->name == NULL || *question->name == '-' ? "-" : question->name;
    char *argv[] = {"winguest", "hook", (char *)name, (char *)question->op, "begin", "-", NULL};
    struct wg_child_call call = {.path = engine->program, .argv = argv, .input = question->xml,
                                 .input_len = strlen(question->xml),
                                 .output_max = WG_FILTER_OUTPUT_MAX};
    struct wg_child_reply reply;

    *answer = (struct wg_filter_answer){0};
    if (wg_filter_paused(engine))
        return;
    call.deadline_ms = wg_filter_get_settings(engine).deadline_ms;
    wg_child_run(&call, &reply);
    take_answer(engine, question, &reply, call.deadline_ms, answer);
}

void wg_filter_answer_free(struct wg_filter_answer *answer)
{
    free(answer->bytes);
    *answer = (struct wg_filter_answer){0};
}
