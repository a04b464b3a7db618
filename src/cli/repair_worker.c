/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "../../hooks/qemu_process.h"
#include "cli.h"
#include "repair.h"

/* How long a client that boots a transient guest gets to define it, as virt-install does. */
#define DEFINE_SECONDS 1
#define POLL_MICROSECONDS 100000
/* A guest that is still paused after that many polls is looked at once a second. */
#define POLLS_AT_FIRST 300

/* The boot that is to be repaired. */
struct boot {
    int id;
    double resumed; /* wg_uptime when it was last seen paused; negative if it never was */
    struct wg_virt_status first;
    struct wg_virt_status now;
};

static int look_again(struct wg_repair *repair, struct boot *boot, struct wg_error *err)
{
    if (wg_virt_settle(repair->virt, repair->uuid, err) < 0)
        return -1;
    return wg_virt_look(repair->virt, repair->uuid, &boot->now, err);
}

static bool waits_for_client(const struct boot *boot)
{
    return boot->now.state == WG_VIRT_PAUSED && boot->now.fresh && boot->now.id == boot->id;
}

/* A guest that is started paused belongs to its client until that resumes it: one that is ended
 * before makes the client's resume fail. */
static int wait_for_client(struct wg_repair *repair, struct boot *boot, struct wg_error *err)
{
    for (unsigned polls = 0; waits_for_client(boot); polls++) {
        boot->resumed = wg_uptime();
        usleep(polls < POLLS_AT_FIRST ? POLL_MICROSECONDS : 1000000);
        if (wg_virt_look(repair->virt, repair->uuid, &boot->now, err) < 0)
            return -1;
    }
    if (!boot->now.persistent && boot->now.state == WG_VIRT_RUNNING)
        sleep(DEFINE_SECONDS);
    return look_again(repair, boot, err);
}

/* What happened to the guest since it was booted; NULL if nothing that matters. */
static const char *what_happened(const struct boot *boot)
{
    const struct wg_virt_status *now = &boot->now;

    if (now->state == WG_VIRT_GONE || now->state == WG_VIRT_OFF)
        return "it was stopped meanwhile";
    if (now->id != boot->id)
        return "it was stopped and started meanwhile";
    if (now->state == WG_VIRT_PAUSED)
        return "it was paused meanwhile";
    if (!now->fresh)
        return "it was migrated, restored, reverted or stopped by a fault";
    if (now->snapshots != boot->first.snapshots)
        return "a snapshot was taken meanwhile";
    if (now->saved)
        return "it has a managed save";
    return NULL;
}

/* Whether its age speaks against a restart; only a guest that has just booted loses nothing. */
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

static const char *why_not_again(const struct wg_repair *repair, bool *spare_definition)
{
    struct wg_last last;

    if (!wg_last_read(repair->uuid, &last))
        return NULL;
    *spare_definition = last.refused;
    if (last.refused && last.policy == wg_engine_digest(repair->engine))
        return "it could not be started under this policy before";
    return wg_uptime() - last.uptime < WG_REPAIR_AGAIN_SECONDS
               ? "it was restarted by a repair less than 10 minutes ago" : NULL;
}

static const char *why_not(struct wg_repair *repair, const struct boot *boot, const char *live,
                           const char *stored, bool *spare_definition)
{
    const char *reason = why_not_again(repair, spare_definition);

    if (!reason)
        reason = what_happened(boot);
    if (!reason && wg_qemu_boot(repair->name) == WG_BOOT_IN_FLIGHT)
        reason = "it was migrated, restored or reverted";
    if (!reason)
        reason = too_old(repair, boot);
    if (!reason)
        reason = wg_repair_obstacle(live, stored, repair->settings.repair_decline);
    return reason;
}

static int decline(struct wg_repair *repair, const char *reason, bool spare_definition)
{
    wg_repair_say(repair, LOG_WARNING, "not restarted: %s; %s", reason,
                  spare_definition ? "its definition is left as it is"
                                   : wg_repair_definition(repair));
    return WG_EXIT_VIOLATIONS;
}

static int fault(const struct wg_repair *repair, const struct wg_error *err)
{
    wg_repair_say(repair, LOG_ERR, "left as it is: %s", err->text);
    return WG_EXIT_ERROR;
}

/* Waits for a place as long as the guest may be restarted. */
static int queue(struct wg_repair *repair, struct boot *boot, const char **reason,
                 struct wg_error *err)
{
    while (!wg_repair_place(repair->settings.repair_parallel)) {
        *reason = too_old(repair, boot);
        if (*reason)
            return 0;
        usleep(POLL_MICROSECONDS / 2);
    }
    if (look_again(repair, boot, err) < 0)
        return -1;
    *reason = what_happened(boot);
    if (!*reason)
        *reason = too_old(repair, boot);
    return 0;
}

/* Stores what a transient guest would be started from, so that it cannot get lost. libvirt stores
 * less than it is given (aliases, labels, generated paths go), so its own words are noted. */
