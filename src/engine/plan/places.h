/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The attributes of timers and enlightenments that libvirt has, by the keys of the configuration:
 * "timer.rtc.tickpolicy". */
#ifndef WG_PLACES_H
#define WG_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

/* Whether this version knows it; unknown: or it may be one of a later libvirt. */
bool wg_place_is_known(const char *key, bool unknown);

/* Whether libvirt takes the value there; "" is none. Returns 0, or -1 with *err filled. */
int wg_place_check(const char *key, const char *value, struct wg_error *err);

/* All that this version knows, a blank before each. */
void wg_place_words(char *text, size_t size);

/* CPU features, cpu.NAME = POLICY in libvirt's words: for those few that break Windows. */

/* Whether the key is of that form. */
bool wg_feature_is_key(const char *key);

/* Whether libvirt takes the value there; "" is none. Returns 0, or -1 with *err filled. */
int wg_feature_check(const char *value, struct wg_error *err);

/* Whether this host's libvirt has a feature of the key's name, where its list of them is to be had:
 * it refuses others when a guest is started. Returns 0, or -1 with *err filled. */
int wg_feature_known(const char *key, struct wg_error *err);

#endif
