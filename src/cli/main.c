/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cli.h"
#include "common/io.h"
#include "engine/module.h"

/* clang-format off */
#define CONFIG_OPTION "  --config FILE   use this configuration, not " WG_SYSCONFDIR \
                      "/libvirt/winguest.conf\n"
#define JUDGE_OPTIONS \
    CONFIG_OPTION \
    "  --file, --guest  each name is a file's, or a guest's; without, a guest's if there is no such file\n" \
    "  -c, --connect URI  the host with the guests, instead of qemu:///system\n" \
    "  --facts FILE    judge for the host of these facts (winguest probe), not for this one\n" \
    "  --sign LABEL=VALUE  a sign that the domain does not carry; asked with the source metadata\n"

static const struct command {
    const char *name;
    const char *module; /* it has the function, a line of cli.h; NULL: this program has it */
    const char *arguments;
    const char *summary; /* NULL: not for people */
    const char *details;
} commands[] = {
    {"check", "engine.so", "[--explain] [OPTION…] [FILE|GUEST…|-]",
     "tell what the policy says of domains, a line a guest",
     JUDGE_OPTIONS
     "  --explain       also print every sign that was looked for, and what it said\n"
     "  -f, --format FORMAT  text, json\n"
     "Exit: 0 nothing violates, 1 violations, 2 error.\n"},
    {"config", "engine.so", "check [FILE]\n       winguest config show [--format text|json] [FILE]",
     "tell whether the configuration is right, or what holds",
     "  check           all that is wrong, and what a guest in each section gets\n"
     "  show            each key, its value, and the line that it comes from\n"
     CONFIG_OPTION
     "Exit: 0 it is right, 2 it is not.\n"},
    {"diff", "engine.so", "[OPTION…] [FILE|GUEST…|-]",
     "show what the policy would change, as a unified diff",
     JUDGE_OPTIONS "Exit: 0 nothing to change, 1 changes, 2 error.\n"},
    {"rewrite", "engine.so", "[OPTION…] [FILE|GUEST|-]",
     "print a domain as the policy wants it",
     JUDGE_OPTIONS "Exit: 0, or 2 on error with nothing printed.\n"},
    {"apply", "virt.so",
     "[-c URI] [--dry-run] [--yes] [--format text|json] [--config FILE] --all|GUEST…\n"
     "       winguest apply --offline [--dry-run] [--format text|json] [--config FILE] [--all|GUEST…]\n"
     "       winguest apply [-c URI] [--yes] [--format text|json] --undo",
     "bring the stored definitions of a host's guests in line",
     "  -c, --connect URI  the host, instead of qemu:///system\n"
     "  --all, GUEST…      all guests, or those that a name or a glob fits\n"
     "  --dry-run          show what would be changed, change nothing\n"
     "  --yes              do not ask\n"
     "  --offline          in libvirt's files, before its daemon starts; does not ask\n"
     "  --undo             define again what the last apply replaced\n"
     "  -f, --format FORMAT  text, json; the latter asks nothing: it goes with --yes or --dry-run\n"
     CONFIG_OPTION
     "Nothing is started or stopped: running guests get it at their next cold boot.\n"
     "Exit: 0 all in line, 1 --dry-run would change some, 2 error.\n"},
    {"audit", "virt.so",
     "[-c URI]… [--hosts FILE|-] [--ask-guests] [--format FORMAT] [--output FILE]\n"
     "                      [--only VERDICT]… [--details|--summary] [--since FILE] [--config FILE]\n"
     "                      [DIRECTORY|FILE…]",
     "tell what the policy says of all guests of hosts, stored and running",
     "  -c, --connect URI  a host, qemu+ssh://… say; may be given often. Without it, and without\n"
     "                     files, qemu:///system. Hosts are read, never changed\n"
     "  --hosts FILE       more hosts, a URI a line\n"
     "  --ask-guests       ask running guests, through their agents, what they are and what time\n"
     "                     they have\n"
     "  -j, --jobs NUMBER  hosts that are asked at the same time, 20 unless told\n"
     "  --only VERDICT     tell of these guests alone: violates, waiting, compliant, unknown-OS,\n"
     "                     skipped, exempt, not-applicable, error, wrong-clock; may be given often\n"
     "  --details          all that differs, behind each guest\n"
     "  --summary          tell of no guest by itself\n"
     "  --since FILE       only what is not as it was in FILE, the JSON of an earlier audit\n"
     "  --timeout SECONDS  how long a host may take to let us connect, 30 unless told\n"
     "  -f, --format FORMAT  text, json, csv, html, prometheus (for the textfile collector)\n"
     "  -o, --output FILE  write it there, whole or not at all\n"
     CONFIG_OPTION "Exit: 0 nothing violates, 1 violations, 2 a host or a guest failed.\n"},
    {"discover", "virt.so",
     "[-c URI]… [--hosts FILE|-] [-j NUMBER] [--timeout SECONDS] [--format text|json]\n"
     "                         [--disks] [--merge FILE] [--cured FILE] [--prune]\n"
     "                         [--config FILE]",
     "ask running guests, through their agents, what they are and what time they have",
     "  -c, --connect URI  a host; may be given often. Without it qemu:///system\n"
     "  --hosts FILE       more hosts, a URI a line\n"
     "  -f, --format FORMAT  text, json\n"
     "  -j, --jobs NUMBER  hosts that are asked at the same time, 20 unless told\n"
     "  --timeout SECONDS  how long a host may take to let us connect, 30 unless told\n"
     "  --disks            look at the disks of guests that are shut off and that nothing marks:\n"
     "                     needs virt-inspector, and takes a quarter of a minute a guest\n"
     "  --merge FILE       add guests that say Windows, and are not marked, to rules.uuid_file\n"
     "  --cured FILE       add Windows that keeps UTC inside to rules.exempt.uuid_file\n"
     "  --prune            and take those out again that are on no host any more\n"
     CONFIG_OPTION
     "What an agent says is the word of whoever rules the guest.\n"
     "Exit: 0, or 2 if a host failed.\n"},
    {"repair", "virt.so", "[--config FILE] [--id ID] [--definition|--previous] UUID\n"
     "       winguest repair [--config FILE] --pending",
     "restart a guest that has just been booted against the policy",
     CONFIG_OPTION
     "  --id ID         only that boot of it\n"
     "  --definition    only bring its stored definition in line\n"
     "  --previous      it has not started with that: give it its previous definition back\n"
     "  --pending       complete what repairs that were killed have begun\n"
     "A guest that must not be restarted is left running, and only its definition corrected.\n"
     "Exit: 0 it runs as it must, 1 it does not, 2 error.\n"},
    {"probe", "virt.so",
     "[-c URI]… [--hosts FILE] [--print] [--output FILE]\n"
     "                      [--jobs NUMBER] [--timeout SECONDS] [--format text|json] [FILE…]",
     "ask hosts what they can give their guests, and remember it",
     "  -c, --connect URI  a host; may be given often. Without it qemu:///system\n"
     "  --hosts FILE       more hosts, a URI a line\n"
     "  --print            print it instead of storing it in " WG_HOSTFACTS "\n"
     "  -o, --output FILE  store it there\n"
     "  -f, --format FORMAT  text, json; of JSON nothing is stored\n"
     "  -j, --jobs NUMBER  hosts that are asked at the same time, 20 unless told\n"
     "  --timeout SECONDS  how long a host may take to let us connect, 30 unless told\n"
     "Of a host at the end of a remote URI, or of a socket that the URI names, it is always\n"
     "printed; winguest check --facts FILE takes it. Of several hosts, or of FILEs that hosts\n"
     "have printed, it is what all of them can give: the guests of a host on which it lies as\n"
     WG_CLUSTERFACTS " get no more.\n"
     "Exit: 0, or 2 on error with nothing changed.\n"},
    {"enable", "engine.so", "[--mode enforce|report] [--root DIR]",
     "have libvirt's daemons load the filter: guests are right the first time",
     "  --mode MODE     set mode in the configuration first; report: all is told, nothing changed\n"
     "  --root DIR      in the system below DIR, which is not running\n"
     "Writes systemd's drop-ins, and says what to restart; without systemd, what to set.\n"
     "Exit: 0, or 2 on error.\n"},
    {"disable", "engine.so", "[--root DIR]",
     "have libvirt's daemons load the filter no more",
     "  --root DIR      in the system below DIR, which is not running\n"
     "Removes systemd's drop-ins, and says what to restart.\n"
     "Exit: 0, or 2 on error.\n"},
    {"status", "engine.so", "[--format text|json]",
     "tell whether the policy is in force on this host",
     "  -f, --format FORMAT  text, json\n"
     "Each line is ok, a warning or a failure, with what to do.\n"
     "Exit: 0 in force, 1 warnings, 2 not in force.\n"},
    {"decide", NULL, "OPERATION GUEST", NULL, NULL},
};
/* clang-format on */

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static const char common[] = "\nLike each command it also takes\n"
                             "  -q, --quiet        print nothing but errors\n"
                             "  -v, --verbose      tell what is read and asked\n"
                             "  --color WHEN       auto, always, never\n";

