/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_FILTER_ENGINE_H
#define WG_FILTER_ENGINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/decision.h"

/* libvirt's own bound for an XML document is 4 MiB on the wire; the rewrite adds some lines. */
#define WG_FILTER_OUTPUT_MAX (32u * 1024 * 1024)
/* So many deadlines in a row and the engine is left alone for so long. */
#define WG_FILTER_LATE_MAX 3
#define WG_FILTER_PAUSE_MS 60000

/* The engine as the daemon sees it: a program, and what it has said and done of late. */
struct wg_filter_engine {
    const char *program; /* absolute */
    atomic_int deadline_ms; /* these two as in the configuration when it was last asked */
    atomic_bool rollback;
    atomic_int late; /* deadlines in a row */
    atomic_llong paused_until_ms; /* monotonic */
};

#define WG_FILTER_INIT(program_path) \
    { \
        .program = (program_path), .deadline_ms = WG_DEADLINE * 1000, .rollback = true, \
    }

struct wg_filter_question {
    const char *op; /* "define" or "create" */
    const char *name; /* the guest's, as the engine gets it; NULL if unknown */
    const char *xml;
    const char *log_op; /* what the client is doing, for the log */
    const char *log_name; /* the guest's, for the log; NULL if unknown */
};

/* What the engine says of a guest. The strings live until wg_filter_answer_free(). */
struct wg_filter_answer {
    /* As it must be; NULL: it stays as it is, because the engine says so or failed, or because the
     * guest has not started so before (wg_kept_refused). */
    const char *xml;
    /* The guest's, as libvirt will read it; NULL: it has none, or the engine failed. */
    const char *name;
    char uuid[WG_UUID_SIZE]; /* likewise; "" */
    bool nova; /* it carries nova's metadata */
    uint64_t policy; /* wg_engine_digest(): another number, another policy; 0: the engine failed */
    char *bytes; /* that hold the strings */
    char *fault; /* what is still to be logged: see wg_filter_ask(); else NULL */
};

/*
 * Puts @question to the engine and fills @answer, which the caller frees in any case. What it says
 * is logged here, and what fails; but where the guest's name is unknown a fault is left in
 * @answer->fault, to be logged with wg_filter_log_fault() when libvirt has told the name. Safe in
 * any thread; takes no longer than the deadline.
 */
void wg_filter_ask(struct wg_filter_engine *engine, const struct wg_filter_question *question,
                   struct wg_filter_answer *answer);

/*
 * What a guest of which @kept was kept, and which is @now, possibly edited since, is to be defined
 * as again (engine/previous.h). Returns a text for free(), NULL if the engine fails, or finds
 * nothing.
 */
char *wg_filter_previous(struct wg_filter_engine *engine, const char *kept, const char *now,
                         bool edited);
void wg_filter_answer_free(struct wg_filter_answer *answer);

/* Whether the engine is being left alone, so that nothing need be prepared for a question. */
bool wg_filter_paused(struct wg_filter_engine *engine);

/* Logs the fault, if there is one. @name may be NULL. */
void wg_filter_log_fault(struct wg_filter_answer *answer, const char *op, const char *name);

#endif
