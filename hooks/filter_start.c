/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "filter_start.h"
#include "filter_log.h"
#include "filter_memory.h"
#include "filter_real.h"
#include "marks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#define OP "start"

/* A guest about to boot from its stored definition. */
struct boot {
    const struct wg_start *start;
    const char *name;
    char uuid[WG_UUID_SIZE];
    char *old; /* its definition before the policy was put into it; NULL if that was not now */
    bool print_known;
    struct wg_fingerprint print; /* of its definition since, if it is known */
};

int wg_start_unchanged(const struct wg_start *start)
{
    const struct wg_libvirt *libvirt = wg_libvirt();

    switch (start->form) {
    case WG_START_PLAIN:
        if (libvirt->virDomainCreate != NULL)
            return libvirt->virDomainCreate(start->domain);
        break;
    case WG_START_FLAGS:
        if (libvirt->virDomainCreateWithFlags != NULL)
            return libvirt->virDomainCreateWithFlags(start->domain, start->flags);
        break;
    case WG_START_FILES:
        if (libvirt->virDomainCreateWithFiles != NULL)
            return libvirt->virDomainCreateWithFiles(start->domain, start->nfiles, start->files,
                                                     start->flags);
        break;
    }
    return -1;
}

void wg_start_settle(void)
{
    const struct timespec turn = {.tv_nsec = 20 * 1000 * 1000};

    for (int turns = 0; turns < 10; turns++)
        nanosleep(&turn, NULL);
}

