/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers libvirt's QEMU hook calls, and the questions of the daemon filter. */
#ifndef WG_HOOK_H
#define WG_HOOK_H

#include <signal.h>

struct wg_hook_call {
    const char *guest; /* "-" if it is not known */
    const char *operation;
    /* Set to 1 once the configuration says that a fault of ours denies this call. */
    volatile sig_atomic_t *deny;
    /* Set to 1 before the first byte of an answer is printed. */
    volatile sig_atomic_t *begun;
};

/* Does one call that must be decided: define, create, prepare, started, migrate or restore, the
 * domain on standard input. Returns the exit code. */
typedef int wg_hook_answer_fn(const struct wg_hook_call *call);
wg_hook_answer_fn wg_hook_answer;

/* Its name in the engine module. */
#define WG_HOOK_ANSWER "wg_hook_answer"

/* Logs and prints a fault of ours; returns the exit code, 1 if it denies the call, or if a part of
 * an answer to define or create was printed: nobody must take it for all of it. */
int wg_hook_fault(const struct wg_hook_call *call, const char *what);

#endif
