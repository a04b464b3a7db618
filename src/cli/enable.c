/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* winguest enable, winguest disable: the filter in libvirt's daemons, and whether it enforces. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "common/safe.h"
#include "daemons.h"
#include "dropin.h"
#include "mode.h"
#include "options.h"

/* Another root has no systemd that runs. */
static bool systemd_runs(const char *root)
{
    return *root == '\0' && wg_systemd_runs();
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
        return wg_cli_error("enable", "%s: the path is too long", root);
    if (*root != '\0') {
        if (access(path, R_OK) != 0)
            return wg_cli_error("enable", "%s: %s", path, strerror(errno));
        return WG_EXIT_OK;
    }
    fd = wg_safe_open(path, &err);
    if (fd < 0)
        return wg_cli_error("enable", "%s", err.text);
    close(fd);
    return WG_EXIT_OK;
}

static int prepare_for_selinux(const char *root)
{
    char path[PATH_MAX];

    if (strncmp(WG_LIBDIR "/", "/usr/lib", 8) != 0 && strncmp(WG_LIBDIR "/", "/lib", 4) != 0)
        return wg_cli_error("enable",
                            "%s: under SELinux the loader takes it from "
                            "its standard directories only; build with --libdir=/usr/lib64",
                            WG_FILTER_PATH);
    snprintf(path, sizeof(path), "%s%s", root, WG_FILTER_PATH);
    /* readable for all, set-user-ID, executable for nobody: nothing to gain by running it */
    if (chmod(path, S_ISUID | 0644) != 0)
        return wg_cli_error("enable", "%s: %s", path, strerror(errno));
    return WG_EXIT_OK;
}

/* As systemd reads an environment's file: blanks may stand before a name, and behind it. */
static bool sets_preload(const char *line)
{
    line += strspn(line, " \t");
    if (strncmp(line, "LD_PRELOAD", 10) != 0)
        return false;
    line += 10;
    return line[strspn(line, " \t")] == '=';
}

/* EnvironmentFile= comes after Environment=: an LD_PRELOAD in one would undo the drop-in. */
static int check_environment_files(const char *root, const char *daemon)
{
    static const char *const dirs[] = {"/etc/default", "/etc/sysconfig"};
    char path[PATH_MAX], *line = NULL;
    size_t size = 0;
    int rc = WG_EXIT_OK;

    for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs) && rc == WG_EXIT_OK; i++) {
        snprintf(path, sizeof(path), "%s%s/%s", root, dirs[i], daemon);
        FILE *file = fopen(path, "re");
        while (file && getline(&line, &size, file) > 0) {
            if (sets_preload(line) && !strstr(line, WG_FILTER_LIBRARY))
                rc = wg_cli_error("enable",
                                  "%s: it sets LD_PRELOAD, which would undo "
                                  "systemd's drop-in: add %s there",
                                  path, WG_FILTER_PATH);
        }
        if (file)
            fclose(file);
    }
    free(line);
    return rc;
}

/* What systemd gives the service; "" if it does not tell, NULL without memory. */
static char *environment_of(const char *daemon)
{
    char command[128], *environment = NULL;
    size_t size = 0;
    FILE *from;

    snprintf(command, sizeof(command), "systemctl show --property=Environment --value %s.service",
             daemon);
    from = popen(command, "re");
    if (!from || getdelim(&environment, &size, '\0', from) < 0) {
        free(environment);
        environment = strdup("");
    }
    if (from)
        pclose(from);
    return environment;
}

/* What else the service preloads, an allocator say, stays: the drop-in replaces the variable. */
static char *others_of(const char *root, const char *daemon)
{
    char *environment = systemd_runs(root) ? environment_of(daemon) : strdup("");
    char *others = environment ? wg_dropin_other_preloads(environment) : NULL;

    free(environment);
    return others;
}

/* A drop-in whose name comes behind ours replaces the variable in turn. */
static int check_effect(const char *root, const char *daemon)
{
    char *environment = systemd_runs(root) ? environment_of(daemon) : NULL;
    bool undone = environment && *environment && !strstr(environment, WG_FILTER_LIBRARY);

    free(environment);
    if (!undone)
        return WG_EXIT_OK;
    return wg_cli_error("enable",
                        "%s.service: another drop-in undoes ours, it sets LD_PRELOAD too, which "
                        "`systemctl cat %s` shows: remove it there and enable again, or add :%s",
                        daemon, daemon, WG_FILTER_PATH);
}

