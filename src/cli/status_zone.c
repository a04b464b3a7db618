/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `localtime` means to QEMU: the zone of the daemon's root, which in a container is not ours.
 * libvirt does not give QEMU the daemon's TZ (virCommandAddEnvPassCommon). */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "status.h"

#define ZONES "zoneinfo/"

/* The path of the file that holds the zone, in our view of the daemon's files: an absolute link
 * starts at its root. */
static void find_zone(const char *pid, char *path, size_t size)
{
    char link[2048];

    snprintf(path, size, "/proc/%.20s/root/etc/localtime", pid);
    ssize_t len = readlink(path, link, sizeof(link) - 1);
    if (len <= 0)
        return;
    link[len] = '\0';
    snprintf(path, size, "/proc/%.20s/root/%s%s", pid, *link == '/' ? "" : "etc/", link);
}

/* The last line of a zone's file is the rule that holds from now on, as TZ has it (tzfile(5)); a
 * file of the first version has none. Returns whether it is a zone's file at all. */
static bool read_rule(const char *path, char *rule, size_t size)
{
    char end[256], magic[4] = "";
    /* In a container it may be anything: what is no file could make us wait. */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat st;
    FILE *file = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? fdopen(fd, "r") : NULL;

    *rule = '\0';
    if (!file) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    bool is_zone = fread(magic, 1, sizeof(magic), file) == sizeof(magic) &&
                   memcmp(magic, "TZif", sizeof(magic)) == 0;
    if (fseek(file, -(long)(sizeof(end) - 1), SEEK_END) < 0)
        rewind(file);
    size_t len = fread(end, 1, sizeof(end) - 1, file);
    fclose(file);
    if (!is_zone || len == 0 || end[len - 1] != '\n')
        return is_zone;
    end[--len] = '\0';
    const char *line = memrchr(end, '\n', len);
    if (line)
        snprintf(rule, size, "%s", line + 1);
    return true;
}

/* A name, and zero hours, and no summer time. */
static bool is_utc(const char *rule)
{
    const char *hours = *rule == '<' ? strchr(rule, '>') : rule;

    if (hours && *rule == '<')
        hours++;
    else if (hours)
        hours += strcspn(hours, "+-0123456789");
    return hours && *hours && hours[strspn(hours, "+-0:")] == '\0';
}

void wg_status_zone(struct wg_status *status, const char *pid, const char *daemon)
{
    char path[4096], rule[256];

    find_zone(pid, path, sizeof(path));
    bool found = read_rule(path, rule, sizeof(rule));
    const char *name = strstr(path, ZONES);
    bool utc = !found || is_utc(rule);
    name = name     ? name + strlen(ZONES)
           : *rule  ? rule
           : !found ? "none is set, which is UTC"
                    : "its file does not tell";
    wg_status_say(
        status, utc ? WG_LEVEL_WARNING : WG_LEVEL_OK, "zone", "%s, process %s: %s%s", daemon, pid,
        name,
        utc ? ": clock.offset = localtime gives its guests UTC; hint: set the zone of the "
              "host, or of the daemon's container (/etc/localtime)"
            : "");
}
