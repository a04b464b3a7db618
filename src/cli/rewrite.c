/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "cli.h"
#include "engine/confine.h"

int wg_cli_rewrite(int argc, char **argv)
{
    struct wg_cli_input input;
    int code = wg_cli_open(argc, argv, false, &input);
    char *xml = NULL;
    size_t len;

    if (code >= 0)
        return code;
    wg_confine(WG_CONFINE_READ);
    code = WG_EXIT_ERROR;
    if (input.domains > 1) {
        wg_cli_error("rewrite", "one domain at a time");
    } else {
        struct wg_error err;
        struct wg_verdict *verdict = wg_cli_judge_domain(&input, 0, WG_REWRITE, &xml, &len, &err);
        if (!verdict) {
            wg_cli_error("rewrite", "%s", err.text);
        } else {
            code = WG_EXIT_OK;
            wg_cli_show_faults("rewrite", verdict);
            if (verdict->xml)
                fwrite(verdict->xml, 1, verdict->xml_len, stdout);
            else
                fwrite(xml, 1, len, stdout);
        }
        wg_verdict_free(verdict);
    }
    free(xml);
    wg_cli_close(&input);
    return wg_cli_flush("rewrite", code);
}
