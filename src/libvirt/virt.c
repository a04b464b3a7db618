/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virt.h"

#include <dlfcn.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECONNECT_SECONDS 60
/* VIR_DOMAIN_UNDEFINE_KEEP_TPM, which libvirt before 8.9 does not know. */
#define KEEP_TPM (1u << 6)
#define SECURE_DEFINITION (VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE)

struct wg_virt {
    virConnectPtr conn;
    char *uri;
    bool read_only;
};

/* libvirt prints every error on standard error unless it is told otherwise. */
static void keep_quiet(void *unused, virErrorPtr error)
{
    (void)unused;
    (void)error;
}

static int connect_to(struct wg_virt *virt, struct wg_error *err)
{
    virt->conn = virConnectOpenAuth(virt->uri, virConnectAuthPtrDefault,
                                    virt->read_only ? VIR_CONNECT_RO : 0);
    return virt->conn ? 0 : wg_fail(err, "%s: %s", virt->uri, virGetLastErrorMessage());
}

struct wg_virt *wg_virt_open(const char *uri, bool read_only, struct wg_error *err)
{
    struct wg_virt *virt = calloc(1, sizeof(*virt));

    if (virt)
        virt->uri = strdup(uri ? uri : "qemu:///system");
    if (!virt || !virt->uri) {
        free(virt);
        wg_no_memory(err);
        return NULL;
    }
    virt->read_only = read_only;
    virSetErrorFunc(NULL, keep_quiet);
    if (connect_to(virt, err) == 0)
        return virt;
    wg_virt_close(virt);
    return NULL;
}

void wg_virt_close(struct wg_virt *virt)
{
    if (!virt)
        return;
    if (virt->conn)
        virConnectClose(virt->conn);
    free(virt->uri);
    free(virt);
}

static int failed(struct wg_error *err, const char *what)
{
    return wg_fail(err, "%s: %s", what, virGetLastErrorMessage());
}

char *wg_virt_host(struct wg_virt *virt, struct wg_error *err)
{
    char *host = virConnectGetHostname(virt->conn);

    if (!host)
        failed(err, "host name");
    return host;
}

bool wg_virt_is_local(struct wg_virt *virt)
{
    char *uri = virConnectGetURI(virt->conn);
    const char *rest = uri ? strstr(uri, "://") : NULL;
    bool local = rest && rest[3] == '/' && !strstr(rest, "socket=");

    free(uri);
    return local;
}

char *wg_virt_library(void)
{
    Dl_info info;

    if (!dladdr((void *)virGetVersion, &info) || !info.dli_fname)
        return NULL;
    return realpath(info.dli_fname, NULL);
}

char *wg_virt_capabilities(struct wg_virt *virt, struct wg_error *err)
{
    char *xml = virConnectGetCapabilities(virt->conn);

    if (!xml)
        failed(err, "capabilities");
    return xml;
}

char *wg_virt_domain_capabilities(struct wg_virt *virt, const char *emulator, const char *arch,
                                  const char *machine, const char *virttype,
                                  struct wg_error *err)
{
    char *xml = virConnectGetDomainCapabilities(virt->conn, emulator, arch, machine, virttype, 0);

    if (!xml)
        failed(err, emulator ? emulator : arch);
    return xml;
}

struct wg_virt_guest {
    virDomainPtr domain;
    char uuid[VIR_UUID_STRING_BUFLEN];
    bool active;
    bool persistent;
};

static struct wg_virt_guest *take_guest(virDomainPtr domain)
{
    struct wg_virt_guest *guest = calloc(1, sizeof(*guest));

    if (!guest)
        return NULL;
    guest->domain = domain;
    guest->active = virDomainIsActive(domain) == 1;
    guest->persistent = virDomainIsPersistent(domain) == 1;
    if (virDomainGetUUIDString(domain, guest->uuid) < 0)
        *guest->uuid = '\0';
    return guest;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(wg_virt_guest_name(*(struct wg_virt_guest *const *)a),
                  wg_virt_guest_name(*(struct wg_virt_guest *const *)b));
}

