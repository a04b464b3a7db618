/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks libvirt once, so that no decision has to. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "cli_json.h"
#include "engine/plan/host.h"
#include "libvirt/facts.h"
#include "options.h"
#include "output.h"

/* Others must be able to read it: VDSM's hooks do not run as root. */
static int make_directory(struct wg_error *err)
{
    char path[sizeof(WG_HOSTFACTS)] = WG_HOSTFACTS;

    *strrchr(path, '/') = '\0';
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        return wg_fail(err, "%s: %s", path, strerror(errno));
    return 0;
}

static int store(const struct wg_host *host, bool print, struct wg_error *err)
{
    struct wg_output output;

    if ((!print && make_directory(err) < 0) ||
        wg_output_open(&output, print ? NULL : WG_HOSTFACTS, err) < 0)
        return -1;
    if (wg_host_write(host, output.file) == 0)
        return wg_output_commit(&output, err);
    wg_output_abandon(&output);
    return wg_fail(err, "an emulator's path has a quote or another character that an INI file "
                        "cannot hold");
}

static json_object *words(const struct wg_list *list)
{
    json_object *array = json_object_new_array();

    for (size_t i = 0; i < list->count; i++)
        json_object_array_add(array, wg_json_text(list->item[i]));
    return array;
}

/* doc/probe.schema.json describes it. */
static int print_json(const struct wg_host *host)
{
    json_object *document = json_object_new_object();
    json_object *array = json_object_new_array();

    json_object_object_add(document, "version", json_object_new_int(1));
    for (size_t i = 0; i < host->count; i++) {
        const struct wg_facts *facts = &host->facts[i];
        json_object *object = json_object_new_object();

        json_object_object_add(object, "virttype", wg_json_text(facts->virttype));
        json_object_object_add(object, "emulator", wg_json_text(facts->emulator));
        json_object_object_add(object, "arch", wg_json_text(facts->arch));
        json_object_object_add(object, "machine", wg_json_text(facts->machine));
        json_object_object_add(object, "hyperv", facts->known ? words(&facts->hyperv) : NULL);
        json_object_array_add(array, object);
    }
    json_object_object_add(document, "facts", array);
    int rc = wg_json_print(document, stdout);
    putchar('\n');
    return rc;
}

static int probe(const char *uri, bool print, bool json)
{
    struct wg_error err;

    wg_cli_tell("probe", "host: %s", uri);
    struct wg_virt *virt = wg_virt_open(uri, false, &err);
    struct wg_host *host = virt ? wg_facts_ask(virt, &err) : NULL;
    bool local = virt && wg_virt_is_local(virt);
    int rc = host ? 0 : -1;

    if (rc == 0 && local && !json)
        rc = wg_facts_stamp(host, &err);
    if (rc == 0 && json)
        rc = print_json(host);
    else if (rc == 0)
        rc = store(host, print || !local, &err);
    wg_host_free(host);
    wg_virt_close(virt);
    return rc == 0 ? wg_cli_flush("probe", WG_EXIT_OK) : wg_cli_error("probe", "%s", err.text);
}

int wg_cli_probe(int argc, char **argv)
{
    const char *uri = NULL;
    const char *format = "text";
    bool print = false;
    const struct wg_option options[] = {
        {.name = "connect", .letter = 'c', .value = &uri},
        {.name = "format", .letter = 'f', .value = &format},
        {.name = "print", .given = &print},
        {0},
    };
    int code = wg_cli_options(argc, argv, options);

    if (code >= 0)
        return code;
    if (optind < argc)
        return wg_cli_error("probe", "'%s': it takes no arguments", argv[optind]);
    int form = wg_cli_format("probe", format, (const char *const[]){"text", "json", NULL});
    return form < 0 ? WG_EXIT_ERROR : probe(wg_cli_host(uri), print, form == 1);
}
