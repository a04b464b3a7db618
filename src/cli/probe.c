/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks libvirt once, so that no decision has to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "cli_json.h"
#include "engine/plan/cluster.h"
#include "engine/plan/host.h"
#include "libvirt/facts.h"
#include "options.h"
#include "output.h"
#include "parallel.h"

struct run {
    struct wg_list uris;
    const char *hosts; /* a file of them */
    const char *output;
    unsigned jobs;
    unsigned timeout;
    bool print;
    bool json;
};

/* Others must be able to read it: VDSM's hooks do not run as root. */
static int make_directory(struct wg_error *err)
{
    char path[sizeof(WG_HOSTFACTS)] = WG_HOSTFACTS;

    *strrchr(path, '/') = '\0';
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        return wg_fail(err, "%s: %s", path, strerror(errno));
    return 0;
}

/* path NULL: standard output. */
static int store(const struct wg_host *host, const char *path, struct wg_error *err)
{
    struct wg_output output;

    if (wg_output_open(&output, path, err) < 0)
        return -1;
    if (wg_host_write(host, output.file) == 0)
        return wg_output_commit(&output, err);
    wg_output_abandon(&output);
    return wg_fail(err, "%s: %s", path ? path : "standard output", strerror(errno));
}

static json_object *members(const struct wg_host *host)
{
    json_object *array = json_object_new_array();

    for (size_t i = 0; i < host->members; i++) {
        json_object *object = json_object_new_object();

        json_object_object_add(object, "name", wg_json_text(host->member[i].name));
        json_object_object_add(object, "vendor", wg_json_text(host->member[i].vendor));
        json_object_object_add(object, "beyond", wg_json_words(&host->member[i].beyond));
        json_object_array_add(array, object);
    }
    return array;
}

/* doc/probe.schema.json describes it. */
static int print_json(const struct wg_host *host)
{
    json_object *document = json_object_new_object();
    json_object *array = json_object_new_array();

    json_object_object_add(document, "version", json_object_new_int(1));
    json_object_object_add(document, "vendor", wg_json_text(host->vendor));
    if (host->members > 0) {
        json_object_object_add(document, "id", wg_json_text(host->id));
        json_object_object_add(document, "members", members(host));
    }
    for (size_t i = 0; i < host->count; i++) {
        const struct wg_facts *facts = &host->facts[i];
        json_object *object = json_object_new_object();

        json_object_object_add(object, "virttype", wg_json_text(facts->virttype));
        json_object_object_add(object, "emulator", wg_json_text(facts->emulator));
        json_object_object_add(object, "arch", wg_json_text(facts->arch));
        json_object_object_add(object, "machine", wg_json_text(facts->machine));
        json_object_object_add(object, "hyperv",
                               facts->known ? wg_json_words(&facts->hyperv) : NULL);
        json_object_object_add(object, "machines", wg_json_words(&facts->machines));
        json_object_array_add(array, object);
    }
    json_object_object_add(document, "facts", array);
    int rc = wg_json_print(document, stdout);
    putchar('\n');
    return rc;
}

/* One host: what it says is kept, if it is this one. */
static int probe(const struct run *run, const char *uri)
{
    struct wg_error err;

    wg_cli_tell("probe", "host: %s", uri);
    struct wg_virt *virt = wg_virt_open_within(uri, false, run->timeout, &err);
    struct wg_host *host = virt ? wg_facts_ask(virt, &err) : NULL;
    bool local = virt && wg_virt_is_local(virt);
    bool print = !run->output && (run->print || !local);
    int rc = host ? 0 : -1;

    if (rc == 0 && local && !run->json)
        rc = wg_facts_stamp(host, &err);
    if (rc == 0 && !run->json)
        rc = wg_host_identify(host, &err);
    if (rc == 0 && run->json)
        rc = print_json(host);
    else if (rc == 0 && !print && !run->output)
        rc = make_directory(&err);
    if (rc == 0 && !run->json)
        rc = store(host, print ? NULL : run->output ? run->output : WG_HOSTFACTS, &err);
    wg_host_free(host);
    wg_virt_close(virt);
    return rc == 0 ? wg_cli_flush("probe", WG_EXIT_OK) : wg_cli_error("probe", "%s", err.text);
}

/* A host of a cluster: its URI, or a file with what it said of itself. */
struct asked {
    const char *uri;
    const char *path;
    unsigned timeout;
    struct wg_host *host;
    char *name; /* of this host, whose URI has none */
    struct wg_error err;
};

