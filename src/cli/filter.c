/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "common/safe.h"
#include "daemons.h"
#include "filter.h"

/* As sd_booted(3) has it. Another root has no systemd that runs. */
static bool systemd_runs(const char *root)
{
    return *root == '\0' && access("/run/systemd/system", F_OK) == 0;
}

/*
 * With a domain transition the loader is in secure mode and takes only a bare name, found in its
 * standard directories, of a file with the set-user-ID bit.
 */
static bool uses_selinux(const char *root)
{
    char path[PATH_MAX];

    if (*root == '\0')
        return access("/sys/fs/selinux/enforce", F_OK) == 0;
    snprintf(path, sizeof(path), "%s/etc/selinux/config", root);
    return access(path, F_OK) == 0;
}

/* Whether the library is there and nobody but root could put another in its place. */
static int check_library(const char *root)
{
    char path[PATH_MAX];
    struct wg_error err;
    int fd;

    if (snprintf(path, sizeof(path), "%s%s", root, WG_FILTER_PATH) >= PATH_MAX)
        return wg_cli_error("filter enable", "%s: the path is too long", root);
    if (*root != '\0') {
        if (access(path, R_OK) != 0)
            return wg_cli_error("filter enable", "%s: %s", path, strerror(errno));
        return WG_EXIT_OK;
    }
    fd = wg_safe_open(path, &err);
    if (fd < 0)
        return wg_cli_error("filter enable", "%s", err.text);
    close(fd);
    return WG_EXIT_OK;
}

static int prepare_for_selinux(const char *root)
{
    char path[PATH_MAX];

    if (strncmp(WG_LIBDIR "/", "/usr/lib", 8) != 0 && strncmp(WG_LIBDIR "/", "/lib", 4) != 0)
        return wg_cli_error("filter enable",
                            "%s: under SELinux the loader takes it from "
                            "its standard directories only; build with --libdir=/usr/lib64",
                            WG_FILTER_PATH);
    snprintf(path, sizeof(path), "%s%s", root, WG_FILTER_PATH);
    /* readable for all, set-user-ID, executable for nobody: nothing to gain by running it */
    if (chmod(path, S_ISUID | 0644) != 0)
        return wg_cli_error("filter enable", "%s: %s", path, strerror(errno));
    return WG_EXIT_OK;
}

/* EnvironmentFile= comes after Environment=: an LD_PRELOAD in one would undo the drop-in. */
static int check_environment_files(const char *root, const char *daemon)
{
    static const char *const dirs[] = {"/etc/default", "/etc/sysconfig"};
    char path[PATH_MAX], *line = NULL;
    size_t size = 0;
    int rc = WG_EXIT_OK;

    for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs) && rc == WG_EXIT_OK; i++) {
        FILE *file;

        snprintf(path, sizeof(path), "%s%s/%s", root, dirs[i], daemon);
        file = fopen(path, "r");
        while (file != NULL && getline(&line, &size, file) > 0) {
            if (strncmp(line, "LD_PRELOAD=", 11) == 0 && strstr(line, WG_FILTER_LIBRARY) == NULL)
                rc = wg_cli_error("filter enable",
                                  "%s: it sets LD_PRELOAD, which would undo "
                                  "systemd's drop-in: add %s there",
                                  path, WG_FILTER_PATH);
        }
        if (file != NULL)
            fclose(file);
    }
    free(line);
    return rc;
}

char *wg_filter_other_preloads(const char *environment)
{
    const char *start = strstr(environment, "LD_PRELOAD=");
    char *all, *others, *entry, *state;

    while (start != NULL && start > environment && strchr(" \n\"", start[-1]) == NULL)
        start = strstr(start + 1, "LD_PRELOAD=");
    if (start == NULL)
        return strdup("");
    /* an assignment with a blank in it comes in quotes */
    all = strndup(start + 11,
                  strcspn(start + 11, start > environment && start[-1] == '"' ? "\"\n" : " \n"));
    others = calloc(1, strlen(environment) + 1);
    if (all == NULL || others == NULL) {
        free(all);
        free(others);
        return NULL;
    }
    for (entry = strtok_r(all, ": ", &state); entry; entry = strtok_r(NULL, ": ", &state)) {
        const char *slash = strrchr(entry, '/');

        if (strcmp(slash == NULL ? entry : slash + 1, WG_FILTER_LIBRARY) == 0)
            continue;
        sprintf(others + strlen(others), ":%s", entry);
    }
    free(all);
    return others;
}

/* What else the service preloads, an allocator say, stays: the drop-in replaces the variable. */
static char *others_of(const char *root, const char *daemon)
{
    char command[128], *environment = NULL, *others;
    size_t size = 0;
    FILE *from;

    if (!systemd_runs(root))
        return strdup("");
    snprintf(command, sizeof(command), "systemctl show --property=Environment --value %s.service",
             daemon);
    from = popen(command, "re");
    if (from == NULL || getdelim(&environment, &size, '\0', from) < 0) {
        free(environment);
        environment = strdup("");
    }
    if (from != NULL)
        pclose(from);
    others = environment == NULL ? NULL : wg_filter_other_preloads(environment);
    free(environment);
    return others;
}