/* With its secrets: a definition that is put back without them has lost its passwords. */
static char *read_definition(struct _virDomain *domain)
{
    return wg_libvirt()->virDomainGetXMLDesc(domain,
                                             WG_DOMAIN_XML_INACTIVE | WG_DOMAIN_XML_SECURE);
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

/* What happened in between matters: the engine has taken its time, and nothing was locked. */
static bool replace_definition(const struct boot *boot, const char *old, const char *rewritten)
{
    char *now = read_definition(boot->start->domain);
    bool same = now != NULL && strcmp(now, old) == 0;

    free(now);
    if (!same) {
        wg_filter_log(LOG_NOTICE, boot->name, OP,
                      "its definition changed while the engine looked at it: it is left alone");
        return false;
    }
    if (!redefine(boot->start->domain, rewritten)) {
        wg_filter_log(LOG_WARNING, boot->name, OP,
                      "libvirt refused the definition with the policy, or the client may not "
                      "write it: it starts as it is");
        return false;
    }
    return true;
}

static void take_print(struct boot *boot)
{
    char *now = read_definition(boot->start->domain);

    boot->print_known = now != NULL;
    if (now != NULL)
        boot->print = wg_fingerprint_of(now);
    free(now);
}

static void bring_in_line(struct boot *boot, struct wg_filter_engine *engine)
{
    struct wg_filter_question question = {.op = "define", .name = boot->name,
                                          .log_op = OP, .log_name = boot->name};
    struct wg_filter_answer answer;
    char *old;

    if (wg_filter_paused(engine))
        return;
    old = read_definition(boot->start->domain);
    if (old == NULL) {
        wg_filter_log(LOG_NOTICE, boot->name, OP,
                      "the client may not read its definition with the secrets: it starts as it "
                      "is");
        return;
    }
    question.xml = old;
    wg_filter_ask(engine, &question, &answer);
    if (answer.xml != NULL && replace_definition(boot, old, answer.xml)) {
        boot->old = old;
        old = NULL;
        take_print(boot);
    }
    wg_filter_answer_free(&answer);
    free(old);
}

/*
 * A client's XML without a uuid has been given one by libvirt since; without it there, libvirt
 * would take it for another guest of the same name. Returns @xml, or a new text in its place.
 */
static char *with_uuid(char *xml, const char *uuid)
{
    char element[WG_UUID_SIZE + 16], *root, *end, *text;

    snprintf(element, sizeof(element), "<uuid>%s</uuid>", uuid);
    root = strstr(xml, "<domain");
    end = root == NULL ? NULL : strchr(root, '>');
    if (strstr(xml, "<uuid>") != NULL || end == NULL)
        return xml;
    if (asprintf(&text, "%.*s%s%s", (int)(end + 1 - xml), xml, element, end + 1) < 0)
        return xml;
    free(xml);
    return text;
}

/*
 * Puts the old definition back, unless somebody else has started, undefined or edited the guest
 * meanwhile. Returns NULL when done, else what stood against it.
 */
static const char *put_back(struct boot *boot)
{
    const struct wg_libvirt *libvirt = wg_libvirt();
    struct wg_fingerprint print;
    char *now;

    if (libvirt->virDomainIsActive(boot->start->domain) != 0)
        return "it runs, or is gone";
    now = read_definition(boot->start->domain);
    if (now == NULL)
        return "its definition cannot be read";
    print = wg_fingerprint_of(now);
    free(now);
    if (boot->old == NULL) {
        boot->old = wg_memory_take(boot->uuid, &print);
        if (boot->old != NULL)
            boot->old = with_uuid(boot->old, boot->uuid);
    } else if (boot->print_known && !wg_fingerprint_same(&print, &boot->print)) {
        return "it was changed meanwhile";
    }
    if (boot->old == NULL)
        return "it was changed since it was defined";
    return redefine(boot->start->domain, boot->old) ? NULL : "libvirt refused it";
}

/*
 * Whether the start failed because of the policy cannot be told from its error, so it is tried: a
 * guest that cannot start for another reason fails again, and that error is the client's.
 */
static int start_as_it_was(struct boot *boot)
{
    const struct wg_libvirt *libvirt = wg_libvirt();
    struct _virError *error = libvirt->virSaveLastError();
    const char *obstacle = put_back(boot);
    int rc = -1;

    if (obstacle != NULL) {
        wg_filter_log(LOG_NOTICE, boot->name, OP,
                      "failed with the policy; the definition without it is not put back: %s",
                      obstacle);
        /* where libvirt no longer exports it the client gets a failure without its reason */
        if (error != NULL && libvirt->virSetError != NULL)
            libvirt->virSetError(error);
    } else {
        wg_mark_rolled_back(boot->name);
        wg_start_settle();
        rc = wg_start_unchanged(boot->start);
        wg_take_rolled_back(boot->name);
        wg_filter_log(rc < 0 ? LOG_NOTICE : LOG_WARNING, boot->name, OP,
                      "failed with the policy%s: it is defined without it again%s",
                      rc < 0 ? " and without" : "", rc < 0 ? "" : ", and started");
    }
    if (error != NULL)
        libvirt->virFreeError(error);
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
    if (rc >= 0) {
        if (boot->old != NULL)
            wg_filter_log(LOG_INFO, boot->name, OP, "its definition was brought in line first");
    } else if (boot->old != NULL || wg_memory_has(boot->uuid)) {
        if (atomic_load(&engine->rollback))
            rc = start_as_it_was(boot);
        else
            wg_filter_log(LOG_WARNING, boot->name, OP, "failed with the policy; rollback is off");
    }
    if (rc >= 0)
        wg_memory_forget(boot->uuid);
    free(boot->old);
    errno = saved_errno;
    return rc;
}

int wg_start_with_policy(const struct wg_start *start, struct wg_filter_engine *engine)
{
    const struct wg_libvirt *libvirt = wg_libvirt();
    struct boot boot = {.start = start, .name = libvirt->virDomainGetName(start->domain)};
    int saved_errno = errno;
    int cold = boots_cold(start);

    if (cold > 0 && libvirt->virDomainGetUUIDString(start->domain, boot.uuid) < 0)
        cold = -1;
    if (cold < 0)
        wg_filter_log(LOG_NOTICE, boot.name, OP,
                      "the client may not read its state: it starts as it is");
    errno = saved_errno;
    return cold > 0 ? start_cold(&boot, engine) : wg_start_unchanged(start);
}

void wg_start_may_follow(struct _virDomain *defined, const char *said)
{
    const struct wg_libvirt *libvirt = wg_libvirt();
    struct wg_fingerprint print;
    char uuid[WG_UUID_SIZE];
    char *now = NULL;

    if (libvirt->virDomainGetUUIDString(defined, uuid) == 0) {
        now = said == NULL ? NULL : read_definition(defined);
        if (now != NULL) {
            print = wg_fingerprint_of(now);
            wg_memory_keep(uuid, said, &print);
        } else {
            wg_memory_forget(uuid);
        }
    }
    free(now);
    libvirt->virResetLastError();
}
