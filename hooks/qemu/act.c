/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hook.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "common/counts.h"
#include "common/io.h"
#include "common/kept.h"
#include "common/log.h"
#include "common/marks.h"
#include "common/qemu_process.h"
#include "common/text.h"

static bool is(const struct wg_hook_call *call, const char *operation)
{
    return strcmp(call->operation, operation) == 0;
}

/* What a name's value takes at most, escaped: WG_VALUE_MAX times four, and "…". */
static void name_subject(struct wg_hook_call *call)
{
    FILE *out = fmemopen(call->subject, sizeof(call->subject), "w");

    if (!out)
        return;
    fprintf(out, "%s guest '", call->operation);
    wg_print_value(call->guest, out);
    fputs("': ", out);
    fclose(out);
}

void wg_act_begin(struct wg_hook_call *call)
{
    call->begun = wg_now_us();
    name_subject(call);
    if (is(call, "migrate") || is(call, "restore"))
        wg_mark(WG_IN_FLIGHT, call->guest);
    if (is(call, "prepare")) {
        call->in_flight = wg_take_recent(WG_IN_FLIGHT, call->guest);
        wg_mark_starting(call->guest);
    }
}

int wg_act_on_fault(const struct wg_hook_call *call, const char *what, bool deny)
{
    char *text = wg_escaped(what);
    const char *said = text ? text : "out of memory";

    deny &= is(call, "prepare");
    const char *end = deny ? "; the guest is denied (on_error = deny)"
                           : "; the guest is left as it is";
    wg_count(&wg_count_decisions, call->operation, "failed");
    wg_log(true, LOG_ERR, call->subject, said, end);
    fprintf(stderr, "winguest: %s%s%s\n", call->subject, said, end);
    free(text);
    return deny;
}

static void report(const struct wg_hook_call *call, const struct wg_decision *decision, int level,
                   const char *outcome)
{
    char *text = wg_escaped(decision->text);
    char end[512];

    if (decision->faulty)
        level = LOG_ERR;
    snprintf(end, sizeof(end), "%s%s (%.1f ms)", *outcome ? "; " : "", outcome,
             (double)(wg_now_us() - call->begun) / 1e3);
    wg_log(true, level, "", text ? text : call->subject, end);
    free(text);
}

static int refuse(const struct wg_hook_call *call, const struct wg_decision *decision)
{
    char *text = wg_escaped(decision->text);

    report(call, decision, LOG_ERR, "denied (cold_start = deny)");
    fprintf(stderr,
            "winguest: %s; denied by cold_start = deny; hint: correct the definition, "
            "`winguest diff` shows how, or load the daemon filter (`winguest enable`)\n",
            text ? text : "the guest violates the policy");
    free(text);
    return 1;
}

/* Starts `winguest repair` on the guest. Returns NULL, or what stood against it. */
static const char *hand_over(const char *how, const char *uuid, int id)
{
    static char fault[256];
    char number[16];
    const char *arguments[] = {how, "--id", number, uuid, NULL};
    int error;

    snprintf(number, sizeof(number), "%d", id);
    /* The worker could tell nobody that it cannot begin. */
    if (access(WG_PKGLIBDIR "/virt.so", R_OK) < 0) {
        snprintf(fault, sizeof(fault),
                 "%s/virt.so: %s; hint: install the part of the package "
                 "that needs libvirt",
                 WG_PKGLIBDIR, strerror(errno));
    } else if ((error = wg_hand_over(arguments)) != 0) {
        snprintf(fault, sizeof(fault), "%s/winguest: %s", WG_BINDIR, strerror(error));
    } else {
        return NULL;
    }
    return fault;
}

/* A session's libvirtd runs as an ordinary user; its guests are not the host's business. */
static int correct(const struct wg_hook_call *call, const struct wg_decision *decision,
                   bool restart)
{
    char text[320];

    if (geteuid() != 0) {
        report(call, decision, LOG_WARNING,
               "left as it is (only guests of qemu:///system are corrected)");
        return 0;
    }
    if (!wg_marks_work()) {
        report(call, decision, LOG_ERR,
               "left as it is: should it then not start, that could not be noted in " WG_STATEDIR
               "; hint: winguest status");
        return 0;
    }
    if (wg_take_recent(WG_ROLLED_BACK, call->guest)) {
        report(call, decision, LOG_WARNING, "left as it is (it could not start under the policy)");
        return 0;
    }
    const char *fault = hand_over(restart ? "--restart" : "--definition", decision->uuid,
                                  decision->id);
    if (!fault) {
        report(call, decision, LOG_WARNING,
               restart ? "handed to the repair worker"
                       : "its definition is handed to the repair worker");
        return 0;
    }
    snprintf(text, sizeof(text), "left as it is: %s", fault);
    report(call, decision, LOG_ERR, text);
    return 0;
}

