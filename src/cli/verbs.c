/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs of the engine's module: those that do without libvirt. */
#include <string.h>

#include "engine/module.h"
#include "cli.h"

WG_MODULE_VERSION;

static const struct {
    const char *name;
    wg_cli_verb_fn *run;
} verbs[] = {
    {"apply", wg_cli_apply_offline},
    {"check", wg_cli_check},
    {"diff", wg_cli_diff},
    {"filter", wg_cli_filter},
    {"rewrite", wg_cli_rewrite},
};

__attribute__((visibility("default"))) int wg_cli_verb(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
        if (strcmp(verbs[i].name, argv[0]) == 0)
            return verbs[i].run(argc, argv);
    }
    return wg_cli_error(argv[0], "not a verb of this module");
}
