/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_START_ERROR_H
#define WG_START_ERROR_H

#include <stdbool.h>

/*
 * Whether a start was ended from outside, for all that libvirt's error says: @code is its number,
 * @text its message or NULL. Somebody's destroy in the middle of a start succeeds, and leaves
 * behind nothing but a start that has failed (qemuDomainDestroyFlags: `starting`), as does a thread
 * of libvirt's that takes the new QEMU for one that has failed before it. QEMU says then that it
 * was ended by a signal, or nothing at all but warnings, behind libvirt's "internal error: process
 * exited while connecting to monitor"; or libvirt says that the guest does not run any more.
 */
bool wg_start_was_ended(int code, const char *text);

#endif
