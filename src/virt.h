/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt, for the verbs that need it. src/virt.c is the one file that includes its headers; what
 * it hands out are our own types. Nothing here may be called by the hook: libvirt holds the guest's
 * lock while a hook runs.
 */
#ifndef WG_VIRT_H
#define WG_VIRT_H

#include "text.h"

struct wg_virt;

/* Connects; uri NULL is qemu:///system. Returns a connection to be closed by the caller, or NULL
 * with *err filled. */
struct wg_virt *wg_virt_open(const char *uri, bool read_only, struct wg_error *err);
void wg_virt_close(struct wg_virt *virt);

#endif