struct wg_virt_guest **wg_virt_guests(struct wg_virt *virt, size_t *count, struct wg_error *err)
{
    virDomainPtr *domains = NULL;
    int number = virConnectListAllDomains(virt->conn, &domains, 0);
    struct wg_virt_guest **guests;

    *count = 0;
    if (number < 0) {
        failed(err, "list of guests");
        return NULL;
    }
    guests = calloc((size_t)number + 1, sizeof(*guests));
    for (int i = 0; i < number; i++) {
        struct wg_virt_guest *guest = guests ? take_guest(domains[i]) : NULL;

        if (guest)
            guests[(*count)++] = guest;
        else
            virDomainFree(domains[i]);
    }
    free(domains);
    if (guests && *count == (size_t)number) {
        qsort(guests, *count, sizeof(*guests), by_name);
        return guests;
    }
    wg_virt_guests_free(guests, *count);
    wg_no_memory(err);
    return NULL;
}

void wg_virt_guests_free(struct wg_virt_guest **guests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        virDomainFree(guests[i]->domain);
        free(guests[i]);
    }
    free(guests);
}

const char *wg_virt_guest_name(const struct wg_virt_guest *guest)
{
    return virDomainGetName(guest->domain);
}

const char *wg_virt_guest_uuid(const struct wg_virt_guest *guest)
{
    return guest->uuid;
}

bool wg_virt_guest_active(const struct wg_virt_guest *guest)
{
    return guest->active;
}

bool wg_virt_guest_persistent(const struct wg_virt_guest *guest)
{
    return guest->persistent;
}

char *wg_virt_guest_xml(const struct wg_virt_guest *guest, enum wg_virt_xml which,
                        struct wg_error *err)
{
    static const unsigned flags[] = {
        0,
        VIR_DOMAIN_XML_INACTIVE,
        SECURE_DEFINITION,
    };
    char *xml = virDomainGetXMLDesc(guest->domain, flags[which]);

    if (!xml)
        failed(err, virDomainGetName(guest->domain));
    return xml;
}

bool wg_virt_guest_gone(const struct wg_virt_guest *guest)
{
    return virDomainIsPersistent(guest->domain) < 0 && virGetLastErrorCode() == VIR_ERR_NO_DOMAIN;
}

/* Sees to it that the connection lives. */
static int revive(struct wg_virt *virt, struct wg_error *err)
{
    unsigned long version;

    /* A call, because nobody listens in between: virConnectIsAlive learns of an end from calls. */
    if (virt->conn && virConnectGetLibVersion(virt->conn, &version) == 0)
        return 0;
    if (virt->conn)
        virConnectClose(virt->conn);
    for (int tries = RECONNECT_SECONDS * 2; connect_to(virt, err) < 0; tries--) {
        if (tries == 0)
            return -1;
        usleep(500000);
    }
    return 0;
}

static int take_domain(virDomainPtr domain, const char *what, struct wg_error *err)
{
    if (!domain)
        return failed(err, what);
    virDomainFree(domain);
    return 0;
}

int wg_virt_define(struct wg_virt *virt, const char *xml, struct wg_error *err)
{
    return revive(virt, err) < 0
               ? -1
               : take_domain(virDomainDefineXMLFlags(virt->conn, xml, 0), "define", err);
}

/* 1 and *domain, to be freed by the caller; 0 if there is none; -1. */
static int find(struct wg_virt *virt, const char *uuid, virDomainPtr *domain, struct wg_error *err)
{
    if (revive(virt, err) < 0)
        return -1;
    *domain = virDomainLookupByUUIDString(virt->conn, uuid);
    if (*domain)
        return 1;
    if (virGetLastErrorCode() == VIR_ERR_NO_DOMAIN)
        return 0;
    return wg_fail(err, "%s", virGetLastErrorMessage());
}

/* As find(), but a guest that is not there is an error. Returns NULL with *err filled. */
static virDomainPtr need(struct wg_virt *virt, const char *uuid, struct wg_error *err)
{
    virDomainPtr domain = NULL;

    if (find(virt, uuid, &domain, err) == 0)
        wg_fail(err, "there is no such guest any more");
    return domain;
}

