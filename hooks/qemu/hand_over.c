/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hook.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int close_others(int kept)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;

    if (!dir)
        return -1;
    while ((entry = readdir(dir))) {
        int fd = atoi(entry->d_name);

        if (fd > STDERR_FILENO && fd != kept && fd != dirfd(dir))
            close(fd);
    }
    closedir(dir);
    return 0;
}

static int become_worker(int kept)
{
    sigset_t none;
    int null = open("/dev/null", O_RDWR);

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (null < 0 || dup2(null, fd) < 0)
            return -1;
    }
    sigemptyset(&none);
    if (setsid() < 0 || chdir("/") < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0 ||
        signal(SIGPIPE, SIG_DFL) == SIG_ERR)
        return -1;
    umask(077);
    return close_others(kept);
}

/* Does not return. What fails goes as an errno into the pipe, which exec closes. */
static void run(const char *const *arguments, int failure)
{
    static char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};
    const char *argv[WG_HAND_OVER_ARGUMENTS + 3] = {"winguest", "repair"};

    for (int i = 0; i < WG_HAND_OVER_ARGUMENTS && arguments[i]; i++)
        argv[i + 2] = arguments[i];
    if (become_worker(failure) == 0)
        execve(WG_BINDIR "/winguest", (char *const *)argv, environment);
    ssize_t written = write(failure, &errno, sizeof(errno));
    _exit(written < 0);
}

int wg_hand_over(const char *const *arguments)
{
    int failure[2];
    int error = 0;

    if (pipe2(failure, O_CLOEXEC) < 0)
        return errno;
    pid_t pid = fork();
    if (pid == 0)
        run(arguments, failure[1]);
    if (pid < 0)
        error = errno;
    close(failure[1]);
    if (pid > 0 && read(failure[0], &error, sizeof(error)) != sizeof(error))
        error = 0;
    close(failure[0]);
    return error;
}
