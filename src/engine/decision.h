/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A decision about a guest, and its way from the confined process that has made it to the one that
 * acts on it: a message over a pipe. libc only.
 */
#ifndef WG_DECISION_H
#define WG_DECISION_H

#include "common/text.h"
#include "winguest.h"

struct wg_decision {
    bool failed; /* text is a fault of ours, and nothing else holds */
    bool faulty; /* parts of the configuration were left out; text tells */
    bool nova; /* the guest carries nova's metadata */
    enum wg_outcome outcome;
    int cold_start; /* WG_CORRECT, …; of a guest that is only to be told of WG_REPORT */
    int id; /* libvirt's of a running guest, or -1 */
    uint64_t policy; /* wg_engine_digest() */
    char uuid[WG_UUID_SIZE]; /* "" if the domain has none */
    const char *name; /* as libvirt reads it; NULL if the domain has none */
    const char *text; /* "prepare guest 'x' uuid …: violates (…): …" */
    const char *xml; /* the document as it must be; NULL: it stays as it is */
    size_t xml_len;
};

/*
 * Raised with every change of what the message is made of, of what that means, and of how `winguest
 * decide` is called. A filter asks the program that an upgrade has brought, until its daemon is
 * restarted: with another number it would let all guests through unchanged.
 */
#define WG_DECISION_FORMAT "1"

/* [enforce] deadline, in seconds: the shipped one, and the most that policy.c allows. */
#define WG_DEADLINE 5
#define WG_DEADLINE_MAX 60

/* Writes the first part, as soon as the configuration is known: of settings deny_on_error, rollback
 * and deadline; NULL: what holds without a configuration. */
void wg_decision_begin(int to, const struct wg_settings *settings);

/* Writes the rest. */
void wg_decision_write(int to, const struct wg_decision *decision);

/*
 * Looks at the first len bytes of a message, and fills of *settings what wg_decision_begin says of
 * it as soon as that is among them. Returns how long the message is as far as they tell: more than
 * len, there is more to read; len, it is whole; 0 with *err filled, it is none, or comes from
 * another version of ours.
 */
size_t wg_decision_length(const char *bytes, size_t len, struct wg_settings *settings,
                          struct wg_error *err);

/*
 * Takes a whole message apart; *decision points into it. Numbers and the UUID's form are checked,
 * strings end where they say; the text is to be escaped. Returns 0, or -1 with *err filled.
 */
int wg_decision_parse(const char *bytes, size_t len, struct wg_decision *decision,
                      struct wg_error *err);

/*
 * Reads a message, for that many seconds at most. Fills *decision, which points into
 * *bytes, to be freed by the caller in any case, and *settings as wg_decision_length does.
 * Returns 0, 1 when the time is over, or -1: it ended early, or *err says what is wrong with it.
 */
int wg_decision_read(int from, int seconds, struct wg_decision *decision,
                     struct wg_settings *settings, char **bytes, struct wg_error *err);

#endif
