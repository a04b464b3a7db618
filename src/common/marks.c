/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "marks.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "kept.h"
#include "qemu_process.h"
#include "state.h"

/* A migration's or restore's `prepare` follows its announcement at once, `started` the decision to
 * start a guest as it was; by then it is forgotten. */
#define RECENT_SECONDS 60
#define TEXT_MAX 64

#define TRYING "trying"

bool wg_marks_work(void)
{
    WG_CLOSED dir = wg_state_open(WG_STATEDIR);

    return dir >= 0 && faccessat(dir, ".", W_OK | X_OK, AT_EACCESS) == 0;
}

static void put(const char *kind, const char *guest, const char *text)
{
    char file[WG_STATE_NAME];

    wg_state_name(file, kind, guest);
    wg_state_put(WG_STATEDIR, file, text, false);
}

bool wg_take(const char *kind, const char *guest)
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

void wg_mark(const char *kind, const char *guest)
{
    char text[32];

    snprintf(text, sizeof(text), "%lld", (long long)wg_uptime());
    put(kind, guest, text);
}

bool wg_take_recent(const char *kind, const char *guest)
{
    WG_FREED *text = take(kind, guest);
    long long then;

    return text && sscanf(text, "%lld", &then) == 1 && (long long)wg_uptime() >= then &&
           (long long)wg_uptime() - then <= RECENT_SECONDS;
}

void wg_mark_starting(const char *guest)
{
    static const char *const void_now[] = {WG_INTENT_END, WG_INTENT_START, WG_INTENT_RETRY,
                                           WG_UNPREPARED, TRYING};
    char file[WG_STATE_NAME];
    WG_CLOSED dir = wg_state_open(WG_STATEDIR);

    if (dir < 0)
        return;
    for (size_t i = 0; i < sizeof(void_now) / sizeof(*void_now); i++) {
        wg_state_name(file, void_now[i], guest);
        unlinkat(dir, file, 0);
    }
}

void wg_mark_trying(const char *guest, const char *uuid)
{
    put(TRYING, guest, uuid);
}

void wg_mark_started(const char *guest)
{
    WG_FREED *uuid = take(TRYING, guest);

    /* A revert to a snapshot, which announces itself to nobody, has not tried it. */
    if (uuid && wg_is_uuid(uuid) && wg_qemu_boot(guest) == WG_BOOT_COLD)
        wg_kept_forget(uuid);
}

bool wg_take_failed(const char *guest, char uuid[WG_UUID_SIZE])
{
    WG_FREED *text = take(TRYING, guest);
    bool failed = text && wg_is_uuid(text);

    if (failed)
        strcpy(uuid, text);
    return failed;
}
