/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CPU features by the keys of the configuration, cpu.NAME = POLICY in libvirt's words: for those
 * few that break Windows. */
#ifndef WG_FEATURE_H
#define WG_FEATURE_H

#include <stdbool.h>

#include "common/error.h"

/* Whether the key is of that form. */
bool wg_feature_is_key(const char *key);

/* Whether libvirt takes the value there; "" is none. Returns 0, or -1 with *err filled. */
int wg_feature_check(const char *value, struct wg_error *err);

/* Whether this host's libvirt has a feature of the key's name, where its list of them is to be had:
 * it refuses others when a guest is started. Returns 0, or -1 with *err filled. */
int wg_feature_known(const char *key, struct wg_error *err);

#endif
