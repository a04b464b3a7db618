/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "cli/cli.h"
#include "common/kept.h"
#include "common/marks.h"
#include "common/qemu_process.h"
#include "repair.h"

/* What a guest needs may be free a moment after its QEMU has gone. Chosen, not measured. */
#define START_TRIES 8
/* virProcessKillPainfully waits for 15 s before it gives up. */
#define END_SECONDS 20
/* A disk that hangs comes back, or the host is rebooted. Chosen. */
#define DYING_SECONDS 3600
/* Whoever finds a guest off after that time may have left it so. Chosen. */
#define PENDING_SECONDS 600
/* A migration's own end is known some moments after that of its guest. Turns of 20 ms. Chosen. */
#define MIGRATION_TURNS 10

static bool is_up(const struct wg_virt_status *status)
{
    return status->state == WG_VIRT_RUNNING || status->state == WG_VIRT_PAUSED;
}

/* proc(5): the signals that wait for a process and its threads. A killed one that a disk holds has
 * SIGKILL among them. */
static bool is_dying(const char *name)
{
    char path[64], line[256];
    unsigned long long pending, all = 0;
    long pid = wg_qemu_pid(name);

    snprintf(path, sizeof(path), "/proc/%ld/status", pid);
    WG_CLOSED_FILE *file = pid > 0 ? fopen(path, "re") : NULL;
    while (file && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "SigPnd: %llx", &pending) == 1 ||
            sscanf(line, "ShdPnd: %llx", &pending) == 1)
            all |= pending;
    }
    return (all & 1u << (9 - 1)) != 0;
}

int wg_repair_wait_for_end(struct wg_repair *repair, int id, struct wg_virt_status *status,
                           struct wg_error *err)
{
    double begin = wg_uptime();
    bool told = false;
    int rc;

    while ((rc = wg_virt_look(repair->virt, repair->uuid, status, err)) == 0 && is_up(status) &&
           status->id == id) {
        bool dying = is_dying(repair->name);

        if (wg_uptime() - begin > (dying ? DYING_SECONDS : END_SECONDS))
            break;
        if (dying && !told && wg_uptime() - begin > END_SECONDS) {
            wg_repair_say(repair, LOG_ERR,
                          "its QEMU was killed and does not end: a disk hangs? It "
                          "is started again when it has");
            told = true;
        }
        usleep(100000);
    }
    return rc;
}

static int down(struct wg_repair *repair, const struct wg_error *err)
{
    wg_intent_forget(repair->name);
    wg_repair_say(repair, LOG_CRIT,
                  "it is DOWN, and its previous definition does not start either: "
                  "%s; hint: mend what the error names, then virsh start",
                  err->text);
    return WG_EXIT_ERROR;
}

static int others(struct wg_repair *repair, const char *what)
{
    wg_intent_forget(repair->name);
    wg_repair_say(repair, LOG_WARNING, "not started again: %s", what);
    return WG_EXIT_VIOLATIONS;
}

/* What a repair has written down of it goes by its name. */
static bool is_renamed(struct wg_repair *repair)
{
    WG_FREED *name = wg_virt_name(repair->virt, repair->uuid);

    return name && strcmp(name, repair->name) != 0;
}

/* Why the guest is not ours to start, or no more; NULL if it is. */
static const char *why_not_ours(struct wg_repair *repair, const struct wg_virt_status *status)
{
    if (status->state == WG_VIRT_GONE || (status->state == WG_VIRT_OFF && !status->persistent))
        return "somebody has undefined it";
    if (is_up(status))
        return "somebody else has started it";
    if (status->job || status->end == WG_VIRT_END_OTHER)
        return "it was migrated, saved or shut down meanwhile";
    if (status->saved)
        return "it has a managed save";
    return is_renamed(repair) ? "somebody has renamed it" : NULL;
}

/* Whether it does not run under the policy although its start has succeeded: the daemon filter,
 * where there is one, has rolled it back, or somebody has edited it in between. */
static bool runs_as_it_was(struct wg_repair *repair)
{
    struct wg_error ignored;
    char *live = wg_virt_live_xml(repair->virt, repair->uuid, &ignored);
    bool violates = live && wg_repair_violates(repair, live, &ignored) > 0;

    wg_virt_forget(live);
    return violates;
}

