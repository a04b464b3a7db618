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

/* A file in memory that a child can open by number. */
static int remember(const char *text, size_t len)
{
    int fd = memfd_create("domain", 0);

    for (size_t done = 0; fd >= 0 && done < len;) {
        ssize_t written = write(fd, text + done, len - done);

        if (written > 0) {
            done += (size_t)written;
        } else if (errno != EINTR) {
            close(fd);
            fd = -1;
        }
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

static int run_diff(int old, int new, const char *label)
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
    const char *argv[] = {"diff", "-u", "--label", old_label, "--label", new_label, "--",
                          old_path, new_path, NULL};
    int error = posix_spawnp(&pid, "diff", NULL, NULL, (char **)argv, environ);
    if (error != 0)
        return wg_cli_error("diff", "diff(1) cannot be run: %s; mend: install diffutils",
                            strerror(error));
    return wait_for(pid) == 1 ? WG_EXIT_VIOLATIONS : wg_cli_error("diff", "diff(1) failed");
}

static int show(const struct wg_verdict *verdict, const char *file, const char *xml, size_t len)
{
    if (!verdict->xml)
        return WG_EXIT_OK;
    if (fflush(stdout) != 0)
        return WG_EXIT_ERROR;
    int old = remember(xml, len);
    int new = remember(verdict->xml, verdict->xml_len);
    int code = old < 0 || new < 0
                   ? wg_cli_error("diff", "no file in memory: %s", strerror(errno))
                   : run_diff(old, new, strcmp(file, "-") == 0 ? "domain" : file);
    if (old >= 0)
        close(old);
    if (new >= 0)
        close(new);
    return code;
}

int wg_cli_diff(int argc, char **argv)
{
    struct wg_cli_input input;
    int code = wg_cli_open(argc, argv, false, &input);

    if (code >= 0)
        return code;
    code = WG_EXIT_OK;
    for (int i = 0; i < input.files; i++) {
        char *xml;
        size_t len;
        struct wg_error err;
        struct wg_verdict *verdict = wg_cli_judge(&input, input.file[i], WG_REWRITE, &xml, &len,
                                                  &err);
        int shown = verdict ? show(verdict, input.file[i], xml, len)
                            : wg_cli_error("diff", "%s", err.text);

        if (shown > code)
            code = shown;
        wg_verdict_free(verdict);
        free(xml);
    }
    wg_engine_close(input.engine);
    return wg_cli_flush("diff", code);
}
