/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The differences are shown by diff(1), from memory: a domain may hold secrets, no file does. */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "common/io.h"

/* A file in memory that a child can open by number. */
static int remember(const char *text, size_t len)
{
    int fd = memfd_create("domain", 0);

    if (fd >= 0 && wg_write_all(fd, text, len) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int wait_for(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run_diff(int old, int new, const char *label, struct wg_error *err)
{
    char old_path[32];
    char new_path[32];
    char old_label[300];
    char new_label[300];
    pid_t pid;

    snprintf(old_path, sizeof(old_path), "/proc/self/fd/%d", old);
    snprintf(new_path, sizeof(new_path), "/proc/self/fd/%d", new);
    snprintf(old_label, sizeof(old_label), "%.250s", label);
    snprintf(new_label, sizeof(new_label), "%.250s (policy)", label);
    const char *argv[] = {"diff",    "-u", "--label", old_label, "--label",
                          new_label, "--", old_path,  new_path,  NULL};
    int error = posix_spawnp(&pid, "diff", NULL, NULL, (char **)argv, environ);
    if (error != 0)
        return wg_fail(err, "diff(1) cannot be run: %s; hint: install diffutils", strerror(error));
    return wait_for(pid) == 1 ? 0 : wg_fail(err, "diff(1) failed");
}

int wg_cli_show_diff(const char *label, const char *old, size_t old_len, const char *new,
                     size_t new_len, struct wg_error *err)
{
    if (fflush(stdout) != 0)
        return wg_fail(err, "standard output: %s", strerror(errno));
    WG_CLOSED before = remember(old, old_len);
    WG_CLOSED after = remember(new, new_len);
    if (before < 0 || after < 0)
        return wg_fail(err, "no file in memory: %s", strerror(errno));
    return run_diff(before, after, label, err);
}