/* In one step: systemd must not read half of it, nor find none if the disk is full. */
static int write_file(const char *file, const char *library, const char *others)
{
    char fresh[PATH_MAX + 8];
    FILE *to;
    int fd;

    snprintf(fresh, sizeof(fresh), "%s.XXXXXX", file);
    fd = mkostemp(fresh, O_CLOEXEC);
    to = fd < 0 ? NULL : fdopen(fd, "w");
    if (to == NULL)
        return wg_cli_error("filter enable", "%s: %s", file, strerror(errno));
    fprintf(to,
            "# Written by `winguest filter enable`; `winguest filter disable` removes it.\n"
            "[Service]\nEnvironment=\"LD_PRELOAD=%s%s\"\n" WG_FILTER_BEFORE "\n",
            library, others);
    if (fflush(to) == 0 && !ferror(to) && fchmod(fd, 0644) == 0 && fsync(fd) == 0 &&
        rename(fresh, file) == 0) {
        fclose(to);
        return WG_EXIT_OK;
    }
    wg_cli_error("filter enable", "%s: %s", file, strerror(errno));
    fclose(to);
    unlink(fresh);
    return WG_EXIT_ERROR;
}

static int enable(const char *root, const char *daemon)
{
    const char *library = uses_selinux(root) ? WG_FILTER_LIBRARY : WG_FILTER_PATH;
    char dir[PATH_MAX], file[PATH_MAX], *others;
    int rc;

    if (wg_filter_dropin(root, daemon, dir, file) < 0 ||
        check_environment_files(root, daemon) != WG_EXIT_OK)
        return WG_EXIT_ERROR;
    others = others_of(root, daemon);
    if (others == NULL)
        return wg_cli_error("filter enable", "out of memory");
    if (strpbrk(others, "\"\\%$\n") != NULL)
        rc = wg_cli_error("filter enable",
                          "%s.service: LD_PRELOAD has \"%s\", which cannot be "
                          "kept in a drop-in",
                          daemon, others + 1);
    else if (mkdir(dir, 0755) != 0 && errno != EEXIST)
        rc = wg_cli_error("filter enable", "%s: %s", dir, strerror(errno));
    else
        rc = write_file(file, library, others);
    free(others);
    if (rc == WG_EXIT_OK)
        printf("%s: written\n", file);
    return rc;
}

static int disable(const char *root, const char *daemon)
{
    char dir[PATH_MAX], file[PATH_MAX];

    if (wg_filter_dropin(root, daemon, dir, file) < 0)
        return WG_EXIT_ERROR;
    if (unlink(file) == 0)
        printf("%s: removed\n", file);
    else if (errno != ENOENT)
        return wg_cli_error("filter disable", "%s: %s", file, strerror(errno));
    rmdir(dir); /* if nobody else has a drop-in there */
    return WG_EXIT_OK;
}

static int reload(const char *root, const char *verb)
{
    if (!systemd_runs(root))
        return WG_EXIT_OK;
    fflush(stdout);
    if (system("systemctl daemon-reload") != 0)
        return wg_cli_error(verb, "systemctl daemon-reload failed: run it by hand");
    return WG_EXIT_OK;
}

static void say_what_to_restart(const char *root, const char *effect)
{
    printf("The running daemon %s it when it is restarted; guests keep running meanwhile:\n"
           "  systemctl%s%s try-restart",
           effect, *root ? " --root=" : "", root);
    for (size_t i = 0; i < WG_DAEMONS; i++) {
        if (wg_filter_has_service(root, wg_daemon[i]))
            printf(" %s.service", wg_daemon[i]);
    }
    putchar('\n');
}

static int switch_on(const char *root)
{
    int rc = check_library(root), services = 0;

    for (size_t i = 0; i < WG_DAEMONS; i++)
        services += wg_filter_has_service(root, wg_daemon[i]);
    if (rc == WG_EXIT_OK && services == 0)
        rc = wg_cli_error("filter enable", "neither libvirtd.service nor virtqemud.service is "
                                           "here: install libvirt's daemon first");
    if (rc == WG_EXIT_OK && uses_selinux(root))
        rc = prepare_for_selinux(root);
    for (size_t i = 0; i < WG_DAEMONS && rc == WG_EXIT_OK; i++) {
        if (wg_filter_has_service(root, wg_daemon[i]))
            rc = enable(root, wg_daemon[i]);
    }
    if (rc == WG_EXIT_OK)
        rc = reload(root, "filter enable");
    if (rc == WG_EXIT_OK && *root == '\0')
        say_what_to_restart(root, "loads");
    return rc;
}

static int switch_off(const char *root)
{
    int rc = WG_EXIT_OK;

    /* of services that are gone too */
    for (size_t i = 0; i < WG_DAEMONS && rc == WG_EXIT_OK; i++)
        rc = disable(root, wg_daemon[i]);
    if (rc == WG_EXIT_OK)
        rc = reload(root, "filter disable");
    if (rc == WG_EXIT_OK && *root == '\0')
        say_what_to_restart(root, "drops");
    return rc;
}

int wg_cli_filter(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    const char *root = "";
    bool on = strcmp(verb, "enable") == 0, off = strcmp(verb, "disable") == 0;

    if (argc == 4 && strcmp(argv[2], "--root") == 0)
        root = strcmp(argv[3], "/") == 0 ? "" : argv[3];
    if ((argc != 2 && argc != 4) || (argc == 4 && strcmp(argv[2], "--root") != 0) ||
        !(on || off || strcmp(verb, "status") == 0))
        return wg_cli_error("filter", "expects enable, disable or status [--root DIR]");
    if ((on || off) && *root == '\0' && geteuid() != 0)
        return wg_cli_error("filter", "%s: only root may change systemd's services", verb);
    if (on || off)
        return wg_cli_flush("filter", on ? switch_on(root) : switch_off(root));
    return wg_cli_flush("filter", wg_filter_status(root));
}