static int enable_in(const char *root, const char *daemon)
{
    const char *library = uses_selinux(root) ? WG_FILTER_LIBRARY : WG_FILTER_PATH;
    int rc = check_environment_files(root, daemon);

    if (rc != WG_EXIT_OK)
        return rc;
    char *others = others_of(root, daemon);
    if (!others)
        rc = wg_cli_error("enable", "out of memory");
    else if (strpbrk(others, "\"\\%$\n"))
        rc = wg_cli_error("enable",
                          "%s.service: LD_PRELOAD has \"%s\", which cannot be kept in a drop-in",
                          daemon, others + 1);
    else
        rc = wg_dropin_write(root, daemon, library, others);
    free(others);
    return rc;
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

static int services(const char *root)
{
    int count = 0;

    for (size_t i = 0; i < WG_DAEMONS; i++)
        count += wg_dropin_has_service(root, wg_daemon[i]);
    return count;
}

static void say_what_to_restart(const char *effect)
{
    printf("A daemon that runs %s it when it is restarted; guests keep running meanwhile:\n"
           "  systemctl try-restart",
           effect);
    for (size_t i = 0; i < WG_DAEMONS; i++) {
        if (wg_dropin_has_service("", wg_daemon[i]))
            printf(" %s.service", wg_daemon[i]);
    }
    puts("\n  winguest status");
}

/* As in a container, where a script starts it. */
static void say_what_to_set(const char *why)
{
    printf(
        "%s.\nIf a script starts the daemon, as in a container, have that source this right before it does:\n"
        "  . " WG_DATADIR "/container/start.sh\n"
        "It corrects the definitions that there are (winguest apply --offline), and sets\n"
        "  LD_PRELOAD=" WG_FILTER_PATH "\n"
        "Recipes for kolla and OpenStack-Helm are in " WG_DATADIR "/examples.\n"
        "Then look, in the container: winguest status\n",
        why);
}

static void say_what_it_does(const char *root)
{
    struct wg_settings settings = {0};
    struct wg_error err;
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s" WG_MODE_FILE, root);
    if (access(path, F_OK) == 0) {
        struct wg_engine *engine = wg_engine_open(path, &settings, &err);

        wg_engine_close(engine);
        if (!engine) {
            printf("No guest is touched: %s; see winguest config check\n", err.text);
            return;
        }
    }
    puts(
        settings.report
            ? "mode = report: what each Windows guest would get is logged, and nothing is changed."
            : "Each Windows guest that is defined or started gets the policy before libvirt reads its\n"
              "definition, and those that are defined get it before the daemon starts.");
}

static int check_root(const char *verb, const char *root)
{
    if (!*root || access(root, X_OK) == 0 || errno == ENAMETOOLONG)
        return WG_EXIT_OK;
    return wg_cli_error(verb, "--root '%s': %s", root, strerror(errno));
}

static int enable(const char *root, const char *mode)
{
    int rc = check_root("enable", root);

    if (rc == WG_EXIT_OK)
        rc = check_library(root);
    if (rc == WG_EXIT_OK && mode)
        rc = wg_mode_set(root, mode);
    if (rc == WG_EXIT_OK && services(root) == 0) {
        say_what_to_set("There is neither libvirtd.service nor virtqemud.service here, so nothing "
                        "was written");
        return rc;
    }
    if (rc == WG_EXIT_OK && uses_selinux(root))
        rc = prepare_for_selinux(root);
    for (size_t i = 0; i < WG_DAEMONS && rc == WG_EXIT_OK; i++) {
        if (wg_dropin_has_service(root, wg_daemon[i]))
            rc = enable_in(root, wg_daemon[i]);
    }
    if (rc == WG_EXIT_OK)
        rc = reload(root, "enable");
    for (size_t i = 0; i < WG_DAEMONS && rc == WG_EXIT_OK; i++) {
        if (wg_dropin_has_service(root, wg_daemon[i]))
            rc = check_effect(root, wg_daemon[i]);
    }
    if (rc != WG_EXIT_OK)
        return rc;
    say_what_it_does(root);
    if (systemd_runs(root))
        say_what_to_restart("loads");
    else if (*root == '\0')
        say_what_to_set("systemd does not run here, and only it reads drop-ins");
    return rc;
}

static int disable(const char *root)
{
    int rc = check_root("disable", root);

    /* of services that are gone too */
    for (size_t i = 0; i < WG_DAEMONS && rc == WG_EXIT_OK; i++)
        rc = wg_dropin_remove(root, wg_daemon[i]);
    if (rc == WG_EXIT_OK)
        rc = reload(root, "disable");
    if (rc == WG_EXIT_OK)
        puts("The hook stays, and does what cold_start says.");
    if (rc == WG_EXIT_OK && systemd_runs(root) && services(root) > 0)
        say_what_to_restart("drops");
    return rc;
}

/* Reads --root, and --mode if mode is not NULL. Returns -1 to go on. */
static int take(int argc, char **argv, const char **root, const char **mode)
{
    const struct wg_option with_mode[] = {{.name = "root", .value = root},
                                          {.name = "mode", .value = mode},
                                          {0}};
    const struct wg_option without[] = {{.name = "root", .value = root}, {0}};
    int code = wg_cli_options(argc, argv, mode ? with_mode : without);

    if (code >= 0)
        return code;
    if (optind < argc)
        return wg_cli_error(argv[0], "'%s': it takes no arguments", argv[optind]);
    if (strcmp(*root, "/") == 0)
        *root = "";
    if (**root == '\0' && geteuid() != 0)
        return wg_cli_error(argv[0], "only root may change systemd's services");
    return -1;
}

int wg_cli_enable(int argc, char **argv)
{
    const char *root = "", *mode = NULL;
    int code = take(argc, argv, &root, &mode);

    if (code >= 0)
        return code;
    if (mode && strcmp(mode, "enforce") != 0 && strcmp(mode, "report") != 0)
        return wg_cli_error("enable", "--mode '%s': there are enforce report", mode);
    return wg_cli_flush("enable", enable(root, mode));
}

int wg_cli_disable(int argc, char **argv)
{
    const char *root = "";
    int code = take(argc, argv, &root, NULL);

    return code >= 0 ? code : wg_cli_flush("disable", disable(root));
}
