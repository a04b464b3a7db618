/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Answers libvirt's QEMU hook calls. The engine decides, in a confined child (../src/decide.h);
 * what follows from a decision is done here, by libc alone.
 */
#ifndef WG_HOOK_H
#define WG_HOOK_H

#include <stdbool.h>
#include <time.h>

/* A call, and what is known of it before anything is decided. */
struct wg_hook_call {
    const char *guest; /* its name; "-" if it is not known */
    const char *operation; /* define, create, prepare, started, migrate or restore */
    struct timespec begun;
    char subject[1024]; /* "prepare guest 'x': ", in front of a fault */
    bool in_flight; /* prepare: it was announced as migrating in or being restored */
};

/* Does one call, the domain on standard input; of *call the first two are filled. Returns the exit
 * code. */
int wg_hook_answer(struct wg_hook_call *call);

#endif