void wg_act_on_release(const char *guest)
{
    char uuid[WG_UUID_SIZE];

    wg_take(WG_SETTLED, guest);
    if (!wg_take_failed(guest, uuid))
        return;
    const char *fault = hand_over("--previous", uuid, -1);
    if (!fault)
        return;
    wg_log(true, LOG_ERR, "release: the previous definition is not restored: ", fault, "");
}

/* The guest's vCPUs run already: what is wrong now stays so until its next cold boot. */
static int act_on_started(const struct wg_hook_call *call, const struct wg_decision *decision)
{
    if (decision->outcome != WG_VIOLATES) {
        report(call, decision, LOG_INFO, "");
        return 0;
    }
    switch (wg_qemu_boot(call->guest)) {
    case WG_BOOT_IN_FLIGHT:
        report(call, decision, LOG_NOTICE, "in flight, left until its next cold boot");
        return 0;
    case WG_BOOT_UNKNOWN:
        report(call, decision, LOG_WARNING, "its QEMU process cannot be seen, left as it is");
        return 0;
    case WG_BOOT_COLD:
        break;
    }
    if (decision->cold_start == WG_DENY)
        return refuse(call, decision);
    if (decision->cold_start != WG_REPORT && *decision->uuid)
        return correct(call, decision, decision->cold_start == WG_REPAIR);
    report(call, decision, LOG_WARNING, "left as it is (cold_start = report)");
    return 0;
}

/* Prints the document, if there is one. Returns the exit code. */
static int print(const struct wg_hook_call *call, const struct wg_decision *decision)
{
    char what[128];

    if (!decision->xml || wg_write_all(STDOUT_FILENO, decision->xml, decision->xml_len) == 0)
        return 0;
    snprintf(what, sizeof(what), "standard output: %s", strerror(errno));
    wg_act_on_fault(call, what, false);
    /* Nobody reads the answer to prepare, and a failure would keep the guest from starting. */
    return !is(call, "prepare");
}

static int act_on_definition(const struct wg_hook_call *call, const struct wg_decision *decision)
{
    bool changed = decision->xml != NULL;

    report(call, decision, changed ? LOG_NOTICE : LOG_INFO, changed ? "rewritten" : "");
    return print(call, decision);
}

/* libvirt drops what is printed here; a caller that reads it gets what ought to be. */
static int act_on_prepare(const struct wg_hook_call *call, const struct wg_decision *decision)
{
    if (!call->in_flight && *decision->uuid && wg_kept_followed(decision->uuid))
        wg_mark_trying(call->guest, decision->uuid);
    if (decision->outcome != WG_VIOLATES) {
        report(call, decision, LOG_INFO, call->in_flight ? "in flight" : "");
        wg_mark(WG_SETTLED, call->guest);
        return 0;
    }
    report(call, decision, LOG_NOTICE,
           call->in_flight ? "in flight, left until its next cold boot" : "");
    return call->in_flight ? 0 : print(call, decision);
}

static int act_on_flight(const struct wg_hook_call *call, const struct wg_decision *decision)
{
    bool violates = decision->outcome == WG_VIOLATES;

    report(call, decision, violates ? LOG_NOTICE : LOG_INFO,
           violates ? "in flight, left until its next cold boot" : "in flight");
    return 0;
}

int wg_act(const struct wg_hook_call *call, const struct wg_decision *decision)
{
    const char *outcome = wg_count_decisions.results[decision->outcome];

    wg_count(&wg_count_decisions, call->operation, decision->xml ? "rewritten" : outcome);
    if (is(call, "started"))
        return act_on_started(call, decision);
    if (is(call, "prepare"))
        return act_on_prepare(call, decision);
    if (is(call, "define") || is(call, "create"))
        return act_on_definition(call, decision);
    return act_on_flight(call, decision);
}
