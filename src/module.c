/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "module.h"

#include <dlfcn.h>
#include <stdio.h>

#define NO_ICU WG_PKGLIBDIR "/noicu.so"

/* Lazily: our modules bind all of their own at once (-z now), but need few of the thousands of
 * functions that the libraries below them bind among themselves. */
static void *load(const char *path)
{
    return dlopen(path, RTLD_LAZY | RTLD_LOCAL);
}

void *wg_module(const char *name, const char *symbol, bool lean)
{
    char path[sizeof(NO_ICU) + 64];
    /* The loader takes what is there under a soname already, whatever it needs it for. */
    void *no_icu = lean ? load(NO_ICU) : NULL;

    snprintf(path, sizeof(path), "%s/%s", WG_PKGLIBDIR, name);
    void *module = load(path);
    if (!module && no_icu) {
        /* A libxml2 that binds more of ICU than the one we were built with gets the real one. */
        dlclose(no_icu);
        module = load(path);
    }
    return module ? dlsym(module, symbol) : NULL;
}
