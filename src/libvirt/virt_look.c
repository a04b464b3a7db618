/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One guest as it is now. Nothing here changes it. */
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#include "virt_conn.h"

/* VIR_DOMAIN_SHUTOFF_DAEMON, of libvirt 4.10. */
#define SHUTOFF_DAEMON 8

static void read_state(int state, int reason, struct wg_virt_status *status)
{
    switch (state) {
    case VIR_DOMAIN_RUNNING:
        status->state = WG_VIRT_RUNNING;
        status->fresh = reason == VIR_DOMAIN_RUNNING_BOOTED ||
                        reason == VIR_DOMAIN_RUNNING_UNPAUSED;
        break;
    case VIR_DOMAIN_PAUSED:
        status->state = WG_VIRT_PAUSED;
        status->fresh = reason == VIR_DOMAIN_PAUSED_USER || reason == VIR_DOMAIN_PAUSED_STARTING_UP;
        break;
    case VIR_DOMAIN_SHUTOFF:
        status->state = WG_VIRT_OFF;
        status->end = reason == VIR_DOMAIN_SHUTOFF_UNKNOWN     ? WG_VIRT_END_UNKNOWN
                      : reason == VIR_DOMAIN_SHUTOFF_DESTROYED ? WG_VIRT_END_DESTROYED
                      : reason == VIR_DOMAIN_SHUTOFF_FAILED    ? WG_VIRT_END_FAILED
                      : reason == VIR_DOMAIN_SHUTOFF_CRASHED   ? WG_VIRT_END_CRASHED
                      : reason == SHUTOFF_DAEMON               ? WG_VIRT_END_DAEMON
                                                               : WG_VIRT_END_OTHER;
        break;
    default: /* blocked, being shut down, crashed, suspended by itself */
        status->state = WG_VIRT_RUNNING;
    }
}

/* Whether the guest has been migrated away, or is about to be: its memory is over there. */
static int is_migrated(virDomainPtr domain)
{
    virTypedParameterPtr stats = NULL;
    int type, operation = 0, count = 0;

    if (virDomainGetJobStats(domain, &type, &stats, &count,
                             VIR_DOMAIN_JOB_STATS_COMPLETED | VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED) <
        0)
        return -1;
    virTypedParamsGetInt(stats, count, VIR_DOMAIN_JOB_OPERATION, &operation);
    virTypedParamsFree(stats, count);
    return operation == VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT;
}

/* Of an incoming migration libvirt has no statistics. */
static int has_job(virDomainPtr domain)
{
    virDomainJobInfo job;

    if (virDomainGetJobInfo(domain, &job) == 0)
        return job.type != VIR_DOMAIN_JOB_NONE;
    return virGetLastErrorCode() == VIR_ERR_OPERATION_UNSUPPORTED ? 1 : -1;
}

static int read_status(virDomainPtr domain, struct wg_virt_status *status)
{
    int state, reason, persistent, autostart = 0, saved, snapshots, checkpoints;
    int job = 0;

    if (virDomainGetState(domain, &state, &reason, 0) < 0 ||
        (persistent = virDomainIsPersistent(domain)) < 0 ||
        (persistent == 1 && virDomainGetAutostart(domain, &autostart) < 0) ||
        (saved = virDomainHasManagedSaveImage(domain, 0)) < 0 ||
        (snapshots = virDomainSnapshotNum(domain, 0)) < 0 ||
        (checkpoints = virDomainListAllCheckpoints(domain, NULL, 0)) < 0)
        return -1;
    read_state(state, reason, status);
    status->persistent = persistent == 1;
    status->autostart = autostart == 1;
    status->saved = saved == 1;
    status->snapshots = snapshots + checkpoints;
    if (status->state != WG_VIRT_OFF)
        status->id = (int)virDomainGetID(domain);
    if (status->state != WG_VIRT_OFF)
        job = has_job(domain);
    if (job == 0)
        job = is_migrated(domain);
    status->job = job > 0;
    return job;
}

int wg_virt_look(struct wg_virt *virt, const char *uuid, struct wg_virt_status *status,
                 struct wg_error *err)
{
    virDomainPtr domain;
    int rc = 0;

    /* It may end between two of the questions, and then one of them has no answer. */
    for (int tries = 0; tries < 3; tries++) {
        *status = (struct wg_virt_status){.state = WG_VIRT_GONE, .id = -1};
        rc = wg_virt_find(virt, uuid, &domain, err);
        if (rc <= 0)
            return rc;
        rc = read_status(domain, status);
        int code = rc < 0 ? virGetLastErrorCode() : VIR_ERR_OK;
        if (rc >= 0 || (code != VIR_ERR_NO_DOMAIN && code != VIR_ERR_OPERATION_INVALID))
            break;
        virDomainFree(domain);
        domain = NULL;
    }
    return domain ? wg_virt_done(domain, rc, err) : wg_fail(err, "its state changes all the time");
}

/* virDomainMemoryStats waits for its turn and changes nothing. libvirt lets it wait 30 s
 * (QEMU_JOB_WAIT_TIME) at a time. */
int wg_virt_settle(struct wg_virt *virt, const char *uuid, struct wg_error *err)
{
    virDomainMemoryStatStruct stats[VIR_DOMAIN_MEMORY_STAT_NR];
    virDomainPtr domain;
    int code = VIR_ERR_OK;
    int rc = wg_virt_find(virt, uuid, &domain, err);

    if (rc <= 0)
        return rc;
    do {
        rc = virDomainMemoryStats(domain, stats, VIR_DOMAIN_MEMORY_STAT_NR, 0);
        code = rc < 0 ? virGetLastErrorCode() : VIR_ERR_OK;
    } while (code == VIR_ERR_OPERATION_TIMEOUT);
    /* Whatever else it says, it is not running for one, it was its turn. */
    virDomainFree(domain);
    return virConnectIsAlive(virt->conn) == 1 ? 0 : wg_fail(err, "the connection was lost");
}

/* As wg_virt_find(), but a guest that is not there is an error. Returns NULL with *err filled. */
static virDomainPtr need(struct wg_virt *virt, const char *uuid, struct wg_error *err)
{
    virDomainPtr domain = NULL;

    if (wg_virt_find(virt, uuid, &domain, err) == 0)
        wg_fail(err, "there is no such guest any more");
    return domain;
}

char *wg_virt_name(struct wg_virt *virt, const char *uuid)
{
    struct wg_error err;
    virDomainPtr domain = need(virt, uuid, &err);
    char *name = domain ? strdup(virDomainGetName(domain)) : NULL;

    if (domain)
        virDomainFree(domain);
    return name;
}

static char *get_xml(struct wg_virt *virt, const char *uuid, unsigned flags, struct wg_error *err)
{
    virDomainPtr domain = need(virt, uuid, err);
    char *xml = domain ? virDomainGetXMLDesc(domain, flags) : NULL;

    if (domain)
        wg_virt_done(domain, xml ? 0 : -1, err);
    return xml;
}

char *wg_virt_live_xml(struct wg_virt *virt, const char *uuid, struct wg_error *err)
{
    return get_xml(virt, uuid, VIR_DOMAIN_XML_SECURE, err);
}

char *wg_virt_stored_xml(struct wg_virt *virt, const char *uuid, struct wg_error *err)
{
    return get_xml(virt, uuid, WG_VIRT_DEFINITION, err);
}
