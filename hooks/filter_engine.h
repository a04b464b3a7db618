/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_FILTER_ENGINE_H
#define WG_FILTER_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../src/text.h" /* WG_UUID_SIZE */

/* The shipped configuration's [enforce] deadline, in seconds; rollback is on there too. */
#define WG_FILTER_DEADLINE_S 5
/* libvirt's own bound for an XML document is 4 MiB on the wire; the rewrite adds some lines. */
#define WG_FILTER_OUTPUT_MAX (32u * 1024 * 1024)
/* So many deadlines in a row and the engine is left alone for so long. */
#define WG_FILTER_LATE_MAX 3
#define WG_FILTER_PAUSE_MS 60000

struct wg_filter_settings {
    int deadline_ms;
    bool rollback;
};

/* What tells one state of the configuration file from another; all zero: there is none. */
struct wg_filter_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    long long mtime_s;
    long mtime_ns;
};

/* The engine as the daemon sees it: a program, its configuration, how it has behaved of late. */
struct wg_filter_engine {
    const char *program; /* absolute */
    const char *config;
    pthread_mutex_t lock; /* of the four below; never held while a child runs */
    struct wg_filter_settings settings;
    struct wg_filter_stamp read_from;
    bool reading;
    long long read_again_ms; /* monotonic; 0 when the last reading succeeded */
    atomic_int late; /* deadlines in a row */
    atomic_llong paused_until_ms; /* monotonic */
};

#define WG_FILTER_INIT(program_path, config_path) \
    { \
        .program = (program_path), .config = (config_path), \
        .lock = PTHREAD_MUTEX_INITIALIZER, \
        .settings = {.deadline_ms = WG_FILTER_DEADLINE_S * 1000, .rollback = true}, \
    }

struct wg_filter_question {
    const char *op; /* "define" or "create" */
    const char *name; /* the guest's, as the engine gets it; NULL if unknown */
    const char *xml;
    const char *log_op; /* what the client is doing, for the log */
    const char *log_name; /* the guest's, for the log; may be NULL */
};

/* What the engine says of a guest. The strings live until wg_filter_answer_free(). */
struct wg_filter_answer {
    const char *xml;  /* as it must be; NULL: it stays as it is, because the engine says so or failed */
    const char *name; /* the guest's, as libvirt will read it; NULL: it has none, or the engine failed */
    char uuid[WG_UUID_SIZE]; /* likewise; "" */
    bool nova; /* it carries nova's metadata */
    uint64_t policy; /* wg_engine_digest(): another number, another policy; 0: the engine failed */
    char *bytes; /* that hold the strings */
};

/*
 * Puts @question to the engine and fills @answer, which the caller frees in any case. What fails is
 * logged here. Safe in any thread; takes no longer than the deadline.
 */
void wg_filter_ask(struct wg_filter_engine *engine, const struct wg_filter_question *question,
                   struct wg_filter_answer *answer);
void wg_filter_answer_free(struct wg_filter_answer *answer);

/* Whether the engine is being left alone, so that nothing need be prepared for a question. */
bool wg_filter_paused(struct wg_filter_engine *engine);

/* The [enforce] settings that concern the filter; the defaults where they cannot be had. */
struct wg_filter_settings wg_filter_get_settings(struct wg_filter_engine *engine);

/*
 * Whether the @len bytes at @text, which have a NUL after them, may be a whole domain document:
 * after an optional XML declaration, comments and processing instructions a <domain> element, up
 * to a last '>', no NUL in between. Libvirt's parser has the last word.
 */
bool wg_filter_answer_ok(const char *text, size_t len);

/*
 * Reads the lines that `winguest filter settings` prints: deadline=SECONDS, rollback=yes|no.
 * Unknown lines are skipped, so that a newer engine may say more. Returns false, with @settings
 * as they were, if either is missing or makes no sense.
 */
bool wg_filter_parse_settings(const char *text, struct wg_filter_settings *settings);

#endif
