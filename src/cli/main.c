/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dlfcn.h>
#include <locale.h>
#include <string.h>

#include "cli.h"

#define CONFIG_OPTION "  --config FILE   use this configuration, not " WG_SYSCONFDIR \
                      "/libvirt/winguest.conf\n"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* NULL: in the module that links libvirt */
    const char *arguments;
    const char *summary; /* NULL: not for people */
    const char *details;
} commands[] = {
    {"check", wg_cli_check, "[--config FILE] [--explain] [FILE…|-]",
     "tell what the policy says of domains, a line a guest",
     CONFIG_OPTION
     "  --explain       also print every sign that was looked for, and what it said\n"
     "Exit: 0 compliant or not concerned, 1 violations, 2 error.\n"},
    {"diff", wg_cli_diff, "[--config FILE] [FILE…|-]",
     "show what the policy would change, as a unified diff",
     CONFIG_OPTION "Exit: 0 nothing to change, 1 changes, 2 error.\n"},
    {"rewrite", wg_cli_rewrite, "[--config FILE] [FILE|-]",
     "print a domain as the policy wants it",
     CONFIG_OPTION "Exit: 0, or 2 on error with nothing printed.\n"},
    {"audit", NULL,
     "[-c URI]… [--format text|json|prometheus|html] [--output FILE] [--config FILE]\n"
     "                      [DIRECTORY|FILE…]",
     "tell what the policy says of all guests of hosts, stored and running",
     "  -c, --connect URI  a host, qemu+ssh://… say; may be given often. Without it, and without\n"
     "                     files, qemu:///system. Hosts are read, never changed\n"
     "  --format FORMAT    text, json, prometheus (for the textfile collector), html\n"
     "  --output FILE      write it there, whole or not at all\n"
     CONFIG_OPTION "Exit: 0 nothing violates, 1 violations, 2 a host or a guest failed.\n"},
    {"filter", wg_cli_filter, "enable|disable|status [--root DIR]",
     "switch the filter in libvirt's daemons on or off",
     "  enable    write systemd's drop-ins that load it; says what to restart\n"
     "  disable   remove them\n"
     "  status    tell what is written and what the running daemons have loaded\n"
     "  --root DIR  in the system below DIR, which is not running\n"
     "Exit: 0 done or active, 1 not active, 2 error.\n"},
    {"hook", wg_cli_hook, "GUEST OPERATION SUB-OPERATION EXTRA", NULL, NULL},
};

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static int help(const struct command *command)
{
    printf("Usage: winguest %s %s\n", command->name, command->arguments);
    if (command->summary)
        printf("\n%c%s.\n\n%s", command->summary[0] - 'a' + 'A', command->summary + 1,
               command->details);
    return wg_cli_flush(command->name, WG_EXIT_OK);
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

/* The filter waits for this program at every definition: libvirt's client library, whose loading
 * takes longer than the whole answer, is for the verbs that need it. */
static int run_module(int argc, char **argv)
{
    wg_virt_verb_fn *verb;
    void *module = dlopen(WG_PKGLIBDIR "/virt.so", RTLD_NOW | RTLD_LOCAL);

    *(void **)&verb = module ? dlsym(module, WG_VIRT_VERB) : NULL;
    if (!verb)
        return wg_cli_error(argv[0], "%s; mend: install the part of the package that needs libvirt",
                            dlerror());
    return verb(argc, argv);
}

static int usage(FILE *out)
{
    fputs("Usage: winguest COMMAND [ARGUMENTS]\n\n"
          "Gives Windows guests of libvirt the clock, the timers and the Hyper-V enlightenments "
          "they need.\n\nCommands:\n",
          out);
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        if (commands[i].summary)
            fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
    }
    fputs("\n`winguest COMMAND --help` tells more; --version the version.\n", out);
    return WG_EXIT_OK;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    if (argc < 2) {
        usage(stderr);
        return WG_EXIT_ERROR;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return wg_cli_flush(NULL, usage(stdout));
    if (strcmp(argv[1], "--version") == 0) {
        puts("winguest (libvirt-winguest) " PACKAGE_VERSION);
        return wg_cli_flush(NULL, WG_EXIT_OK);
    }
    const struct command *command = find(argv[1]);
    if (!command)
        return wg_cli_error(NULL, "'%s' is not a command; see winguest --help", argv[1]);
    if (asks_for_help(argc - 1, argv + 1))
        return help(command);
    return command->run ? command->run(argc - 1, argv + 1) : run_module(argc - 1, argv + 1);
}
