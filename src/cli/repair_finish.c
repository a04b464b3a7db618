/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "../../hooks/qemu_process.h"
#include "cli.h"
#include "repair.h"

/* What a guest needs may be free a moment after its QEMU has gone. Chosen, not measured. */
#define START_TRIES 8
/* virProcessKillPainfully waits that long before it kills, and as long again after. */
#define END_SECONDS 20

/* Makes sure that nobody has written the definition since it was judged: nothing is locked. */
static int define_if_same(struct wg_repair *repair, const char *seen, const char *xml,
                          struct wg_error *err)
{
    char *now = wg_virt_stored_xml(repair->virt, repair->uuid, err);
    int rc = now ? strcmp(now, seen) == 0 : -1;

    wg_virt_forget(now);
    if (rc > 0 && wg_virt_define(repair->virt, xml, err) < 0)
        rc = -1;
    return rc;
}

/* 1 corrected, 0 right already, -1. */
static int correct(struct wg_repair *repair, struct wg_error *err)
{
    int rc = 0;

    for (int tries = 0; rc == 0 && tries < 3; tries++) {
        char *xml = wg_virt_stored_xml(repair->virt, repair->uuid, err);
        struct wg_verdict *verdict = xml ? wg_repair_judge(repair, xml, WG_REWRITE, err) : NULL;
        bool wrong = verdict && verdict->outcome == WG_VIOLATES;

        if (!verdict)
            rc = -1;
        else if (wrong)
            rc = define_if_same(repair, xml, verdict->xml, err);
        if (verdict && verdict->xml)
            explicit_bzero(verdict->xml, verdict->xml_len);
        wg_verdict_free(verdict);
        wg_virt_forget(xml);
        if (verdict && !wrong)
            return 0;
        if (rc == 0)
            wg_fail(err, "it is edited again and again");
    }
    return rc > 0 ? 1 : -1;
}

const char *wg_repair_definition(struct wg_repair *repair)
{
    static char text[sizeof(struct wg_error) + 64];
    struct wg_virt_status status;
    struct wg_error err;
    int rc = wg_virt_look(repair->virt, repair->uuid, &status, &err);

    if (rc == 0 && !status.persistent)
        return "it has no definition to correct";
    if (rc == 0)
        rc = correct(repair, &err);
    if (rc >= 0)
        return rc > 0 ? "its definition is corrected for its next cold boot"
                      : "its definition is right";
    snprintf(text, sizeof(text), "its definition is left as it is: %s", err.text);
    return text;
}

static int look(struct wg_repair *repair, struct wg_virt_status *status, struct wg_error *err)
{
    if (wg_virt_settle(repair->virt, repair->uuid, err) < 0)
        return -1;
    return wg_virt_look(repair->virt, repair->uuid, status, err);
}

enum result {
    RUNS,        /* as the policy wants it */
    REFUSED,     /* as it was: the host cannot start it under the policy */
    ROLLED_BACK, /* as it was, the policy untried */
    OTHERS,      /* somebody else has started it, or it did not come to the restart */
    VANISHED,    /* somebody else has undefined it */
    DOWN,
};

static bool is_up(const struct wg_virt_status *status)
{
    return status->state == WG_VIRT_RUNNING || status->state == WG_VIRT_PAUSED;
}

/* Boots it under the policy. Returns 0; with *err filled 1 if it was not tried, -1 if it failed. */
static int boot_right(struct wg_repair *repair, const struct wg_intent *intent,
                      struct wg_error *err)
{
    char *xml = wg_virt_stored_xml(repair->virt, repair->uuid, err);
    struct wg_verdict *verdict = NULL;
    int rc = 1;

    if (xml && (!repair->engine || wg_engine_digest(repair->engine) != intent->policy))
        wg_fail(err, "the configuration has changed");
    else if (xml)
        verdict = wg_repair_judge(repair, xml, WG_REWRITE, err);
    if (verdict)
        rc = verdict->xml ? wg_virt_boot(repair->virt, verdict->xml, err)
                          : wg_virt_start(repair->virt, repair->uuid, err);
    if (verdict && verdict->xml)
        explicit_bzero(verdict->xml, verdict->xml_len);
    wg_verdict_free(verdict);
    wg_virt_forget(xml);
    return rc;
}

/*
 * A thread of libvirt's may still wait for its turn to end the QEMU of a start that has failed, and
 * ends whichever QEMU the guest has by then: wg_start_settle() in hooks/ knows the same.
 */
static enum result boot_as_it_was(struct wg_repair *repair, bool has_failed, struct wg_error *err)
{
    for (int tries = 0; tries < START_TRIES; tries++) {
        struct wg_virt_status status;
        struct wg_error ignored;

        if (has_failed || tries > 0)
            sleep(1);
        if (wg_virt_start(repair->virt, repair->uuid, err) == 0)
            return ROLLED_BACK;
        if (look(repair, &status, &ignored) == 0 && status.state != WG_VIRT_OFF)
            return is_up(&status) ? OTHERS : VANISHED;
    }
    return DOWN;
}

