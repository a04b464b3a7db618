/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "descriptors.h"

#include <fcntl.h>
#include <unistd.h>

void wg_hold_standard_descriptors(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}
