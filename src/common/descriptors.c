/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "descriptors.h"

#include <fcntl.h>
#include <unistd.h>

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
