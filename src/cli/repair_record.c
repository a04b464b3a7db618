/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small files in the directory of the hook's marks, named KIND.UUID. It is emptied by a reboot of
 * the host, after which no guest runs that a record is about. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../hooks/marks.h"
#include "../../hooks/qemu_process.h"
#include "repair.h"

#define LOCK_POLL_MICROSECONDS 50000

/* FNV-1a, 64 bits. */
uint64_t wg_fingerprint(const char *text)
{
    uint64_t digest = 14695981039346656037u;

    for (; *text; text++)
        digest = (digest ^ (unsigned char)*text) * 1099511628211u;
    return digest;
}

/* A file is there as a whole or not at all. */
static int put(const char *kind, const char *uuid, const char *text, struct wg_error *err)
{
    char name[64], fresh[72];
    int dir = wg_open_state();
    int fd = -1;
    int rc = -1;

    snprintf(name, sizeof(name), "%s.%s", kind, uuid);
    snprintf(fresh, sizeof(fresh), "new-%s", name);
    if (dir >= 0) {
        unlinkat(dir, fresh, 0);
        fd = openat(dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    }
    if (fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text))
        rc = renameat(dir, fresh, dir, name);
    if (rc < 0)
        wg_fail(err, "%s/%s: %s", WG_STATEDIR, name, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (dir >= 0)
        close(dir);
    return rc;
}

static bool get(const char *kind, const char *uuid, char *text, size_t size)
{
    char name[64];
    ssize_t got = -1;
    int dir = wg_open_state();

    snprintf(name, sizeof(name), "%s.%s", kind, uuid);
    int fd = dir < 0 ? -1 : openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        got = read(fd, text, size - 1);
        close(fd);
    }
    if (dir >= 0)
        close(dir);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

int wg_intent_write(const char *uuid, const struct wg_intent *intent, struct wg_error *err)
{
    char text[256];

    snprintf(text, sizeof(text), "uuid=%s step=%d id=%d transient=%d policy=%" PRIx64
             " definition=%" PRIx64 " since=%.3f\n", uuid, (int)intent->step, intent->id,
             intent->transient, intent->policy, intent->definition, intent->since);
    return put("intent", uuid, text, err);
}

bool wg_intent_read(const char *uuid, struct wg_intent *intent)
{
    char text[256];
    int step, transient;

    if (!get("intent", uuid, text, sizeof(text)) ||
        sscanf(text, "uuid=%*s step=%d id=%d transient=%d policy=%" SCNx64 " definition=%" SCNx64
               " since=%lf", &step, &intent->id, &transient, &intent->policy,
               &intent->definition, &intent->since) != 6)
        return false;
    intent->step = (enum wg_step)step;
    intent->transient = transient != 0;
    return true;
}

static void drop(const char *kind, const char *uuid)
{
    char name[64];
    int dir = wg_open_state();

    snprintf(name, sizeof(name), "%s.%s", kind, uuid);
    if (dir < 0)
        return;
    unlinkat(dir, name, 0);
    close(dir);
}

void wg_intent_forget(const char *uuid)
{
    drop("intent", uuid);
}

/* Calls each for every file of that kind, with its UUID. */
static int scan(const char *kind,
                int (*each)(int dir, const char *name, const char *uuid, void *to), void *to)
{
    size_t len = strlen(kind);
    int fd = wg_open_state();
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    int rc = dir ? 0 : -1;

    while (rc == 0 && (entry = readdir(dir))) {
        if (strncmp(entry->d_name, kind, len) == 0 && entry->d_name[len] == '.')
            rc = each(fd, entry->d_name, entry->d_name + len + 1, to);
    }
    if (dir)
        closedir(dir);
    return rc;
}

static int add(int dir, const char *name, const char *uuid, void *to)
{
    (void)dir;
    (void)name;
    return wg_list_add(to, uuid, strlen(uuid));
}

int wg_intents(struct wg_list *uuids, struct wg_error *err)
{
    return scan("intent", add, uuids) == 0 ? 0
                                           : wg_fail(err, "%s: %s", WG_STATEDIR, strerror(errno));
}

/* Takes the lock on a file. Returns a descriptor; -1 if somebody else has it, -2 on an error. */
static int try_lock(const char *name)
{
    struct stat mine, there;
    int dir = wg_open_state();
    int fd = dir < 0 ? -2 : openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    int rc = fd < 0 ? -2 : fd;

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
        rc = errno == EWOULDBLOCK ? -1 : -2;
    /* Whoever had it may have removed it. */
    else if (fd >= 0 &&
             (fstat(fd, &mine) < 0 || fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) < 0 ||
              mine.st_ino != there.st_ino))
        rc = -1;
    if (fd >= 0 && rc < 0)
        close(fd);
    if (dir >= 0)
        close(dir);
    return rc;
}

