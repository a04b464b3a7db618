/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "terminal.h"

#define OPTIONS 24

static struct wg_manner manner;

static const struct wg_option common[] = {
    {.name = "color", .value = &manner.color},
    {.name = "quiet", .letter = 'q', .given = &manner.quiet},
    {.name = "verbose", .letter = 'v', .given = &manner.verbose},
};

#define COMMON (sizeof(common) / sizeof(*common))

/* getopt_long(3)'s tables of ours; an option's number is its place. */
struct known {
    struct wg_option all[OPTIONS + 1];
    struct option option[OPTIONS + 1];
    char letters[2 * OPTIONS + 2];
};

static void join(const struct wg_option *options, struct known *known)
{
    size_t count = 0;

    while (count < OPTIONS - COMMON && options[count].name) {
        known->all[count] = options[count];
        count++;
    }
    memcpy(&known->all[count], common, sizeof(common));
}

static void describe(struct known *known)
{
    const struct wg_option *options = known->all;
    char *letter = known->letters;

    *letter++ = ':';
    for (int i = 0; options[i].name; i++) {
        known->option[i] = (struct option){.name = options[i].name,
                                           .has_arg = options[i].given ? no_argument
                                                                       : required_argument,
                                           .val = i};
        if (!options[i].letter)
            continue;
        *letter++ = options[i].letter;
        if (!options[i].given)
            *letter++ = ':';
    }
}

static const struct wg_option *find(const struct wg_option *options, int c)
{
    if (c < OPTIONS)
        return &options[c];
    while (options->letter != c)
        options++;
    return options;
}

static int unknown(const struct wg_option *options, const char *verb, const char *word)
{
    char words[512] = "--help", near[64];
    size_t len = strlen(words);

    for (; options->name && len < sizeof(words); options++)
        len += (size_t)snprintf(words + len, sizeof(words) - len, " --%s", options->name);
    bool meant = wg_nearest(words, word, near, sizeof(near));
    return wg_cli_error(verb, "unknown option '%s'; %s%s%ssee winguest %s --help", word,
                        meant ? "did you mean " : "", meant ? near : "", meant ? "? " : "", verb);
}

/* What they ask for is done here, so that no verb has to. */
static int take_manner(const char *verb)
{
    static const char words[] = "auto always never";

    if (manner.color && !wg_has_word(words, manner.color))
        return wg_cli_error(verb, "--color '%s': it is one of %s", manner.color, words);
    wg_terminal_open(manner.color);
    if (manner.quiet && !freopen("/dev/null", "w", stdout))
        return wg_cli_error(verb, "/dev/null: %s", strerror(errno));
    return -1;
}

const struct wg_manner *wg_cli_manner(void)
{
    return &manner;
}

void wg_cli_tell(const char *verb, const char *format, ...)
{
    va_list args;
    char *text;

    if (!manner.verbose)
        return;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    wg_cli_error(verb, "%s", text ? text : "out of memory");
    free(text);
}

int wg_cli_options(int argc, char **argv, const struct wg_option *verbs)
{
    struct known known = {0};
    const struct wg_option *options = known.all;
    static const char *const text_or_json[] = {"text", "json", NULL};
    int c, form = 0;

    join(verbs, &known);
    describe(&known);
    opterr = 0;
    while ((c = getopt_long(argc, argv, known.letters, known.option, NULL)) != -1) {
        if (c == ':')
            return wg_cli_error(argv[0], "%s needs a value", argv[optind - 1]);
        if (c == '?')
            return unknown(options, argv[0], argv[optind - 1]);
        const struct wg_option *option = find(options, c);
        if (!option->given && !*optarg)
            return wg_cli_error(argv[0], "--%s needs a value, and has an empty one", option->name);
        if (option->json && (form = wg_cli_format(argv[0], optarg, text_or_json)) < 0)
            return WG_EXIT_ERROR;
        if (option->json)
            *option->json = form == 1;
        else if (option->given)
            *option->given = true;
        else if (option->value)
            *option->value = optarg;
        else if (!wg_list_has(option->values, optarg) &&
                 wg_list_add(option->values, optarg, strlen(optarg)) < 0)
            return wg_cli_error(argv[0], "out of memory");
    }
    return take_manner(argv[0]);
}

