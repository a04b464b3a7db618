/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
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
