/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "engine/confine.h"

static void print(const struct wg_cli_domain *domain, const struct wg_verdict *verdict)
{
    if (!domain->is_guest && strcmp(domain->name, "-") != 0) {
        wg_print_escaped(domain->name, stdout);
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

/* Prints what there is to say of a verdict. Returns the exit code that it makes. */
static int tell(const struct wg_cli_domain *domain, const struct wg_verdict *verdict)
{
    print(domain, verdict);
    if (verdict->n_faults > 0)
        return WG_EXIT_ERROR;
    return verdict->outcome == WG_VIOLATES ? WG_EXIT_VIOLATIONS : WG_EXIT_OK;
}

int wg_cli_check(int argc, char **argv)
{
    struct wg_cli_input input;
    bool localtime = false;
    int code = wg_cli_open(argc, argv, true, &input);

    if (code >= 0)
        return code;
    code = WG_EXIT_OK;
    wg_confine(WG_CONFINE_READ);
    for (int i = 0; i < input.domains; i++) {
        char *xml;
        size_t len;
        struct wg_error err;
        struct wg_verdict *verdict = wg_cli_judge_domain(&input, i, input.explain ? WG_EXPLAIN : 0,
                                                         &xml, &len, &err);
        int told = verdict ? tell(&input.domain[i], verdict)
                           : wg_cli_error("check", "%s", err.text);

        if (told > code)
            code = told;
        localtime |= verdict && verdict->localtime;
        wg_verdict_free(verdict);
        free(xml);
    }
    wg_cli_close(&input);
    code = wg_cli_flush("check", code);
    wg_cli_warn_of_utc("check", localtime);
    return code;
}
