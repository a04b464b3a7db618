/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "daemons.h"
#include "filter.h"

/* What the daemons that run have loaded. */
struct seen {
    int daemons;
    int with_filter;
    bool unknown; /* one could not be looked into, which was said */
};

/* What the drop-in says, its comments left out. */
struct written {
    bool filter;
    bool offline;
};

static struct written read_dropin(const char *file)
{
    struct written written = {false, false};
    FILE *from = fopen(file, "r");
    char *line = NULL;
    size_t size = 0;

    while (from != NULL && getline(&line, &size, from) > 0) {
        written.filter |= *line != '#' && strstr(line, WG_FILTER_LIBRARY) != NULL;
        written.offline |= strncmp(line, WG_FILTER_BEFORE, strlen(WG_FILTER_BEFORE)) == 0;
    }
    free(line);
    if (from != NULL)
        fclose(from);
    return written;
}

/* Prints a line a service that is there. Returns how many have no drop-in, or -1. */
static int look_at_services(const char *root, int *services)
{
    char dir[PATH_MAX], file[PATH_MAX];
    int without = 0;

    for (size_t i = 0; i < WG_DAEMONS; i++) {
        struct written written;

        if (wg_filter_dropin(root, wg_daemon[i], dir, file) < 0)
            return -1;
        written = read_dropin(file);
        if (!written.filter && !wg_filter_has_service(root, wg_daemon[i]))
            continue;
        printf("%s.service: %s %s\n", wg_daemon[i], file,
               !written.filter ? "is not written"
               : written.offline
                   ? "loads the filter, corrects definitions before the daemon starts"
                   : "loads the filter, but guests that start with the daemon may be wrong at "
                     "first; hint: winguest filter enable");
        without += !written.filter;
        (*services)++;
    }
    return without;
}

static int look_at_process(const char *pid, const char *daemon, void *to)
{
    struct seen *seen = to;
    const char *found;

    errno = 0;
    found = wg_daemon_filter(pid);
    if (found == NULL && (errno == ENOENT || errno == ESRCH))
        return 0; /* it ended just now */
    seen->daemons++;
    if (found == NULL && errno != 0) {
        wg_cli_error("filter status", "/proc/%s/maps: %s%s", pid, strerror(errno),
                     errno == EACCES || errno == EPERM ? ": run it as root" : "");
        seen->unknown = true;
    } else if (found == NULL) {
        printf("%s, process %s: runs without the filter\n", daemon, pid);
    } else if (strcmp(found, "older") == 0) {
        printf("%s, process %s: runs with the filter from before it was upgraded; a restart loads "
               "the new one\n",
               daemon, pid);
        seen->with_filter++;
    } else {
        printf("%s, process %s: runs with the filter\n", daemon, pid);
        seen->with_filter++;
    }
    return 0;
}

int wg_filter_status(const char *root)
{
    struct seen seen = {0};
    struct wg_error err;
    int services = 0;
    int without = look_at_services(root, &services);

    if (without < 0)
        return WG_EXIT_ERROR;
    if (services == 0)
        puts("neither libvirtd.service nor virtqemud.service is here");
    if (*root != '\0')
        return services > 0 && without == 0 ? WG_EXIT_OK : WG_EXIT_VIOLATIONS;
    if (wg_daemons_each(look_at_process, &seen, &err) < 0)
        return wg_cli_error("filter status", "%s", err.text);
    if (seen.unknown)
        return WG_EXIT_ERROR;
    if (seen.daemons == 0)
        puts("no daemon runs now, so none has the filter");
    return seen.daemons > 0 && seen.with_filter == seen.daemons ? WG_EXIT_OK : WG_EXIT_VIOLATIONS;
}
