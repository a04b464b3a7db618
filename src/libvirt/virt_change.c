/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All that changes a guest: its definition, its end, its start. */
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#include "common/start_error.h"
#include "virt_conn.h"

/* VIR_DOMAIN_UNDEFINE_KEEP_TPM, which libvirt before 8.9 does not know. */
#define KEEP_TPM (1u << 6)

static int take_domain(virDomainPtr domain, const char *what, struct wg_error *err)
{
    if (!domain)
        return wg_virt_failed(err, what);
    virDomainFree(domain);
    return 0;
}

int wg_virt_define(struct wg_virt *virt, const char *xml, struct wg_error *err)
{
    return wg_virt_revive(virt, err) < 0
               ? -1
               : take_domain(virDomainDefineXMLFlags(virt->conn, xml, 0), "define", err);
}

/* A definition that libvirt has just made, and not replaced, knows of no end (virDomainObjNew); so
 * its owner had undefined the guest in the meantime, and has not defined it since if it is as we
 * have stored it. Returns whether it was so, and the definition is gone again. */
static bool made_again(virDomainPtr domain, const char *ours)
{
    int state, reason;

    if (virDomainGetState(domain, &state, &reason, 0) < 0 || state != VIR_DOMAIN_SHUTOFF ||
        reason != VIR_DOMAIN_SHUTOFF_UNKNOWN)
        return false;
    char *now = virDomainGetXMLDesc(domain, WG_VIRT_DEFINITION);
    bool same = now && strcmp(now, ours) == 0;
    wg_virt_forget(now);
    if (!same)
        return false;
    return virDomainUndefineFlags(domain, VIR_DOMAIN_UNDEFINE_KEEP_NVRAM | KEEP_TPM) == 0 ||
           virDomainUndefineFlags(domain, VIR_DOMAIN_UNDEFINE_KEEP_NVRAM) == 0;
}

/* As wg_virt_replace, all on one connection: a daemon that was restarted in between knows the end
 * of no guest any more. */
static int replace(virDomainPtr domain, const char *seen, const char *xml, char **stored,
                   struct wg_error *err)
{
    int state, reason;
    char *now = virDomainGetXMLDesc(domain, WG_VIRT_DEFINITION);
    bool same = now && strcmp(now, seen) == 0;

    wg_virt_forget(now);
    if (now && !same)
        return 0;
    if (!now || virDomainGetState(domain, &state, &reason, 0) < 0)
        return virGetLastErrorCode() == VIR_ERR_NO_DOMAIN ? 0 : wg_virt_failed(err, "definition");
    bool known = state != VIR_DOMAIN_SHUTOFF || reason != VIR_DOMAIN_SHUTOFF_UNKNOWN;
    if (virDomainIsPersistent(domain) != 1)
        return 0;
    virDomainPtr defined = virDomainDefineXMLFlags(virDomainGetConnect(domain), xml, 0);
    if (!defined)
        return wg_virt_failed(err, "libvirt refuses the definition");
    *stored = virDomainGetXMLDesc(defined, WG_VIRT_DEFINITION);
    int rc = *stored ? !known || !made_again(defined, *stored) : wg_virt_failed(err, "definition");
    virDomainFree(defined);
    return rc;
}

int wg_virt_replace(struct wg_virt *virt, const char *uuid, const char *seen, const char *xml,
                    char **stored, struct wg_error *err)
{
    virDomainPtr domain = NULL;
    int rc = wg_virt_find(virt, uuid, &domain, err);

    *stored = NULL;
    if (rc <= 0)
        return rc;
    rc = replace(domain, seen, xml, stored, err);
    virDomainFree(domain);
    if (rc < 1) {
        wg_virt_forget(*stored);
        *stored = NULL;
    }
    return rc;
}

/* What libvirt says of a guest that is not there, or not as it would have to be for a call. */
static bool is_others(int code)
{
    return code == VIR_ERR_NO_DOMAIN || code == VIR_ERR_OPERATION_INVALID;
}

int wg_virt_destroy(struct wg_virt *virt, const char *uuid, int id, struct wg_error *err)
{
    virDomainPtr domain = NULL;
    int rc = wg_virt_find(virt, uuid, &domain, err);

    if (rc <= 0)
        return rc;
    /* Not that of another boot: libvirt looks a guest up by its UUID. */
    if ((int)virDomainGetID(domain) != id)
        rc = 0;
    else if (virDomainDestroy(domain) < 0)
        rc = is_others(virGetLastErrorCode()) ? 0 : -1;
    return wg_virt_done(domain, rc, err) < 0 ? -1 : rc;
}

enum wg_virt_started wg_virt_start(struct wg_virt *virt, const char *uuid, struct wg_error *err)
{
    enum wg_virt_started started = WG_VIRT_STARTED;
    virDomainPtr domain = NULL;
    int rc = wg_virt_find(virt, uuid, &domain, err);

    if (rc <= 0)
        return WG_VIRT_FAILED;
    if (virDomainCreateWithFlags(domain, 0) < 0) {
        const virError *error = virGetLastError();

        wg_fail(err, "%s", virGetLastErrorMessage());
        started = error && wg_start_was_ended(error->code, error->message) ? WG_VIRT_ENDED
                                                                           : WG_VIRT_FAILED;
    }
    virDomainFree(domain);
    return started;
}
