/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "refusals.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state.h"

#define REFUSALS "refusals"

/* A byte each, so that several may write at once. */
unsigned wg_refusals_add(void)
{
    struct stat st = {0};
    int dir = wg_state_open(WG_STATEDIR);
    int fd = dir < 0 ? -1
                     : openat(dir, REFUSALS, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
                              0600);
    ssize_t written = fd < 0 ? -1 : write(fd, "!", 1);

    if (fd >= 0 && fstat(fd, &st) < 0)
        st.st_size = 0;
    if (fd >= 0)
        close(fd);
    if (dir >= 0)
        close(dir);
    return written == 1 ? (unsigned)st.st_size : 1;
}

unsigned wg_refusals(void)
{
    struct stat st;

    return stat(WG_STATEDIR "/" REFUSALS, &st) == 0 ? (unsigned)st.st_size : 0;
}

void wg_refusals_end(void)
{
    if (wg_refusals() > 0)
        wg_state_drop(WG_STATEDIR, REFUSALS);
}
