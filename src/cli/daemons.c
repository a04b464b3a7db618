/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemons.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEND "; hint: stop it first, or let it do the work: winguest apply --all"
/* Where a daemon has its definitions in its own view of the files, which a container's may be. */
#define DEFINITIONS "/etc/libvirt/qemu"

const char *const wg_daemon[WG_DAEMONS] = {"libvirtd", "virtqemud"};

/* The daemon that the process is, by the name that the kernel has of it; NULL if none. Anybody can
 * run something of that name, or a program of root's that has the set-user-ID bit: all of its user
 * ids must be root's, or ours. */
static const char *daemon_of(const char *pid)
{
    char path[64], name[32] = "", line[256];
    unsigned real = 1, effective = 0, saved = 0;

    snprintf(path, sizeof(path), "/proc/%.20s/status", pid);
    WG_CLOSED_FILE *status = fopen(path, "re");
    while (status && fgets(line, sizeof(line), status)) {
        sscanf(line, "Name: %31s", name);
        sscanf(line, "Uid: %u %u %u", &real, &effective, &saved);
    }
    if (real != effective || real != saved || (real != 0 && real != geteuid()))
        return NULL;
    for (size_t i = 0; i < WG_DAEMONS; i++) {
        if (strcmp(name, wg_daemon[i]) == 0)
            return wg_daemon[i];
    }
    return NULL;
}

int wg_daemons_each(int (*each)(const char *pid, const char *daemon, void *to), void *to,
                    struct wg_error *err)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    int rc = 0;

    if (proc == NULL)
        return wg_fail(err, "/proc: %s", strerror(errno));
    while (rc == 0 && (entry = readdir(proc)) != NULL) {
        const char *daemon = isdigit((unsigned char)entry->d_name[0]) ? daemon_of(entry->d_name)
                                                                      : NULL;

        if (daemon != NULL)
            rc = each(entry->d_name, daemon, to);
    }
    closedir(proc);
    return rc;
}

struct manager {
    struct stat dir;
    struct wg_error *err;
};

/* One in a container with files of its own has other definitions. A
 * script of that name that has started us is about to become the daemon (packaging/container). */
static int has_the_same(const char *pid, const char *daemon, void *to)
{
    struct manager *manager = to;
    char path[64 + sizeof(DEFINITIONS)];
    struct stat there;

    if (atoi(pid) == getppid())
        return 0;
    snprintf(path, sizeof(path), "/proc/%.20s/root" DEFINITIONS, pid);
    if (stat(path, &there) < 0 || there.st_dev != manager->dir.st_dev ||
        there.st_ino != manager->dir.st_ino)
        return 0;
    return wg_fail(manager->err, "%s runs, process %s, and has the definitions in its memory" MEND,
                   daemon, pid);
}

/* libvirt locks its files of process ids by fcntl(2) (virPidFileAcquirePath); a lock is seen from
 * other process namespaces too, though its owner then has no number. */
static int is_not_held(const char *path, struct wg_error *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    WG_CLOSED fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    int rc = fd < 0 ? (errno == ENOENT ? 0 : -1) : fcntl(fd, F_GETLK, &lock);

    if (rc < 0)
        wg_fail(err, "%s: %s: whether a daemon runs cannot be told", path, strerror(errno));
    else if (fd >= 0 && lock.l_type != F_UNLCK)
        rc = wg_fail(err,
                     "%s: held by a daemon, process %d, which has the definitions in its "
                     "memory" MEND,
                     path, (int)lock.l_pid);
    return rc;
}

int wg_daemons_leave(int dir, struct wg_error *err)
{
    /* QEMU's driver takes the first before it reads a definition, in whichever daemon it is; the
     * others are there a little earlier. */
    static const char *const held[] = {WG_RUNDIR "/libvirt/qemu/driver.pid",
                                       WG_RUNDIR "/libvirtd.pid", WG_RUNDIR "/virtqemud.pid"};
    struct manager manager = {.err = err};

    for (size_t i = 0; i < sizeof(held) / sizeof(*held); i++) {
        if (is_not_held(held[i], err) < 0)
            return -1;
    }
    if (fstat(dir, &manager.dir) < 0)
        return wg_fail(err, "the definitions: %s", strerror(errno));
    return wg_daemons_each(has_the_same, &manager, err);
}

const char *wg_daemon_filter(const char *pid)
{
    const char *found = NULL;
    WG_FREED *line = NULL;
    char path[64];
    size_t size = 0;

    snprintf(path, sizeof(path), "/proc/%.20s/maps", pid);
    WG_CLOSED_FILE *maps = fopen(path, "re");
    if (maps == NULL)
        return NULL;
    while (getline(&line, &size, maps) > 0) {
        if (strstr(line, "/" WG_FILTER_LIBRARY) != NULL)
            found = strstr(line, " (deleted)") != NULL ? "older" : "loaded";
    }
    errno = ferror(maps) ? EIO : 0;
    return found;
}
