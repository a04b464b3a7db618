/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine that a guest of this host really runs on, by how its QEMU was started. */
#ifndef WG_MACHINE_H
#define WG_MACHINE_H

#include "common/text.h"

/*
 * What libvirt says of a running guest, put right by the arguments of its QEMU where they say
 * something else of clock, timers or enlightenments: <qemu:commandline> may, and so may a QEMU that
 * was started before its definition was edited. name and uuid: libvirt's of the guest; xml: its
 * live XML. Returns a text for the caller to free, or NULL: the process cannot be seen, or there is
 * no memory.
 */
char *wg_machine_xml(const char *name, const char *uuid, const char *xml);

#endif
