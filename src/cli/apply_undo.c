/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apply.h"
#include "cli.h"
#include "stored.h"
#include "undo.h"

/* Under the daemon filter the old definition has been rewritten on its way. */
static void check_undone(struct wg_apply *run, const struct wg_virt_guest *guest,
                         const char *before)
{
    struct wg_error err;
    char *after = wg_virt_guest_xml(guest, WG_VIRT_INACTIVE_SECURE, &err);

    if (!after)
        wg_apply_complain(run, guest, err.text);
    else if (strcmp(after, before) == 0)
        wg_apply_complain(run, guest,
                          "the daemon filter brought its old definition in line at once; hint: "
                          "winguest disable, and restart the daemon");
    else {
        wg_apply_tell(run, guest, WG_RESTORED, NULL, NULL);
        wg_apply_say(run, guest, "previous definition restored");
        wg_undo_forget(guest->uuid);
    }
    wg_virt_forget(after);
}

/* What was corrected offline is known by the bytes of its file: libvirt writes that anew only when
 * somebody changes the definition. */
static bool file_is_sealed(const struct wg_virt_guest *guest)
{
    char file[NAME_MAX + 1];
    struct wg_stored stored;
    struct wg_error unused;
    WG_CLOSED dir = wg_stored_open(&unused);
    bool sealed = false;

    snprintf(file, sizeof(file), "%s.xml", guest->name);
    if (dir >= 0 && wg_stored_read(dir, file, &stored, &unused) == 0) {
        sealed = wg_undo_is_sealed(guest->uuid, stored.text);
        wg_stored_close(&stored);
    }
    return sealed;
}

static void undo_guest(struct wg_apply *run, const struct wg_virt_guest *guest)
{
    const char *uuid = guest->uuid;
    struct wg_error err;
    char *now = wg_virt_guest_xml(guest, WG_VIRT_INACTIVE_SECURE, &err);
    char *old = now ? wg_undo_find(uuid, &err) : NULL;

    if (!now || (!old && *err.text))
        wg_apply_complain(run, guest, err.text);
    else if (old && !wg_undo_is_sealed(uuid, now) && !file_is_sealed(guest))
        wg_apply_complain(run, guest, "its definition was changed since, it is left alone");
    else if (old && wg_virt_define(run->virt, old, &err) < 0)
        wg_apply_complain(run, guest, err.text);
    else if (old)
        check_undone(run, guest, now);
    wg_virt_forget(old);
    wg_virt_forget(now);
}

int wg_apply_undo(struct wg_apply *run, struct wg_virt_guest **guests, size_t number)
{
    if (!wg_apply_agreed(run, "Define again what the last apply replaced?"))
        return WG_EXIT_ERROR;
    for (size_t i = 0; i < number; i++) {
        if (guests[i]->persistent)
            undo_guest(run, guests[i]);
    }
    return WG_EXIT_OK;
}
