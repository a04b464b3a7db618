/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "filter_start.h"
#include "filter_log.h"
#include "filter_real.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define OP "start"

/* What was done to a stored definition before its start. */
struct change {
    char *old; /* as it was before */
    char *stored; /* as libvirt gives it back after */
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

/* FNV-1a, 64 bit: offset basis and prime are those of its authors. */
static uint64_t line_hash(const char *line, size_t len)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)line[i]) * 0x100000001b3;
    return hash;
}

static uint64_t lines_hash(const char *text)
{
    uint64_t sum = 0;

    while (*text != '\0') {
        size_t len = strcspn(text, "\n");

        sum += line_hash(text, len);
        text += len + (text[len] == '\n');
    }
    return sum;
}

bool wg_same_lines(const char *a, const char *b)
{
    return strlen(a) == strlen(b) && lines_hash(a) == lines_hash(b);
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
static bool replace_definition(struct _virDomain *domain, const char *name, const char *old,
                               const char *rewritten)
{
    char *now = read_definition(domain);
    bool same = now != NULL && strcmp(now, old) == 0;

    free(now);
    if (!same) {
        wg_filter_log(LOG_NOTICE, name, OP,
                      "its definition changed while the engine looked at it: it is left alone");
        return false;
    }
    if (!redefine(domain, rewritten)) {
        wg_filter_log(LOG_WARNING, name, OP,
                      "libvirt refused the definition with the policy, or the client may not "
                      "write it: it starts as it is");
        return false;
    }
    return true;
}

static bool bring_in_line(const struct wg_start *start, struct wg_filter_engine *engine,
                          const char *name, struct change *change)
{
    struct wg_filter_question question = {.op = "define", .name = name,
                                          .log_op = OP, .log_name = name};
    char *rewritten;
    bool changed = false;
    int cold = wg_filter_paused(engine) ? 0 : boots_cold(start);

    if (cold == 0)
        return false;
    if (cold > 0)
        change->old = read_definition(start->domain);
    if (change->old == NULL) {
        wg_filter_log(LOG_NOTICE, name, OP,
                      "the client may not read its %s: it starts as it is",
                      cold < 0 ? "state" : "definition with the secrets");
        return false;
    }
    question.xml = change->old;
    rewritten = wg_filter_ask(engine, &question);
    if (rewritten != NULL && replace_definition(start->domain, name, change->old, rewritten)) {
        changed = true;
        change->stored = read_definition(start->domain);
    }
    free(rewritten);
    return changed;
}

/*
 * Puts the old definition back, unless somebody else has started, undefined or edited the guest
 * meanwhile. Returns NULL when done, else what stood against it.
 */
static const char *put_back(struct _virDomain *domain, const struct change *change)
{
    const struct wg_libvirt *libvirt = wg_libvirt();
    char *now;
    bool same;

    if (libvirt->virDomainIsActive(domain) != 0)
        return "it runs, or is gone";
    now = read_definition(domain);
    same = now != NULL && (change->stored == NULL || wg_same_lines(now, change->stored));
    free(now);
    if (!same)
        return "its definition was changed meanwhile";
    return redefine(domain, change->old) ? NULL : "libvirt refused it";
}

/*
 * Whether the start failed because of the policy cannot be told from its error, so it is tried: a
 * guest that cannot start for another reason fails again, and that error is the client's.
 */
static int start_as_it_was(const struct wg_start *start, const char *name,
                           const struct change *change)
{
    const struct wg_libvirt *libvirt = wg_libvirt();
    struct _virError *error = libvirt->virSaveLastError();
    const char *obstacle = put_back(start->domain, change);
    int rc = -1;

    if (obstacle != NULL) {
        wg_filter_log(LOG_NOTICE, name, OP,
                      "failed with the policy; the definition of before is not put back: %s",
                      obstacle);
        /* where libvirt no longer exports it the client gets a failure without its reason */
        if (error != NULL && libvirt->virSetError != NULL)
            libvirt->virSetError(error);
    } else {
        rc = wg_start_unchanged(start);
        wg_filter_log(LOG_WARNING, name, OP,
                      rc < 0 ? "failed with the policy and without: its definition is as before"
                             : "failed with the policy: its definition is as before, and with that "
                               "it started");
    }
    if (error != NULL)
        libvirt->virFreeError(error);
    return rc;
}

int wg_start_with_policy(const struct wg_start *start, struct wg_filter_engine *engine)
{
    struct change change = {0};
    const char *name = wg_libvirt()->virDomainGetName(start->domain);
    int saved_errno = errno;
    bool changed = bring_in_line(start, engine, name, &change);
    int rc;

    errno = saved_errno;
    rc = wg_start_unchanged(start);
    saved_errno = errno;
    if (rc < 0 && changed) {
        if (wg_filter_get_settings(engine).rollback)
            rc = start_as_it_was(start, name, &change);
        else
            wg_filter_log(LOG_WARNING, name, OP, "failed with the policy; rollback is off");
    } else if (changed) {
        wg_filter_log(LOG_INFO, name, OP, "its definition was brought in line first");
    }
    free(change.old);
    free(change.stored);
    errno = saved_errno;
    return rc;
}
