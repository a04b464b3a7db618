/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

char *wg_read_all(int fd, size_t *len, struct wg_error *err)
{
    return wg_read_up_to(fd, WG_XML_MAX, len, err);
}

char *wg_read_up_to(int fd, size_t max, size_t *len, struct wg_error *err)
{
    size_t room = 16 << 10;
    char *bytes = malloc(room);

    *len = 0;
    while (bytes) {
        ssize_t got = read(fd, bytes + *len, room - *len);

        if (got == 0)
            return bytes;
        if (got < 0 && errno != EINTR) {
            wg_fail(err, "cannot be read: %s", strerror(errno));
            free(bytes);
            return NULL;
        }
        *len += got < 0 ? 0 : (size_t)got;
        if (*len > max) {
            wg_fail(err, "over %zu MiB", max >> 20);
            free(bytes);
            return NULL;
        }
        if (*len == room) {
            char *grown = realloc(bytes, room *= 2);

            if (!grown)
                free(bytes);
            bytes = grown;
        }
    }
    wg_no_memory(err);
    return NULL;
}

int wg_write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, text, len);

        if (written < 0 && errno != EINTR)
            return -1;
        text += written > 0 ? written : 0;
        len -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

long long wg_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

void wg_hold_standard_descriptors(void)
{
    for (int number = STDIN_FILENO; number <= STDERR_FILENO; number++) {
        if (fcntl(number, F_GETFD) >= 0)
            continue;
        /* It gets the lowest number that is free. */
        int fd = open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        if (fd < 0)
            return;
    }
}

void wg_closed(const int *fd)
{
    int error = errno;

    if (*fd >= 0)
        close(*fd);
    errno = error;
}

void wg_closed_file(FILE *const *file)
{
    int error = errno;

    if (*file)
        fclose(*file);
    errno = error;
}

void wg_freed(char *const *text)
{
    free(*text);
}
