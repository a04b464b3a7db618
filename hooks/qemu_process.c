/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu_process.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* virQEMUDriverConfigNew: stateDir of qemu:///system, and of qemu:///session. */
static FILE *open_state(const char *guest, const char *what)
{
    char path[4096];

    if (strchr(guest, '/'))
        return NULL;
    if (geteuid() == 0)
        snprintf(path, sizeof(path), "/run/libvirt/qemu/%s.%s", guest, what);
    else
        snprintf(path, sizeof(path), "/run/user/%u/libvirt/qemu/run/%s.%s", (unsigned)geteuid(),
                 guest, what);
    return fopen(path, "re");
}

static long read_pid(const char *guest)
{
    FILE *file = open_state(guest, "pid");
    long pid = 0;

    if (!file)
        return 0;
    if (fscanf(file, "%ld", &pid) != 1)
        pid = 0;
    fclose(file);
    return pid;
}

/*
 * libvirt 11 has QEMU load a snapshot by its monitor, of which its arguments say nothing; but the
 * job is written down before the hook runs. A snapshot of a guest that was off is booted in that
 * job as well, and runs by then: what has a state is let go only later. One that is booted to be
 * paused looks like it, and is left alone with it.
 */
static bool reverts(const char *guest)
{
    FILE *file = open_state(guest, "xml");
    bool held = false, in_job = false;
    char *line = NULL;
    size_t size = 0;

    while (file && getline(&line, &size, file) > 0 && !strstr(line, "<domain ")) {
        if (strstr(line, "<domstatus state='paused'"))
            held = true;
        if (strstr(line, "<job ") && strstr(line, " async='snapshot'"))
            in_job = true;
    }
    if (file)
        fclose(file);
    free(line);
    return held && in_job;
}

enum wg_boot wg_qemu_boot(const char *guest)
{
    enum wg_boot boot = WG_BOOT_UNKNOWN;
    char path[64];
    char *argument = NULL;
    size_t size = 0;
    long pid = read_pid(guest);

    if (pid <= 0)
        return boot;
    snprintf(path, sizeof(path), "/proc/%ld/cmdline", pid);
    FILE *file = fopen(path, "re");
    while (file && getdelim(&argument, &size, '\0', file) > 0) {
        if (boot == WG_BOOT_UNKNOWN)
            boot = WG_BOOT_COLD;
        if (strcmp(argument, "-incoming") == 0 || strcmp(argument, "-loadvm") == 0)
            boot = WG_BOOT_IN_FLIGHT;
    }
    /* The word that counts may be in what could not be read. */
    if (file && !feof(file) && boot == WG_BOOT_COLD)
        boot = WG_BOOT_UNKNOWN;
    if (file)
        fclose(file);
    free(argument);
    return boot == WG_BOOT_COLD && reverts(guest) ? WG_BOOT_IN_FLIGHT : boot;
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
    long pid = read_pid(guest);

    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    FILE *file = pid > 0 ? fopen(path, "re") : NULL;
    if (!file)
        return -1;
    size_t len = fread(line, 1, sizeof(line) - 1, file);
    fclose(file);
    line[len] = '\0';
    /* proc(5): field 22 is the start; the second, a name in parentheses, may hold anything. */
    const char *rest = strrchr(line, ')');
    for (int field = 2; rest && field < 22; field++)
        rest = strchr(rest + 1, ' ');
    if (!rest || sscanf(rest, "%llu", &ticks) != 1)
        return -1;
    return wg_uptime() - (double)ticks / (double)sysconf(_SC_CLK_TCK);
}