/* why: it did not start under the policy; NULL: its start has succeeded with it. */
static int ran(struct wg_repair *repair, const struct wg_intent *intent, const struct wg_error *why)
{
    double off = (wg_uptime() - intent->since) * 1e3;
    struct wg_virt_status status;
    struct wg_error ignored;

    wg_stop_point("booted", repair->uuid);
    if (wg_virt_look(repair->virt, repair->uuid, &status, &ignored) == 0 && is_up(&status))
        wg_repair_note_boot(repair->uuid, status.id);
    wg_intent_forget(repair->name);
    if (why) {
        wg_repair_say(repair, LOG_ERR,
                      "previous definition restored, it runs as it was, off for "
                      "%.0f ms: it does not start under the policy: %s",
                      off, why->text);
    } else if (runs_as_it_was(repair)) {
        wg_repair_say(repair, LOG_ERR,
                      "restarted, off for %.0f ms, and not repaired: the daemon "
                      "filter gave it its previous definition back, or somebody did",
                      off);
    } else {
        wg_repair_say(repair, LOG_NOTICE, "repaired, off for %.0f ms", off);
        return WG_EXIT_OK;
    }
    return WG_EXIT_VIOLATIONS;
}

/* Whether its owner has undefined it and defined it anew, while we had it off: libvirt knows no end
 * of what it has just made, nor, after a restart, of any. */
static bool defined_anew(struct wg_repair *repair, const struct wg_virt_status *status)
{
    struct wg_error ignored;

    if (status->end != WG_VIRT_END_UNKNOWN)
        return false;
    char *stored = wg_virt_stored_xml(repair->virt, repair->uuid, &ignored);
    char *previous = stored ? wg_repair_previous(repair, stored, NULL) : NULL;
    bool anew = stored && !previous;
    wg_virt_forget(stored);
    wg_virt_forget(previous);
    return anew;
}

/* Starts it, if it is still ours. Returns an exit code, or -1 with *err filled: it does not start.
 * why: as above. */
static int start_once(struct wg_repair *repair, struct wg_intent *intent,
                      const struct wg_error *why, struct wg_error *err)
{
    struct wg_virt_status status;
    struct wg_error ignored;

    wg_mark(WG_UNPREPARED, repair->name);
    if (!wg_intent_move(repair, intent, WG_STEP_STARTING))
        return others(repair, "somebody else was starting it");
    enum wg_virt_started started = wg_virt_start(repair->virt, repair->uuid, err);
    bool unprepared = wg_take(WG_UNPREPARED, repair->name);
    if (started == WG_VIRT_STARTED)
        return ran(repair, intent, why);
    wg_stop_point("failed", repair->uuid);
    wg_intent_move(repair, intent, WG_STEP_RETRY);
    if (wg_virt_look(repair->virt, repair->uuid, &status, &ignored) < 0)
        return -1;
    const char *obstacle = why_not_ours(repair, &status);
    if (!obstacle && !unprepared &&
        (started == WG_VIRT_ENDED || status.end == WG_VIRT_END_DESTROYED))
        obstacle = "somebody has stopped it";
    return obstacle ? others(repair, obstacle) : -1;
}

/*
 * A thread of libvirt's may still wait for its turn to end the QEMU of a start that has failed, and
 * ends whichever QEMU the guest has by then: struct wg_again in hooks/ knows the same.
 */
static int start_as_it_was(struct wg_repair *repair, struct wg_intent *intent,
                           const struct wg_error *why)
{
    struct wg_virt_status status;
    struct wg_error err = *why;
    int restored = -1, code = -1;

    for (int tries = 0; code < 0 && tries < START_TRIES; tries++) {
        sleep(1);
        if (wg_virt_look(repair->virt, repair->uuid, &status, &err) < 0)
            continue;
        const char *obstacle = why_not_ours(repair, &status);
        if (obstacle)
            return others(repair, obstacle);
        if (restored < 0 && (restored = wg_repair_restore(repair, &err)) < 0)
            continue;
        wg_stop_point("restored", repair->uuid);
        code = start_once(repair, intent, why, &err);
    }
    return code < 0 ? down(repair, &err) : code;
}

static bool daemon_died(struct wg_repair *repair)
{
    struct wg_virt_status status;
    struct wg_error ignored;

    return wg_virt_look(repair->virt, repair->uuid, &status, &ignored) == 0 &&
           status.state == WG_VIRT_OFF && status.end == WG_VIRT_END_DAEMON;
}

