/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the hook leaves behind for a guest that was cold booted against the policy. Its stored
 * definition is brought in line, for its next cold boot; and where the operator wants that, it is
 * ended and booted again at once.
 *
 *   repair.c             the verb: a worker, and over it a guard that completes what a dead one
 * began repair_definition.c  the stored definition, and its way back repair_restart.c     whether a
 * guest may be restarted, and its end repair_finish.c      from its end to its start, by the worker
 * or by who comes after it repair_allow.c       what a guest may have that is restarted
 *   repair_record.c      what survives a worker: intents, locks, the last restart
 *   repair_say.c         its lines, in the log and for whoever called by hand
 *
 * Whoever's destroy has succeeded owns the stop of a guest: we start what we have stopped, only as
 * long as it is defined, and nothing else. Functions that return an exit code have told the log,
 * and whoever called by hand, why.
 */
#ifndef WG_REPAIR_H
#define WG_REPAIR_H

#include <stdint.h>

#include "engine/winguest.h"
#include "libvirt/virt.h"

/* A guest under repair. */
struct wg_repair {
    char uuid[WG_UUID_SIZE];
    char *name; /* NULL: there is no such guest */
    struct wg_virt *virt;
    struct wg_engine *engine; /* NULL: the configuration cannot be read */
    bool asked; /* the engine was told what the host itself says that it can give */
    struct wg_settings settings;
};

/* Logs and prints "repair guest 'x' uuid …: what". */
void wg_repair_say(const struct wg_repair *repair, int level, const char *format, ...)
    WG_PRINTF(3, 4);

/* repair_definition.c: puts the policy into the stored definition, keeping what it was (kept.h).
 * Returns 1 if it was put there now, 0 if there was nothing to put, -1 if it was left as it is;
 * *what tells what came of it, for messages, until the next call. */
int wg_repair_correct(struct wg_repair *repair, const char **what);

/* What the guest was defined as before it became what is stored, with the identity that it has now;
 * for wg_virt_forget; NULL: there is nothing. If somebody has edited it since, *edited is true, and
 * it is what is stored without what the policy has put there, or NULL if that was edited too; if
 * edited is NULL, such a guest has nothing. */
char *wg_repair_previous(struct wg_repair *repair, const char *stored, bool *edited);

/* Gives a guest that has not started with the corrected definition its previous one back. Returns 1
 * if that was done, 2 if it was edited since and keeps the edit, 0 if there is nothing to give
 * back, -1 with *err filled. */
int wg_repair_restore(struct wg_repair *repair, struct wg_error *err);

/* 1 if the guest runs against the policy, 0 if not, -1 with *err filled. */
int wg_repair_violates(struct wg_repair *repair, const char *xml, struct wg_error *err);

/* repair_restart.c: restarts the boot of that id, -1: the present one. Returns an exit code. */
int wg_repair_restart(struct wg_repair *repair, int id);

/* What a worker is about to do, written down before it does it. A start of the guest by somebody
 * else voids it, but for WG_STEP_STARTING, which our own start must not. */
enum wg_step {
    WG_STEP_END, /* it is being ended: by us, if anybody's destroy has succeeded by now */
    WG_STEP_START, /* we have ended it, and start it */
    WG_STEP_STARTING, /* we are starting it: what ends a start is not an owner's stop */
    WG_STEP_RETRY, /* our start has failed, and we try again */
    WG_STEPS,
};

struct wg_intent {
    enum wg_step step;
    int id; /* of the boot that is to be ended */
    double since; /* wg_uptime when it was */
};

/* repair_finish.c: starts the guest that we have ended. Returns an exit code. */
int wg_repair_start(struct wg_repair *repair, struct wg_intent *intent);

/* Completes what a worker that is gone had begun. at_once: it was there a moment ago. Returns an
 * exit code. */
int wg_repair_finish(struct wg_repair *repair, struct wg_intent *intent, bool at_once);

/* Waits for the end of a QEMU that somebody has killed, which takes long if a disk hangs. Returns 0
 * with *status as it is then, or -1 with *err filled. */
int wg_repair_wait_for_end(struct wg_repair *repair, int id, struct wg_virt_status *status,
                           struct wg_error *err);

/* repair_allow.c: why a guest that runs so, in the QEMU of that process, may not come back; NULL if
 * all that it has is known to. decline: WG_DECLINE_… The text lives until the next call. */
const char *wg_repair_obstacle(const char *live, long pid, unsigned decline);

/* Whether a guest that runs so has what it is defined with: devices, media, passwords, links,
 * metadata. */
bool wg_repair_same_guest(const char *live, const char *definition);

/* Whether nova wrote the definition. It writes it anew at each power-on. */
bool wg_repair_is_nova(const char *definition);

/* repair_record.c. Intents go by the guest's name, as the hook, which makes them void, knows no
 * other. */

int wg_intent_write(const struct wg_repair *repair, const struct wg_intent *intent,
                    struct wg_error *err);
bool wg_intent_read(const char *name, struct wg_intent *intent, char uuid[WG_UUID_SIZE]);
void wg_intent_forget(const char *name);

/* Goes on to that step. Returns whether the intent was there, that is, not void. */
bool wg_intent_move(const struct wg_repair *repair, struct wg_intent *intent, enum wg_step step);

/* Calls each with the UUID of every intent. Returns 0, or -1 with *err filled. */
int wg_intents(struct wg_list *uuids, struct wg_error *err);

/* Takes the guest's lock, which goes with the process and its children; waits for it up to that
 * long. Returns 0, or -1 with *err filled. */
int wg_repair_lock(const char *uuid, unsigned seconds, struct wg_error *err);

/* Removes the lock's file; to be called by who has the lock, at its end. */
void wg_repair_unlock(const char *uuid);

/* Takes one of so many slots, until the process ends. Returns whether one was free. */
bool wg_repair_slot(unsigned slots);

/* The boot of that id is a repair's own: if it violates the policy, another would not help. */
void wg_repair_note_boot(const char *uuid, int id);
bool wg_repair_own_boot(const char *uuid, int id);

/* A place in which tests kill or hold a worker. */
#ifdef WG_STOP_POINTS
void wg_stop_point(const char *name, const char *uuid);
#else
#define wg_stop_point(name, uuid) ((void)0)
#endif

#endif
