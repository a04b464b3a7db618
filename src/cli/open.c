/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the verbs have in common; in each of their modules. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "common/input.h"
#include "engine/module.h"
#include "options.h"

WG_MODULE_VERSION;

/* A host other than this one, for its definitions. */
static int take_facts(struct wg_engine *engine, const char *path, struct wg_error *err)
{
    struct wg_host *host = wg_host_read(path, err);

    if (!host)
        return -1;
    wg_engine_use_host(engine, host);
    return 0;
}

static int take_sign(struct wg_engine *engine, const char *sign, struct wg_error *err)
{
    const char *value = strchr(sign, '=');

    if (!value || value == sign)
        return wg_fail(err, "--sign is written LABEL=VALUE, not '%s'", sign);
    char *label = strndup(sign, (size_t)(value - sign));
    int rc = label ? wg_engine_add_sign(engine, label, value + 1, err) : wg_no_memory(err);
    free(label);
    return rc;
}

static struct wg_engine *open_engine(const char *config, const char *facts, const char *sign,
                                     struct wg_error *err)
{
    struct wg_engine *engine = wg_engine_open(config, NULL, err);

    if (!engine)
        return NULL;
    if ((!facts || take_facts(engine, facts, err) == 0) &&
        (!sign || take_sign(engine, sign, err) == 0))
        return engine;
    wg_engine_close(engine);
    return NULL;
}

int wg_cli_open(int argc, char **argv, bool has_explain, struct wg_cli_input *input)
{
    static char *standard_input[] = {"-"};
    const char *config = NULL;
    const char *facts = NULL;
    const char *sign = NULL;
    const struct wg_option options[] = {
        {.name = "config", .value = &config},
        {.name = "facts", .value = &facts},
        {.name = "sign", .value = &sign},
        {.name = has_explain ? "explain" : NULL, .given = &input->explain},
        {0},
    };
    struct wg_error err;

    *input = (struct wg_cli_input){0};
    int code = wg_cli_options(argc, argv, options);
    if (code >= 0)
        return code;
    input->file = optind < argc ? argv + optind : standard_input;
    input->files = optind < argc ? argc - optind : 1;
    input->engine = open_engine(config, facts, sign, &err);
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

struct wg_verdict *wg_cli_judge(struct wg_engine *engine, const char *file, unsigned flags,
                                char **xml, size_t *len, struct wg_error *err)
{
    struct wg_verdict *verdict = NULL;

    *xml = read_file(file, len, err);
    if (*xml)
        verdict = wg_evaluate(engine, *xml, *len, flags, err);
    if (!verdict) {
        wg_fail_in(err, "%s", strcmp(file, "-") == 0 ? "standard input" : file);
        free(*xml);
        *xml = NULL;
    }
    return verdict;
}

void wg_cli_show_faults(const char *verb, const struct wg_verdict *verdict)
{
    for (size_t i = 0; i < verdict->n_faults; i++)
        wg_cli_error(verb, "%s; left out", verdict->faults[i]);
}

/* All year round: London's winter is no UTC. */
static bool zone_is_utc(void)
{
    for (int month = 0; month < 12; month++) {
        time_t then = (time_t)month * 30 * 24 * 60 * 60;
        time_t now = time(NULL) + then;
        struct tm local;

        if (!localtime_r(&now, &local) || local.tm_gmtoff != 0)
            return false;
    }
    return true;
}

void wg_cli_warn_of_utc(const char *verb, bool localtime)
{
    if (localtime && zone_is_utc())
        wg_cli_error(verb,
                     "warning: this host's zone is UTC, so clock.offset = localtime gives "
                     "its guests UTC; hint: set the host's zone, or clock.offset = timezone with "
                     "clock.timezone = Asia/Shanghai, say");
}
