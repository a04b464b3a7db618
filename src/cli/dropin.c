/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dropin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "common/io.h"
#include "output.h"

#define NAME "50-winguest.conf"
/* What systemd runs before the daemon. That it fails, or is not there any more, is no reason not to
 * start that. */
#define BEFORE "ExecStartPre=-" WG_BINDIR "/winguest apply --offline"
/* Ours is a few hundred bytes. */
#define MAX_BYTES 65536

struct place {
    char dir[PATH_MAX];
    char file[PATH_MAX];
};

static int find(const char *root, const char *daemon, struct place *place)
{
    int len = snprintf(place->dir, sizeof(place->dir), "%s/etc/systemd/system/%s.service.d", root,
                       daemon);

    if (len < 0 || len >= PATH_MAX - (int)sizeof("/" NAME))
        return wg_cli_error("enable", "%s: the path is too long", root);
    memcpy(place->file, place->dir, (size_t)len);
    strcpy(place->file + len, "/" NAME);
    return WG_EXIT_OK;
}

bool wg_systemd_runs(void)
{
    return access("/run/systemd/system", F_OK) == 0;
}

bool wg_dropin_has_service(const char *root, const char *daemon)
{
    /* systemd.unit(5): where unit files may be */
    static const char *const dirs[] = {"/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"};
    char path[PATH_MAX];
    struct stat st;

    for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
        int len = snprintf(path, sizeof(path), "%s%s/systemd/system/%s.service", root, dirs[i],
                           daemon);

        /* One that is masked is a link to /dev/null, and takes no drop-ins. */
        if (len > 0 && len < PATH_MAX && stat(path, &st) == 0)
            return S_ISREG(st.st_mode);
    }
    return false;
}

struct wg_dropin wg_dropin_read(const char *root, const char *daemon)
{
    struct wg_dropin dropin = {false, false};
    struct place place;
    WG_CLOSED_FILE *from = find(root, daemon, &place) == WG_EXIT_OK ? fopen(place.file, "re")
                                                                    : NULL;
    WG_FREED *line = NULL;
    size_t size = 0;

    while (from && getline(&line, &size, from) > 0) {
        dropin.filter |= *line != '#' && strstr(line, WG_FILTER_LIBRARY);
        dropin.offline |= strncmp(line, BEFORE, strlen(BEFORE)) == 0;
    }
    return dropin;
}

static bool is_there(const char *file, const char *text)
{
    struct wg_error ignored;
    size_t len = 0;
    int fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    char *bytes = fd < 0 ? NULL : wg_read_up_to(fd, MAX_BYTES, &len, &ignored);
    bool same = bytes && len == strlen(text) && memcmp(bytes, text, len) == 0;

    free(bytes);
    if (fd >= 0)
        close(fd);
    return same;
}

static int put(const struct place *place, const char *text)
{
    struct wg_output output;
    struct wg_error err;

    char dir[PATH_MAX];

    for (const char *end = place->dir; *end;) {
        end += strspn(end, "/");
        end += strcspn(end, "/");
        snprintf(dir, sizeof(dir), "%.*s", (int)(end - place->dir), place->dir);
        if (mkdir(dir, 0755) != 0 && errno != EEXIST)
            return wg_cli_error("enable", "%s: %s", dir, strerror(errno));
    }
    if (wg_output_open(&output, place->file, &err) < 0)
        return wg_cli_error("enable", "%s", err.text);
    fputs(text, output.file);
    if (wg_output_commit(&output, &err) < 0)
        return wg_cli_error("enable", "%s", err.text);
    printf("%s: written\n", place->file);
    return WG_EXIT_OK;
}

int wg_dropin_write(const char *root, const char *daemon, const char *library, const char *others)
{
    struct place place;
    char *text;
    int rc = find(root, daemon, &place);

    if (rc != WG_EXIT_OK)
        return rc;
    if (asprintf(&text,
                 "# Written by `winguest enable`; `winguest disable` removes it.\n"
                 "[Service]\nEnvironment=\"LD_PRELOAD=%s%s\"\n" BEFORE "\n",
                 library, others) < 0)
        return wg_cli_error("enable", "out of memory");
    if (!is_there(place.file, text))
        rc = put(&place, text);
    free(text);
    return rc;
}

int wg_dropin_remove(const char *root, const char *daemon)
{
    struct place place;

    if (find(root, daemon, &place) != WG_EXIT_OK)
        return WG_EXIT_ERROR;
    if (unlink(place.file) == 0)
        printf("%s: removed\n", place.file);
    else if (errno != ENOENT)
        return wg_cli_error("disable", "%s: %s", place.file, strerror(errno));
    rmdir(place.dir); /* if nobody else has a drop-in there */
    return WG_EXIT_OK;
}

char *wg_dropin_other_preloads(const char *environment)
{
    const char *start = strstr(environment, "LD_PRELOAD=");

    while (start && start > environment && !strchr(" \n\"", start[-1]))
        start = strstr(start + 1, "LD_PRELOAD=");
    if (!start)
        return strdup("");
    /* an assignment with a blank in it comes in quotes */
    char *all = strndup(start + 11,
                        strcspn(start + 11,
                                start > environment && start[-1] == '"' ? "\"\n" : " \n"));
    char *others = calloc(1, strlen(environment) + 1);
    char *state, *end = others;
    for (char *entry = all && others ? strtok_r(all, ": ", &state) : NULL; entry;
         entry = strtok_r(NULL, ": ", &state)) {
        const char *slash = strrchr(entry, '/');

        if (strcmp(slash ? slash + 1 : entry, WG_FILTER_LIBRARY) != 0)
            end += sprintf(end, ":%s", entry);
    }
    if (!all) {
        free(others);
        others = NULL;
    }
    free(all);
    return others;
}
