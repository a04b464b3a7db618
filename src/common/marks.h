/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one call of the hook tells a later one, or the repair worker: tiny files in a directory of
 * ours that nobody else may enter, one a guest, by libvirt's name of it. All of it may fail (no
 * such directory, full, not root): a missing mark costs time, never a guest, so nothing here
 * reports errors. libc only.
 */
#ifndef WG_MARKS_H
#define WG_MARKS_H

#include <stdbool.h>

#include "text.h"

/* Whether marks can be left at all: without them a start that fails is not noticed. */
bool wg_marks_work(void);

/* Leaves a mark of that kind, or takes it away; tells whether it was there, or was and is not over
 * 60 s old. */
void wg_mark(const char *kind, const char *guest);
bool wg_take(const char *kind, const char *guest);
bool wg_take_recent(const char *kind, const char *guest);

/* `prepare` found nothing to enforce on the guest: `started` need not look again. */
#define WG_SETTLED "settled"
/* It has announced itself as migrating in or being restored. */
#define WG_IN_FLIGHT "flight"
/* The filter starts it as it was, because it cannot start under the policy: a correction would only
 * make it fail likewise. */
#define WG_ROLLED_BACK "rollback"
/* A repair is about to start it. If libvirt has come to `prepare` since, it is gone; else the end
 * that libvirt knows of the guest is the one before. */
#define WG_UNPREPARED "unprepared"

/* What a repair is about to do with a guest, the repair's own files (repair_record.c): all that a
 * start by somebody else makes void. */
#define WG_INTENT_END "intent"
#define WG_INTENT_START "ended"
#define WG_INTENT_RETRY "retry"

/* A start of that guest begins: what a repair was about to do with it is void, as somebody else is
 * starting it. */
void wg_mark_starting(const char *guest);

/*
 * It is a cold start of a definition that was corrected and has not been booted since; what it was
 * is kept under that UUID (kept.h). A start that comes to `release` without `started` has failed.
 */
void wg_mark_trying(const char *guest, const char *uuid);

/* It has started: after a cold start its previous definition is needed no more. */
void wg_mark_started(const char *guest);

/* Takes the mark away; tells whether a start of a corrected definition has failed, and whose. */
bool wg_take_failed(const char *guest, char uuid[WG_UUID_SIZE]);

#endif
