/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kept.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "hash.h"
#include "io.h"
#include "state.h"
#include "text.h"

#define DIRECTORY WG_VARDIR "/kept"
#define DEFINITIONS WG_SYSCONFDIR "/libvirt/qemu"
#define DEFINITION "definition"
#define REFUSED "refused"
#define FOLLOWED "followed"
#define DOUBTED "doubted"
#define OFFLINE "offline"
/* Two numbers of 64 bits in hexadecimal, a blank and a line break; the definition follows. */
#define SEAL_BYTES 34
#define SEAL "%016" PRIx64 " %016" PRIx64 "\n"

struct oldest {
    char file[WG_STATE_NAME];
    time_t since;
    size_t count;
};

static int sweep(const char *dir, const char *file, void *to)
{
    struct oldest *oldest = to;
    char path[sizeof(DIRECTORY) + WG_STATE_NAME];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", dir, file);
    if (lstat(path, &st) < 0)
        return 0;
    if (time(NULL) - st.st_mtime > WG_KEPT_DAYS * 24 * 3600) {
        unlink(path);
        return 0;
    }
    oldest->count++;
    if (!*oldest->file || st.st_mtime < oldest->since) {
        strcpy(oldest->file, file);
        oldest->since = st.st_mtime;
    }
    return 0;
}

/* A writer that was killed has left a file that is not whole: it grows old as the others do. */
static void make_room(const char *kind)
{
    struct oldest oldest = {.count = 0};
    char fresh[32];

    snprintf(fresh, sizeof(fresh), WG_STATE_FRESH "%s", kind);
    wg_state_each(DIRECTORY, fresh, sweep, &oldest);
    wg_state_each(DIRECTORY, kind, sweep, &oldest);
    if (oldest.count >= WG_KEPT_GUESTS)
        wg_state_drop(DIRECTORY, oldest.file);
}

/* libvirt's own file of a definition has its UUID in a line of its own. Returns whether it is one.
 */
static bool read_uuid(const char *path, char uuid[WG_UUID_SIZE])
{
    WG_CLOSED_FILE *file = fopen(path, "re");
    WG_FREED *line = NULL;
    size_t size = 0;
    bool found = false;

    while (file && !found && getline(&line, &size, file) > 0) {
        const char *at = strstr(line, "<uuid>");

        snprintf(uuid, WG_UUID_SIZE, "%s", at ? at + strlen("<uuid>") : "");
        found = wg_is_uuid(uuid);
    }
    return found;
}

/* With NULL behind the last; NULL if it cannot be told. */
static char (*read_defined(void))[WG_UUID_SIZE]
{
    glob_t files;
    size_t count = 0;

    if (glob(DEFINITIONS "/*.xml", 0, NULL, &files) != 0)
        return NULL;
    char(*uuids)[WG_UUID_SIZE] = calloc(files.gl_pathc + 1, sizeof(*uuids));
    for (size_t i = 0; uuids && i < files.gl_pathc; i++)
        count += read_uuid(files.gl_pathv[i], uuids[count]);
    if (uuids)
        *uuids[count] = '\0';
    globfree(&files);
    return uuids;
}

static int drop_undefined(const char *dir, const char *file, void *to)
{
    const char(*defined)[WG_UUID_SIZE] = to;
    const char *uuid = strchr(file, '.') + 1;

    (void)dir;
    for (size_t i = 0; *defined[i]; i++) {
        if (strcmp(defined[i], uuid) == 0)
            return 0;
    }
    wg_kept_forget(uuid);
    return 0;
}

static size_t count_kept(void)
{
    struct oldest oldest = {.count = 0};

    wg_state_each(DIRECTORY, WG_STATE_FRESH DEFINITION, sweep, &oldest);
    wg_state_each(DIRECTORY, DEFINITION, sweep, &oldest);
    return oldest.count;
}

/* Where the hook alone is, nobody tells us that a guest was undefined. None that is defined goes:
 * it may need what is kept. */
static int make_room_for_definition(void)
{
    if (count_kept() < WG_KEPT_GUESTS)
        return 0;
    char(*defined)[WG_UUID_SIZE] = read_defined();
    if (defined)
        wg_state_each(DIRECTORY, DEFINITION, drop_undefined, defined);
    else
        make_room(DEFINITION); /* it cannot be told which */
    free(defined);
    errno = ENOSPC;
    return count_kept() < WG_KEPT_GUESTS ? 0 : -1;
}

/* The directory stays: somebody may be about to write into it. */
static void drop(const char *kind, const char *uuid)
{
    char file[WG_STATE_NAME];

    if (access(DIRECTORY, F_OK) < 0)
        return;
    wg_state_name(file, kind, uuid);
    wg_state_drop(DIRECTORY, file);
}

static bool has(const char *kind, const char *uuid)
{
    char file[WG_STATE_NAME];
    char path[sizeof(DIRECTORY) + WG_STATE_NAME];

    wg_state_name(file, kind, uuid);
    snprintf(path, sizeof(path), DIRECTORY "/%s", file);
    return access(path, F_OK) == 0;
}

static int put(const char *kind, const char *uuid, const char *text, bool sync)
{
    char file[WG_STATE_NAME];

    if (mkdir(WG_VARDIR, 0755) < 0 && errno != EEXIST)
        return -1;
    if (strcmp(kind, DEFINITION) != 0)
        make_room(kind);
    else if (!has(kind, uuid) && make_room_for_definition() < 0)
        return -1;
    wg_state_name(file, kind, uuid);
    return wg_state_put(DIRECTORY, file, text, sync);
}

