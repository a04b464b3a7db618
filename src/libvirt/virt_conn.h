/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of virt.h share. */
#ifndef WG_VIRT_CONN_H
#define WG_VIRT_CONN_H

#include <libvirt/libvirt.h>

#include "virt.h"

#define WG_VIRT_DEFINITION (VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE)

struct wg_virt {
    virConnectPtr conn;
    char *uri;
    bool read_only;
};

/* Fills *err with libvirt's last error behind what. Returns -1. */
int wg_virt_failed(struct wg_error *err, const char *what);

/* Sees to it that the connection lives, trying for up to a minute. Returns 0, or -1 with *err
 * filled. */
int wg_virt_revive(struct wg_virt *virt, struct wg_error *err);

/* Connects anew if need be. Returns 1 and *domain, to be freed by the caller; 0 if there is none;
 * -1 with *err filled. */
int wg_virt_find(struct wg_virt *virt, const char *uuid, virDomainPtr *domain,
                 struct wg_error *err);

/* Frees domain after a call of libvirt's that returned rc. Returns 0, or -1 with *err filled. */
int wg_virt_done(virDomainPtr domain, int rc, struct wg_error *err);

#endif
