/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include "apply.h"
#include "cli.h"
#include "cli_json.h"
#include "options.h"

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

void wg_apply_tell(const struct wg_apply *run, const struct wg_virt_guest *guest,
                   enum wg_applied what, const struct wg_verdict *verdict, const char *why)
{
    wg_applied(run->told, guest->name, guest->uuid, what, guest->active, verdict, why);
}

void wg_apply_say(const struct wg_apply *run, const struct wg_virt_guest *guest, const char *what)
{
    if (run->json)
        return;
    wg_print_escaped(guest->name, stdout);
    printf(": %s\n", what);
}

void wg_apply_complain(struct wg_apply *run, const struct wg_virt_guest *guest, const char *cause)
{
    run->failed++;
    wg_apply_tell(run, guest, WG_NOT_CHANGED, NULL, cause);
    wg_cli_error("apply", "%s: %s", guest->name, cause);
}

bool wg_apply_agreed(const struct wg_apply *run, const char *question)
{
    char answer[16];

    if (run->yes)
        return true;
    if (!isatty(STDIN_FILENO) || run->json || wg_cli_manner()->quiet) {
        wg_cli_error("apply", "%s; --yes does it without asking",
                     isatty(STDIN_FILENO) ? "--quiet and --format json ask nothing"
                                          : "no terminal to ask on");
        return false;
    }
    printf("%s [y/N] ", question);
    fflush(stdout);
    return fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y');
}
