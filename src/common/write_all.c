/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "write_all.h"

#include <errno.h>
#include <unistd.h>

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
