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

/* `prepare` found nothing to enforce on the guest of that name: `started` need not look again. */
void wg_mark_settled(const char *guest);

/* Takes the mark away; tells whether it was there. */
bool wg_take_settled(const char *guest);

/* The guest of that name has announced itself as migrating in or being restored. */
void wg_mark_in_flight(const char *guest);

/* Takes the mark away; tells whether it was there and is not over 60 s old. */
bool wg_take_in_flight(const char *guest);

/* The filter starts the guest of that name as it was, because it cannot start under the policy: a
 * correction would only make it fail likewise. */
void wg_mark_rolled_back(const char *guest);

/* Takes the mark away; tells whether it was there and is not over 60 s old. */
bool wg_take_rolled_back(const char *guest);

/* A repair is about to start that guest; tells whether libvirt has not come to `prepare` since:
 * then the end that it knows of the guest is the one before. */
void wg_mark_unprepared(const char *guest);
bool wg_take_unprepared(const char *guest);

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
