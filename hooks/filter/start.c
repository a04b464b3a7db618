/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "start.h"
#include "again.h"
#include "common/hash.h"
#include "common/kept.h"
#include "engine/rewrite/markup.h"
#include "log.h"
#include "real.h"
#include "turn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define OP "start"

/* A guest about to boot from its stored definition. */
struct boot {
    const struct wg_start *start;
    const char *name;
    char uuid[WG_UUID_SIZE];
    struct wg_turn turn;
    char *previous; /* its definition before the policy was put into it, if that was now */
    char *stored; /* with the policy, as libvirt gives it out */
};

int wg_start_unchanged(const struct wg_start *start)
{
    switch (start->form) {
    case WG_START_PLAIN:
        return WG_CALL(-1, virDomainCreate, start->domain);
    case WG_START_FLAGS:
        return WG_CALL(-1, virDomainCreateWithFlags, start->domain, start->flags);
    case WG_START_FILES:
        return WG_CALL(-1, virDomainCreateWithFiles, start->domain, start->nfiles, start->files,
                       start->flags);
    }
    return -1;
}

/* With its secrets: a definition that is put back without them has lost its passwords. */
static char *read_definition(struct _virDomain *domain)
{
    return wg_libvirt()->virDomainGetXMLDesc(domain, WG_DOMAIN_XML_INACTIVE | WG_DOMAIN_XML_SECURE);
}

static bool redefine(struct _virDomain *domain, const char *xml)
{
    const struct wg_libvirt *libvirt = wg_libvirt();
    struct _virConnect *conn = libvirt->virDomainGetConnect(domain);
    struct _virDomain *defined = libvirt->virDomainDefineXMLFlags(conn, xml, 0);

    if (defined == NULL)
        return false;
    libvirt->virDomainFree(defined);
    return true;
}

/*
 * Whether the guest is about to boot from its stored definition: 1, 0 or, if the client may not
 * know, -1. One that runs, or has a saved state to resume, keeps the machine that it has.
 */
static int boots_cold(const struct wg_start *start)
{
    const struct wg_libvirt *libvirt = wg_libvirt();
    int active = libvirt->virDomainIsActive(start->domain);
    int persistent = active == 0 ? libvirt->virDomainIsPersistent(start->domain) : 0;
    int saved = 0;

    if (active < 0 || persistent < 0)
        return -1;
    if (persistent == 0)
        return 0;
    if (start->form == WG_START_PLAIN || (start->flags & WG_DOMAIN_START_FORCE_BOOT) == 0)
        saved = libvirt->virDomainHasManagedSaveImage(start->domain, 0);
    return saved < 0 ? -1 : saved == 0;
}

/* The order of the lines does not count: see struct wg_fingerprint. */
static bool same_definition(const char *a, const char *b)
{
    struct wg_fingerprint of_a = wg_fingerprint_of(a), of_b = wg_fingerprint_of(b);

    return wg_fingerprint_same(&of_a, &of_b);
}

/* Returns NULL when done, else what stood against it. */
static const char *replace_definition(struct _virDomain *domain, const char *stored, const char *by)
{
    char *now = read_definition(domain);
    const char *obstacle = now == NULL ? "the client may not read it, or it is gone"
                           : !same_definition(now, stored) ? "it was changed meanwhile"
                           : !redefine(domain, by)
                               ? "libvirt refuses it, or the client may not write it"
                               : NULL;

    free(now);
    return obstacle;
}

/* Never for a session daemon, whose user could read and write what is kept. */
static void keep(const char *uuid, const char *previous, const char *stored, const char *name,
                 const char *op)
{
    if (geteuid() == 0 && wg_kept_put(uuid, previous, stored) < 0)
        wg_filter_log(LOG_WARNING, name, op,
                      "its previous definition cannot be kept (%s): should it not start under the "
                      "policy, that cannot be restored",
                      strerror(errno));
}

bool wg_start_has_way_back(const char *previous, const char *name, const char *op)
{
    if (geteuid() != 0 || wg_kept_room(previous) == 0)
        return true;
    wg_filter_log(LOG_ERR, name, op,
                  "what it is without the policy cannot be kept in " WG_VARDIR
                  "/kept (%s), should it not start: it goes through unchanged, without the policy; "
                  "hint: make room there",
                  errno == EFBIG ? "it is too large" : strerror(errno));
    return false;
}

