/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirt's own grammar of a domain, where it is installed. */
#ifndef WG_SCHEMA_H
#define WG_SCHEMA_H

#include "target.h"

/* Whether this host's libvirt knows all that is demanded. Where the grammar is not there, must:
 * whether libvirt 7.0, the oldest that we work with, did. Returns 0, or -1 with *err naming what it
 * does not know. */
int wg_schema_check(const struct wg_target *target, bool must, struct wg_error *err);

#endif