int wg_repair_lock(const char *uuid, unsigned seconds, struct wg_error *err)
{
    double end = wg_uptime() + seconds;
    char name[64];
    int fd;

    snprintf(name, sizeof(name), "lock.%s", uuid);
    while ((fd = try_lock(name)) == -1) {
        if (wg_uptime() > end)
            return wg_fail(err, "another repair of this guest is at work");
        usleep(LOCK_POLL_MICROSECONDS);
    }
    return fd >= 0 ? 0 : wg_fail(err, "%s/%s: %s", WG_STATEDIR, name, strerror(errno));
}

void wg_repair_unlock(const char *uuid)
{
    drop("lock", uuid);
}

bool wg_repair_place(unsigned places)
{
    char name[32];

    for (unsigned i = 0; i < places; i++) {
        snprintf(name, sizeof(name), "place.%u", i);
        if (try_lock(name) >= 0)
            return true;
    }
    return false;
}

bool wg_last_read(const char *uuid, struct wg_last *last)
{
    char text[128];
    int refused;

    if (!get("last", uuid, text, sizeof(text)) ||
        sscanf(text, "uptime=%lf policy=%" SCNx64 " refused=%d", &last->uptime, &last->policy,
               &refused) != 3)
        return false;
    last->refused = refused != 0;
    return true;
}

/* So that they do not pile up: a host may see many guests in its time. */
static int forget_old(int dir, const char *name, const char *uuid, void *unused)
{
    struct wg_last last;

    (void)unused;
    if (wg_last_read(uuid, &last) && !last.refused &&
        wg_uptime() - last.uptime > WG_REPAIR_AGAIN_SECONDS)
        unlinkat(dir, name, 0);
    return 0;
}

int wg_last_write(const char *uuid, const struct wg_last *last, struct wg_error *err)
{
    char text[128];

    scan("last", forget_old, NULL);
    snprintf(text, sizeof(text), "uptime=%.3f policy=%" PRIx64 " refused=%d\n", last->uptime,
             last->policy, last->refused);
    return put("last", uuid, text, err);
}

void wg_last_forget(const char *uuid)
{
    drop("last", uuid);
}

#ifdef WG_STOP_POINTS
/* kill-NAME.UUID: dies there, once. hold-NAME.UUID: makes at-NAME.UUID and stays until hold-… is
 * gone. */
void wg_stop_point(const char *name, const char *uuid)
{
    char path[256], at[256];

    snprintf(path, sizeof(path), "%s/kill-%s.%s", WG_STATEDIR, name, uuid);
    if (unlink(path) == 0)
        kill(getpid(), SIGKILL);
    snprintf(path, sizeof(path), "%s/hold-%s.%s", WG_STATEDIR, name, uuid);
    if (access(path, F_OK) < 0)
        return;
    snprintf(at, sizeof(at), "%s/at-%s.%s", WG_STATEDIR, name, uuid);
    close(open(at, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    while (access(path, F_OK) == 0)
        usleep(10000);
    unlink(at);
}
#endif
