/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_CLI_STATUS_H
#define WG_CLI_STATUS_H

#include "common/text.h"

struct wg_status_guests {
    size_t windows;
    size_t wait; /* run against the policy, and are defined by it */
    size_t violate; /* are defined against it, or run so if they are transient */
    size_t unknown;
    size_t failed;
};

/* status_guests.c, in the module that has libvirt: counts those of qemu:///system. Returns 0, or -1
 * with *err filled. */
typedef int wg_status_guests_fn(struct wg_status_guests *guests, struct wg_error *err);
__attribute__((visibility("default"))) wg_status_guests_fn wg_status_guests;

#endif