static enum result bring_up(struct wg_repair *repair, const struct wg_intent *intent,
                            const struct wg_virt_status *status, struct wg_error *err)
{
    struct wg_error second;

    if (status->state == WG_VIRT_GONE)
        return VANISHED;
    /* Another id: what a dead worker had booted, or somebody else. */
    if (is_up(status))
        return OTHERS;
    int rc = boot_right(repair, intent, err);
    if (rc == 0)
        return RUNS;
    enum result result = boot_as_it_was(repair, rc < 0, &second);
    if (result == DOWN)
        wg_fail_in(err, "%.200s; and under the policy", second.text);
    return result == ROLLED_BACK && rc < 0 ? REFUSED : result;
}

/* Makes a transient guest transient again, unless its definition may be somebody else's. */
static const char *give_back(struct wg_repair *repair, const struct wg_intent *intent)
{
    struct wg_virt_status status;
    struct wg_error err;
    char *xml = NULL;
    const char *said = "it is transient again";

    if (wg_virt_look(repair->virt, repair->uuid, &status, &err) == 0 && !status.persistent)
        return said;
    xml = wg_virt_stored_xml(repair->virt, repair->uuid, &err);
    if (!xml || wg_fingerprint(xml) != intent->definition)
        said = "it was transient, and stays defined: that may be by somebody else";
    else if (wg_virt_undefine(repair->virt, repair->uuid, &err) < 0)
        said = "it was transient, and stays defined: libvirt would not forget it";
    wg_virt_forget(xml);
    return said;
}

static bool runs_right(struct wg_repair *repair)
{
    struct wg_error err;
    char *live = wg_virt_live_xml(repair->virt, repair->uuid, &err);
    struct wg_verdict *verdict = live ? wg_repair_judge(repair, live, 0, &err) : NULL;
    bool right = verdict && verdict->outcome == WG_COMPLIANT;

    wg_verdict_free(verdict);
    free(live);
    return right;
}

static int tell(struct wg_repair *repair, const struct wg_intent *intent, enum result result,
                double up, const struct wg_error *err)
{
    double off = (up - intent->since) * 1e3;
    const char *most = result == OTHERS ? "at most " : "";
    const char *then = "its definition is left as it is";

    if (intent->transient)
        then = give_back(repair, intent);
    else if (result == RUNS || result == OTHERS)
        then = wg_repair_definition(repair);
    wg_stop_point("defined", repair->uuid);
    if (result == ROLLED_BACK || result == REFUSED) {
        wg_repair_say(repair, LOG_ERR, "rolled back, it runs as it was, off for %.0f ms: %s; %s",
                      off, err->text, then);
        return WG_EXIT_VIOLATIONS;
    }
    if (!runs_right(repair)) {
        wg_repair_say(repair, LOG_ERR, "it still runs against the policy; %s", then);
        return WG_EXIT_VIOLATIONS;
    }
    wg_repair_say(repair, LOG_NOTICE, "repaired, off for %s%.0f ms; %s", most, off, then);
    return WG_EXIT_OK;
}

static int finish_restart(struct wg_repair *repair, struct wg_intent *intent,
                          const struct wg_virt_status *status)
{
    struct wg_last last = {.uptime = wg_uptime(), .policy = intent->policy};
    struct wg_error err;
    enum result result = bring_up(repair, intent, status, &err);
    double up = wg_uptime();

    wg_stop_point("booted", repair->uuid);
    if (result == DOWN) {
        wg_repair_say(repair, LOG_CRIT, "it is DOWN, and defined as it was: %s; mend: what the "
                      "error names, then virsh start, or winguest repair --pending", err.text);
        return WG_EXIT_ERROR;
    }
    last.refused = result == REFUSED;
    wg_last_write(repair->uuid, &last, &err);
    int code = WG_EXIT_VIOLATIONS;
    if (result == VANISHED)
        wg_repair_say(repair, LOG_NOTICE, "somebody has undefined it meanwhile");
    else
        code = tell(repair, intent, result, up, &err);
    wg_intent_forget(repair->uuid);
    return code;
}

/* An end that libvirt was asked for, by a worker that has died, say, may still be on its way. */
static int look_until_ended(struct wg_repair *repair, const struct wg_intent *intent,
                            struct wg_virt_status *status, struct wg_error *err)
{
    double end = wg_uptime() + END_SECONDS;
    int rc;

    while ((rc = look(repair, status, err)) == 0 && intent->step == WG_STEP_RESTART &&
           is_up(status) && status->id == intent->id && wg_uptime() < end)
        usleep(100000);
    return rc;
}

int wg_repair_finish(struct wg_repair *repair, struct wg_intent *intent)
{
    struct wg_virt_status status;
    struct wg_error err;

    if (look_until_ended(repair, intent, &status, &err) < 0) {
        wg_repair_say(repair, LOG_CRIT, "left in the middle: %s; mend: winguest repair --pending",
                      err.text);
        return WG_EXIT_ERROR;
    }
    if (intent->step == WG_STEP_RESTART && (!is_up(&status) || status.id != intent->id))
        return finish_restart(repair, intent, &status);
    wg_last_forget(repair->uuid);
    wg_repair_say(repair, LOG_WARNING, "it did not come to the restart; %s",
                  intent->transient ? give_back(repair, intent) : wg_repair_definition(repair));
    wg_intent_forget(repair->uuid);
    return WG_EXIT_VIOLATIONS;
}
