/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Our modules, as the small programs that stand in front of them load them. libc only. */
#ifndef WG_MODULE_H
#define WG_MODULE_H

#include <stdbool.h>

#include "common/text.h"

/*
 * Returns what the module that is installed under that name ("engine.so") exports as symbol, or
 * NULL with *err filled; a module of another version is one of those that cannot be had.
 */
void *wg_module(const char *name, const char *symbol, struct wg_error *err);

/* wg_decide() of the engine module, or a decision that says why that cannot be had. */
void wg_module_decide(const char *operation, const char *guest, int in, int out);

/* What is in every version of the hook, with the version behind it: by that install-hook and status
 * tell that a program is ours. */
#define WG_HOOK_IDENTITY "libvirt-winguest hook"

/* What every module must export, in one of its sources. */
#define WG_MODULE_VERSION \
    __attribute__((visibility("default"))) const char wg_version[] = PACKAGE_VERSION

/* Whether a program or a library is there, but not to its end. */
bool wg_module_is_cut_off(const char *path);

#endif