/* rc of a call of libvirt's: negative is an error. */
static int done(virDomainPtr domain, int rc, struct wg_error *err)
{
    if (rc < 0)
        wg_fail(err, "%s", virGetLastErrorMessage());
    virDomainFree(domain);
    return rc < 0 ? -1 : 0;
}

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
        status->fresh = reason == VIR_DOMAIN_PAUSED_USER ||
                       reason == VIR_DOMAIN_PAUSED_STARTING_UP;
        break;
    case VIR_DOMAIN_SHUTOFF:
        status->state = WG_VIRT_OFF;
        status->end = reason == VIR_DOMAIN_SHUTOFF_UNKNOWN     ? WG_VIRT_END_UNKNOWN
                      : reason == VIR_DOMAIN_SHUTOFF_DESTROYED ? WG_VIRT_END_DESTROYED
                      : reason == VIR_DOMAIN_SHUTOFF_FAILED    ? WG_VIRT_END_FAILED
                      : reason == VIR_DOMAIN_SHUTOFF_CRASHED   ? WG_VIRT_END_CRASHED
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
                             VIR_DOMAIN_JOB_STATS_COMPLETED |
                                 VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED) < 0)
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
    int state, reason, persistent, saved, snapshots, checkpoints;
    int job = 0;

    if (virDomainGetState(domain, &state, &reason, 0) < 0 ||
        (persistent = virDomainIsPersistent(domain)) < 0 ||
        (saved = virDomainHasManagedSaveImage(domain, 0)) < 0 ||
        (snapshots = virDomainSnapshotNum(domain, 0)) < 0 ||
        (checkpoints = virDomainListAllCheckpoints(domain, NULL, 0)) < 0)
        return -1;
    read_state(state, reason, status);
    status->persistent = persistent == 1;
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
        rc = find(virt, uuid, &domain, err);
        if (rc <= 0)
            return rc;
        rc = read_status(domain, status);
        int code = rc < 0 ? virGetLastErrorCode() : VIR_ERR_OK;
        if (rc >= 0 || (code != VIR_ERR_NO_DOMAIN && code != VIR_ERR_OPERATION_INVALID))
            break;
        virDomainFree(domain);
        domain = NULL;
    }
    return domain ? done(domain, rc, err) : wg_fail(err, "its state changes all the time");
}

/* virDomainMemoryStats waits for its turn and changes nothing. libvirt lets it wait 30 s
 * (QEMU_JOB_WAIT_TIME) at a time. */
