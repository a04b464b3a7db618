/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_CLI_APPLY_H
#define WG_CLI_APPLY_H

#include <json-c/json.h>

#include "choice.h"
#include "engine/winguest.h"
#include "libvirt/virt.h"

/* What became of each guest, for programs: doc/apply.schema.json describes it. */
enum wg_applied {
    WG_IN_LINE, /* there was nothing to change */
    WG_WOULD_CHANGE,
    WG_REDEFINED,
    WG_RESTORED,
    WG_NOT_CHANGED, /* why says why not */
};

/* An apply under way, on a host. */
struct wg_apply {
    const char *uri;
    const char *config;
    struct wg_choice who;
    json_object *told; /* NULL: it is told in lines */
    bool json;
    bool dry;
    bool yes;
    bool undo;
    struct wg_virt *virt;
    struct wg_engine *engine;
    bool recording;
    uint64_t *shown; /* per guest: the digest of the definition that was asked about; 0: none */
    size_t changed;
    size_t v2v; /* of those that are shown: their notes have WG_NOTE_V2V */
    size_t failed;
};

/* apply_say.c. */

/* Adds a guest; without a document, and without memory, it does nothing. active: it runs, and gets
 * it at its next cold boot. verdict and why may be NULL. */
void wg_applied(json_object *guests, const char *name, const char *uuid, enum wg_applied what,
                bool active, const struct wg_verdict *verdict, const char *why);

/* Prints it all, and frees it. Without a document it does nothing. */
void wg_applied_end(json_object *guests, bool dry);

/* To the document, if there is one. */
void wg_apply_tell(const struct wg_apply *run, const struct wg_virt_guest *guest,
                   enum wg_applied what, const struct wg_verdict *verdict, const char *why);

/* On standard output, if there is no document. */
void wg_apply_say(const struct wg_apply *run, const struct wg_virt_guest *guest, const char *what);

/* It failed with this guest. */
void wg_apply_complain(struct wg_apply *run, const struct wg_virt_guest *guest, const char *cause);

/* Whether the operator, or --yes, agrees. */
bool wg_apply_agreed(const struct wg_apply *run, const char *question);

/* apply_undo.c: gives those guests back what the last apply replaced. Returns an exit code. */
int wg_apply_undo(struct wg_apply *run, struct wg_virt_guest **guests, size_t number);

/* apply_offline.c: brings the definitions in libvirt's files in line, of all guests unless some are
 * named. dry: says what it would do. told: gets what became of each, and is ended; NULL: that is
 * told in lines. Returns an exit code. */
int wg_cli_apply_offline(const struct wg_choice *who, const char *config, bool dry,
                         json_object *told);

#endif
