/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "discover.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"

struct run {
    struct wg_list uris;
    const char *config;
    unsigned jobs;
    unsigned timeout;
    bool json;
    bool disks;
    const char *merge;
    const char *cured;
    bool prune;
    struct wg_engine *engine;
    struct wg_discoveries found;
};

static int judge(struct run *run, const struct wg_virt_guest *from, struct wg_discovery *guest,
                 struct wg_error *err)
{
    bool active = from->active;
    char *xml = wg_virt_guest_xml(from, active ? WG_VIRT_LIVE : WG_VIRT_INACTIVE, err);
    struct wg_verdict *verdict = xml ? wg_evaluate(run->engine, xml, strlen(xml), 0, err) : NULL;
    int rc = verdict ? 0 : -1;

    if (verdict) {
        wg_discovery_read_clock(guest, xml);
        guest->os = verdict->os;
        guest->evidence = verdict->evidence ? strdup(verdict->evidence) : NULL;
    }
    wg_verdict_free(verdict);
    wg_virt_forget(xml);
    return rc;
}

/* Without memory NULL. */
static struct wg_discovery *append(struct wg_discoveries *found, const struct wg_asked_host *host,
                                   size_t place)
{
    struct wg_discovery *grown = realloc(found->item, (found->count + 1) * sizeof(*grown));
    const struct wg_virt_guest *from = host->guests[place];

    if (!grown)
        return NULL;
    found->item = grown;
    struct wg_discovery *guest = &grown[found->count++];
    *guest = (struct wg_discovery){.host = strdup(host->name),
                                   .name = strdup(from->name),
                                   .answer = host->answer[place]};
    snprintf(guest->uuid, sizeof(guest->uuid), "%s", from->uuid);
    return guest->host && guest->name ? guest : NULL;
}

static void drop_last(struct wg_discoveries *found)
{
    struct wg_discovery *guest = &found->item[--found->count];

    free(guest->host);
    free(guest->name);
    free(guest->evidence);
}

/* Returns whether it was judged. One that ended meanwhile is no fault of the host's. */
static bool judge_or_tell(struct run *run, const struct wg_virt_guest *from,
                          struct wg_discovery *guest, struct wg_error *err)
{
    if (judge(run, from, guest, err) == 0)
        return true;
    if (wg_virt_guest_gone(from))
        return false;
    guest->answer = (struct wg_agent_answer){.state = WG_AGENT_NOT_ASKED};
    snprintf(guest->answer.why, sizeof(guest->answer.why), "%.*s", 250, err->text);
    run->found.failed = true;
    return false;
}

static int take_running(struct run *run, const struct wg_asked_host *host, size_t place,
                        struct wg_error *err)
{
    const struct wg_virt_guest *from = host->guests[place];
    struct wg_discovery *guest = append(&run->found, host, place);

    if (!guest)
        return wg_no_memory(err);
    if (wg_virt_is_local(host->virt))
        wg_discovery_read_zone(guest);
    judge_or_tell(run, from, guest, err);
    return 0;
}

static bool is_off(const struct wg_asked_host *host, const char *uuid)
{
    struct wg_virt_status status;
    struct wg_error ignored;

    return wg_virt_look(host->virt, uuid, &status, &ignored) == 0 && status.state == WG_VIRT_OFF;
}

/* Of one that was started meanwhile what was found is nothing that stands. */
static int take_shut_off(struct run *run, const struct wg_asked_host *host, size_t place,
                         struct wg_error *err)
{
    const struct wg_virt_guest *from = host->guests[place];
    struct wg_discovery *guest = append(&run->found, host, place);
    int rc = 0;

    if (!guest)
        return wg_no_memory(err);
    if (judge_or_tell(run, from, guest, err) && guest->os == WG_OS_UNKNOWN &&
        is_off(host, guest->uuid))
        rc = wg_discovery_inspect(guest, host->uri, err);
    if (guest->from_disks ? !is_off(host, guest->uuid) : !*guest->answer.why)
        drop_last(&run->found);
    return rc;
}

static int take(struct run *run, const struct wg_asked_host *host, size_t place,
                struct wg_error *err)
{
    if (host->guests[place]->active)
        return take_running(run, host, place, err);
    if (!run->disks || wg_agent_stopped_by())
        return 0;
    return wg_virt_is_local(host->virt)
               ? take_shut_off(run, host, place, err)
               : wg_fail(err, "--disks: its guests' disks are not on this host");
}

static int take_host(struct run *run, const struct wg_asked_host *host, struct wg_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < host->count; i++) {
        const char *uuid = host->guests[i]->uuid;

        if (wg_list_add(&run->found.uuids, uuid, strlen(uuid)) < 0)
            rc = wg_no_memory(err);
        else
            rc = take(run, host, i, err);
    }
    if (rc < 0)
        wg_fail_in(err, "%s", host->uri);
    return rc;
}

static int ask_hosts(struct run *run)
{
    struct wg_asked_host *hosts = calloc(run->uris.count, sizeof(*hosts));
    size_t count = run->uris.count;

    if (!hosts)
        return wg_cli_error("discover", "out of memory");
    for (size_t i = 0; i < count; i++)
        hosts[i].uri = run->uris.item[i];
    wg_discovery_ask(hosts, count, run->jobs, run->timeout);
    for (size_t i = 0; i < count; i++) {
        if (!wg_agent_stopped_by() &&
            (!hosts[i].answer || take_host(run, &hosts[i], &hosts[i].error) < 0)) {
            wg_cli_error("discover", "%s", hosts[i].error.text);
            run->found.failed = true;
        }
        wg_asked_host_clear(&hosts[i]);
    }
    free(hosts);
    return wg_agent_stopped_by() ? 128 + wg_agent_stopped_by() : -1;
}

