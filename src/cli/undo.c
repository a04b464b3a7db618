/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "undo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../input.h"

#define DIRECTORY WG_VARDIR "/undo"
#define URI_FILE "uri"
#define WEEK_SECONDS (7 * 24 * 3600)

static int open_directory(struct wg_error *err)
{
    struct stat st;
    int fd = open(DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_uid != geteuid() || st.st_mode & 077)) {
        close(fd);
        wg_fail(err, DIRECTORY ": refused, others may enter it; mend: remove it");
        return -1;
    }
    if (fd < 0)
        wg_fail(err, DIRECTORY ": %s", strerror(errno));
    return fd;
}

static int write_file(const char *name, const char *text, struct wg_error *err)
{
    int directory = open_directory(err);
    size_t len = strlen(text);

    if (directory < 0)
        return -1;
    int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool good = file && fwrite(text, 1, len, file) == len && fflush(file) == 0 && fsync(fd) == 0;
    if (file && fclose(file) != 0)
        good = false;
    if (!good) {
        wg_fail(err, DIRECTORY "/%s: %s", name, strerror(errno));
        unlinkat(directory, name, 0);
    }
    close(directory);
    return good ? 0 : -1;
}

/* NULL with *err empty: there is no such file. */
static char *read_file(const char *name, struct wg_error *err)
{
    int directory = open_directory(err);
    char *text = NULL;
    size_t len;

    if (directory < 0)
        return NULL;
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    *err->text = '\0';
    if (fd < 0 && errno != ENOENT)
        wg_fail(err, DIRECTORY "/%s: %s", name, strerror(errno));
    close(directory);
    if (fd < 0)
        return NULL;
    char *bytes = wg_read_all(fd, &len, err);
    close(fd);
    if (bytes && !(text = strndup(bytes, len)))
        wg_no_memory(err);
    if (bytes)
        explicit_bzero(bytes, len);
    free(bytes);
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
    if ((mkdir(WG_VARDIR, 0755) < 0 && errno != EEXIST) || mkdir(DIRECTORY, 0700) < 0)
        return wg_fail(err, DIRECTORY ": %s", strerror(errno));
    return write_file(URI_FILE, uri, err);
}

static void seal_name(const char *uuid, char *name, size_t size)
{
    snprintf(name, size, "%s.seal", uuid);
}

int wg_undo_keep(const char *uuid, const char *xml, struct wg_error *err)
{
    return write_file(uuid, xml, err);
}

/* FNV-1a, 64 bits */
uint64_t wg_undo_digest(const char *xml)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (; *xml; xml++)
        hash = (hash ^ (unsigned char)*xml) * 0x100000001b3;
    return hash ? hash : 1;
}

int wg_undo_seal(const char *uuid, const char *xml, struct wg_error *err)
{
    char name[128];
    char text[32];

    seal_name(uuid, name, sizeof(name));
    snprintf(text, sizeof(text), "%016llx", (unsigned long long)wg_undo_digest(xml));
    return write_file(name, text, err);
}

char *wg_undo_uri(struct wg_error *err)
{
    char *uri = read_file(URI_FILE, err);

    if (!uri)
        wg_fail(err, "there is nothing to undo: no record in " DIRECTORY);
    return uri;
}

char *wg_undo_find(const char *uuid, const char *now, bool *unchanged, struct wg_error *err)
{
    char name[128];
    char text[32];

    seal_name(uuid, name, sizeof(name));
    char *old = read_file(uuid, err);
    char *seal = old ? read_file(name, err) : NULL;
    snprintf(text, sizeof(text), "%016llx", (unsigned long long)wg_undo_digest(now));
    *unchanged = seal && strcmp(seal, text) == 0;
    free(seal);
    return old;
}

void wg_undo_forget(const char *uuid)
{
    struct wg_error err;
    char name[300];
    int directory = open_directory(&err);

    if (directory < 0)
        return;
    unlinkat(directory, uuid, 0);
    seal_name(uuid, name, sizeof(name));
    unlinkat(directory, name, 0);
    close(directory);
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
