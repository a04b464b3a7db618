/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirt's own grammar of a domain, where it is installed. */
#ifndef WG_SCHEMA_H
#define WG_SCHEMA_H

#include "target.h"

/* Whether this host's libvirt knows all that is demanded. Returns 0, also if the grammar is not
 * there, or -1 with *err naming what it does not know. */
int wg_schema_check(const struct wg_target *target, struct wg_error *err);

#endif
