/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hook.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "../src/input.h"
#include "../src/text.h"
#include "hand_over.h"
#include "marks.h"
#include "qemu_process.h"

struct answer {
    const struct wg_hook_call *call;
    struct wg_settings settings;
    struct timespec begun;
    const struct wg_verdict *verdict;
};

static bool is(const struct answer *answer, const char *operation)
{
    return strcmp(answer->call->operation, operation) == 0;
}

static double milliseconds_since(const struct timespec *then)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - then->tv_sec) * 1e3 +
           (double)(now.tv_nsec - then->tv_nsec) / 1e6;
}

/* "prepare guest 'x' uuid …: violates (…): …", for the log and for the client. */
static char *describe(const struct answer *answer)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    if (!out)
        return NULL;
    fprintf(out, "%s guest '", answer->call->operation);
    wg_print_value(answer->verdict->name ? answer->verdict->name : answer->call->guest, out);
    fputs("' uuid ", out);
    wg_print_value(answer->verdict->uuid ? answer->verdict->uuid : "none", out);
    fputs(": ", out);
    wg_verdict_print(answer->verdict, out);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static void report(const struct answer *answer, int level, const char *outcome)
{
    char *text = describe(answer);

    if (answer->verdict->n_faults > 0)
        level = LOG_ERR;
    syslog(level, "%s%s%s (%.1f ms)", text ? text : answer->call->operation, *outcome ? "; " : "",
           outcome, milliseconds_since(&answer->begun));
    free(text);
}

static int refuse(const struct answer *answer)
{
    char *text = describe(answer);

    report(answer, LOG_ERR, "denied (cold_start = deny)");
    fprintf(stderr,
            "winguest: %s; denied by cold_start = deny; mend: correct the definition, "
            "`winguest diff` shows how, or load the daemon filter (`winguest filter enable`)\n",
            text ? text : "the guest violates the policy");
    free(text);
    return 1;
}

/* A session's libvirtd runs as an ordinary user; its guests are not the host's business. */
static int repair(const struct answer *answer)
{
    char fault[256];
    int error;

    if (geteuid() != 0) {
        report(answer, LOG_WARNING, "left as it is (repair is for qemu:///system only)");
        return 0;
    }
    if (wg_take_rolled_back(answer->call->guest)) {
        report(answer, LOG_WARNING, "left as it is (it could not start under the policy)");
        return 0;
    }
    /* The worker could tell nobody that it cannot begin. */
    if (access(WG_PKGLIBDIR "/virt.so", R_OK) < 0) {
        snprintf(fault, sizeof(fault), "left as it is: %s/virt.so: %s; mend: install the part of "
                 "the package that needs libvirt", WG_PKGLIBDIR, strerror(errno));
    } else if ((error = wg_hand_over(answer->verdict->uuid, answer->verdict->id)) != 0) {
        snprintf(fault, sizeof(fault), "left as it is: %s/winguest: %s", WG_BINDIR,
                 strerror(error));
    } else {
        report(answer, LOG_WARNING, "left to the repair");
        return 0;
    }
    report(answer, LOG_ERR, fault);
    return 0;
}

/* The guest's vCPUs run already: what is wrong now stays so until its next cold boot. */
static int answer_started(const struct answer *answer)
{
    if (answer->verdict->outcome != WG_VIOLATES) {
        report(answer, LOG_INFO, "");
        return 0;
    }
    switch (wg_qemu_boot(answer->call->guest)) {
    case WG_BOOT_IN_FLIGHT:
        report(answer, LOG_NOTICE, "in flight, left until its next cold boot");
        return 0;
    case WG_BOOT_UNKNOWN:
        report(answer, LOG_WARNING, "its QEMU process cannot be seen, left as it is");
        return 0;
    case WG_BOOT_COLD:
        break;
    }
    if (answer->settings.cold_start == WG_DENY)
        return refuse(answer);
    if (answer->settings.cold_start == WG_REPAIR && answer->verdict->uuid)
        return repair(answer);
    report(answer, LOG_WARNING, "left as it is (cold_start = report)");
    return 0;
}

static int print(const struct answer *answer)
{
    const char *at = answer->verdict->xml;
    size_t left = answer->verdict->xml_len;

    *answer->call->begun = 1;
    while (left > 0) {
        ssize_t written = write(STDOUT_FILENO, at, left);

        if (written < 0 && errno != EINTR)
            return -1;
        at += written > 0 ? written : 0;
        left -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

static int print_failed(const struct answer *answer)
{
    char what[128];

    snprintf(what, sizeof(what), "standard output: %s", strerror(errno));
    return wg_hook_fault(answer->call, what);
}

static int answer_definition(const struct answer *answer)
{
    bool changed = answer->verdict->xml != NULL;

    report(answer, changed ? LOG_NOTICE : LOG_INFO, changed ? "rewritten" : "");
    return changed && print(answer) < 0 ? print_failed(answer) : 0;
}

/* libvirt drops what is printed here; a caller that reads it gets what ought to be. */
static int answer_prepare(const struct answer *answer)
{
    const struct wg_verdict *verdict = answer->verdict;
    bool in_flight = verdict->uuid && wg_take_in_flight(verdict->uuid);

    if (verdict->n_faults > 0 && *answer->call->deny)
        return wg_hook_fault(answer->call, verdict->faults[0]);
    if (verdict->outcome != WG_VIOLATES) {
        report(answer, LOG_INFO, in_flight ? "in flight" : "");
        wg_mark_settled(answer->call->guest);
        return 0;
    }
    report(answer, LOG_NOTICE, in_flight ? "in flight, left until its next cold boot" : "");
    return !in_flight && print(answer) < 0 ? print_failed(answer) : 0;
}

static int answer_in_flight(const struct answer *answer)
{
    if (answer->verdict->uuid)
        wg_mark_in_flight(answer->verdict->uuid);
    if (answer->verdict->outcome == WG_VIOLATES)
        report(answer, LOG_NOTICE, "in flight, left until its next cold boot");
    else
        report(answer, LOG_INFO, "in flight");
    return 0;
}

static int dispatch(const struct answer *answer)
{
    if (is(answer, "started"))
        return answer_started(answer);
    if (is(answer, "prepare"))
        return answer_prepare(answer);
    if (is(answer, "define") || is(answer, "create"))
        return answer_definition(answer);
    return answer_in_flight(answer);
}

static bool rewrites(const struct answer *answer)
{
    return is(answer, "prepare") || is(answer, "define") || is(answer, "create");
}

__attribute__((visibility("default"))) int wg_hook_answer(const struct wg_hook_call *call)
{
    struct answer answer = {.call = call};
    struct wg_verdict *verdict = NULL;
    struct wg_error err;
    size_t len;
    int code;

    clock_gettime(CLOCK_MONOTONIC, &answer.begun);
    struct wg_engine *engine = wg_engine_open(NULL, &answer.settings, &err);
    *call->deny = answer.settings.deny_on_error;
    char *xml = engine ? wg_read_all(STDIN_FILENO, &len, &err) : NULL;
    if (engine && !xml)
        wg_fail_in(&err, "standard input");
    if (xml)
        verdict = wg_evaluate(engine, xml, len, rewrites(&answer) ? WG_REWRITE : 0, &err);
    if (verdict) {
        answer.verdict = verdict;
        code = dispatch(&answer);
    } else {
        code = wg_hook_fault(call, err.text);
    }
    wg_verdict_free(verdict);
    free(xml);
    wg_engine_close(engine);
    return code;
}
