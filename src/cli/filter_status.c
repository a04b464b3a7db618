/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "filter.h"

/* What the daemons that run have loaded. */
struct seen {
    int daemons;
    int with_filter;
    bool unknown; /* one could not be looked into, which was said */
};

static bool is_written(const char *file)
{
    FILE *from = fopen(file, "r");
    char *line = NULL;
    size_t size = 0;
    bool found = false;

    while (from != NULL && getline(&line, &size, from) > 0)
        found = found || (*line != '#' && strstr(line, WG_FILTER_LIBRARY) != NULL);
    free(line);
    if (from != NULL)
        fclose(from);
    return found;
}

/* Prints a line a service that is there. Returns how many have no drop-in, or -1. */
static int look_at_services(const char *root, int *services)
{
    char dir[PATH_MAX], file[PATH_MAX];
    int without = 0;

    for (size_t i = 0; i < WG_FILTER_DAEMONS; i++) {
        bool written;

        if (wg_filter_dropin(root, wg_filter_daemon[i], dir, file) < 0)
            return -1;
        written = is_written(file);
        if (!written && !wg_filter_has_service(root, wg_filter_daemon[i]))
            continue;
        printf("%s.service: %s %s\n", wg_filter_daemon[i], file,
               written ? "loads the filter" : "is not written");
        without += !written;
        (*services)++;
    }
    return without;
}

/* "loaded", "older" for a file that has been replaced since, NULL for none; errno on error. */
static const char *look_at_maps(const char *pid)
{
    const char *found = NULL;
    char path[64], *line = NULL;
    size_t size = 0;
    FILE *maps;

    snprintf(path, sizeof(path), "/proc/%.20s/maps", pid);
    maps = fopen(path, "re");
    if (maps == NULL)
        return NULL;
    while (getline(&line, &size, maps) > 0) {
        if (strstr(line, "/" WG_FILTER_LIBRARY) != NULL)
            found = strstr(line, " (deleted)") != NULL ? "older" : "loaded";
    }
    errno = ferror(maps) ? EIO : 0;
    free(line);
    fclose(maps);
    return found;
}

static void look_at_process(const char *pid, const char *daemon, struct seen *seen)
{
    const char *found;

    errno = 0;
    found = look_at_maps(pid);
    if (found == NULL && (errno == ENOENT || errno == ESRCH))
        return; /* it ended just now */
    seen->daemons++;
    if (found == NULL && errno != 0) {
        wg_cli_error("filter status", "/proc/%s/maps: %s%s", pid, strerror(errno),
                     errno == EACCES || errno == EPERM ? ": run it as root" : "");
        seen->unknown = true;
    } else if (found == NULL) {
        printf("%s, process %s: runs without the filter\n", daemon, pid);
    } else if (strcmp(found, "older") == 0) {
        printf("%s, process %s: runs with the filter from before it was upgraded; a restart loads "
               "the new one\n", daemon, pid);
        seen->with_filter++;
    } else {
        printf("%s, process %s: runs with the filter\n", daemon, pid);
        seen->with_filter++;
    }
}

/* The daemon that the process is, by the name that the kernel has of it; NULL if none. */
static const char *daemon_of(const char *pid)
{
    char path[64], name[32] = "";
    FILE *comm;

    snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
    comm = fopen(path, "re");
    if (comm == NULL)
        return NULL;
    if (fgets(name, sizeof(name), comm) != NULL)
        name[strcspn(name, "\n")] = '\0';
    fclose(comm);
    for (size_t i = 0; i < WG_FILTER_DAEMONS; i++) {
        if (strcmp(name, wg_filter_daemon[i]) == 0)
            return wg_filter_daemon[i];
    }
    return NULL;
}

static int look_at_processes(struct seen *seen)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;

    if (proc == NULL)
        return wg_cli_error("filter status", "/proc: %s", strerror(errno));
    while ((entry = readdir(proc)) != NULL) {
        const char *daemon =
            isdigit((unsigned char)entry->d_name[0]) ? daemon_of(entry->d_name) : NULL;

        if (daemon != NULL)
            look_at_process(entry->d_name, daemon, seen);
    }
    closedir(proc);
    return WG_EXIT_OK;
}

int wg_filter_status(const char *root)
{
    struct seen seen = {0};
    int services = 0;
    int without = look_at_services(root, &services);

    if (without < 0)
        return WG_EXIT_ERROR;
    if (services == 0)
        puts("neither libvirtd.service nor virtqemud.service is here");
    if (*root != '\0')
        return services > 0 && without == 0 ? WG_EXIT_OK : WG_EXIT_VIOLATIONS;
    if (look_at_processes(&seen) != WG_EXIT_OK || seen.unknown)
        return WG_EXIT_ERROR;
    if (seen.daemons == 0)
        puts("no daemon runs now, so none has the filter");
    return seen.daemons > 0 && seen.with_filter == seen.daemons ? WG_EXIT_OK
                                                               : WG_EXIT_VIOLATIONS;
}
