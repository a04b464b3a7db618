/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "marks.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kept.h"
#include "qemu_process.h"
#include "state.h"

/* A migration's or restore's `prepare` follows its announcement at once, `started` the decision to
 * start a guest as it was; by then it is forgotten. */
#define RECENT_SECONDS 60
#define TEXT_MAX 64

#define TRYING "trying"
#define UNPREPARED "unprepared"

bool wg_marks_work(void)
{
    int dir = wg_state_open(WG_STATEDIR);
    bool work = dir >= 0 && faccessat(dir, ".", W_OK | X_OK, AT_EACCESS) == 0;

    if (dir >= 0)
        close(dir);
    return work;
}

static void put(const char *kind, const char *guest, const char *text)
{
    char file[WG_STATE_NAME];

    wg_state_name(file, kind, guest);
    wg_state_put(WG_STATEDIR, file, text, false);
}

static bool drop(const char *kind, const char *guest)
{
    char file[WG_STATE_NAME];

    wg_state_name(file, kind, guest);
    return wg_state_drop(WG_STATEDIR, file);
}

/* Takes a mark away; its text is for the caller to free, NULL if there was none. */
static char *take(const char *kind, const char *guest)
{
    char file[WG_STATE_NAME];

    wg_state_name(file, kind, guest);
    char *text = wg_state_get(WG_STATEDIR, file, TEXT_MAX);
    if (wg_state_drop(WG_STATEDIR, file))
        return text;
    free(text);
    return NULL;
}

void wg_mark_settled(const char *guest)
{
    put("settled", guest, "1");
}

bool wg_take_settled(const char *guest)
{
    char *text = take("settled", guest);
    bool settled = text && *text == '1';

    free(text);
    return settled;
}

/* Not the wall clock, which may be set back. */
static long long now(void)
{
    struct timespec time = {0};

    clock_gettime(CLOCK_BOOTTIME, &time);
    return time.tv_sec;
}

static void put_now(const char *kind, const char *guest)
{
    char text[32];

    snprintf(text, sizeof(text), "%lld", now());
    put(kind, guest, text);
}

static bool take_recent(const char *kind, const char *guest)
{
    char *text = take(kind, guest);
    long long then;
    bool recent = text && sscanf(text, "%lld", &then) == 1 && now() >= then &&
                  now() - then <= RECENT_SECONDS;

    free(text);
    return recent;
}

void wg_mark_in_flight(const char *guest)
{
    put_now("flight", guest);
}

bool wg_take_in_flight(const char *guest)
{
    return take_recent("flight", guest);
}

void wg_mark_rolled_back(const char *guest)
{
    put_now("rollback", guest);
}

bool wg_take_rolled_back(const char *guest)
{
    return take_recent("rollback", guest);
}

void wg_mark_unprepared(const char *guest)
{
    put(UNPREPARED, guest, "");
}

bool wg_take_unprepared(const char *guest)
{
    return drop(UNPREPARED, guest);
}

void wg_mark_starting(const char *guest)
{
    static const char *const void_now[] = {WG_INTENT_END, WG_INTENT_START, WG_INTENT_RETRY,
                                           UNPREPARED, TRYING};
    char file[WG_STATE_NAME];
    int dir = wg_state_open(WG_STATEDIR);

    if (dir < 0)
        return;
    for (size_t i = 0; i < sizeof(void_now) / sizeof(*void_now); i++) {
        wg_state_name(file, void_now[i], guest);
        unlinkat(dir, file, 0);
    }
    close(dir);
}

void wg_mark_trying(const char *guest, const char *uuid)
{
    put(TRYING, guest, uuid);
}

void wg_mark_started(const char *guest)
{
    char *uuid = take(TRYING, guest);

    /* A revert to a snapshot, which announces itself to nobody, has not tried it. */
    if (uuid && wg_is_uuid(uuid) && wg_qemu_boot(guest) == WG_BOOT_COLD)
        wg_kept_forget(uuid);
    free(uuid);
}

bool wg_take_failed(const char *guest, char uuid[WG_UUID_SIZE])
{
    char *text = take(TRYING, guest);
    bool failed = text && wg_is_uuid(text);

    if (failed)
        strcpy(uuid, text);
    free(text);
    return failed;
}
