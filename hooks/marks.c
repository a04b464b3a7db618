/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "marks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A migration's or restore's `prepare` follows its announcement at once, `started` the decision to
 * start a guest as it was; by then it is forgotten. */
#define RECENT_SECONDS 60

static int open_directory(void)
{
    return open(WG_STATEDIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int wg_open_state(void)
{
    struct stat st;
    int fd = open_directory();

    if (fd < 0 && errno == ENOENT && (mkdir(WG_STATEDIR, 0700) == 0 || errno == EEXIST))
        fd = open_directory();
    if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_uid != geteuid() || st.st_mode & 077)) {
        close(fd);
        errno = EPERM;
        return -1;
    }
    return fd;
}

/* A file name that holds any guest's name, dots and slashes included; false if it is too long.
 * By hand: what printf() touches of libc for the first time costs as much as looking for the file. */
static bool file_name(char *out, size_t size, const char *kind, const char *name)
{
    static const char hex[] = "0123456789abcdef";
    const char *end = out + size - sizeof("%00");

    for (; *kind; kind++)
        *out++ = *kind;
    *out++ = '.';
    for (; *name; name++) {
        unsigned char c = (unsigned char)*name;

        if (out > end)
            return false;
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            c == '-' || c == '_') {
            *out++ = *name;
            continue;
        }
        *out++ = '%';
        *out++ = hex[c >> 4];
        *out++ = hex[c & 15];
    }
    *out = '\0';
    return true;
}

/* A new file of that name, to be closed by the caller, or -1. */
static int make(const char *kind, const char *name)
{
    char file[NAME_MAX];
    int dir = wg_open_state();
    int fd = -1;

    if (dir < 0)
        return -1;
    if (file_name(file, sizeof(file), kind, name)) {
        unlinkat(dir, file, 0);
        fd = openat(dir, file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    }
    close(dir);
    return fd;
}

/* What could not be written reads as void. */
static void fill(int fd, const char *text)
{
    if (fd < 0)
        return;
    ssize_t written = write(fd, text, strlen(text));
    (void)written;
    close(fd);
}

static bool take(const char *kind, const char *name, char *text, size_t size)
{
    char file[NAME_MAX];
    int dir = wg_open_state();
    bool taken = false;

    if (dir < 0)
        return false;
    if (file_name(file, sizeof(file), kind, name)) {
        int fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0) {
            ssize_t got = read(fd, text, size - 1);
            text[got > 0 ? got : 0] = '\0';
            close(fd);
        }
        taken = unlinkat(dir, file, 0) == 0;
    }
    close(dir);
    return taken;
}

int wg_begin_settled(const char *guest)
{
    return make("settled", guest);
}

void wg_settle(int mark)
{
    fill(mark, "1");
}

bool wg_take_settled(const char *guest)
{
    char text[2] = "";

    return take("settled", guest, text, sizeof(text)) && *text == '1';
}

/* Not the wall clock, which may be set back. */
static long long now(void)
{
    struct timespec time = {0};

    clock_gettime(CLOCK_BOOTTIME, &time);
    return time.tv_sec;
}

static void put_now(const char *kind, const char *name)
{
    char text[32];

    snprintf(text, sizeof(text), "%lld", now());
    fill(make(kind, name), text);
}

static bool take_recent(const char *kind, const char *name)
{
    char text[32] = "";
    long long then;

    return take(kind, name, text, sizeof(text)) && sscanf(text, "%lld", &then) == 1 &&
           now() >= then && now() - then <= RECENT_SECONDS;
}

void wg_mark_in_flight(const char *guest)
{
    put_now("flight", guest);
}

bool wg_take_in_flight(const char *guest)
{
    return take_recent("flight", guest);
}

void wg_mark_rolled_back(const char *guest)
{
    put_now("rollback", guest);
}

bool wg_take_rolled_back(const char *guest)
{
    return take_recent("rollback", guest);
}
