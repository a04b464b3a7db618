/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static int show(const char *name, const char *xml, size_t len, const struct wg_verdict *verdict)
{
    struct wg_error err;

    if (!verdict->xml)
        return WG_EXIT_OK;
    if (wg_cli_show_diff(strcmp(name, "-") == 0 ? "domain" : name, xml, len, verdict->xml,
                         verdict->xml_len, &err) < 0)
        return wg_cli_error("diff", "%s", err.text);
    return WG_EXIT_VIOLATIONS;
}

int wg_cli_diff(int argc, char **argv)
{
    struct wg_cli_input input;
    int code = wg_cli_open(argc, argv, false, &input);

    if (code >= 0)
        return code;
    code = WG_EXIT_OK;
    for (int i = 0; i < input.domains; i++) {
        char *xml;
        size_t len;
        struct wg_error err;
        struct wg_verdict *verdict = wg_cli_judge_domain(&input, i, WG_REWRITE, &xml, &len, &err);
        if (verdict)
            wg_cli_show_faults("diff", verdict);
        int shown = verdict ? show(input.domain[i].name, xml, len, verdict)
                            : wg_cli_error("diff", "%s", err.text);

        if (shown > code)
            code = shown;
        wg_verdict_free(verdict);
        free(xml);
    }
    wg_cli_close(&input);
    return wg_cli_flush("diff", code);
}
