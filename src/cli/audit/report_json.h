/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_REPORT_JSON_H
#define WG_REPORT_JSON_H

#include <json-c/json.h>

#include "audit.h"

/* What the JSON says of a guest, for json_object_put; NULL if there is no memory. */
json_object *wg_finding_json(const struct wg_source *source, const struct wg_finding *finding);

#endif
