/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../confine.h"
#include "ahead.h"
#include "cli.h"

static void print(const char *file, const struct wg_verdict *verdict)
{
    if (strcmp(file, "-") != 0) {
        wg_print_escaped(file, stdout);
        fputs(": ", stdout);
    }
    wg_print_escaped(verdict->name ? verdict->name : "(no name)", stdout);
    fputs(": ", stdout);
    wg_verdict_print(verdict, stdout);
    putchar('\n');
    for (size_t i = 0; i < verdict->n_trail; i++) {
        fputs("  ", stdout);
        wg_print_escaped(verdict->trail[i], stdout);
        putchar('\n');
    }
}

struct checked {
    int code;
    bool localtime;
};

static void tell(void *context, const struct wg_judged *judged)
{
    struct checked *checked = context;

    if (!judged->verdict) {
        checked->code = wg_cli_error("check", "%s", judged->err.text);
        return;
    }
    if (judged->verdict->n_faults > 0)
        checked->code = WG_EXIT_ERROR;
    else if (judged->verdict->outcome == WG_VIOLATES && checked->code == WG_EXIT_OK)
        checked->code = WG_EXIT_VIOLATIONS;
    checked->localtime |= judged->verdict->localtime;
    print(judged->file, judged->verdict);
}

int wg_cli_check(int argc, char **argv)
{
    struct wg_cli_input input;
    struct checked checked = {.code = WG_EXIT_OK};
    int code = wg_cli_open(argc, argv, true, &input);

    if (code >= 0)
        return code;
    wg_confine(WG_CONFINE_READ);
    wg_cli_judge_all(&input, input.explain ? WG_EXPLAIN : 0, tell, &checked);
    wg_engine_close(input.engine);
    code = wg_cli_flush("check", checked.code);
    wg_cli_warn_of_utc("check", checked.localtime);
    return code;
}