int wg_virt_settle(struct wg_virt *virt, const char *uuid, struct wg_error *err)
{
    virDomainMemoryStatStruct stats[VIR_DOMAIN_MEMORY_STAT_NR];
    virDomainPtr domain;
    int code = VIR_ERR_OK;
    int rc = find(virt, uuid, &domain, err);

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

char *wg_virt_name(struct wg_virt *virt, const char *uuid)
{
    struct wg_error err;
    virDomainPtr domain = need(virt, uuid, &err);
    char *name = domain ? strdup(virDomainGetName(domain)) : NULL;

    if (domain)
        virDomainFree(domain);
    return name;
}

void wg_virt_forget(char *xml)
{
    if (xml)
        explicit_bzero(xml, strlen(xml));
    free(xml);
}

static char *get_xml(struct wg_virt *virt, const char *uuid, unsigned flags, struct wg_error *err)
{
    virDomainPtr domain = need(virt, uuid, err);
    char *xml = domain ? virDomainGetXMLDesc(domain, flags) : NULL;

    if (domain)
        done(domain, xml ? 0 : -1, err);
    return xml;
}

char *wg_virt_live_xml(struct wg_virt *virt, const char *uuid, struct wg_error *err)
{
    return get_xml(virt, uuid, VIR_DOMAIN_XML_SECURE, err);
}

char *wg_virt_stored_xml(struct wg_virt *virt, const char *uuid, struct wg_error *err)
{
    return get_xml(virt, uuid, SECURE_DEFINITION, err);
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
    char *now = virDomainGetXMLDesc(domain, SECURE_DEFINITION);
    bool same = now && strcmp(now, ours) == 0;
    wg_virt_forget(now);
    if (!same)
        return false;
    return virDomainUndefineFlags(domain, VIR_DOMAIN_UNDEFINE_KEEP_NVRAM | KEEP_TPM) == 0 ||
           virDomainUndefineFlags(domain, VIR_DOMAIN_UNDEFINE_KEEP_NVRAM) == 0;
}

/* As wg_virt_replace, all on one connection: a daemon that was restarted in between knows the end of
 * no guest any more. */
static int replace(virDomainPtr domain, const char *seen, const char *xml, char **stored,
                   struct wg_error *err)
{
    int state, reason;
    char *now = virDomainGetXMLDesc(domain, SECURE_DEFINITION);
    bool same = now && strcmp(now, seen) == 0;

    wg_virt_forget(now);
    if (now && !same)
        return 0;
    if (!now || virDomainGetState(domain, &state, &reason, 0) < 0)
        return virGetLastErrorCode() == VIR_ERR_NO_DOMAIN ? 0 : failed(err, "definition");
    bool known = state != VIR_DOMAIN_SHUTOFF || reason != VIR_DOMAIN_SHUTOFF_UNKNOWN;
    if (virDomainIsPersistent(domain) != 1)
        return 0;
    virDomainPtr defined = virDomainDefineXMLFlags(virDomainGetConnect(domain), xml, 0);
    if (!defined)
        return failed(err, "libvirt refuses the definition");
    *stored = virDomainGetXMLDesc(defined, SECURE_DEFINITION);
    int rc = *stored ? !known || !made_again(defined, *stored) : failed(err, "definition");
    virDomainFree(defined);
    return rc;
}

int wg_virt_replace(struct wg_virt *virt, const char *uuid, const char *seen, const char *xml,
                    char **stored, struct wg_error *err)
{
    virDomainPtr domain = NULL;
    int rc = find(virt, uuid, &domain, err);

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
    int rc = find(virt, uuid, &domain, err);

    if (rc <= 0)
        return rc;
    /* Not that of another boot: libvirt looks a guest up by its UUID. */
    if ((int)virDomainGetID(domain) != id)
        rc = 0;
    else if (virDomainDestroy(domain) < 0)
        rc = is_others(virGetLastErrorCode()) ? 0 : -1;
    return done(domain, rc, err) < 0 ? -1 : rc;
}

/*
 * Whether a start was ended by a signal. Somebody's destroy in the middle of a start succeeds, and
 * leaves behind nothing but a start that has failed (qemuDomainDestroyFlags: `starting`): its QEMU
 * says so itself, or nothing at all, behind libvirt's "internal error: process exited while connecting
 * to monitor"; or libvirt that the guest does not run any more.
 */
static bool was_ended(const virError *error)
{
    const char *text = error->message ? error->message : "";
    const char *detail = strstr(text, ": ");

    if (strstr(text, "terminating on signal") || strstr(text, "domain is not running") ||
        strstr(text, "unexpectedly quit"))
        return true;
    return error->code == VIR_ERR_INTERNAL_ERROR && strstr(text, "monitor") &&
           (!detail || !strstr(detail + 2, ": "));
}

enum wg_virt_started wg_virt_start(struct wg_virt *virt, const char *uuid, struct wg_error *err)
{
    enum wg_virt_started started = WG_VIRT_STARTED;
    virDomainPtr domain = NULL;
    int rc = find(virt, uuid, &domain, err);

    if (rc <= 0)
        return WG_VIRT_FAILED;
    if (virDomainCreateWithFlags(domain, 0) < 0) {
        const virError *error = virGetLastError();

        wg_fail(err, "%s", virGetLastErrorMessage());
        started = error && was_ended(error) ? WG_VIRT_ENDED : WG_VIRT_FAILED;
    }
    virDomainFree(domain);
    return started;
}
