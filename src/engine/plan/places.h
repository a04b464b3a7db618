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

#endif
