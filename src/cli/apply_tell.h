/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What became of each guest, for programs: doc/apply.schema.json describes it. */
#ifndef WG_CLI_APPLY_TELL_H
#define WG_CLI_APPLY_TELL_H

#include <json-c/json.h>

#include "engine/winguest.h"

enum wg_applied {
    WG_IN_LINE, /* there was nothing to change */
    WG_WOULD_CHANGE,
    WG_REDEFINED,
    WG_RESTORED,
    WG_NOT_CHANGED, /* why says why not */
};

/* Begins the document: an array of guests. NULL if there is no memory. */
json_object *wg_applied_begin(void);

/* Adds a guest; without a document, and without memory, it does nothing. active: it runs, and gets
 * it at its next cold boot. verdict and why may be NULL. */
void wg_applied(json_object *guests, const char *name, const char *uuid, enum wg_applied what,
                bool active, const struct wg_verdict *verdict, const char *why);

/* Prints it all, and frees it. Without a document it does nothing. */
void wg_applied_end(json_object *guests, bool dry);

#endif
