/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "common/words.h"

#define OPTIONS 16

/* getopt_long(3)'s tables of ours; an option's number is its place. */
struct known {
    struct option option[OPTIONS + 1];
    char letters[2 * OPTIONS + 2];
};

static void describe(const struct wg_option *options, struct known *known)
{
    char *letter = known->letters;

    *letter++ = ':';
    for (int i = 0; i < OPTIONS && options[i].name; i++) {
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

int wg_cli_options(int argc, char **argv, const struct wg_option *options)
{
    struct known known = {0};
    int c;

    describe(options, &known);
    opterr = 0;
    while ((c = getopt_long(argc, argv, known.letters, known.option, NULL)) != -1) {
        if (c == ':')
            return wg_cli_error(argv[0], "%s needs a value", argv[optind - 1]);
        if (c == '?')
            return unknown(options, argv[0], argv[optind - 1]);
        const struct wg_option *option = find(options, c);
        if (!option->given && !*optarg)
            return wg_cli_error(argv[0], "--%s needs a value, and has an empty one", option->name);
        if (option->given)
            *option->given = true;
        else if (option->value)
            *option->value = optarg;
        else if (wg_list_add(option->values, optarg, strlen(optarg)) < 0)
            return wg_cli_error(argv[0], "out of memory");
    }
    return -1;
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
    FILE *file = open_client_configuration();
    char *line = NULL;
    size_t size = 0;

    *uri = '\0';
    while (file && !*uri && getline(&line, &size, file) > 0) {
        if (sscanf(line, " uri_default = \"%1023[^\"]\"", uri) < 1)
            sscanf(line, " uri_default = '%1023[^']'", uri);
    }
    free(line);
    if (file)
        fclose(file);
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
