/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_FILTER_CHILD_H
#define WG_FILTER_CHILD_H

#include <stddef.h>

/* A program to run, what to say to it and how long and how much to listen. */
struct wg_child_call {
    const char *path; /* absolute; argv[0] need not be the same */
    char *const *argv;
    const char *input; /* its stdin; may be NULL if input_len is 0 */
    size_t input_len;
    size_t output_max; /* bytes of stdout taken; one more is a flood */
    int deadline_ms; /* from the start to its end */
    /* If not NULL: is told all of stdout so far, whenever there is more; returns the deadline from
     * now on, also in ms from the start. */
    int (*heard)(void *to, const char *output, size_t len);
    void *to;
};

enum wg_child_end {
    WG_CHILD_EXITED, /* code: its exit status */
    WG_CHILD_KILLED, /* code: the signal it died from */
    WG_CHILD_LATE, /* the deadline passed; it was killed */
    WG_CHILD_FLOOD, /* it said more than output_max; it was killed */
    WG_CHILD_LOST, /* somebody else reaped it: how it ended is unknown */
    WG_CHILD_FAULT, /* code: errno of what failed here; if it ran, it was killed */
};

struct wg_child_reply {
    enum wg_child_end end;
    int code;
    char *output; /* what it said, NUL-terminated, for free(); NULL unless WG_CHILD_EXITED */
    size_t output_len;
};

/*
 * Runs @call's program as wg_spawn() does, talks to it and waits for its end, not for the end of
 * its output: a process that it left behind may hold that open. Whatever is left of its process
 * group is killed then. Safe in any thread, holds no lock while it waits, delivers no SIGPIPE,
 * keeps errno.
 */
void wg_child_run(const struct wg_child_call *call, struct wg_child_reply *reply);

#endif
