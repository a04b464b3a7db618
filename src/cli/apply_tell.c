/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apply_tell.h"

#include "cli.h"
#include "cli_json.h"

json_object *wg_applied_begin(void)
{
    return json_object_new_array();
}

void wg_applied(json_object *guests, const char *name, const char *uuid, enum wg_applied what,
                bool active, const struct wg_verdict *verdict, const char *why)
{
    static const char *const words[] = {"in line", "would change", "redefined", "restored",
                                        "not changed"};
    json_object *guest = guests ? json_object_new_object() : NULL;

    if (!guest)
        return;
    json_object_object_add(guest, "name", wg_json_text(name));
    json_object_object_add(guest, "uuid", wg_json_text(uuid));
    json_object_object_add(guest, "result", json_object_new_string(words[what]));
    json_object_object_add(guest, "active", json_object_new_boolean(active));
    json_object_object_add(guest, "why", wg_json_text(why));
    json_object_object_add(guest, "verdict",
                           verdict ? json_object_new_string(wg_outcome_text(verdict->outcome))
                                   : NULL);
    json_object_object_add(guest, "differences",
                           verdict ? wg_json_differences(verdict) : json_object_new_array());
    json_object_array_add(guests, guest);
}

void wg_applied_end(json_object *guests, bool dry)
{
    json_object *document = guests ? json_object_new_object() : NULL;

    if (!document)
        return;
    json_object_object_add(document, "version", json_object_new_int(1));
    json_object_object_add(document, "dry_run", json_object_new_boolean(dry));
    json_object_object_add(document, "guests", guests);
    wg_json_print(document, stdout);
    putchar('\n');
}
