/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "safe.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int check(const char *path, const struct stat *st, struct wg_error *err)
{
    errno = EPERM;
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return wg_fail(err, "%s: refused, it belongs to user %u; mend: chown root '%s'", path,
                       (unsigned)st->st_uid, path);
    if (st->st_mode & (S_IWGRP | S_IWOTH))
        return wg_fail(err, "%s: refused, others may write it; mend: chmod go-w '%s'", path, path);
    return 0;
}

static int check_directory_of(const char *path, struct wg_error *err)
{
    char *copy = strdup(path);
    struct stat st;
    int rc;

    if (!copy)
        return wg_no_memory(err);
    const char *dir = dirname(copy);
    if (stat(dir, &st) < 0)
        rc = wg_fail(err, "%s: %s", dir, strerror(errno));
    else
        rc = check(dir, &st, err);
    free(copy);
    return rc;
}

int wg_safe_open(const char *path, struct wg_error *err)
{
    char *real = realpath(path, NULL);
    struct stat st;
    int fd = -1;

    if (!real) {
        int saved = errno;
        wg_fail(err, "%s: %s", path, strerror(saved));
        errno = saved;
        return -1;
    }
    if (check_directory_of(path, err) < 0 || check_directory_of(real, err) < 0)
        goto out;
    /* O_NONBLOCK: a FIFO must not hang us before fstat tells what it is. */
    fd = open(real, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0) {
        wg_fail(err, "%s: %s", path, strerror(errno));
        goto bad;
    }
    if (!S_ISREG(st.st_mode)) {
        wg_fail(err, "%s: not a regular file", path);
        errno = EINVAL;
        goto bad;
    }
    if (check(path, &st, err) == 0)
        goto out;
bad:
    if (fd >= 0) {
        int saved = errno;
        close(fd);
        errno = saved;
    }
    fd = -1;
out:;
    int kept = errno;
    free(real);
    errno = kept;
    return fd;
}
