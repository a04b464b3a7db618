/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small files beside the hook's marks. A reboot of the host empties the directory, after which no
 * guest runs that one is about. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/marks.h"
#include "common/qemu_process.h"
#include "common/state.h"
#include "repair.h"

#define LOCK_POLL_MICROSECONDS 50000
#define TEXT_MAX 256
/* By enum wg_step. The third one a start of the guest does not void: it is our own. */
static const char *const kinds[WG_STEPS] = {WG_INTENT_END, WG_INTENT_START, "claim",
                                            WG_INTENT_RETRY};
/* libvirt counts boots from 1 again when the host was booted, never while it runs. */
#define OWN_BOOT "boot"

static int put(const char *kind, const char *name, const char *text, struct wg_error *err)
{
    char file[WG_STATE_NAME];

    wg_state_name(file, kind, name);
    if (wg_state_put(WG_STATEDIR, file, text, false) == 0)
        return 0;
    return wg_fail(err, "%s/%s: %s", WG_STATEDIR, file, strerror(errno));
}

static char *get(const char *kind, const char *name)
{
    char file[WG_STATE_NAME];

    wg_state_name(file, kind, name);
    return wg_state_get(WG_STATEDIR, file, TEXT_MAX);
}

static void drop(const char *kind, const char *name)
{
    char file[WG_STATE_NAME];

    wg_state_name(file, kind, name);
    wg_state_drop(WG_STATEDIR, file);
}

int wg_intent_write(const struct wg_repair *repair, const struct wg_intent *intent,
                    struct wg_error *err)
{
    char text[TEXT_MAX];

    snprintf(text, sizeof(text), "uuid=%s id=%d since=%.3f\n", repair->uuid, intent->id,
             intent->since);
    return put(kinds[intent->step], repair->name, text, err);
}

static bool parse(const char *text, struct wg_intent *intent, char uuid[WG_UUID_SIZE])
{
    return text &&
           sscanf(text, "uuid=%36s id=%d since=%lf", uuid, &intent->id, &intent->since) == 3 &&
           wg_is_uuid(uuid);
}

bool wg_intent_read(const char *name, struct wg_intent *intent, char uuid[WG_UUID_SIZE])
{
    for (int step = 0; step < WG_STEPS; step++) {
        WG_FREED *text = get(kinds[step], name);

        intent->step = (enum wg_step)step;
        if (parse(text, intent, uuid))
            return true;
    }
    return false;
}

void wg_intent_forget(const char *name)
{
    for (int step = 0; step < WG_STEPS; step++)
        drop(kinds[step], name);
}

bool wg_intent_move(const struct wg_repair *repair, struct wg_intent *intent, enum wg_step step)
{
    char from[WG_STATE_NAME], to[WG_STATE_NAME];
    WG_CLOSED dir = wg_state_open(WG_STATEDIR);

    wg_state_name(from, kinds[intent->step], repair->name);
    wg_state_name(to, kinds[step], repair->name);
    /* A directory that cannot be used says nothing of what others do. */
    bool there = dir < 0 || renameat(dir, from, dir, to) == 0 || errno != ENOENT;
    if (there)
        intent->step = step;
    return there;
}

static int add(const char *dir, const char *file, void *to)
{
    WG_FREED *text = wg_state_get(dir, file, TEXT_MAX);
    struct wg_intent intent;
    char uuid[WG_UUID_SIZE];

    return parse(text, &intent, uuid) ? wg_list_add(to, uuid, strlen(uuid)) : 0;
}

int wg_intents(struct wg_list *uuids, struct wg_error *err)
{
    for (int step = 0; step < WG_STEPS; step++) {
        if (wg_state_each(WG_STATEDIR, kinds[step], add, uuids) != 0)
            return wg_fail(err, "%s: %s", WG_STATEDIR, strerror(errno));
    }
    return 0;
}

int wg_repair_lock(const char *uuid, unsigned seconds, struct wg_error *err)
{
    double end = wg_uptime() + seconds;
    char file[WG_STATE_NAME];

    wg_state_name(file, "lock", uuid);
    while (wg_state_lock(WG_STATEDIR, file) < 0) {
        if (errno != EWOULDBLOCK)
            return wg_fail(err, "%s/%s: %s", WG_STATEDIR, file, strerror(errno));
        if (wg_uptime() > end)
            return wg_fail(err, "another repair of this guest is at work");
        usleep(LOCK_POLL_MICROSECONDS);
    }
    return 0;
}

void wg_repair_unlock(const char *uuid)
{
    drop("lock", uuid);
}

bool wg_repair_slot(unsigned slots)
{
    char file[32];

    for (unsigned i = 0; i < slots; i++) {
        snprintf(file, sizeof(file), "slot.%u", i);
        if (wg_state_lock(WG_STATEDIR, file) >= 0)
            return true;
    }
    return false;
}

void wg_repair_note_boot(const char *uuid, int id)
{
    struct wg_error ignored;
    char text[32];

    snprintf(text, sizeof(text), "%d\n", id);
    put(OWN_BOOT, uuid, text, &ignored);
}

bool wg_repair_own_boot(const char *uuid, int id)
{
    WG_FREED *text = get(OWN_BOOT, uuid);

    return text && atoi(text) == id;
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
