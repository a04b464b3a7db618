/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "cli/cli.h"
#include "common/kept.h"
#include "common/qemu_process.h"
#include "repair.h"

#define POLL_MICROSECONDS 100000
/* A guest that is still paused after that many polls is looked at once a second. */
#define POLLS_AT_FIRST 300

/* The boot that is to be repaired. */
struct boot {
    int id;
    double resumed; /* wg_uptime when it was last seen paused; negative if it never was */
    struct wg_virt_status now;
    char *live; /* as it was first seen */
};

static int look_again(struct wg_repair *repair, struct boot *boot, struct wg_error *err)
{
    if (wg_virt_settle(repair->virt, repair->uuid, err) < 0)
        return -1;
    return wg_virt_look(repair->virt, repair->uuid, &boot->now, err);
}

/* A guest that is started paused belongs to its client until that resumes it: one that is ended
 * before makes the client's resume fail. */
static int wait_for_client(struct wg_repair *repair, struct boot *boot, struct wg_error *err)
{
    for (unsigned polls = 0;
         boot->now.state == WG_VIRT_PAUSED && boot->now.fresh && boot->now.id == boot->id;
         polls++) {
        boot->resumed = wg_uptime();
        usleep(polls < POLLS_AT_FIRST ? POLL_MICROSECONDS : 1000000);
        if (wg_virt_look(repair->virt, repair->uuid, &boot->now, err) < 0)
            return -1;
    }
    return look_again(repair, boot, err);
}

/* Only a guest that has just booted loses nothing. */
static const char *too_old(const struct wg_repair *repair, const struct boot *boot)
{
    static char text[96];
    double age = boot->resumed < 0 ? wg_qemu_age(repair->name) : wg_uptime() - boot->resumed;

    if (age >= 0 && age <= repair->settings.repair_window)
        return NULL;
    if (age < 0)
        return "its QEMU process cannot be seen";
    snprintf(text, sizeof(text), "it has been running for %.0f s (repair.window is %u)", age,
             repair->settings.repair_window);
    return text;
}

/* What keeps a guest from being restarted, as it is now; NULL if nothing does. */
static const char *why_not_now(const struct wg_repair *repair, const struct boot *boot)
{
    const struct wg_virt_status *now = &boot->now;

    if (now->state == WG_VIRT_GONE || now->state == WG_VIRT_OFF)
        return "it was stopped meanwhile";
    if (now->id != boot->id)
        return "it was stopped and started meanwhile";
    if (!now->persistent)
        return "it is transient";
    if (now->state == WG_VIRT_PAUSED)
        return "it was paused meanwhile";
    if (!now->fresh || wg_qemu_boot(repair->name) == WG_BOOT_IN_FLIGHT)
        return "it was migrated, restored, reverted or stopped by a fault";
    if (now->job)
        return "it is being migrated, saved, dumped or backed up";
    if (now->snapshots > 0)
        return "it has snapshots or checkpoints";
    return now->saved ? "it has a managed save" : NULL;
}

static const char *why_not(struct wg_repair *repair, const struct boot *boot)
{
    const char *reason = why_not_now(repair, boot);

    if (!reason && wg_repair_own_boot(repair->uuid, boot->id))
        reason = "that boot is a repair's own";
    if (!reason)
        reason = too_old(repair, boot);
    return reason ? reason
                  : wg_repair_obstacle(boot->live, wg_qemu_pid(repair->name),
                                       repair->settings.repair_decline);
}

static int fault(const struct wg_repair *repair, const struct wg_error *err)
{
    wg_repair_say(repair, LOG_ERR, "left as it is: %s", err->text);
    return WG_EXIT_ERROR;
}

/* Waits for a slot, for as long as it may have been running before that. */
static const char *queue(const struct wg_repair *repair)
{
    double end = wg_uptime() + repair->settings.repair_window;

    while (!wg_repair_slot(repair->settings.repair_parallel)) {
        if (wg_uptime() > end)
            return "other repairs (repair.parallel) took longer than repair.window";
        usleep(POLL_MICROSECONDS / 2);
    }
    return NULL;
}

/* From here on an interrupt must not part us from the guest. */
static void hold_on(void)
{
    static const int signals[] = {SIGHUP, SIGINT, SIGTERM};

    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        signal(signals[i], SIG_IGN);
}

/* Whatever its owner has done with it since: a password, a link, a device, metadata. */
static const char *changed(struct wg_repair *repair, const struct boot *boot, struct wg_error *err)
{
    char *now = wg_virt_live_xml(repair->virt, repair->uuid, err);
    bool same = now && strcmp(now, boot->live) == 0;

    wg_virt_forget(now);
    return same ? NULL : "it was changed meanwhile";
}

/* Its previous definition must be known, should it not start with the new one; and be what it runs
 * from, as what its owner has given it since would be lost. */
