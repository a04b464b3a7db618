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