static void print_text(const struct wg_discovery *guest)
{
    wg_print_value(guest->name, stdout);
    fputs(": ", stdout);
    wg_discovery_print(guest, true, stdout);
    putchar('\n');
}

static void print_json(const struct wg_discovery *guest)
{
    char clock[200];
    bool wrong;

    wg_discovery_clock(guest, clock, &wrong);
    wg_cli_json_member("{", "name", guest->name);
    wg_cli_json_member(",", "uuid", guest->uuid);
    wg_cli_json_member(",", "host", guest->host);
    wg_cli_json_member(",", "agent", wg_discovery_state_word(guest));
    wg_cli_json_member(",", "why", guest->answer.why);
    wg_cli_json_member(",", "says", guest->answer.os);
    wg_cli_json_member(",", "says_name", guest->answer.os_name);
    wg_cli_json_member(",", "os", wg_os_text(guest->os));
    wg_cli_json_member(",", "evidence", guest->evidence);
    wg_cli_json_member(",", "finding", wg_discovery_kind_word(guest));
    wg_cli_json_member(",", "clock", clock);
    if (guest->answer.has_time)
        printf(", \"clock_error\": %.3f, \"clock_within\": %.3f, \"clock_wrong\": %s",
               guest->answer.clock_error, guest->answer.within, wrong ? "true" : "false");
    putchar('}');
}

static void print(const struct run *run)
{
    if (run->json)
        fputs("{\"version\": 1, \"guests\": [", stdout);
    for (size_t i = 0; i < run->found.count; i++) {
        if (run->json) {
            fputs(i > 0 ? ",\n" : "\n", stdout);
            print_json(&run->found.item[i]);
        } else {
            print_text(&run->found.item[i]);
        }
    }
    if (run->json)
        fputs("\n]}\n", stdout);
}

/* A guest may be on the host that did not answer: then none is taken out. */
static int merge(struct run *run, const char *path, wg_discovery_fn *belongs)
{
    struct wg_error err;
    size_t added, removed;

    if (run->prune && run->found.failed)
        wg_cli_error("discover", "a host failed, so no guest is taken out of %s", path);
    if (wg_discoveries_merge(&run->found, path, belongs, run->prune && !run->found.failed, &added,
                             &removed, &err) < 0)
        return wg_cli_error("discover", "%s", err.text);
    if (!wg_cli_manner()->quiet)
        fprintf(stderr, "winguest: discover: %s: %zu added, %zu taken out\n", path, added, removed);
    return WG_EXIT_OK;
}

static int take_arguments(struct run *run, int argc, char **argv)
{
    const char *hosts = NULL, *jobs = NULL, *timeout = NULL;
    const struct wg_option options[] = {
        {.name = "connect", .letter = 'c', .values = &run->uris},
        {.name = "config", .value = &run->config},
        {.name = "cured", .value = &run->cured},
        {.name = "disks", .given = &run->disks},
        {.name = "hosts", .value = &hosts},
        {.name = "format", .letter = 'f', .json = &run->json},
        {.name = "jobs", .letter = 'j', .value = &jobs},
        {.name = "merge", .value = &run->merge},
        {.name = "prune", .given = &run->prune},
        {.name = "timeout", .value = &timeout},
        {0},
    };
    int code = wg_cli_options(argc, argv, options);

    if (code >= 0)
        return code;
    if (optind < argc)
        return wg_cli_error("discover", "'%s' is not an option; it takes no names", argv[optind]);
    if (run->prune && !run->merge && !run->cured)
        return wg_cli_error("discover", "--prune needs --merge FILE or --cured FILE");
    if (run->merge && *run->merge != '/')
        return wg_cli_error("discover", "--merge: '%s' is not an absolute path", run->merge);
    if (run->cured && *run->cured != '/')
        return wg_cli_error("discover", "--cured: '%s' is not an absolute path", run->cured);
    code = wg_cli_bounds("discover", jobs, timeout, &run->jobs, &run->timeout);
    return code < 0 && hosts ? wg_cli_hosts("discover", hosts, &run->uris) : code;
}

static void clear(struct run *run)
{
    while (run->found.count > 0)
        drop_last(&run->found);
    free(run->found.item);
    wg_list_clear(&run->found.uuids);
    wg_list_clear(&run->uris);
    wg_engine_close(run->engine);
}

/* The configuration may name a list that is only now to be made, and none that it names may lack.
 */
static void begin_list(const char *path)
{
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;

    if (fd >= 0)
        close(fd);
}

static int ask(struct run *run)
{
    const char *here = wg_cli_host(NULL);

    if (run->uris.count == 0 && wg_list_add(&run->uris, here, strlen(here)) < 0)
        return wg_cli_error("discover", "out of memory");
    wg_agent_mind_signals();
    int code = ask_hosts(run);
    if (code >= 0)
        return code;
    print(run);
    code = run->merge ? merge(run, run->merge, wg_discovery_is_unmarked) : WG_EXIT_OK;
    if (run->cured && code == WG_EXIT_OK)
        code = merge(run, run->cured, wg_discovery_is_cured);
    return wg_cli_flush("discover", run->found.failed ? WG_EXIT_ERROR : code);
}

int wg_cli_discover(int argc, char **argv)
{
    struct run run = {0};
    struct wg_error err;
    int code = take_arguments(&run, argc, argv);

    if (code < 0) {
        begin_list(run.merge);
        begin_list(run.cured);
    }
    if (code < 0 && !(run.engine = wg_cli_engine("discover", run.config, &err)))
        code = wg_cli_error("discover", "%s", err.text);
    if (code < 0)
        code = ask(&run);
    clear(&run);
    return wg_virt_leave(code);
}