static int keep(struct wg_repair *repair, struct wg_intent *intent, const char *stored,
                struct wg_error *err)
{
    intent->step = WG_STEP_KEEP;
    if (wg_intent_write(repair->uuid, intent, err) < 0 ||
        wg_virt_define(repair->virt, stored, err) < 0)
        return -1;
    wg_stop_point("keeping", repair->uuid);
    char *now = wg_virt_stored_xml(repair->virt, repair->uuid, err);
    if (!now)
        return -1;
    intent->definition = wg_fingerprint(now);
    wg_virt_forget(now);
    int rc = wg_intent_write(repair->uuid, intent, err);
    wg_stop_point("kept", repair->uuid);
    return rc;
}

static int record_restart(struct wg_repair *repair, struct wg_intent *intent, struct wg_error *err)
{
    struct wg_last last = {.uptime = wg_uptime(), .policy = intent->policy};

    intent->step = WG_STEP_RESTART;
    intent->since = last.uptime;
    if (wg_last_write(repair->uuid, &last, err) < 0)
        return -1;
    return wg_intent_write(repair->uuid, intent, err);
}

/* From here on an interrupt must not part us from the guest. */
static void hold_on(void)
{
    static const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE};

    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        signal(signals[i], SIG_IGN);
}

static int restart(struct wg_repair *repair, struct boot *boot, const char *stored)
{
    struct wg_intent intent = {.id = boot->id, .transient = !boot->now.persistent,
                               .policy = wg_engine_digest(repair->engine)};
    const char *reason = NULL;
    struct wg_error err;

    hold_on();
    int rc = intent.transient ? keep(repair, &intent, stored, &err) : 0;
    if (rc == 0)
        rc = look_again(repair, boot, &err);
    if (rc == 0)
        reason = what_happened(boot);
    if (rc == 0 && !reason)
        rc = record_restart(repair, &intent, &err);
    if (rc == 0 && !reason) {
        wg_stop_point("recorded", repair->uuid);
        rc = wg_virt_destroy(repair->virt, repair->uuid, &err);
        wg_stop_point("ended", repair->uuid);
    }
    if (rc == 0 && !reason)
        return wg_repair_finish(repair, &intent);
    if (intent.step)
        wg_repair_finish(repair, &intent);
    return reason ? decline(repair, reason, false) : fault(repair, &err);
}

/* The policy must have something to say of the stored document, too, and libvirt must not be asked
 * to end a guest for a document that cannot be made. */
static int check_stored(const struct wg_repair *repair, const char *stored, const char **reason,
                        struct wg_error *err)
{
    struct wg_verdict *verdict = wg_repair_judge(repair, stored, WG_REWRITE, err);

    if (!verdict)
        return -1;
    if (verdict->outcome != WG_VIOLATES && verdict->outcome != WG_COMPLIANT)
        *reason = "the policy leaves its definition alone";
    wg_verdict_free(verdict);
    return 0;
}

static int repair_running(struct wg_repair *repair, struct boot *boot, const char *live,
                          const char *stored)
{
    bool spare_definition = false;
    struct wg_error err;
    const char *reason = why_not(repair, boot, live, stored, &spare_definition);
    int rc = 0;

    if (!reason)
        rc = check_stored(repair, stored, &reason, &err);
    if (rc == 0 && !reason)
        rc = queue(repair, boot, &reason, &err);
    if (rc < 0)
        return fault(repair, &err);
    wg_stop_point("judged", repair->uuid);
    return reason ? decline(repair, reason, spare_definition) : restart(repair, boot, stored);
}

/* 1 if the guest runs against the policy, 0 if not, -1. */
static int violates(struct wg_repair *repair, const char *live, struct wg_error *err)
{
    struct wg_verdict *verdict = wg_repair_judge(repair, live, 0, err);
    int rc = verdict ? verdict->outcome == WG_VIOLATES : -1;

    wg_verdict_free(verdict);
    return rc;
}

int wg_repair_boot(struct wg_repair *repair, int id)
{
    struct boot boot = {.resumed = -1};
    struct wg_error err;
    char *live = NULL, *stored = NULL;
    int code = WG_EXIT_OK;
    int rc = look_again(repair, &boot, &err);

    boot.first = boot.now;
    boot.id = id < 0 ? boot.now.id : id;
    if (rc == 0)
        rc = wait_for_client(repair, &boot, &err);
    wg_stop_point("waited", repair->uuid);
    if (rc == 0 && boot.now.id != boot.id)
        return decline(repair, what_happened(&boot), true);
    if (rc == 0 && boot.now.id < 0)
        return decline(repair, "it does not run", false);
    if (rc == 0 && (!(live = wg_virt_live_xml(repair->virt, repair->uuid, &err)) ||
                    !(stored = wg_virt_stored_xml(repair->virt, repair->uuid, &err))))
        rc = -1;
    if (rc == 0)
        rc = violates(repair, live, &err);
    if (rc < 0)
        code = fault(repair, &err);
    else if (rc > 0)
        code = repair_running(repair, &boot, live, stored);
    else
        wg_repair_say(repair, LOG_INFO, "it runs as it must");
    free(live);
    wg_virt_forget(stored);
    return code;
}
