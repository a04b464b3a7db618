/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "common/kept.h"
#include "engine/previous.h"
#include "libvirt/facts.h"
#include "repair.h"

static struct wg_verdict *judge(struct wg_repair *repair, const char *xml, unsigned flags,
                                struct wg_error *err)
{
    if (repair->engine)
        return wg_evaluate(repair->engine, xml, strlen(xml), flags, err);
    wg_fail(err, "the configuration cannot be read");
    return NULL;
}

/* With nothing current on disk of what the host can give, the host itself is asked. */
static struct wg_verdict *judge_tried(struct wg_repair *repair, const char *xml,
                                      struct wg_error *err)
{
    struct wg_verdict *verdict = judge(repair, xml, WG_REWRITE, err);

    if (!verdict || !verdict->untried || repair->asked)
        return verdict;
    wg_verdict_free(verdict);
    wg_facts_use(repair->engine, repair->virt);
    repair->asked = true;
    return judge(repair, xml, WG_REWRITE, err);
}

int wg_repair_violates(struct wg_repair *repair, const char *xml, struct wg_error *err)
{
    struct wg_verdict *verdict = judge(repair, xml, 0, err);
    int rc = verdict ? verdict->outcome == WG_VIOLATES && !verdict->report : -1;

    wg_verdict_free(verdict);
    return rc;
}

/* Should it not start with it, the hook has it given back. */
static void keep(struct wg_repair *repair, const char *previous, const char *stored)
{
    if (wg_kept_put(repair->uuid, previous, stored) == 0)
        wg_kept_follow(repair->uuid);
    else
        wg_repair_say(repair, LOG_WARNING, "its previous definition is not kept: %s: %s",
                      WG_VARDIR "/kept", strerror(errno));
}

/* As wg_repair_correct, for one look at the definition; -2: it was edited meanwhile. *what is NULL
 * if *err says it. */
static int correct_once(struct wg_repair *repair, const char *previous, const char **what,
                        struct wg_error *err)
{
    struct wg_verdict *verdict = judge_tried(repair, previous, err);
    char *stored = NULL;
    int rc = -1;

    if (!verdict) {
        *what = NULL;
    } else if (verdict->outcome == WG_COMPLIANT) {
        *what = "its definition is right";
        rc = 0;
    } else if (verdict->outcome != WG_VIOLATES) {
        *what = "the policy leaves its definition alone";
    } else if (verdict->report) {
        *what =
            "its definition is left as it is: the policy is only told of ([enforce] mode, only.*)";
    } else if (verdict->untried) {
        *what = "its definition is left as it is: what this host can give is not known; hint: "
                "winguest probe";
    } else if (wg_kept_room(previous) < 0) {
        *what = "its definition is left as it is: what it is now cannot be kept in " WG_VARDIR
                "/kept, should it not start; hint: make room there";
    } else {
        rc = wg_virt_replace(repair->virt, repair->uuid, previous, verdict->xml, &stored, err);
        *what = rc > 0 ? "its definition is corrected for its next cold boot" : NULL;
        rc = rc == 0 ? -2 : rc;
    }
    if (rc > 0)
        keep(repair, previous, stored);
    if (verdict && verdict->xml)
        explicit_bzero(verdict->xml, verdict->xml_len);
    wg_verdict_free(verdict);
    wg_virt_forget(stored);
    return rc;
}

static int correct(struct wg_repair *repair, const char **what, struct wg_error *err)
{
    int rc = -2;

    if (repair->engine && wg_kept_refused(repair->uuid, wg_engine_digest(repair->engine))) {
        *what = "its definition is left as it is: it did not start under this policy before; hint: "
                "winguest apply tries it again";
        return -1;
    }
    for (int tries = 0; rc == -2 && tries < 3; tries++) {
        struct wg_virt_status status;

        *what = NULL;
        if (wg_virt_look(repair->virt, repair->uuid, &status, err) < 0)
            return -1;
        if (!status.persistent) {
            *what = status.state == WG_VIRT_GONE
                        ? "it was undefined meanwhile"
                        : "it is transient: it has no definition to correct";
            return -1;
        }
        char *previous = wg_virt_stored_xml(repair->virt, repair->uuid, err);
        rc = previous ? correct_once(repair, previous, what, err) : -1;
        wg_virt_forget(previous);
    }
    if (rc == -2)
        *what = "its definition is left as it is: it is edited all the time";
    return rc == -2 ? -1 : rc;
}

int wg_repair_correct(struct wg_repair *repair, const char **what)
{
    static struct wg_error err;
    int rc = correct(repair, what, &err);

    if (!*what) {
        wg_fail_in(&err, "its definition is left as it is");
        *what = err.text;
    }
    return rc;
}

char *wg_repair_previous(struct wg_repair *repair, const char *stored, bool *edited)
{
    struct wg_error ignored;
    size_t len;
    char *kept = wg_kept_get(repair->uuid, repair->name, stored, edited);
    bool changed = kept && edited && *edited;
    char *previous = kept && repair->engine
                         ? wg_previous(repair->engine, kept, stored, changed, &len, &ignored)
                         : NULL;

    if (!previous && !changed)
        return kept;
    wg_virt_forget(kept);
    return previous;
}

int wg_repair_restore(struct wg_repair *repair, struct wg_error *err)
{
    char *now = wg_virt_stored_xml(repair->virt, repair->uuid, err);
    bool edited = false;
    char *previous = now ? wg_repair_previous(repair, now, &edited) : NULL;
    char *stored = NULL;
    int rc = now ? 0 : -1;

    /* First, for the daemon filter passes what was refused. */
    if (previous && repair->engine)
        wg_kept_refuse(repair->uuid, wg_engine_digest(repair->engine));
    if (previous)
        rc = wg_virt_replace(repair->virt, repair->uuid, now, previous, &stored, err);
    if (rc > 0 && strcmp(stored, now) == 0)
        rc = wg_fail(err, "the daemon filter puts the policy into its previous definition again; "
                          "hint: winguest disable, restart the daemon, then virsh start");
    if (rc > 0)
        wg_kept_forget(repair->uuid);
    else if (previous)
        wg_kept_allow(repair->uuid);
    wg_virt_forget(previous);
    wg_virt_forget(stored);
    wg_virt_forget(now);
    return rc > 0 ? rc + edited : rc;
}
