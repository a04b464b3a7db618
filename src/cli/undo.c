/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "undo.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/hash.h"
#include "common/io.h"
#include "common/state.h"

#define DIRECTORY WG_VARDIR "/undo"
#define URI_FILE "uri"
#define WEEK_SECONDS (7 * 24 * 3600)

static int fail(const char *file, struct wg_error *err)
{
    if (errno == EPERM)
        return wg_fail(err, DIRECTORY ": group or others may enter it; hint: remove it");
    return wg_fail(err, DIRECTORY "/%s: %s", file, strerror(errno));
}

static int write_file(const char *name, const char *text, struct wg_error *err)
{
    return wg_state_put(DIRECTORY, name, text, true) == 0 ? 0 : fail(name, err);
}

/* NULL with *err empty: there is no such file. */
static char *read_file(const char *name, struct wg_error *err)
{
    char *text = access(DIRECTORY, F_OK) < 0 ? NULL : wg_state_get(DIRECTORY, name, WG_XML_MAX);

    *err->text = '\0';
    if (!text && errno != ENOENT)
        fail(name, err);
    return text;
}

static int not_dots(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static void remove_all(void)
{
    struct dirent **entry;
    int count = scandir(DIRECTORY, &entry, not_dots, NULL);

    for (int i = 0; i < count; i++) {
        wg_undo_forget(entry[i]->d_name);
        free(entry[i]);
    }
    if (count >= 0)
        free(entry);
    rmdir(DIRECTORY);
}

int wg_undo_begin(const char *uri, struct wg_error *err)
{
    remove_all();
    if (mkdir(WG_VARDIR, 0755) < 0 && errno != EEXIST)
        return wg_fail(err, WG_VARDIR ": %s", strerror(errno));
    return write_file(URI_FILE, uri, err);
}

int wg_undo_go_on(const char *uri, struct wg_error *err)
{
    WG_FREED *of = read_file(URI_FILE, err);

    return of && strcmp(of, uri) == 0 ? write_file(URI_FILE, uri, err) : wg_undo_begin(uri, err);
}

static void seal_name(const char *uuid, char *name, size_t size)
{
    snprintf(name, size, "%s.seal", uuid);
}

int wg_undo_keep(const char *uuid, const char *xml, struct wg_error *err)
{
    return write_file(uuid, xml, err);
}

uint64_t wg_undo_digest(const char *xml)
{
    uint64_t hash = wg_hash(WG_HASH_EMPTY, xml, strlen(xml));

    return hash ? hash : 1;
}

static void seal_of(const char *xml, char *text, size_t size)
{
    snprintf(text, size, "%016llx", (unsigned long long)wg_undo_digest(xml));
}

int wg_undo_seal(const char *uuid, const char *xml, struct wg_error *err)
{
    char name[128];
    char text[32];

    seal_name(uuid, name, sizeof(name));
    seal_of(xml, text, sizeof(text));
    return write_file(name, text, err);
}

bool wg_undo_is_sealed(const char *uuid, const char *xml)
{
    struct wg_error unused = {0};
    char name[128];
    char text[32];

    seal_name(uuid, name, sizeof(name));
    seal_of(xml, text, sizeof(text));
    WG_FREED *seal = read_file(name, &unused);
    return seal && strcmp(seal, text) == 0;
}

char *wg_undo_uri(struct wg_error *err)
{
    char *uri = read_file(URI_FILE, err);

    if (!uri)
        wg_fail(err, "there is nothing to undo: no record in " DIRECTORY);
    return uri;
}

char *wg_undo_find(const char *uuid, struct wg_error *err)
{
    return read_file(uuid, err);
}

void wg_undo_forget(const char *uuid)
{
    char name[300];

    if (access(DIRECTORY, F_OK) < 0)
        return;
    wg_state_drop(DIRECTORY, uuid);
    seal_name(uuid, name, sizeof(name));
    wg_state_drop(DIRECTORY, name);
}

void wg_undo_sweep(void)
{
    struct dirent **entry;
    struct stat st;
    int count = scandir(DIRECTORY, &entry, not_dots, NULL);
    bool old = stat(DIRECTORY "/" URI_FILE, &st) == 0 && time(NULL) - st.st_mtime > WEEK_SECONDS;

    for (int i = 0; i < count; i++)
        free(entry[i]);
    if (count >= 0)
        free(entry);
    if (old || (count >= 0 && count <= 1))
        remove_all();
}
