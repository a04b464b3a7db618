/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stored.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/io.h"
#include "common/safe.h"

/* One name for all: what a killed run left goes with the next. libvirt reads *.xml alone. */
#define FRESH ".winguest.new"

int wg_stored_open(struct wg_error *err)
{
    return wg_safe_open_directory(WG_STORED_DIR, err);
}

static int open_file(int dir, const char *file, struct stat *st, struct wg_error *err)
{
    char path[sizeof(WG_STORED_DIR) + NAME_MAX + 1];

    snprintf(path, sizeof(path), WG_STORED_DIR "/%s", file);
    if (fstatat(dir, file, st, AT_SYMLINK_NOFOLLOW) < 0)
        return wg_fail(err, "%s: %s", path, strerror(errno));
    if (S_ISLNK(st->st_mode))
        return wg_fail(err, "%s: a link, it is left alone", path);
    int fd = wg_safe_open_in(dir, path, err);
    if (fd < 0)
        return -1;
    if (fstat(fd, st) == 0 && st->st_nlink == 1)
        return fd;
    close(fd);
    return wg_fail(err, "%s: the file has another name too, it is left alone", path);
}

int wg_stored_read(int dir, const char *file, struct wg_stored *stored, struct wg_error *err)
{
    stored->fd = open_file(dir, file, &stored->st, err);
    if (stored->fd < 0)
        return -1;
    char *text = wg_read_all(stored->fd, &stored->len, err);
    char *terminated = text ? realloc(text, stored->len + 1) : NULL;
    if (terminated) {
        terminated[stored->len] = '\0';
        stored->text = terminated;
        return 0;
    }
    if (text)
        wg_no_memory(err);
    else
        wg_fail_in(err, WG_STORED_DIR "/%s", file);
    free(text);
    close(stored->fd);
    return -1;
}

void wg_stored_close(struct wg_stored *stored)
{
    explicit_bzero(stored->text, stored->len);
    free(stored->text);
    close(stored->fd);
}

/* The kernel's own seals are of the old bytes. */
static bool is_a_seal(const char *name)
{
    return strcmp(name, "security.ima") == 0 || strcmp(name, "security.evm") == 0;
}

static int copy_attribute(int from, int to, const char *name)
{
    char value[XATTR_SIZE_MAX];
    ssize_t len = fgetxattr(from, name, value, sizeof(value));

    return len < 0 ? -1 : fsetxattr(to, name, value, (size_t)len, 0);
}

/* SELinux' label, access lists, and whatever else the file system keeps. */
static int copy_attributes(int from, int to)
{
    char names[XATTR_LIST_MAX];
    ssize_t len = flistxattr(from, names, sizeof(names));

    if (len < 0)
        return errno == ENOTSUP ? 0 : -1;
    for (const char *name = names; name < names + len; name += strlen(name) + 1) {
        if (!is_a_seal(name) && copy_attribute(from, to, name) < 0)
            return -1;
    }
    return 0;
}

int wg_stored_prepare(int dir, const struct wg_stored *old, const char *text, size_t len,
                      struct stat *fresh, struct wg_error *err)
{
    const struct stat *st = &old->st;

    unlinkat(dir, FRESH, 0);
    int fd = openat(dir, FRESH, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    /* The mode behind the owner, whose change would take bits from it. */
    bool good = fd >= 0 && wg_write_all(fd, text, len) == 0 &&
                fchown(fd, st->st_uid, st->st_gid) == 0 && copy_attributes(old->fd, fd) == 0 &&
                fchmod(fd, st->st_mode & 07777) == 0 && fsync(fd) == 0 && fstat(fd, fresh) == 0;
    int error = errno;
    if (fd >= 0 && close(fd) < 0 && good) {
        good = false;
        error = errno;
    }
    if (good)
        return 0;
    wg_stored_abandon(dir);
    return wg_fail(err, WG_STORED_DIR "/" FRESH ": %s", strerror(error));
}

/* As an editor, or a daemon, leaves a file that it has changed. */
static bool is_another(const struct stat *a, const struct stat *b)
{
    return a->st_dev != b->st_dev || a->st_ino != b->st_ino || a->st_size != b->st_size ||
           a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec ||
           a->st_ctim.tv_sec != b->st_ctim.tv_sec || a->st_ctim.tv_nsec != b->st_ctim.tv_nsec;
}

int wg_stored_commit(int dir, const char *file, const struct wg_stored *old, struct wg_error *err)
{
    struct stat now;
    int rc = 0;

    if (fstatat(dir, file, &now, AT_SYMLINK_NOFOLLOW) < 0 || is_another(&now, &old->st))
        rc = wg_fail(err, "its definition changed meanwhile, it is left alone; run it again");
    else if (renameat(dir, FRESH, dir, file) < 0)
        rc = wg_fail(err, WG_STORED_DIR "/%s: %s", file, strerror(errno));
    if (rc < 0)
        wg_stored_abandon(dir);
    return rc;
}

void wg_stored_abandon(int dir)
{
    unlinkat(dir, FRESH, 0);
}
