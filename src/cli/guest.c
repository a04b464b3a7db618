/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cli.h"
#include "libvirt/virt.h"
#include "options.h"

static char *definition(const struct wg_virt_guest *guest, bool secure, struct wg_error *err)
{
    return wg_virt_guest_xml(guest,
                             !guest->persistent ? WG_VIRT_LIVE
                             : secure           ? WG_VIRT_INACTIVE_SECURE
                                                : WG_VIRT_INACTIVE,
                             err);
}

char *wg_cli_guest(const char *uri, const char *name, bool secure, struct wg_error *err)
{
    struct wg_virt *virt = wg_virt_open(wg_cli_host(uri), !secure, err);
    size_t count = 0, i = 0;
    struct wg_virt_guest **guests = virt ? wg_virt_guests(virt, &count, err) : NULL;
    char *xml = NULL;

    while (i < count && strcmp(guests[i]->name, name) != 0 &&
           strcasecmp(guests[i]->uuid, name) != 0)
        i++;
    if (i < count)
        xml = definition(guests[i], secure, err);
    else if (guests)
        wg_fail(err, "%s has no such guest", wg_cli_host(uri));
    wg_virt_guests_free(guests, count);
    wg_virt_close(virt);
    return xml;
}
