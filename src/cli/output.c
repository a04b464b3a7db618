/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

/* As the old file was; whoever may not give files away, as our units, can still write its own anew.
 */
static int dress(int fd, const struct stat *old)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -1;
    bool ours = old->st_uid == st.st_uid && old->st_gid == st.st_gid;
    return ours || fchown(fd, old->st_uid, old->st_gid) == 0 ? fchmod(fd, old->st_mode) : -1;
}

static int make_fresh(struct wg_output *output, const struct stat *old)
{
    if (asprintf(&output->fresh, "%s.XXXXXX", output->target) < 0) {
        output->fresh = NULL;
        return -1;
    }
    int fd = mkstemp(output->fresh);
    if (fd < 0 || dress(fd, old) == 0)
        return fd;
    unlink(output->fresh);
    close(fd);
    return -1;
}

int wg_output_open(struct wg_output *output, const char *path, struct wg_error *err)
{
    /* New ones are for all: the metrics are read by another user's program, lists by VDSM's. */
    struct stat st = {.st_uid = geteuid(), .st_gid = getegid(), .st_mode = 0644};

    *output = (struct wg_output){.file = stdout, .path = path};
    if (!path)
        return 0;
    bool is_there = stat(path, &st) == 0;
    bool in_place = is_there && !S_ISREG(st.st_mode);
    st.st_mode &= 0777;
    if (!in_place)
        output->target = is_there ? realpath(path, NULL) : strdup(path);
    int fd = in_place         ? open(path, O_WRONLY | O_CLOEXEC)
             : output->target ? make_fresh(output, &st)
                              : -1;
    if (fd >= 0 && (output->file = fdopen(fd, "w")))
        return 0;
    wg_fail(err, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    output->file = NULL;
    wg_output_abandon(output);
    return -1;
}

void wg_output_abandon(struct wg_output *output)
{
    if (!output->path)
        return;
    if (output->file)
        fclose(output->file);
    if (output->fresh)
        unlink(output->fresh);
    free(output->fresh);
    free(output->target);
}

int wg_output_commit(struct wg_output *output, struct wg_error *err)
{
    const char *name = output->path ? output->path : "standard output";
    bool good = fflush(output->file) == 0 && !ferror(output->file);

    if (good && output->fresh)
        good = fsync(fileno(output->file)) == 0 && rename(output->fresh, output->target) == 0;
    if (!good) {
        if (!output->path)
            wg_cli_broken_pipe();
        wg_fail(err, "%s: %s", name, strerror(errno));
        wg_output_abandon(output);
        return -1;
    }
    if (!output->path)
        return 0;
    free(output->fresh);
    free(output->target);
    return fclose(output->file) == 0 ? 0 : wg_fail(err, "%s: %s", name, strerror(errno));
}
