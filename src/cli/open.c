/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the verbs have in common; in each of their modules. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "common/io.h"
#include "engine/module.h"
#include "options.h"

WG_MODULE_VERSION;

/* A host other than this one, for its definitions. */
static int take_facts(struct wg_engine *engine, const char *path, struct wg_error *err)
{
    struct wg_host *host = wg_host_read(path, err);

    if (!host)
        return -1;
    wg_engine_use_host(engine, host, NULL);
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

struct wg_engine *wg_cli_engine(const char *verb, const char *config, struct wg_error *err)
{
    static const char installed[] = WG_SYSCONFDIR "/libvirt/winguest.conf";
    bool absent = !config && access(installed, F_OK) < 0;

    wg_cli_tell(verb, "configuration: %s%s", config ? config : installed,
                absent ? ", which is not there: the defaults hold" : "");
    return wg_engine_open(config, NULL, err);
}

static struct wg_engine *open_engine(const char *verb, const char *config, const char *facts,
                                     const char *sign, struct wg_error *err)
{
    struct wg_engine *engine = wg_cli_engine(verb, config, err);

    if (!engine)
        return NULL;
    if ((!facts || take_facts(engine, facts, err) == 0) &&
        (!sign || take_sign(engine, sign, err) == 0))
        return engine;
    wg_engine_close(engine);
    return NULL;
}

struct names {
    const char *uri;
    bool guests;
    bool files;
};

/* A guest's name has no slash: libvirt allows none. */
static bool is_file(const char *name, const struct names *names)
{
    return names->files || strcmp(name, "-") == 0 ||
           (!names->guests && (access(name, F_OK) == 0 || strchr(name, '/')));
}

static void find_guest(const char *verb, const struct names *names, struct wg_cli_domain *domain)
{
    wg_cli_guest_fn *fetch;
    struct wg_error err;

    *(void **)&fetch = wg_module("virt.so", "wg_cli_guest", &err);
    if (fetch)
        domain->xml = fetch(names->uri, domain->name, strcmp(verb, "rewrite") == 0, &err);
    if (domain->xml)
        return;
    wg_fail_in(&err, "%s: %s", domain->name,
               names->guests ? "no such guest" : "No such file or directory, nor a guest");
    domain->why = strdup(err.text);
}

static int take_domains(int argc, char **argv, const struct names *names,
                        struct wg_cli_input *input)
{
    static char standard_input[] = "-";
    char *one[] = {standard_input};
    char **name = optind < argc ? argv + optind : one;

    if (names->guests && names->files)
        return wg_cli_error(argv[0], "--guest and --file exclude each other");
    input->domains = optind < argc ? argc - optind : 1;
    input->domain = calloc((size_t)input->domains, sizeof(*input->domain));
    if (!input->domain)
        return wg_cli_error(argv[0], "out of memory");
    for (int i = 0; i < input->domains; i++) {
        input->domain[i].name = name[i];
        input->domain[i].is_guest = !is_file(name[i], names);
        if (input->domain[i].is_guest)
            find_guest(argv[0], names, &input->domain[i]);
    }
    return -1;
}

int wg_cli_open(int argc, char **argv, bool tells, struct wg_cli_input *input)
{
    const char *config = NULL;
    const char *facts = NULL;
    const char *sign = NULL;
    struct names names = {0};
    const struct wg_option options[] = {
        {.name = "config", .value = &config},
        {.name = "connect", .letter = 'c', .value = &names.uri},
        {.name = "facts", .value = &facts},
        {.name = "file", .given = &names.files},
        {.name = "guest", .given = &names.guests},
        {.name = "sign", .value = &sign},
        {.name = tells ? "explain" : NULL, .given = &input->explain},
        {.name = tells ? "format" : NULL, .letter = 'f', .json = &input->json},
        {0},
    };
    struct wg_error err;

    *input = (struct wg_cli_input){0};
    int code = wg_cli_options(argc, argv, options);
    if (code < 0)
        code = take_domains(argc, argv, &names, input);
    if (code < 0 && !(input->engine = open_engine(argv[0], config, facts, sign, &err)))
        code = wg_cli_error(argv[0], "%s", err.text);
    if (code >= 0)
        wg_cli_close(input);
    return code;
}

void wg_cli_close(struct wg_cli_input *input)
{
    for (int i = 0; i < input->domains && input->domain; i++) {
        if (input->domain[i].xml)
            explicit_bzero(input->domain[i].xml, strlen(input->domain[i].xml));
        free(input->domain[i].xml);
        free(input->domain[i].why);
    }
    free(input->domain);
    wg_engine_close(input->engine);
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

struct wg_verdict *wg_cli_judge_domain(struct wg_cli_input *input, int number, unsigned flags,
                                       char **xml, size_t *len, struct wg_error *err)
{
    struct wg_cli_domain *domain = &input->domain[number];
    struct wg_verdict *verdict = NULL;

    if (!domain->is_guest)
        return wg_cli_judge(input->engine, domain->name, flags, xml, len, err);
    *xml = domain->xml;
    *len = *xml ? strlen(*xml) : 0;
    if (*xml)
        verdict = wg_evaluate(input->engine, *xml, *len, flags, err);
    else
        wg_fail(err, "%s", domain->why ? domain->why : "out of memory");
    if (verdict)
        domain->xml = NULL;
    else
        *xml = NULL;
    return verdict;
}

void wg_cli_show_faults(const char *verb, const struct wg_verdict *verdict)
{
    for (size_t i = 0; i < verdict->faults.count; i++)
        wg_cli_error(verb, "%s; left out", verdict->faults.item[i]);
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
    if (localtime && zone_is_utc() && !wg_cli_manner()->quiet)
        wg_cli_error(verb,
                     "warning: this host's zone is UTC, so clock.offset = localtime gives "
                     "its guests UTC; hint: set the host's zone, or clock.offset = timezone with "
                     "clock.timezone = Asia/Shanghai, say");
}
