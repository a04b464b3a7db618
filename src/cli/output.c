/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

static bool is_trusted(const struct stat *st)
{
    return st->st_uid == 0 || st->st_uid == geteuid();
}

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

/* What was no regular file may have become one. */
static int open_in_place(const char *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)))
        return fd;
    close(fd);
    errno = EAGAIN;
    return -1;
}

/* A link is followed if nobody else can have laid it, and a file keeps what it wears for the same
 * reason. */
static int open_for(struct wg_output *output)
{
    /* New ones are for all: the metrics are read by another user's program, lists by VDSM's. */
    struct stat fresh = {.st_uid = geteuid(), .st_gid = getegid(), .st_mode = 0644};
    struct stat st;

    if (lstat(output->path, &st) < 0) {
        output->target = errno == ENOENT ? strdup(output->path) : NULL;
        return output->target ? make_fresh(output, &fresh) : -1;
    }
    if (S_ISLNK(st.st_mode) && !is_trusted(&st)) {
        errno = ELOOP;
        return -1;
    }
    if (stat(output->path, &st) < 0)
        return -1;
    if (!S_ISREG(st.st_mode))
        return open_in_place(output->path);
    st.st_mode &= 0777;
    output->target = realpath(output->path, NULL);
    return output->target ? make_fresh(output, is_trusted(&st) ? &st : &fresh) : -1;
}

int wg_output_open(struct wg_output *output, const char *path, struct wg_error *err)
{
    *output = (struct wg_output){.file = stdout, .path = path};
    if (!path)
        return 0;
    int fd = open_for(output);
    if (fd >= 0 && (output->file = fdopen(fd, "w")))
        return 0;
    wg_fail(err, "%s: %s", path, errno == ELOOP ? "another user's link" : strerror(errno));
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
