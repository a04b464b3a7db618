/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

int wg_output_open(struct wg_output *output, const char *path, struct wg_error *err)
{
    *output = (struct wg_output){.file = stdout, .path = path};
    if (!path)
        return 0;
    if (asprintf(&output->fresh, "%s.XXXXXX", path) < 0)
        return wg_no_memory(err);
    int fd = mkstemp(output->fresh);
    /* The metrics are read by another user's program. */
    if (fd >= 0 && fchmod(fd, 0644) == 0 && (output->file = fdopen(fd, "w")))
        return 0;
    wg_fail(err, "%s: %s", path, strerror(errno));
    if (fd >= 0) {
        close(fd);
        unlink(output->fresh);
    }
    free(output->fresh);
    return -1;
}

void wg_output_abandon(struct wg_output *output)
{
    if (!output->path)
        return;
    fclose(output->file);
    unlink(output->fresh);
    free(output->fresh);
}

int wg_output_commit(struct wg_output *output, struct wg_error *err)
{
    const char *name = output->path ? output->path : "standard output";
    bool good = fflush(output->file) == 0 && !ferror(output->file);

    if (good && output->path)
        good = fsync(fileno(output->file)) == 0 && rename(output->fresh, output->path) == 0;
    if (!good) {
        if (!output->path)
            wg_cli_broken_pipe();
        wg_fail(err, "%s: %s", name, strerror(errno));
        wg_output_abandon(output);
        return -1;
    }
    if (output->path) {
        free(output->fresh);
        return fclose(output->file) == 0 ? 0 : wg_fail(err, "%s: %s", name, strerror(errno));
    }
    return 0;
}
