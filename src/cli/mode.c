/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mode.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "engine/config/ini.h"
#include "output.h"

/* Where the line goes: in place of that one, or else behind that one; 0 and 0: at the end, in a
 * section of its own. */
struct spot {
    unsigned instead;
    unsigned behind;
    bool right; /* it says so already */
};

static int find(const char *path, const char *mode, struct spot *spot, struct wg_error *err)
{
    struct wg_ini ini;

    *spot = (struct spot){0};
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return 0;
    if (wg_ini_read(path, &ini, err) < 0)
        return -1;
    for (size_t i = 0; i < ini.count; i++) {
        const struct wg_entry *entry = &ini.entry[i];

        if (strcmp(entry->section, "enforce") != 0)
            continue;
        if (*entry->key == '\0' && spot->behind == 0)
            spot->behind = entry->line;
        if (strcmp(entry->key, "mode") != 0)
            continue;
        spot->instead = entry->line;
        spot->right = strcmp(entry->value, mode) == 0;
    }
    wg_ini_clear(&ini);
    return 0;
}

static bool goes_on(const char *line, ssize_t len)
{
    while (len > 0 && strchr(" \t\r\n", line[len - 1]))
        len--;
    return len > 0 && line[len - 1] == '\\';
}

static void copy(FILE *from, const struct spot *spot, const char *mode, FILE *to)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len = 0;
    bool whole = true;
    bool replaced = false;

    for (unsigned number = 1; from && (len = getline(&line, &size, from)) > 0; number++) {
        whole = line[len - 1] == '\n';
        if (number == spot->instead)
            fprintf(to, "mode = %s\n", mode);
        else if (!replaced)
            fwrite(line, 1, (size_t)len, to);
        if (number == spot->behind && spot->instead == 0)
            fprintf(to, "%smode = %s\n", whole ? "" : "\n", mode);
        replaced = (number == spot->instead || replaced) && goes_on(line, len);
    }
    if (spot->instead == 0 && spot->behind == 0)
        fprintf(to, "%s[enforce]\nmode = %s\n", whole ? "" : "\n", mode);
    free(line);
}

static int replace(const char *path, const struct spot *spot, const char *mode,
                   struct wg_error *err)
{
    struct wg_output output;
    struct stat st;
    FILE *from = fopen(path, "re");
    int rc = -1;

    if (!from && errno != ENOENT)
        wg_fail(err, "%s: %s", path, strerror(errno));
    else if (wg_output_open(&output, path, err) == 0) {
        int fd = fileno(output.file);

        copy(from, spot, mode, output.file);
        /* half a configuration is another one */
        if (from && (ferror(from) || fstat(fileno(from), &st) < 0 ||
                     fchown(fd, st.st_uid, st.st_gid) < 0 || fchmod(fd, st.st_mode & 07777) < 0)) {
            wg_fail(err, "%s: %s", path, strerror(errno));
            wg_output_abandon(&output);
        } else {
            rc = wg_output_commit(&output, err);
        }
    }
    if (from)
        fclose(from);
    return rc;
}

int wg_mode_set(const char *root, const char *mode)
{
    char path[PATH_MAX], real[PATH_MAX];
    struct spot spot;
    struct wg_error err;

    if (snprintf(path, sizeof(path), "%s" WG_MODE_FILE, root) >= PATH_MAX)
        return wg_cli_error("enable", "%s: the path is too long", root);
    /* A link stays one. */
    if (!realpath(path, real)) {
        if (errno != ENOENT)
            return wg_cli_error("enable", "%s: %s", path, strerror(errno));
        strcpy(real, path);
    }
    if (find(real, mode, &spot, &err) < 0 || (!spot.right && replace(real, &spot, mode, &err) < 0))
        return wg_cli_error("enable", "%s", err.text);
    if (spot.right)
        return WG_EXIT_OK;
    printf("%s: mode = %s\n", path, mode);
    return WG_EXIT_OK;
}
