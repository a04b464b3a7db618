/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks libvirt once, so that no decision has to. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
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

static int probe(const char *uri, bool print)
{
    struct wg_error err;
    struct wg_virt *virt = wg_virt_open(uri, false, &err);
    struct wg_host *host = virt ? wg_facts_ask(virt, &err) : NULL;
    bool local = virt && wg_virt_is_local(virt);
    int rc = host ? 0 : -1;

    if (rc == 0 && local)
        rc = wg_facts_stamp(host, &err);
    if (rc == 0)
        rc = store(host, print || !local, &err);
    wg_host_free(host);
    wg_virt_close(virt);
    return rc == 0 ? wg_cli_flush("probe", WG_EXIT_OK) : wg_cli_error("probe", "%s", err.text);
}

int wg_cli_probe(int argc, char **argv)
{
    const char *uri = NULL;
    bool print = false;
    const struct wg_option options[] = {
        {.name = "connect", .letter = 'c', .value = &uri},
        {.name = "print", .given = &print},
        {0},
    };
    int code = wg_cli_options(argc, argv, options);

    if (code >= 0)
        return code;
    if (optind < argc)
        return wg_cli_error("probe", "'%s': it takes no arguments", argv[optind]);
    return probe(wg_cli_host(uri), print);
}