int wg_repair_start(struct wg_repair *repair, struct wg_intent *intent)
{
    struct wg_virt_status status;
    struct wg_error err;
    const char *obstacle = NULL;
    int rc = 0;

    for (int turn = 0; rc == 0 && !obstacle && turn < MIGRATION_TURNS; turn++) {
        usleep(20000);
        rc = wg_virt_look(repair->virt, repair->uuid, &status, &err);
        obstacle = rc == 0 ? why_not_ours(repair, &status) : NULL;
    }
    if (rc == 0 && !obstacle && defined_anew(repair, &status))
        obstacle = "somebody has defined it anew";
    if (obstacle)
        return others(repair, obstacle);
    rc = start_once(repair, intent, NULL, &err);
    /* That is nobody's stop, and says nothing of the policy. A start that fails early leaves the
     * reason of the time before: not without end. */
    for (int tries = 0; rc < 0 && tries < START_TRIES && daemon_died(repair); tries++) {
        sleep(1);
        rc = start_once(repair, intent, NULL, &err);
    }
    return rc < 0 ? start_as_it_was(repair, intent, &err) : rc;
}

/* Whether a guest whose worker has died before it could tell was ended by it. */
static const char *why_not_ended_by_us(struct wg_repair *repair, const struct wg_intent *intent,
                                       bool at_once, bool was_up,
                                       const struct wg_virt_status *status)
{
    bool starting = intent->step == WG_STEP_STARTING && !wg_take(WG_UNPREPARED, repair->name);

    if (intent->step == WG_STEP_END && (!at_once || was_up))
        return "it was ended by the repair worker, which has died, or by somebody else; hint: virsh "
               "start, if it is to run";
    if ((starting || intent->step == WG_STEP_RETRY) && status->end == WG_VIRT_END_DESTROYED)
        return "somebody has stopped it";
    if (wg_uptime() - intent->since > PENDING_SECONDS)
        return "it has been off for too long since the repair worker died; hint: virsh start";
    return NULL;
}

/* The guest as it is once what the worker had asked for has come about. */
static int look_after_worker(struct wg_repair *repair, const struct wg_intent *intent, bool *was_up,
                             struct wg_virt_status *status, struct wg_error *err)
{
    if (intent->step == WG_STEP_STARTING && wg_virt_settle(repair->virt, repair->uuid, err) < 0)
        return -1;
    int rc = wg_virt_look(repair->virt, repair->uuid, status, err);

    *was_up = rc == 0 && intent->step == WG_STEP_END && is_up(status) && status->id == intent->id;
    if (!*was_up)
        return rc;
    rc = wg_repair_wait_for_end(repair, intent->id, status, err);
    *was_up = status->end != WG_VIRT_END_CRASHED;
    return rc;
}

int wg_repair_finish(struct wg_repair *repair, struct wg_intent *intent, bool at_once)
{
    struct wg_virt_status status;
    struct wg_error err = {.text = "its repair worker died"};
    bool was_up;

    if (look_after_worker(repair, intent, &was_up, &status, &err) < 0) {
        wg_repair_say(repair, LOG_CRIT,
                      "left in the middle of a repair: %s; hint: winguest repair "
                      "--pending",
                      err.text);
        return WG_EXIT_ERROR;
    }
    if (is_up(&status) && status.id == intent->id) {
        wg_intent_forget(repair->name);
        wg_repair_say(repair, LOG_WARNING, "guest was not restarted: its repair worker died");
        return WG_EXIT_VIOLATIONS;
    }
    /* By that worker, for all that can be known: it was about to. */
    if (intent->step == WG_STEP_STARTING && is_up(&status))
        return ran(repair, intent, NULL);
    const char *obstacle = why_not_ours(repair, &status);
    if (!obstacle)
        obstacle = why_not_ended_by_us(repair, intent, at_once, was_up, &status);
    if (obstacle)
        return others(repair, obstacle);
    wg_repair_say(repair, LOG_WARNING, "repair worker died; completing its interrupted restart");
    bool failed = intent->step == WG_STEP_RETRY ||
                  (intent->step == WG_STEP_STARTING && status.end == WG_VIRT_END_FAILED);
    if (intent->step != WG_STEP_RETRY &&
        !wg_intent_move(repair, intent, failed ? WG_STEP_RETRY : WG_STEP_START))
        return others(repair, "somebody else was starting it");
    return failed ? start_as_it_was(repair, intent, &err) : wg_repair_start(repair, intent);
}
