/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Not for people: how the daemon filter asks the engine. */
#include <unistd.h>

#include "cli.h"
#include "engine/module.h"

int wg_cli_decide(int argc, char **argv)
{
    if (argc != 3)
        return wg_cli_error("decide", "expects OPERATION GUEST");
    wg_module_decide(argv[1], argv[2], STDIN_FILENO, STDOUT_FILENO);
    _exit(WG_EXIT_OK);
}
