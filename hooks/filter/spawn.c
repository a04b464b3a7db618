/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

static void close_pipe(const int ends[2])
{
    for (int i = 0; i < 2; i++) {
        if (ends[i] >= 0)
            close(ends[i]);
    }
}

/* A pipe with both ends above 2, so that neither is in the way of the child's 0, 1 and 2. */
static int make_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        int fd = ends[i];

        if (fd > 2)
            continue;
        ends[i] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        close(fd);
    }
    if (ends[0] >= 0 && ends[1] >= 0)
        return 0;
    close_pipe(ends);
    return -1;
}

/*
 * libvirtd has several descriptors without CLOEXEC. Before glibc 2.34 they are named one by one:
 * what another thread opens without CLOEXEC between that and the spawn gets through, as it does
 * with every program that libvirt itself starts.
 */
static int close_the_rest(posix_spawn_file_actions_t *actions)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34) && !defined(WG_NO_CLOSEFROM)
    return posix_spawn_file_actions_addclosefrom_np(actions, 3);
#else
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;
    int error = 0;

    if (dir == NULL)
        return errno;
    while (error == 0 && (entry = readdir(dir)) != NULL) {
        int fd = atoi(entry->d_name);

        if (fd > 2 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0)
            error = posix_spawn_file_actions_addclose(actions, fd);
    }
    closedir(dir);
    return error;
#endif
}

static int set_actions(posix_spawn_file_actions_t *actions, int in, int out)
{
    int error = posix_spawn_file_actions_adddup2(actions, in, 0);

    if (error == 0)
        error = posix_spawn_file_actions_adddup2(actions, out, 1);
    if (error == 0)
        error = posix_spawn_file_actions_addopen(actions, 2, "/dev/null", O_WRONLY, 0);
    if (error == 0)
        error = posix_spawn_file_actions_addchdir_np(actions, "/");
    if (error == 0)
        error = close_the_rest(actions);
    return error;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setpgroup(attributes, 0);
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                    POSIX_SPAWN_SETPGROUP);
}

/*
 * posix_spawn and not fork: between fork and exec a process with other threads may only do what a
 * signal handler may, and copying the page tables of a large daemon costs more than the engine.
 */
static int spawn(const char *path, char *const *argv, int in, int out, pid_t *pid)
{
    static char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);

    if (error != 0)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error == 0) {
        error = set_actions(&actions, in, out);
        if (error == 0)
            error = set_attributes(&attributes);
        if (error == 0)
            error = posix_spawn(pid, path, &actions, &attributes, argv, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

int wg_spawn(const char *path, char *const *argv, struct wg_spawned *child)
{
    int in[2], out[2];
    int error;

    if (make_pipe(in) < 0)
        return errno;
    if (make_pipe(out) < 0) {
        error = errno;
        close_pipe(in);
        return error;
    }
    if (fcntl(in[1], F_SETFL, O_NONBLOCK) < 0 || fcntl(out[0], F_SETFL, O_NONBLOCK) < 0)
        error = errno;
    else
        error = spawn(path, argv, in[0], out[1], &child->pid);
    if (error != 0) {
        close_pipe(in);
        close_pipe(out);
        return error;
    }
    close(in[0]);
    close(out[1]);
    child->in = in[1];
    child->out = out[0];
    return 0;
}
