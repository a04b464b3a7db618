/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Our modules, as the small programs that stand in front of them load them. libc only. */
#ifndef WG_MODULE_H
#define WG_MODULE_H

#include <stdbool.h>

/*
 * Returns what the module that is installed under that name ("engine.so") exports as symbol; NULL
 * with dlerror() telling why. lean: libxml2 is loaded without ICU, where that can be; not for a
 * process that loads libraries other than the engine's.
 */
void *wg_module(const char *name, const char *symbol, bool lean);

#endif
