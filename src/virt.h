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

/* The name of the host at the other end; for the caller to free, NULL with *err filled. */
char *wg_virt_host(struct wg_virt *virt, struct wg_error *err);

/* A domain of a connection, as the host had it when it was asked for. */
struct wg_virt_guest;

/* All domains, running or not; for wg_virt_guests_free. NULL with *err filled. */
struct wg_virt_guest **wg_virt_guests(struct wg_virt *virt, size_t *count, struct wg_error *err);
void wg_virt_guests_free(struct wg_virt_guest **guests, size_t count);

const char *wg_virt_guest_name(const struct wg_virt_guest *guest);
const char *wg_virt_guest_uuid(const struct wg_virt_guest *guest);
bool wg_virt_guest_active(const struct wg_virt_guest *guest);
bool wg_virt_guest_persistent(const struct wg_virt_guest *guest);

enum wg_virt_xml {
    WG_VIRT_LIVE,
    WG_VIRT_INACTIVE,
    WG_VIRT_INACTIVE_SECURE, /* with passwords: the only one that may be defined again */
};

/* The XML as it is now; for the caller to free, NULL with *err filled. */
char *wg_virt_guest_xml(const struct wg_virt_guest *guest, enum wg_virt_xml which,
                        struct wg_error *err);

/* Stores a definition. Returns 0, or -1 with *err filled. */
int wg_virt_define(struct wg_virt *virt, const char *xml, struct wg_error *err);

#endif
