/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

static char directory[] = "/tmp/winguest-fuzz-XXXXXX";

static void remove_directory(void)
{
    char command[PATH_MAX];

    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    PROMISE("the private directory can be removed", system(command) == 0);
}

const char *fuzz_file(const char *name, const void *text, size_t len)
{
    static char path[PATH_MAX];

    if (strstr(directory, "XXXXXX")) {
        PROMISE("a private directory can be made", mkdtemp(directory));
        atexit(remove_directory);
    }
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    PROMISE("a private file can be written", fd >= 0 && write(fd, text, len) == (ssize_t)len);
    close(fd);
    return path;
}