static void ask_one(void *to, size_t place)
{
    struct asked *asked = (struct asked *)to + place;

    if (asked->path) {
        asked->host = wg_host_read(asked->path, &asked->err);
        return;
    }
    struct wg_virt *virt = wg_virt_open_within(asked->uri, false, asked->timeout, &asked->err);
    asked->host = virt ? wg_facts_ask(virt, &asked->err) : NULL;
    if (asked->host && wg_virt_is_local(virt) && !(asked->name = wg_virt_host(virt, &asked->err))) {
        wg_host_free(asked->host);
        asked->host = NULL;
    }
    if (virt && !asked->host)
        wg_fail_in(&asked->err, "%s", asked->uri);
    wg_virt_close(virt);
}

static const char *name_of(const struct asked *asked)
{
    const char *slash = asked->path ? strrchr(asked->path, '/') : NULL;

    return slash ? slash + 1 : asked->path ? asked->path : asked->name ? asked->name : asked->uri;
}

static int write_cluster(const struct run *run, struct wg_host *const *hosts, char *const *names,
                         size_t count)
{
    struct wg_error err;
    struct wg_host *cluster = wg_cluster_of(hosts, names, count, &err);
    int rc = cluster ? 0 : -1;

    if (rc == 0)
        rc = run->json ? print_json(cluster) : store(cluster, run->output, &err);
    wg_host_free(cluster);
    return rc == 0 ? wg_cli_flush("probe", WG_EXIT_OK) : wg_cli_error("probe", "%s", err.text);
}

/* What not all have told is nothing that all have: with one that fails nothing is written. */
static int probe_all(const struct run *run, struct asked *asked, size_t count)
{
    struct wg_host **hosts = calloc(count, sizeof(*hosts));
    char **names = calloc(count, sizeof(*names));
    int code = hosts && names ? -1 : wg_cli_error("probe", "out of memory");

    if (code < 0)
        wg_parallel(run->jobs, count, ask_one, asked);
    for (size_t i = 0; hosts && names && i < count; i++) {
        hosts[i] = asked[i].host;
        names[i] = (char *)name_of(&asked[i]);
        for (size_t k = 0; k < i; k++) {
            if (strcmp(names[i], names[k]) == 0)
                code = wg_cli_error("probe", "%s: it is named twice", names[i]);
        }
        if (!hosts[i])
            code = wg_cli_error("probe", "%s", asked[i].err.text);
        else if (hosts[i]->count == 0)
            wg_cli_error("probe", "%s: it has no KVM, and does not count", names[i]);
    }
    if (code < 0)
        code = write_cluster(run, hosts, names, count);
    for (size_t i = 0; i < count; i++) {
        wg_host_free(asked[i].host);
        free(asked[i].name);
    }
    free(hosts);
    free(names);
    return code;
}

static int probe_cluster(const struct run *run, char **files, size_t n_files)
{
    size_t count = run->uris.count + n_files;
    struct asked *asked = calloc(count, sizeof(*asked));

    if (!asked)
        return wg_cli_error("probe", "out of memory");
    for (size_t i = 0; i < count; i++) {
        asked[i].timeout = run->timeout;
        if (i < run->uris.count)
            asked[i].uri = run->uris.item[i];
        else
            asked[i].path = files[i - run->uris.count];
    }
    int code = probe_all(run, asked, count);
    free(asked);
    return code;
}

static int take_arguments(struct run *run, int argc, char **argv)
{
    const char *jobs = NULL, *timeout = NULL;
    const struct wg_option options[] = {
        {.name = "connect", .letter = 'c', .values = &run->uris},
        {.name = "format", .letter = 'f', .json = &run->json},
        {.name = "hosts", .value = &run->hosts},
        {.name = "jobs", .letter = 'j', .value = &jobs},
        {.name = "output", .letter = 'o', .value = &run->output},
        {.name = "print", .given = &run->print},
        {.name = "timeout", .value = &timeout},
        {0},
    };
    int code = wg_cli_options(argc, argv, options);

    if (code >= 0)
        return code;
    if (run->output && (run->json || run->print))
        return wg_cli_error("probe", "--output: what is printed is not written to a file");
    code = wg_cli_bounds("probe", jobs, timeout, &run->jobs, &run->timeout);
    return code < 0 && run->hosts ? wg_cli_hosts("probe", run->hosts, &run->uris) : code;
}

int wg_cli_probe(int argc, char **argv)
{
    struct run run = {0};
    int code = take_arguments(&run, argc, argv);
    size_t files = (size_t)(argc - optind);

    if (code < 0)
        code = run.uris.count > 1 || files > 0 || run.hosts
                   ? probe_cluster(&run, argv + optind, files)
                   : probe(&run, wg_cli_host(run.uris.count > 0 ? run.uris.item[0] : NULL));
    wg_list_clear(&run.uris);
    return wg_virt_leave(code);
}