static int keep(const char *uuid, const char *previous, struct wg_fingerprint print, bool sync)
{
    char *text;

    if (strlen(previous) > WG_KEPT_BYTES - SEAL_BYTES) {
        errno = EFBIG;
        return -1;
    }
    int len = asprintf(&text, SEAL "%s", print.lines, print.controllers, previous);
    if (len < 0)
        return -1;
    int rc = put(DEFINITION, uuid, text, sync);
    int error = errno;
    explicit_bzero(text, (size_t)len);
    free(text);
    errno = error;
    return rc;
}

int wg_kept_room(const char *previous)
{
    static const struct wg_fingerprint none;
    size_t len = strlen(previous);
    char *filler = malloc(len + 1);
    char name[32];

    if (!filler)
        return -1;
    memset(filler, ' ', len);
    filler[len] = '\0';
    /* Others may try at the same time. */
    snprintf(name, sizeof(name), "room%ld", (long)syscall(SYS_gettid));
    int rc = keep(name, filler, none, false);
    int error = errno;
    drop(DEFINITION, name);
    free(filler);
    errno = error;
    return rc;
}

int wg_kept_put(const char *uuid, const char *previous, const char *stored)
{
    drop(OFFLINE, uuid);
    return keep(uuid, previous, wg_fingerprint_of(stored), true);
}

static struct wg_fingerprint fingerprint_of_file(const struct stat *file)
{
    return (struct wg_fingerprint){
        .lines = (uint64_t)file->st_mtim.tv_sec * 1000000000 + (uint64_t)file->st_mtim.tv_nsec,
        .controllers = file->st_ino,
    };
}

int wg_kept_put_offline(const char *uuid, const char *previous, const struct stat *file)
{
    int rc = keep(uuid, previous, fingerprint_of_file(file), true);

    return rc == 0 ? put(OFFLINE, uuid, "", true) : rc;
}

bool wg_kept_offline_since(const char *uuid, time_t *since)
{
    char file[WG_STATE_NAME];
    char path[sizeof(DIRECTORY) + WG_STATE_NAME];
    struct stat st;

    wg_state_name(file, OFFLINE, uuid);
    snprintf(path, sizeof(path), DIRECTORY "/%s", file);
    if (stat(path, &st) < 0)
        return false;
    *since = st.st_mtime;
    return true;
}

static bool is_file_of(const char *name, const struct wg_fingerprint *then)
{
    char path[sizeof(DEFINITIONS) + WG_STATE_NAME + sizeof(".xml")];
    struct wg_fingerprint now;
    struct stat file;

    if (snprintf(path, sizeof(path), DEFINITIONS "/%s.xml", name) >= (int)sizeof(path) ||
        lstat(path, &file) < 0)
        return false;
    now = fingerprint_of_file(&file);
    return wg_fingerprint_same(&now, then);
}

static char *get(const char *kind, const char *uuid)
{
    char file[WG_STATE_NAME];

    if (access(DIRECTORY, F_OK) < 0)
        return NULL;
    wg_state_name(file, kind, uuid);
    return wg_state_get(DIRECTORY, file, WG_KEPT_BYTES);
}

char *wg_kept_get(const char *uuid, const char *name, const char *stored, bool *edited)
{
    struct wg_fingerprint now = wg_fingerprint_of(stored), then;
    char *text = get(DEFINITION, uuid);

    if (!text)
        return NULL;
    size_t len = strlen(text);
    bool whole = len > SEAL_BYTES &&
                 sscanf(text, "%" SCNx64 " %" SCNx64, &then.lines, &then.controllers) == 2;
    bool same = whole && (wg_fingerprint_same(&now, &then) || is_file_of(name, &then));
    if (edited)
        *edited = !same;
    if (same || (whole && edited))
        return memmove(text, text + SEAL_BYTES, len - SEAL_BYTES + 1);
    explicit_bzero(text, len);
    free(text);
    errno = ESTALE;
    return NULL;
}

bool wg_kept_has(const char *uuid)
{
    return has(DEFINITION, uuid);
}

void wg_kept_forget(const char *uuid)
{
    drop(DEFINITION, uuid);
    drop(FOLLOWED, uuid);
    drop(DOUBTED, uuid);
    drop(OFFLINE, uuid);
}

void wg_kept_follow(const char *uuid)
{
    put(FOLLOWED, uuid, "", true);
}

bool wg_kept_followed(const char *uuid)
{
    return has(FOLLOWED, uuid);
}

bool wg_kept_doubted(const char *uuid)
{
    return has(DOUBTED, uuid);
}

bool wg_kept_doubt(const char *uuid)
{
    bool again = wg_kept_doubted(uuid);

    put(DOUBTED, uuid, "", true);
    return again;
}

void wg_kept_refuse(const char *uuid, uint64_t policy)
{
    char text[32];

    snprintf(text, sizeof(text), "%016" PRIx64 "\n", policy);
    put(REFUSED, uuid, text, true);
}

void wg_kept_allow(const char *uuid)
{
    drop(REFUSED, uuid);
}

bool wg_kept_refused(const char *uuid, uint64_t policy)
{
    WG_FREED *text = get(REFUSED, uuid);
    uint64_t refused;

    return text && sscanf(text, "%" SCNx64, &refused) == 1 && refused == policy;
}