static int help(const struct command *command)
{
    printf("Usage: winguest %s %s\n", command->name, command->arguments);
    if (command->summary)
        printf("\n%c%s.\n\n%s%s", command->summary[0] - 'a' + 'A', command->summary + 1,
               command->details, common);
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
    fputs("\n`winguest help COMMAND` tells more; --version the version.\n", out);
    return WG_EXIT_OK;
}

static int unknown(const char *word)
{
    char words[256] = "", near[32];
    size_t len = 0;

    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        if (commands[i].summary)
            len += (size_t)snprintf(words + len, sizeof(words) - len, " %s", commands[i].name);
    }
    bool meant = wg_nearest(words, word, near, sizeof(near));
    return wg_cli_error(NULL, "'%s' is not a command; %s%s%ssee winguest --help", word,
                        meant ? "did you mean " : "", meant ? near : "", meant ? "? " : "");
}

/* The verbs that need libvirt are in a module of their own: loading its client library takes five
 * times as long as loading the engine, which the filter's child waits for at every definition. */
static int run(const struct command *command, int argc, char **argv)
{
    struct wg_error err;
    char function[32];
    wg_cli_verb_fn *verb = wg_cli_decide;

    if (command->module) {
        snprintf(function, sizeof(function), "wg_cli_%s", command->name);
        *(void **)&verb = wg_module(command->module, function, &err);
    }
    return verb ? verb(argc, argv) : wg_cli_error(argv[0], "%s", err.text);
}

