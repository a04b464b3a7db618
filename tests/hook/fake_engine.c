/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An engine that does what WINGUEST_FAKE says: the worst. */
#include "engine/decide.h"
#include "engine/decision.h"
#include "engine/module.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Not NULL, which a sanitizer would find before the kernel does. */
static volatile int *volatile nowhere = (volatile int *)64;

static int overflow(int depth)
{
    volatile char frame[4096];

    frame[depth % 4096] = (char)depth;
    return depth < 0 ? 0 : overflow(depth + 1) + frame[depth % 4096];
}

static void do_worst(const char *how)
{
    if (strcmp(how, "segv") == 0)
        *nowhere = 1;
    else if (strcmp(how, "abort") == 0)
        abort();
    else if (strcmp(how, "overflow") == 0)
        overflow(0);
    else if (strcmp(how, "hang") == 0) {
        for (;;)
            pause();
    } else {
        raise(atoi(how));
    }
}

WG_MODULE_VERSION;

__attribute__((visibility("default"))) void wg_decide(const char *operation, const char *guest,
                                                      int in, int out)
{
    const char *how = getenv("WINGUEST_FAKE");

    (void)operation;
    (void)guest;
    (void)in;
    wg_decision_begin(out, &(struct wg_settings){
                               .deny_on_error = getenv("WINGUEST_FAKE_DENIES") != NULL,
                               .rollback = true,
                               .deadline = WG_DEADLINE,
                           });
    do_worst(how ? how : "abort");
}
