/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Answers libvirt's QEMU hook calls, and the questions of the daemon filter. The engine decides, in
 * a process that has let go of all but its memory and its open descriptors; what follows from a
 * decision is done by libc alone.
 */
#ifndef WG_HOOK_H
#define WG_HOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "../src/text.h"

struct wg_hook_call {
    const char *guest;     /* "-" if it is not known */
    const char *operation; /* define, create, prepare, started, migrate or restore */
};

struct wg_decision {
    bool failed; /* text is a fault of ours, and nothing else holds */
    bool faulty; /* parts of the configuration were left out; text tells */
    enum wg_outcome outcome;
    int cold_start;              /* WG_CORRECT, WG_REPAIR, WG_DENY, WG_REPORT */
    int id;                      /* libvirt's of a running guest, or -1 */
    char uuid[WG_UUID_SIZE];     /* "" if the domain has none */
    const char *text;            /* "prepare guest 'x' uuid …: violates (…): …" */
    const char *xml;             /* the document as it must be; NULL if there is none */
    size_t xml_len;
};

/* Who is told of a decision. */
struct wg_hook_listener {
    /* As soon as the configuration says whether a fault of ours denies a call. */
    void (*configured)(struct wg_hook_listener *self, bool deny);
    /* Once; the decision lives until it returns. */
    void (*decided)(struct wg_hook_listener *self, const struct wg_decision *decision);
};

/* Does one call, the domain on standard input. Returns the exit code. */
int wg_hook_answer(const struct wg_hook_call *call);

/* Decides one call, the domain on standard input. confined: by wg_confine, before the domain is
 * looked at, and for the rest of the process' life. */
typedef void wg_hook_decide_fn(const struct wg_hook_call *call, bool confined,
                               struct wg_hook_listener *listener);
wg_hook_decide_fn wg_hook_decide;

/* Its name in the engine module. */
#define WG_HOOK_DECIDE "wg_hook_decide"

#endif
