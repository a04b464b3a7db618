/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"
#include "io.h"

void wg_state_name(char file[WG_STATE_NAME], const char *kind, const char *guest)
{
    static const char hex[] = "0123456789abcdef";
    /* Behind it there is room for "%00", "~" and 16 digits, in front of it for WG_STATE_FRESH. */
    const char *end = file + WG_STATE_NAME - 24;
    const char *whole = guest;

    file = stpcpy(file, kind);
    *file++ = '.';
    for (; *guest && file < end; guest++) {
        unsigned char c = (unsigned char)*guest;

        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            c == '-' || c == '_') {
            *file++ = *guest;
            continue;
        }
        *file++ = '%';
        *file++ = hex[c >> 4];
        *file++ = hex[c & 15];
    }
    *file = '\0';
    if (*guest)
        sprintf(file, "~%016llx", (unsigned long long)wg_hash(WG_HASH_EMPTY, whole, strlen(whole)));
}

static int open_directory(const char *dir)
{
    return open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int close_with(int fd, int error)
{
    if (fd >= 0)
        close(fd);
    errno = error;
    return -1;
}

int wg_state_open(const char *dir)
{
    struct stat st;
    int fd = open_directory(dir);

    if (fd < 0 && errno == ENOENT && (mkdir(dir, 0700) == 0 || errno == EEXIST))
        fd = open_directory(dir);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) < 0 || st.st_uid != geteuid())
        return close_with(fd, EPERM);
    /* Whoever could only read it has put nothing there. */
    if (st.st_mode & 077 && (st.st_mode & 022 || fchmod(fd, 0700) < 0))
        return close_with(fd, EPERM);
    return fd;
}

static int put_in(int dir, const char *file, const char *text, bool sync)
{
    char fresh[WG_STATE_NAME + sizeof(WG_STATE_FRESH)];

    snprintf(fresh, sizeof(fresh), WG_STATE_FRESH "%s", file);
    unlinkat(dir, fresh, 0);
    int fd = openat(dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    int rc = wg_write_all(fd, text, strlen(text));
    if (rc == 0 && sync)
        rc = fsync(fd);
    if (close(fd) < 0)
        rc = -1;
    if (rc == 0)
        rc = renameat(dir, fresh, dir, file);
    if (rc == 0 && sync)
        rc = fsync(dir);
    int error = errno;
    if (rc < 0)
        unlinkat(dir, fresh, 0);
    errno = error;
    return rc;
}

int wg_state_put(const char *dir, const char *file, const char *text, bool sync)
{
    WG_CLOSED fd = wg_state_open(dir);

    return fd < 0 ? -1 : put_in(fd, file, text, sync);
}

static char *read_whole(int fd, size_t max)
{
    struct stat st;
    ssize_t got = 0;
    size_t len = 0;

    if (fstat(fd, &st) < 0)
        return NULL;
    if (st.st_size < 0 || (size_t)st.st_size > max) {
        errno = EFBIG;
        return NULL;
    }
    char *text = malloc((size_t)st.st_size + 1);
    while (
        text && len < (size_t)st.st_size &&
        ((got = read(fd, text + len, (size_t)st.st_size - len)) > 0 || (got < 0 && errno == EINTR)))
        len += got > 0 ? (size_t)got : 0;
    if (text && got < 0) {
        free(text);
        return NULL;
    }
    if (text)
        text[len] = '\0';
    return text;
}

char *wg_state_get(const char *dir, const char *file, size_t max)
{
    WG_CLOSED in = wg_state_open(dir);
    WG_CLOSED fd = in < 0 ? -1 : openat(in, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 ? NULL : read_whole(fd, max);
}

bool wg_state_drop(const char *dir, const char *file)
{
    WG_CLOSED fd = wg_state_open(dir);

    return fd >= 0 && unlinkat(fd, file, 0) == 0;
}

int wg_state_each(const char *dir, const char *kind,
                  int (*each)(const char *dir, const char *file, void *to), void *to)
{
    size_t len = strlen(kind);
    int fd = wg_state_open(dir);
    DIR *open = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    int rc = open ? 0 : -1;

    while (rc == 0 && (entry = readdir(open))) {
        if (strncmp(entry->d_name, kind, len) == 0 && entry->d_name[len] == '.')
            rc = each(dir, entry->d_name, to);
    }
    if (open)
        closedir(open);
    else if (fd >= 0)
        close(fd);
    return rc;
}

int wg_state_lock(const char *dir, const char *file)
{
    struct stat mine, there;
    WG_CLOSED in = wg_state_open(dir);
    int fd = in < 0 ? -1 : openat(in, file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    int error = fd < 0 ? errno : 0;

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
        error = errno;
    /* Whoever had it may have removed it. */
    else if (fd >= 0 &&
             (fstat(fd, &mine) < 0 || fstatat(in, file, &there, AT_SYMLINK_NOFOLLOW) < 0 ||
              mine.st_ino != there.st_ino))
        error = EWOULDBLOCK;
    return error ? close_with(fd, error) : fd;
}
