/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../safe.h"
#include "cli.h"
#include "filter.h"

#define DROPIN "50-winguest.conf"

const char *const wg_filter_daemon[WG_FILTER_DAEMONS] = {"libvirtd", "virtqemud"};

extern char **environ;

void wg_filter_dropin(const char *root, const char *daemon, char dir[PATH_MAX],
                      char file[PATH_MAX])
{
    snprintf(dir, PATH_MAX, "%s/etc/systemd/system/%s.service.d", root, daemon);
    snprintf(file, PATH_MAX, "%s/etc/systemd/system/%s.service.d/" DROPIN, root, daemon);
}

bool wg_filter_has_service(const char *root, const char *daemon)
{
    /* systemd.unit(5): where unit files may be */
    static const char *const dirs[] = {
        "/etc/systemd/system",           "/run/systemd/system", "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system",       "/lib/systemd/system",
    };
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
        snprintf(path, sizeof(path), "%s%s/%s.service", root, dirs[i], daemon);
        if (access(path, F_OK) == 0)
            return true;
    }
    return false;
}

static bool systemd_runs(const char *root)
{
    return *root == '\0' && access("/run/systemd/system", F_OK) == 0; /* as sd_booted(3) */
}

/* Runs systemctl; its standard output goes to *text, for free(), if text is not NULL. */
static int systemctl(char *const *argv, char **text)
{
    posix_spawn_file_actions_t actions;
    int out[2] = {-1, -1}, status = -1;
    size_t len = 0;
    pid_t pid;

    if (text != NULL && pipe(out) < 0)
        return -1;
    posix_spawn_file_actions_init(&actions);
    if (text != NULL) {
        posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
        posix_spawn_file_actions_addclose(&actions, out[0]);
    }
    errno = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (text != NULL) {
        FILE *from = fdopen(out[0], "r");

        close(out[1]);
        *text = NULL;
        if (from == NULL || getdelim(text, &len, '\0', from) < 0)
            (*text = realloc(*text, 1))[0] = '\0';
        fclose(from);
    }
    if (errno != 0 || waitpid(pid, &status, 0) < 0)
        return -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}
