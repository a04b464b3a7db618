/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu_process.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io.h"

/* What libvirt's status of a running guest says of it. */
struct status {
    long pid;
    bool paused;
    bool in_snapshot_job;
};

/*
 * virQEMUDriverConfigNew: stateDir of qemu:///system, and of qemu:///session. Not the PID file,
 * whose name libvirt escapes.
 */
static FILE *open_status(const char *guest)
{
    char path[4096];

    if (strchr(guest, '/'))
        return NULL;
    if (geteuid() == 0)
        snprintf(path, sizeof(path), "/run/libvirt/qemu/%s.xml", guest);
    else
        snprintf(path, sizeof(path), "/run/user/%u/libvirt/qemu/run/%s.xml", (unsigned)geteuid(),
                 guest);
    return fopen(path, "re");
}

/* The value of an attribute of the tag that begins the line, where libvirt writes one: an element
 * a line, single quotes, and neither of them in a value. NULL: it has none. */
static const char *value_of(const char *line, const char *attribute, size_t *len)
{
    const char *end = strchr(line, '>');
    char wanted[32];

    snprintf(wanted, sizeof(wanted), " %s='", attribute);
    const char *found = strstr(line, wanted);
    if (!found || (end && found > end))
        return NULL;
    found += strlen(wanted);
    *len = strcspn(found, "'");
    return found;
}

static bool says(const char *line, const char *attribute, const char *value)
{
    size_t len;
    const char *found = value_of(line, attribute, &len);

    return found && len == strlen(value) && strncmp(found, value, len) == 0;
}

static bool begins(const char *line, const char *tag)
{
    line += strspn(line, " ");
    return strncmp(line, tag, strlen(tag)) == 0;
}

/* What is behind <domain> is the guest's own. */
static bool read_status(const char *guest, struct status *status)
{
    WG_CLOSED_FILE *file = open_status(guest);
    WG_FREED *line = NULL;
    size_t size = 0, len;

    *status = (struct status){0};
    while (file && getline(&line, &size, file) > 0 && !begins(line, "<domain ")) {
        if (begins(line, "<domstatus ")) {
            const char *pid = value_of(line, "pid", &len);

            status->pid = pid ? strtol(pid, NULL, 10) : 0;
            status->paused = says(line, "state", "paused");
        }
        if (begins(line, "<job "))
            status->in_snapshot_job = says(line, "async", "snapshot");
    }
    return status->pid > 0;
}

enum wg_boot wg_qemu_boot(const char *guest)
{
    enum wg_boot boot = WG_BOOT_UNKNOWN;
    struct status status;
    char path[64];
    WG_FREED *argument = NULL;
    size_t size = 0;

    if (!read_status(guest, &status))
        return boot;
    snprintf(path, sizeof(path), "/proc/%ld/cmdline", status.pid);
    WG_CLOSED_FILE *file = fopen(path, "re");
    while (file && getdelim(&argument, &size, '\0', file) > 0) {
        if (boot == WG_BOOT_UNKNOWN)
            boot = WG_BOOT_COLD;
        if (strcmp(argument, "-incoming") == 0 || strcmp(argument, "-loadvm") == 0)
            boot = WG_BOOT_IN_FLIGHT;
    }
    /* The word that counts may be in what could not be read. */
    if (file && !feof(file) && boot == WG_BOOT_COLD)
        boot = WG_BOOT_UNKNOWN;
    /*
     * libvirt 11 has QEMU load a snapshot by its monitor, of which its arguments say nothing; but
     * the job is written down before the hook runs. A snapshot of a guest that was off is booted in
     * that job as well, and runs by then: what has a state is let go only later. One that is booted
     * to be paused looks like it, and is left alone with it.
     */
    return boot == WG_BOOT_COLD && status.paused && status.in_snapshot_job ? WG_BOOT_IN_FLIGHT
                                                                           : boot;
}

long wg_qemu_pid(const char *guest)
{
    struct status status;

    return read_status(guest, &status) ? status.pid : 0;
}

double wg_uptime(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double wg_qemu_age(const char *guest)
{
    char path[64], line[4096] = "";
    unsigned long long ticks;
    long pid = wg_qemu_pid(guest);

    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    WG_CLOSED_FILE *file = pid > 0 ? fopen(path, "re") : NULL;
    if (!file)
        return -1;
    size_t len = fread(line, 1, sizeof(line) - 1, file);
    line[len] = '\0';
    /* proc(5): field 22 is the start; the second, a name in parentheses, may hold anything. */
    const char *rest = strrchr(line, ')');
    for (int field = 2; rest && field < 22; field++)
        rest = strchr(rest + 1, ' ');
    if (!rest || sscanf(rest, "%llu", &ticks) != 1)
        return -1;
    return wg_uptime() - (double)ticks / (double)sysconf(_SC_CLK_TCK);
}
