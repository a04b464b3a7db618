/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* virQEMUDriverConfigNew: stateDir of qemu:///system, and of qemu:///session. */
static long read_pid(const char *guest)
{
    char path[4096];
    long pid = 0;

    if (strchr(guest, '/'))
        return 0;
    if (geteuid() == 0)
        snprintf(path, sizeof(path), "/run/libvirt/qemu/%s.pid", guest);
    else
        snprintf(path, sizeof(path), "/run/user/%u/libvirt/qemu/run/%s.pid", (unsigned)geteuid(),
                 guest);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%ld", &pid) != 1)
        pid = 0;
    fclose(file);
    return pid;
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
    return boot;
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
