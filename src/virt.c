/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virt.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdlib.h>

struct wg_virt {
    virConnectPtr conn;
};

/* libvirt prints every error on standard error unless it is told otherwise. */
static void keep_quiet(void *unused, virErrorPtr error)
{
    (void)unused;
    (void)error;
}

struct wg_virt *wg_virt_open(const char *uri, bool read_only, struct wg_error *err)
{
    struct wg_virt *virt = calloc(1, sizeof(*virt));

    if (!virt) {
        wg_no_memory(err);
        return NULL;
    }
    if (!uri)
        uri = "qemu:///system";
    virSetErrorFunc(NULL, keep_quiet);
    virt->conn = virConnectOpenAuth(uri, virConnectAuthPtrDefault, read_only ? VIR_CONNECT_RO : 0);
    if (virt->conn)
        return virt;
    wg_fail(err, "%s: %s", uri, virGetLastErrorMessage());
    free(virt);
    return NULL;
}

void wg_virt_close(struct wg_virt *virt)
{
    if (!virt)
        return;
    virConnectClose(virt->conn);
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
    if (guests && *count == (size_t)number)
        return guests;
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
        VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE,
    };
    char *xml = virDomainGetXMLDesc(guest->domain, flags[which]);

    if (!xml)
        failed(err, virDomainGetName(guest->domain));
    return xml;
}

int wg_virt_define(struct wg_virt *virt, const char *xml, struct wg_error *err)
{
    virDomainPtr domain = virDomainDefineXMLFlags(virt->conn, xml, 0);

    if (!domain)
        return failed(err, "define");
    virDomainFree(domain);
    return 0;
}