static void bring_in_line(struct boot *boot, struct wg_filter_engine *engine)
{
    struct wg_filter_question question = {.op = "define",
                                          .name = boot->name,
                                          .log_op = OP,
                                          .log_name = boot->name};
    struct _virDomain *domain = boot->start->domain;
    struct wg_filter_answer answer;
    const char *obstacle = NULL;
    char *previous;

    if (wg_filter_paused(engine))
        return;
    previous = read_definition(domain);
    if (previous == NULL) {
        wg_filter_log(LOG_NOTICE, boot->name, OP,
                      "the client may not read its definition with the secrets: it starts as it "
                      "is");
        return;
    }
    question.xml = previous;
    wg_filter_ask(engine, &question, &answer);
    if (answer.xml != NULL && atomic_load(&engine->rollback) &&
        !wg_start_has_way_back(previous, boot->name, OP))
        answer.xml = NULL;
    if (answer.xml != NULL)
        obstacle = replace_definition(domain, previous, answer.xml);
    if (answer.xml != NULL && obstacle == NULL) {
        boot->stored = read_definition(domain);
        boot->previous = previous;
        if (boot->stored != NULL && atomic_load(&engine->rollback))
            keep(boot->uuid, previous, boot->stored, boot->name, OP);
    } else {
        if (obstacle != NULL)
            wg_filter_log(LOG_WARNING, boot->name, OP,
                          "its definition cannot be brought in line: %s; it starts as it is",
                          obstacle);
        free(previous);
    }
    wg_filter_answer_free(&answer);
}

/* What the guest is to be again, which somebody may have defined or edited since. Takes now.
 * Returns NULL when done, else what stood against it. */
static const char *take_kept(struct boot *boot, struct wg_filter_engine *engine, char *now)
{
    bool edited = false;
    char *kept = wg_kept_get(boot->uuid, boot->name, now, &edited);
    char *previous = kept == NULL ? NULL : wg_filter_previous(engine, kept, now, edited);
    const char *obstacle = kept == NULL ? "it was changed, and what it was is not kept"
                           : previous == NULL && edited
                               ? "it was changed since it was defined, and has not the policy's "
                                 "values any more, or the engine fails"
                               : NULL;

    free(boot->previous);
    free(boot->stored);
    boot->previous = previous == NULL && !edited ? kept : previous;
    boot->stored = now;
    if (boot->previous != kept)
        free(kept);
    return obstacle;
}

/*
 * Restores the previous definition. Returns NULL when done, else what stood against it. The reason
 * of the shutoff is not asked: a start that fails early leaves that of the time before, and one
 * that a destroy has ended may say "failed" (qemuProcessStop() keeps whichever comes first).
 */
static const char *put_back(struct boot *boot, struct wg_filter_engine *engine)
{
    struct _virDomain *domain = boot->start->domain;
    const char *obstacle = NULL;
    char *now;

    if (wg_turn_lost(&boot->turn))
        return "somebody has stopped it, or waits for it too long";
    if (!wg_again_is_off(domain))
        return "it runs, or is gone";
    now = read_definition(domain);
    if (now == NULL)
        return "the client may not read it, or it is gone";
    if (boot->previous != NULL && boot->stored != NULL && same_definition(now, boot->stored))
        free(now);
    else
        obstacle = take_kept(boot, engine, now);
    return obstacle != NULL ? obstacle : replace_definition(domain, boot->stored, boot->previous);
}

static int start_as_it_was(struct boot *boot, struct wg_again *again)
{
    struct _virDomain *domain = boot->start->domain;
    char *restored = read_definition(domain);
    const char *obstacle;
    int rc = -1;

    while (rc < 0 && wg_again_try(again)) {
        rc = wg_start_unchanged(boot->start);
        if (rc >= 0 && !wg_again_stays_up(domain))
            rc = -1;
    }
    if (rc >= 0) {
        wg_filter_log(LOG_WARNING, boot->name, OP,
                      "failed with the policy: previous definition restored, and started");
    } else {
        obstacle = restored == NULL ? "the client may not read it, or it is gone"
                                    : replace_definition(domain, restored, boot->stored);
        wg_filter_log(obstacle == NULL ? LOG_NOTICE : LOG_WARNING, boot->name, OP,
                      "failed with the policy and without (%d times, libvirt's error %d), or was "
                      "stopped: %s%s",
                      again->tries, again->code,
                      obstacle == NULL ? "its definition has the policy again"
                                       : "previous definition restored, for ",
                      obstacle == NULL ? "" : obstacle);
    }
    free(restored);
    return rc;
}

