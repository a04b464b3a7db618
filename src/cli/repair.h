/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The repair of a guest that was cold booted against the policy, moments ago: it is ended and
 * booted again with the policy.
 *
 *   repair.c         the verb: a worker, and over it a guard that ends what a dead worker began
 *   repair_worker.c  waits for the client that boots the guest; decides; ends the guest
 *   repair_judge.c   what in a guest's XML speaks against it
 *   repair_finish.c  from whatever state, the guest runs again and its definition is in line
 *   repair_record.c  what survives a worker: intents, locks, the last repair
 *
 * Functions that return an exit code have told the log, and whoever called by hand, why.
 */
#ifndef WG_REPAIR_H
#define WG_REPAIR_H

#include <stdint.h>

#include "../virt.h"

/* A guest under repair. */
struct wg_repair {
    char uuid[WG_UUID_SIZE];
    char *name;
    struct wg_virt *virt;
    struct wg_engine *engine; /* NULL: the configuration cannot be read */
    struct wg_settings settings;
};

/* Connects and reads the configuration; config NULL is the installed one. Returns 0, or -1 with
 * *err filled if there is no connection or, unless may_lack_engine, no engine; wg_repair_close is due
 * either way. */
int wg_repair_open(struct wg_repair *repair, const char *uuid, const char *config,
                   bool may_lack_engine, struct wg_error *err);
void wg_repair_close(struct wg_repair *repair);

/* Logs and prints "repair guest 'x' uuid …: what". */
void wg_repair_say(const struct wg_repair *repair, int level, const char *format, ...)
    WG_PRINTF(3, 4);

/* repair_worker.c: repairs the boot of that id, -1: the present one. Returns an exit code. */
int wg_repair_boot(struct wg_repair *repair, int id);

/* repair_judge.c: why a guest with these two documents, as it runs and as it is stored, is not to
 * be restarted; NULL if nothing speaks against it. decline: WG_DECLINE_… */
const char *wg_repair_obstacle(const char *live, const char *stored, unsigned decline);

/* Judges xml. The verdict, NULL with *err filled. */
struct wg_verdict *wg_repair_judge(const struct wg_repair *repair, const char *xml, unsigned flags,
                                   struct wg_error *err);

/* What a worker is about to do, written down before it does it. */
enum wg_step {
    WG_STEP_KEEP = 1, /* store the definition of a transient guest, that it cannot get lost */
    WG_STEP_RESTART,  /* end the guest and boot it again */
};

struct wg_intent {
    enum wg_step step;
    int id;              /* of the boot that is to be ended */
    bool transient;
    uint64_t policy;     /* wg_engine_digest */
    uint64_t definition; /* wg_fingerprint of what was stored for a transient guest */
    double since;        /* wg_uptime when the restart began */
};

/* repair_finish.c: does what is left of the intent, and forgets it. Returns an exit code. */
int wg_repair_finish(struct wg_repair *repair, struct wg_intent *intent);

/* Puts the policy into the stored definition. Returns what came of it, for messages. */
const char *wg_repair_definition(struct wg_repair *repair);

/* repair_record.c */

uint64_t wg_fingerprint(const char *text);

int wg_intent_write(const char *uuid, const struct wg_intent *intent, struct wg_error *err);
bool wg_intent_read(const char *uuid, struct wg_intent *intent);
void wg_intent_forget(const char *uuid);

/* The UUIDs of all intents. Returns 0, or -1 with *err filled. */
int wg_intents(struct wg_list *uuids, struct wg_error *err);

/* Takes the guest's lock, which goes with the process and its children; waits for it up to that
 * long. Returns 0, or -1 with *err filled. */
int wg_repair_lock(const char *uuid, unsigned seconds, struct wg_error *err);

/* Removes the lock's file; to be called by who has the lock, at its end. */
void wg_repair_unlock(const char *uuid);

/* Takes one of so many places; never given back but by the end of the process. Returns whether one
 * was free. */
bool wg_repair_place(unsigned places);

/* A guest is restarted once in that time, whatever its boots: a repair that does not last must not
 * become a loop. Chosen, not measured. */
#define WG_REPAIR_AGAIN_SECONDS 600

/* The last time that a guest was restarted. */
struct wg_last {
    double uptime;
    uint64_t policy;
    bool refused; /* the host could not start it under that policy */
};

void wg_last_forget(const char *uuid);
bool wg_last_read(const char *uuid, struct wg_last *last);
int wg_last_write(const char *uuid, const struct wg_last *last, struct wg_error *err);

/* A place in which tests kill or hold a worker. */
#ifdef WG_STOP_POINTS
void wg_stop_point(const char *name, const char *uuid);
#else
#define wg_stop_point(name, uuid) ((void)0)
#endif

#endif