int wg_cli_format(const char *verb, const char *format, const char *const *formats)
{
    char words[128] = "", near[32];
    size_t len = 0;

    for (int i = 0; formats[i]; i++) {
        if (strcasecmp(formats[i], format) == 0)
            return i;
        len += (size_t)snprintf(words + len, sizeof(words) - len, " %s", formats[i]);
    }
    bool meant = wg_nearest(words, format, near, sizeof(near));
    wg_cli_error(verb, "'%s' is not a format; %s%s%sthere are%s", format,
                 meant ? "did you mean " : "", meant ? near : "", meant ? "? " : "", words);
    return -1;
}

int wg_cli_hosts(const char *verb, const char *file, struct wg_list *uris)
{
    bool given = strcmp(file, "-") == 0;
    FILE *from = given ? stdin : fopen(file, "re");
    char *line = NULL;
    size_t size = 0;
    bool named = false;
    int code = from ? -1 : wg_cli_error(verb, "--hosts %s: %s", file, strerror(errno));

    while (code < 0 && getline(&line, &size, from) > 0) {
        char *uri = line + strspn(line, " \t");

        uri[strcspn(uri, " \t\r\n")] = '\0';
        if (!*uri || *uri == '#')
            continue;
        named = true;
        if (!wg_list_has(uris, uri) && wg_list_add(uris, uri, strlen(uri)) < 0)
            code = wg_cli_error(verb, "out of memory");
    }
    if (code < 0 && !named)
        code = wg_cli_error(verb, "--hosts %s: it names no host; it has a URI a line", file);
    free(line);
    if (from && !given)
        fclose(from);
    return code;
}

static int take_number(const char *verb, const char *option, const char *text, unsigned most,
                       unsigned *number)
{
    char *end;

    if (!text)
        return -1;
    unsigned long value = strtoul(text, &end, 10);
    if (*end || *text < '0' || *text > '9' || value < 1 || value > most)
        return wg_cli_error(verb, "--%s '%s': it takes a number, 1 to %u", option, text, most);
    *number = (unsigned)value;
    return -1;
}

int wg_cli_bounds(const char *verb, const char *jobs_text, const char *timeout_text, unsigned *jobs,
                  unsigned *timeout)
{
    *jobs = WG_JOBS;
    *timeout = WG_TIMEOUT;
    int code = take_number(verb, "jobs", jobs_text, WG_JOBS_MAX, jobs);

    return code < 0 ? take_number(verb, "timeout", timeout_text, WG_TIMEOUT_MAX, timeout) : code;
}

/* libvirt's configuration of its clients (virConfLoadConfigPath). */
static FILE *open_client_configuration(void)
{
    const char *base = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    char path[4096];

    if (geteuid() == 0)
        snprintf(path, sizeof(path), "/etc/libvirt/libvirt.conf");
    else if (base && *base)
        snprintf(path, sizeof(path), "%s/libvirt/libvirt.conf", base);
    else
        snprintf(path, sizeof(path), "%s/.config/libvirt/libvirt.conf", home ? home : "");
    return fopen(path, "re");
}

/* Its uri_default; NULL if there is none. */
static const char *configured_host(void)
{
    static char uri[1024];
    WG_CLOSED_FILE *file = open_client_configuration();
    WG_FREED *line = NULL;
    size_t size = 0;

    *uri = '\0';
    while (file && !*uri && getline(&line, &size, file) > 0) {
        if (sscanf(line, " uri_default = \"%1023[^\"]\"", uri) < 1)
            sscanf(line, " uri_default = '%1023[^']'", uri);
    }
    return *uri ? uri : NULL;
}

const char *wg_cli_host(const char *uri)
{
    const char *told = getenv("LIBVIRT_DEFAULT_URI");

    if (!uri && told && *told)
        uri = told;
    if (!uri)
        uri = configured_host();
    return uri ? uri : "qemu:///system";
}
