/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine.h"
#include "child.h"
#include "common/counts.h"
#include "common/kept.h"
#include "engine/decide.h"
#include "log.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

bool wg_filter_paused(struct wg_filter_engine *engine)
{
    return wg_now_us() / 1000 < atomic_load(&engine->paused_until_ms);
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
    long long now = wg_now_us() / 1000;
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
        snprintf(out, size, "exited with status %d", reply->code);
        break;
    case WG_CHILD_KILLED:
        if (reply->code == SIGABRT)
            snprintf(out, size, "gave up (out of memory?)");
        else
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

/* What the configuration says comes first, and holds from now on. */
static int heard(void *to, const char *output, size_t len)
{
    struct wg_filter_engine *engine = to;
    struct wg_settings settings = {0};
    struct wg_error ignored;

    if (wg_decision_length(output, len, &settings, &ignored) == 0 || settings.deadline == 0)
        return atomic_load(&engine->deadline_ms);
    atomic_store(&engine->rollback, settings.rollback != 0);
    atomic_store(&engine->deadline_ms, (int)settings.deadline * 1000);
    return (int)settings.deadline * 1000;
}

static void log_decision(const struct wg_decision *decision, bool refused, long long begun_us)
{
    char *text = wg_escaped(decision->text);
    bool changed = decision->xml != NULL && !refused;

    wg_filter_log(decision->faulty ? LOG_ERR
                  : refused        ? LOG_WARNING
                  : changed        ? LOG_NOTICE
                                   : LOG_INFO,
                  NULL, NULL, "%s%s (%.1f ms)", text == NULL ? "out of memory" : text,
                  refused   ? "; left as it is: it did not start under this policy before; hint: "
                              "winguest apply tries it again"
                  : changed ? "; rewritten"
                            : "",
                  (double)(wg_now_us() - begun_us) / 1e3);
    free(text);
}

static void take_decision(const struct wg_decision *decision, bool refused,
                          struct wg_filter_answer *answer)
{
    answer->xml = refused ? NULL : decision->xml;
    answer->name = decision->name;
    answer->nova = decision->nova;
    answer->policy = decision->policy;
    memcpy(answer->uuid, decision->uuid, sizeof(answer->uuid));
}

static void set_fault(struct wg_filter_answer *answer, const char *format, ...) WG_PRINTF(2, 3);

static void set_fault(struct wg_filter_answer *answer, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (vasprintf(&answer->fault, format, args) < 0)
        answer->fault = NULL;
    va_end(args);
}

/* Returns what is to be counted. */
static const char *take_reply(struct wg_filter_engine *engine, const struct wg_child_reply *reply,
                              long long begun_us, struct wg_filter_answer *answer)
{
    struct wg_decision decision;
    struct wg_error err;
    char why[128];

    answer->bytes = reply->output;
    if (reply->end == WG_CHILD_LATE)
        was_late(engine);
    if (reply->end != WG_CHILD_EXITED || reply->code != 0) {
        describe(reply, atomic_load(&engine->deadline_ms), why, sizeof(why));
        set_fault(answer, "%s %s", engine->program, why);
    } else if (wg_decision_parse(reply->output, reply->output_len, &decision, &err) < 0) {
        set_fault(answer, "%s: %s", engine->program, err.text);
    } else {
        was_good(engine);
        if (decision.failed) {
            set_fault(answer, "%s", decision.text);
        } else {
            bool refused = decision.xml != NULL && *decision.uuid != '\0' &&
                           wg_kept_refused(decision.uuid, decision.policy);

            take_decision(&decision, refused, answer);
            log_decision(&decision, refused, begun_us);
            return refused        ? "refused"
                   : decision.xml ? "rewritten"
                                  : wg_count_decisions.results[decision.outcome];
        }
    }
    return "failed";
}

void wg_filter_log_fault(struct wg_filter_answer *answer, const char *op, const char *name)
{
    char *text = answer->fault == NULL ? NULL : wg_escaped(answer->fault);

    if (text != NULL)
        wg_filter_log(LOG_ERR, name, op, "%s; it goes through unchanged, without the policy%s",
                      text,
                      strstr(text, "hint: ") == NULL ? "; hint: winguest status, or reinstall "
                                                       "libvirt-winguest"
                                                     : "");
    free(text);
    free(answer->fault);
    answer->fault = NULL;
}

char *wg_filter_previous(struct wg_filter_engine *engine, const char *kept, const char *now,
                         bool edited)
{
    char *argv[] = {"winguest", "decide", edited ? WG_EDITED : WG_PREVIOUS, "-", NULL};
    size_t first = strlen(kept), second = strlen(now);
    char *both = malloc(first + 1 + second + 1), *xml = NULL;
    struct wg_child_call call = {.path = engine->program,
                                 .argv = argv,
                                 .input = both,
                                 .input_len = first + 1 + second,
                                 .output_max = WG_FILTER_OUTPUT_MAX,
                                 .deadline_ms = atomic_load(&engine->deadline_ms)};
    struct wg_child_reply reply = {0};
    struct wg_decision decision;
    struct wg_error ignored;

    if (both == NULL)
        return NULL;
    memcpy(both, kept, first + 1);
    memcpy(both + first + 1, now, second + 1);
    wg_child_run(&call, &reply);
    if (reply.end == WG_CHILD_EXITED && reply.code == 0 &&
        wg_decision_parse(reply.output, reply.output_len, &decision, &ignored) == 0 &&
        !decision.failed && decision.xml != NULL)
        xml = strdup(decision.xml);
    free(reply.output);
    explicit_bzero(both, first + 1 + second);
    free(both);
    return xml;
}

void wg_filter_ask(struct wg_filter_engine *engine, const struct wg_filter_question *question,
                   struct wg_filter_answer *answer)
{
    /* a name that looks like an option is none of the engine's business: it is in the XML too */
    const char *name = question->name == NULL || *question->name == '-' ? "-" : question->name;
    char *argv[] = {"winguest", "decide", (char *)question->op, (char *)name, NULL};
    struct wg_child_call call = {.path = engine->program,
                                 .argv = argv,
                                 .input = question->xml,
                                 .input_len = strlen(question->xml),
                                 .output_max = WG_FILTER_OUTPUT_MAX,
                                 .deadline_ms = atomic_load(&engine->deadline_ms),
                                 .heard = heard,
                                 .to = engine};
    long long begun_us = wg_now_us();
    struct wg_child_reply reply;

    *answer = (struct wg_filter_answer){0};
    if (wg_filter_paused(engine)) {
        wg_count(&wg_count_decisions, question->log_op, "failed");
        return;
    }
    wg_child_run(&call, &reply);
    wg_count(&wg_count_decisions, question->log_op, take_reply(engine, &reply, begun_us, answer));
    if (question->log_name != NULL)
        wg_filter_log_fault(answer, question->log_op, question->log_name);
}

void wg_filter_answer_free(struct wg_filter_answer *answer)
{
    free(answer->bytes);
    free(answer->fault);
    *answer = (struct wg_filter_answer){0};
}