/*
 * Whether the start failed because of the policy cannot be told from its error, so it is tried. A
 * guest that cannot start for another reason fails again; the client then gets the first error,
 * of the start that it asked for.
 */
static int roll_back(struct boot *boot, struct wg_filter_engine *engine)
{
    struct wg_again again;
    const char *obstacle;
    int rc = -1;

    wg_again_begin(&again, &boot->turn);
    obstacle = put_back(boot, engine);
    if (obstacle == NULL)
        rc = start_as_it_was(boot, &again);
    else
        wg_filter_log(LOG_NOTICE, boot->name, OP,
                      "failed with the policy; the previous definition is not restored: %s",
                      obstacle);
    wg_again_end(&again, rc < 0);
    return rc;
}

static int start_cold(struct boot *boot, struct wg_filter_engine *engine)
{
    int saved_errno = errno;
    int rc;

    bring_in_line(boot, engine);
    errno = saved_errno;
    rc = wg_start_unchanged(boot->start);
    saved_errno = errno;
    if (rc >= 0 && boot->previous != NULL)
        wg_filter_log(LOG_INFO, boot->name, OP, "its definition was brought in line first");
    if (rc < 0 && (boot->previous != NULL || wg_kept_has(boot->uuid))) {
        if (atomic_load(&engine->rollback))
            rc = roll_back(boot, engine);
        else
            wg_filter_log(LOG_WARNING, boot->name, OP, "failed with the policy; rollback is off");
    }
    if (rc >= 0)
        wg_kept_forget(boot->uuid);
    free(boot->previous);
    free(boot->stored);
    errno = saved_errno;
    return rc;
}

static int start_in_turn(struct boot *boot, struct wg_filter_engine *engine)
{
    int saved_errno = errno;
    int cold = boots_cold(boot->start);

    if (cold > 0 && wg_libvirt()->virDomainGetUUIDString(boot->start->domain, boot->uuid) < 0)
        cold = -1;
    if (cold < 0)
        wg_filter_log(LOG_NOTICE, boot->name, OP,
                      "the client may not read its state: it starts as it is");
    errno = saved_errno;
    return cold > 0 ? start_cold(boot, engine) : wg_start_unchanged(boot->start);
}

/* In turn before anything is looked at: a guest that is being started looks active. */
int wg_start_with_policy(const struct wg_start *start, struct wg_filter_engine *engine)
{
    struct boot boot = {.start = start, .name = wg_libvirt()->virDomainGetName(start->domain)};
    int rc;

    if (boot.name == NULL)
        return wg_start_unchanged(start);
    if (!wg_turn_take(&boot.turn, boot.name, true)) {
        wg_filter_log(LOG_ERR, boot.name, OP,
                      "another call on it takes too long: it starts as it is");
        return wg_start_unchanged(start);
    }
    rc = start_in_turn(&boot, engine);
    wg_turn_give(&boot.turn);
    return rc;
}

/*
 * A client's XML may come without a UUID; libvirt has given it one since, and would take it for
 * another guest of the same name. Of two it takes the first (virDomainDefParseIDs).
 */
static char *with_uuid(const char *xml, const char *uuid)
{
    const char *limit = xml + strlen(xml);
    const char *root = wg_markup_root(xml, limit);
    bool empty = true;
    const char *at = root == NULL ? NULL : wg_markup_tag_end(root, limit, &empty);
    char *text;

    if (at == NULL || empty ||
        asprintf(&text, "%.*s<uuid>%s</uuid>%s", (int)(at - xml), xml, uuid, at) < 0)
        return NULL;
    return text;
}

void wg_start_may_follow(struct _virDomain *defined, const char *said)
{
    const struct wg_libvirt *libvirt = wg_libvirt();
    char uuid[WG_UUID_SIZE];
    char *previous = NULL, *now = NULL;

    if (libvirt->virDomainGetUUIDString(defined, uuid) == 0) {
        if (said != NULL) {
            previous = with_uuid(said, uuid);
            now = read_definition(defined);
        }
        if (previous != NULL && now != NULL)
            keep(uuid, previous, now, libvirt->virDomainGetName(defined), "define");
        else
            wg_kept_forget(uuid);
    }
    free(previous);
    free(now);
    libvirt->virResetLastError();
}
