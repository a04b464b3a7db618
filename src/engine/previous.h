/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest that does not start under the policy is to be defined as again. */
#ifndef WG_PREVIOUS_H
#define WG_PREVIOUS_H

#include "winguest.h"

/*
 * kept is what the guest was defined as before the policy was put into it, now what it is defined
 * as. Gives kept, with the identity that the guest has. If it was edited since, gives
 * now, but with the clock and the enlightenments of kept, and that only if they are as the policy
 * made them: whatever its owner has edited stays. Returns a document for the caller to free, or
 * NULL with *err filled.
 */
char *wg_previous(struct wg_engine *engine, const char *kept, const char *now, bool edited,
                  size_t *len, struct wg_error *err);

#endif
