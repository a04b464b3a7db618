/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Not for people: how the daemon filter asks the engine. */
#include "../../hooks/hook.h"

#include <string.h>

#include "cli.h"

int wg_cli_hook(int argc, char **argv)
{
    if (argc != 5 || strcmp(argv[3], "begin") != 0 ||
        (strcmp(argv[2], "define") != 0 && strcmp(argv[2], "create") != 0))
        return wg_cli_error("hook", "expects GUEST define|create begin EXTRA");
    return wg_hook_answer(&(struct wg_hook_call){argv[1], argv[2]});
}