static int version(void)
{
    puts("winguest (libvirt-winguest) " PACKAGE_VERSION);
    return wg_cli_flush(NULL, WG_EXIT_OK);
}

static int help_with(const char *word)
{
    const struct command *command = word ? find(word) : NULL;

    if (command)
        return help(command);
    return word ? unknown(word) : wg_cli_flush(NULL, usage(stdout));
}

/* Options that stand before the command are the command's: they are moved behind it. */
static void put_command_first(int argc, char **argv)
{
    static const char with_value[] = "--color --config --connect --format --output -c -f -o";
    int at = 1;

    while (at < argc && *argv[at] == '-')
        at += wg_has_word(with_value, argv[at]) ? 2 : 1;
    if (at >= argc)
        return;
    char *command = argv[at];
    memmove(argv + 2, argv + 1, (size_t)(at - 1) * sizeof(*argv));
    argv[1] = command;
}

int main(int argc, char **argv)
{
    wg_hold_standard_descriptors();
    if (argc < 2) {
        usage(stderr);
        return WG_EXIT_ERROR;
    }
    if (wg_has_word("--help -h", argv[1]))
        return help_with(NULL);
    if (strcmp(argv[1], "help") == 0)
        return help_with(argc > 2 ? argv[2] : NULL);
    if (wg_has_word("--version -V version", argv[1]))
        return version();
    put_command_first(argc, argv);
    const struct command *command = find(argv[1]);
    if (!command)
        return unknown(argv[1]);
    if (asks_for_help(argc - 1, argv + 1))
        return help(command);
    return run(command, argc - 1, argv + 1);
}
