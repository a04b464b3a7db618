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
        return wg_fail(err, "%s: refused, it belongs to user %u; hint: chown root '%s'", path,
                       (unsigned)st->st_uid, path);
    if (st->st_mode & S_ISVTX && st->st_mode & S_IWOTH)
        return wg_fail(err, "%s: writable by all; hint: use another directory", path);
    if (st->st_mode & (S_IWGRP | S_IWOTH))
        return wg_fail(err, "%s: writable by group or others; hint: chmod go-w '%s'", path, path);
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

static int fail_with(const char *path, int error, struct wg_error *err)
{
    wg_fail(err, "%s: %s", path, strerror(error));
    errno = error;
    return -1;
}

static int not_what_it_should_be(const char *path, mode_t type, struct wg_error *err)
{
    wg_fail(err, type == S_IFDIR ? "%s: not a directory" : "%s: not a regular file", path);
    errno = EINVAL;
    return -1;
}

/* Takes over fd: returns it if the file may be read, else -1 with it closed. */
static int keep_if_safe(int fd, const char *path, mode_t type, struct wg_error *err)
{
    struct stat st;
    int rc = -1;

    if (fd < 0 || fstat(fd, &st) < 0)
        fail_with(path, errno, err);
    else if ((st.st_mode & S_IFMT) != type)
        rc = not_what_it_should_be(path, type, err);
    else
        rc = check(path, &st, err);
    if (rc == 0 || fd < 0)
        return rc == 0 ? fd : -1;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* O_NONBLOCK: a FIFO must not hang us before fstat tells what it is. */
#define FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK)

static int safe_open(const char *path, mode_t type, struct wg_error *err)
{
    char *real = realpath(path, NULL);

    if (!real)
        return fail_with(path, errno, err);
    int fd = check_directory_of(path, err) < 0 || check_directory_of(real, err) < 0
                 ? -1
                 : keep_if_safe(open(real, FLAGS), path, type, err);
    int saved = errno;
    free(real);
    errno = saved;
    return fd;
}

int wg_safe_open(const char *path, struct wg_error *err)
{
    return safe_open(path, S_IFREG, err);
}

int wg_safe_open_directory(const char *path, struct wg_error *err)
{
    return safe_open(path, S_IFDIR, err);
}

int wg_safe_open_in(int dir, const char *path, struct wg_error *err)
{
    int fd = openat(dir, strrchr(path, '/') + 1, FLAGS);

    if (fd < 0 && errno == ELOOP)
        return wg_safe_open(path, err);
    return keep_if_safe(fd, path, S_IFREG, err);
}
