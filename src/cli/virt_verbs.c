/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The module of the verbs that need libvirt. */
#include <string.h>

#include "../module.h"
#include "cli.h"

WG_MODULE_VERSION;

static const struct {
    const char *name;
    wg_cli_verb_fn *run;
} verbs[] = {
    {"apply", wg_cli_apply},
    {"audit", wg_cli_audit},
    {"probe", wg_cli_probe},
    {"repair", wg_cli_repair},
    {NULL, NULL},
};

__attribute__((visibility("default"))) int wg_cli_verb(int argc, char **argv)
{
    for (size_t i = 0; verbs[i].name; i++) {
        if (strcmp(verbs[i].name, argv[0]) == 0)
            return verbs[i].run(argc, argv);
    }
    return wg_cli_error(argv[0], "not a verb of this module");
}
