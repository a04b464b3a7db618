/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libvirt tells of a host, as the engine takes it. */
#ifndef WG_FACTS_H
#define WG_FACTS_H

#include "engine/plan/host.h"
#include "engine/winguest.h"
#include "virt.h"

/*
 * Asks the host at the other end what each of its emulators for x86 gives KVM guests. It is not
 * stamped: wg_facts_stamp. libvirt answers no read-only connection.
 * Returns facts for wg_host_free or wg_engine_use_host, or NULL with *err filled.
 */
struct wg_host *wg_facts_ask(struct wg_virt *virt, struct wg_error *err);

/* Has engine judge for the host at the other end as it answers now. If it does not, this host is
 * judged by the facts that are stored, and of another nothing is known. */
void wg_facts_use(struct wg_engine *engine, struct wg_virt *virt);

/* Notes that the facts are of this host as it is now: its kernel, libvirt and emulators. Returns
 * 0, or -1 with *err filled. */
int wg_facts_stamp(struct wg_host *host, struct wg_error *err);

#endif
