/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <string.h>

#include "cli.h"

#define CONFIG_OPTION "  --config FILE   use this configuration, not " WG_SYSCONFDIR \
                      "/libvirt/winguest.conf\n"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
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
    {"filter", wg_cli_filter, "enable|disable|status",
     "switch the filter in libvirt's daemons on or off",
     "  enable    write systemd's drop-ins that load it; says what to restart\n"
     "  disable   remove them\n"
     "  status    tell what is written and what the running daemons have loaded\n"
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

int wg_cli_error(const char *verb, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "winguest: %s%s", verb ? verb : "", verb ? ": " : "");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return WG_EXIT_ERROR;
}

void wg_cli_help(const char *verb, FILE *out)
{
    const struct command *command = find(verb);

    if (!command)
        return;
    fprintf(out, "Usage: winguest %s %s\n", command->name, command->arguments);
    if (command->summary)
        fprintf(out, "\n%c%s.\n\n%s", command->summary[0] - 'a' + 'A', command->summary + 1,
                command->details);
}

int wg_cli_flush(const char *verb, int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    return wg_cli_error(verb, "standard output: %s", strerror(errno));
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
    return command->run(argc - 1, argv + 1);
}
