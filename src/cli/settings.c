/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Not for people: what the daemon filter, which reads no configuration itself, must know of it. */
#include "cli.h"

int wg_cli_settings(void)
{
    struct wg_settings settings;
    struct wg_error err;
    struct wg_engine *engine = wg_engine_open(NULL, &settings, &err);

    if (!engine)
        return wg_cli_error("filter settings", "%s", err.text);
    wg_engine_close(engine);
    printf("deadline=%u\nrollback=%s\n", settings.deadline, settings.rollback ? "yes" : "no");
    return wg_cli_flush("filter settings", WG_EXIT_OK);
}
