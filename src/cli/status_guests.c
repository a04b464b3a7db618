/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "libvirt/facts.h"
#include "libvirt/virt.h"
#include "status.h"

/* WG_UNKNOWN, …; -1: it could not be judged. */
static int judge(struct wg_engine *engine, const struct wg_virt_guest *guest,
                 enum wg_virt_xml which, bool *windows)
{
    struct wg_error err;
    char *xml = wg_virt_guest_xml(guest, which, &err);
    struct wg_verdict *verdict = xml ? wg_evaluate(engine, xml, strlen(xml), 0, &err) : NULL;
    int outcome = verdict ? (int)verdict->outcome : -1;

    *windows = verdict && verdict->os == WG_OS_WINDOWS;
    wg_verdict_free(verdict);
    wg_virt_forget(xml);
    return outcome;
}

static void count(struct wg_engine *engine, const struct wg_virt_guest *guest,
                  struct wg_status_guests *guests)
{
    bool windows, ignored;
    bool stored = guest->persistent;
    int outcome = judge(engine, guest, stored ? WG_VIRT_INACTIVE : WG_VIRT_LIVE, &windows);

    if (outcome < 0)
        guests->failed += !wg_virt_guest_gone(guest);
    guests->unknown += outcome == WG_UNKNOWN;
    guests->windows += windows;
    if (!windows)
        return;
    if (outcome == WG_VIOLATES)
        guests->violate++;
    else if (stored && guest->active && judge(engine, guest, WG_VIRT_LIVE, &ignored) == WG_VIOLATES)
        guests->wait++;
}

int wg_status_guests(struct wg_status_guests *guests, struct wg_error *err)
{
    struct wg_virt *virt = wg_virt_open(NULL, true, err);
    struct wg_engine *engine = virt ? wg_engine_open(NULL, NULL, err) : NULL;
    size_t number = 0;
    struct wg_virt_guest **all = engine ? wg_virt_guests(virt, &number, err) : NULL;

    for (size_t i = 0; i < number; i++)
        count(engine, all[i], guests);
    wg_virt_guests_free(all, number);
    wg_engine_close(engine);
    wg_virt_close(virt);
    return all ? 0 : -1;
}
