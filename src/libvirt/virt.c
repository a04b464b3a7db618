/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virt_conn.h"

#include <dlfcn.h>
#include <libvirt/virterror.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECONNECT_SECONDS 60

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
    /* libvirt writes to its socket as to a file: a daemon that hangs up would end us. */
    signal(SIGPIPE, SIG_IGN);
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

int wg_virt_failed(struct wg_error *err, const char *what)
{
    return wg_fail(err, "%s: %s", what, virGetLastErrorMessage());
}

char *wg_virt_host(struct wg_virt *virt, struct wg_error *err)
{
    char *host = virConnectGetHostname(virt->conn);

    if (!host)
        wg_virt_failed(err, "host name");
    return host;
}

bool wg_virt_is_local(struct wg_virt *virt)
{
    WG_FREED *uri = virConnectGetURI(virt->conn);
    const char *rest = uri ? strstr(uri, "://") : NULL;

    return rest && rest[3] == '/' && !strstr(rest, "socket=");
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
        wg_virt_failed(err, "capabilities");
    return xml;
}

char *wg_virt_domain_capabilities(struct wg_virt *virt, const char *emulator, const char *arch,
                                  const char *machine, const char *virttype, struct wg_error *err)
{
    char *xml = virConnectGetDomainCapabilities(virt->conn, emulator, arch, machine, virttype, 0);

    if (!xml)
        wg_virt_failed(err, emulator ? emulator : arch);
    return xml;
}

/* Its id comes with the list: who is asked for each guest's state is asked a thousand times. */
static struct wg_virt_guest *take_guest(virDomainPtr domain)
{
    struct wg_virt_guest *guest = calloc(1, sizeof(*guest));

    if (!guest)
        return NULL;
    guest->domain = domain;
    guest->name = virDomainGetName(domain);
    guest->active = virDomainGetID(domain) != (unsigned)-1;
    guest->persistent = true;
    if (virDomainGetUUIDString(domain, guest->uuid) < 0)
        *guest->uuid = '\0';
    return guest;
}

/* Those that have no definition run, and are few. */
static int mark_transient(struct wg_virt *virt, struct wg_virt_guest **guests, size_t count)
{
    virDomainPtr *domains = NULL;
    int number = virConnectListAllDomains(virt->conn, &domains, VIR_CONNECT_LIST_DOMAINS_TRANSIENT);

    for (int i = 0; i < number; i++) {
        char uuid[VIR_UUID_STRING_BUFLEN] = "";

        virDomainGetUUIDString(domains[i], uuid);
        for (size_t k = 0; k < count; k++) {
            if (strcmp(guests[k]->uuid, uuid) == 0)
                guests[k]->persistent = false;
        }
        virDomainFree(domains[i]);
    }
    free(domains);
    return number < 0 ? -1 : 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct wg_virt_guest *const *)a)->name,
                  (*(struct wg_virt_guest *const *)b)->name);
}

struct wg_virt_guest **wg_virt_guests(struct wg_virt *virt, size_t *count, struct wg_error *err)
{
    virDomainPtr *domains = NULL;
    int number = virConnectListAllDomains(virt->conn, &domains, 0);
    struct wg_virt_guest **guests;

    *count = 0;
    if (number < 0) {
        wg_virt_failed(err, "list of guests");
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
    bool complete = guests && *count == (size_t)number;
    if (complete && mark_transient(virt, guests, *count) == 0) {
        qsort(guests, *count, sizeof(*guests), by_name);
        return guests;
    }
    if (complete)
        wg_virt_failed(err, "list of guests");
    else
        wg_no_memory(err);
    if (guests)
        wg_virt_guests_free(guests, *count);
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

char *wg_virt_guest_xml(const struct wg_virt_guest *guest, enum wg_virt_xml which,
                        struct wg_error *err)
{
    static const unsigned flags[] = {
        0,
        VIR_DOMAIN_XML_INACTIVE,
        WG_VIRT_DEFINITION,
    };
    char *xml = virDomainGetXMLDesc(guest->domain, flags[which]);

    if (!xml)
        wg_virt_failed(err, virDomainGetName(guest->domain));
    return xml;
}

bool wg_virt_guest_gone(const struct wg_virt_guest *guest)
{
    return virDomainIsPersistent(guest->domain) < 0 && virGetLastErrorCode() == VIR_ERR_NO_DOMAIN;
}

int wg_virt_revive(struct wg_virt *virt, struct wg_error *err)
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

int wg_virt_find(struct wg_virt *virt, const char *uuid, virDomainPtr *domain, struct wg_error *err)
{
    if (wg_virt_revive(virt, err) < 0)
        return -1;
    *domain = virDomainLookupByUUIDString(virt->conn, uuid);
    if (*domain)
        return 1;
    if (virGetLastErrorCode() == VIR_ERR_NO_DOMAIN)
        return 0;
    return wg_fail(err, "%s", virGetLastErrorMessage());
}

int wg_virt_done(virDomainPtr domain, int rc, struct wg_error *err)
{
    if (rc < 0)
        wg_fail(err, "%s", virGetLastErrorMessage());
    virDomainFree(domain);
    return rc < 0 ? -1 : 0;
}

void wg_virt_forget(char *xml)
{
    if (xml)
        explicit_bzero(xml, strlen(xml));
    free(xml);
}