static const char *no_way_back(struct wg_repair *repair, const struct boot *boot,
                               struct wg_error *err)
{
    char *stored = wg_virt_stored_xml(repair->virt, repair->uuid, err);
    char *previous = stored ? wg_repair_previous(repair, stored, NULL) : NULL;
    const char *reason = !previous ? "what it was defined as when it booted is not known"
                         : !wg_repair_same_guest(boot->live, previous)
                             ? "it runs with something else than it is defined with"
                             : NULL;

    wg_virt_forget(previous);
    wg_virt_forget(stored);
    return reason;
}

/* Ends it. Returns 1 if we did, 0 with *reason if it is somebody else's, -1. */
static int end(struct wg_repair *repair, struct boot *boot, struct wg_intent *intent,
               const char **reason, struct wg_error *err)
{
    int rc = look_again(repair, boot, err);

    if (rc < 0)
        return -1;
    *reason = why_not_now(repair, boot);
    if (*reason)
        return 0;
    intent->since = wg_uptime();
    if (wg_intent_write(repair, intent, err) < 0)
        return -1;
    wg_stop_point("recorded", repair->uuid);
    /* Once more, behind the last place where this process can be held up for long. */
    if (wg_virt_look(repair->virt, repair->uuid, &boot->now, err) < 0)
        return -1;
    *reason = why_not_now(repair, boot);
    if (!*reason)
        *reason = changed(repair, boot, err);
    if (*reason)
        return 0;
    rc = wg_virt_destroy(repair->virt, repair->uuid, boot->id, err);
    if (rc < 0 && wg_repair_wait_for_end(repair, boot->id, &boot->now, err) == 0 &&
        boot->now.state == WG_VIRT_OFF && boot->now.end != WG_VIRT_END_DESTROYED)
        rc = 1;
    *reason = rc == 0 ? "somebody else has stopped it" : NULL;
    if (rc > 0 && !wg_intent_move(repair, intent, WG_STEP_START)) {
        *reason = "somebody else has started it";
        rc = 0;
    }
    return rc;
}

static int restart(struct wg_repair *repair, struct boot *boot, const char *definition)
{
    struct wg_intent intent = {.step = WG_STEP_END, .id = boot->id};
    const char *reason = NULL;
    struct wg_error err;

    hold_on();
    int rc = end(repair, boot, &intent, &reason, &err);
    if (rc > 0) {
        wg_stop_point("ended", repair->uuid);
        return wg_repair_start(repair, &intent);
    }
    wg_intent_forget(repair->name);
    if (rc < 0)
        return fault(repair, &err);
    wg_repair_say(repair, LOG_WARNING, "not restarted: %s; %s", reason, definition);
    return WG_EXIT_VIOLATIONS;
}

/* Its definition first: whatever happens then, the guest can be started with the policy. */
static int repair_running(struct wg_repair *repair, struct boot *boot)
{
    const char *definition;
    struct wg_error err;
    const char *reason = why_not(repair, boot);

    wg_stop_point("judged", repair->uuid);
    int corrected = wg_repair_correct(repair, &definition);
    wg_stop_point("corrected", repair->uuid);
    if (look_again(repair, boot, &err) < 0)
        return fault(repair, &err);
    if (!reason)
        reason = why_not_now(repair, boot);
    if (!reason && corrected < 0)
        reason = "its definition could not be corrected";
    if (!reason)
        reason = no_way_back(repair, boot, &err);
    if (!reason)
        reason = queue(repair);
    if (!reason)
        return restart(repair, boot, definition);
    wg_repair_say(repair, LOG_WARNING, "not restarted: %s; %s", reason, definition);
    return WG_EXIT_VIOLATIONS;
}

/* What it is before its client goes on with it. */
static int look_first(struct wg_repair *repair, struct boot *boot, int id, struct wg_error *err)
{
    if (look_again(repair, boot, err) < 0)
        return -1;
    boot->id = id < 0 ? boot->now.id : id;
    if (boot->now.id < 0)
        return 0;
    boot->live = wg_virt_live_xml(repair->virt, repair->uuid, err);
    return boot->live ? wait_for_client(repair, boot, err) : -1;
}

int wg_repair_restart(struct wg_repair *repair, int id)
{
    struct boot boot = {.resumed = -1};
    struct wg_error err;
    int code;
    int rc = look_first(repair, &boot, id, &err);

    wg_stop_point("waited", repair->uuid);
    if (rc == 0 && (!boot.live || boot.now.id != boot.id)) {
        wg_repair_say(repair, LOG_WARNING, "not restarted: %s",
                      boot.id < 0 ? "it does not run" : why_not_now(repair, &boot));
        wg_virt_forget(boot.live);
        return WG_EXIT_VIOLATIONS;
    }
    if (rc == 0)
        rc = wg_repair_violates(repair, boot.live, &err);
    code = rc < 0 ? fault(repair, &err) : rc > 0 ? repair_running(repair, &boot) : WG_EXIT_OK;
    if (rc == 0)
        wg_repair_say(repair, LOG_INFO, "it runs as it must");
    wg_virt_forget(boot.live);
    return code;
}
