/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "../src/text.h"
#include "hook.h"

static char *describe(const struct wg_hook_call *call, const char *what, bool deny)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    if (!out)
        return NULL;
    fputs(call->operation, out);
    fputs(" guest '", out);
    wg_print_value(call->guest, out);
    fputs("': ", out);
    wg_print_escaped(what, out);
    fprintf(out, "; the guest is %s", deny ? "denied (on_error = deny)" : "left as it is");
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

int wg_hook_fault(const struct wg_hook_call *call, const char *what)
{
    bool prepare = strcmp(call->operation, "prepare") == 0;
    bool deny = *call->deny && prepare;
    char *text = describe(call, what, deny);

    syslog(LOG_ERR, "%s", text ? text : "out of memory");
    fprintf(stderr, "winguest: %s\n", text ? text : "out of memory");
    free(text);
    /* The answer to prepare is read by nobody, and a failure would keep the guest from starting. */
    return deny || (*call->begun && !prepare);
}
