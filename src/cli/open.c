/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the verbs have in common. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../input.h"
#include "cli.h"

int wg_cli_open(int argc, char **argv, bool has_explain, struct wg_cli_input *input)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"explain", no_argument, NULL, 'e'},
        {0},
    };
    static char *standard_input[] = {"-"};
    const char *config = NULL;
    struct wg_error err;
    int c;

    *input = (struct wg_cli_input){0};
    opterr = 0;
    while ((c = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
        if (c == ':')
            return wg_cli_error(argv[0], "%s needs a value", argv[optind - 1]);
        if (c == '?' || (c == 'e' && !has_explain))
            return wg_cli_error(argv[0], "'%s' is not an option here; see winguest %s --help",
                                argv[optind - 1], argv[0]);
        if (c == 'c')
            config = optarg;
        input->explain |= c == 'e';
    }
    input->file = optind < argc ? argv + optind : standard_input;
    input->files = optind < argc ? argc - optind : 1;
    input->engine = wg_engine_open(config, NULL, &err);
    return input->engine ? -1 : wg_cli_error(argv[0], "%s", err.text);
}

static char *read_file(const char *file, size_t *len, struct wg_error *err)
{
    if (strcmp(file, "-") == 0)
        return wg_read_all(STDIN_FILENO, len, err);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        wg_fail(err, "%s", strerror(errno));
        return NULL;
    }
    char *bytes = wg_read_all(fd, len, err);
    close(fd);
    return bytes;
}

struct wg_verdict *wg_cli_judge(const struct wg_cli_input *input, const char *file, unsigned flags,
                                char **xml, size_t *len, struct wg_error *err)
{
    struct wg_verdict *verdict = NULL;

    *xml = read_file(file, len, err);
    if (*xml)
        verdict = wg_evaluate(input->engine, *xml, *len, flags, err);
    if (!verdict) {
        wg_fail_in(err, "%s", strcmp(file, "-") == 0 ? "standard input" : file);
        free(*xml);
        *xml = NULL;
    }
    return verdict;
}
