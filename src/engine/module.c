/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "module.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decide.h"
#include "decision.h"

/* The table of sections is at its end. */
bool wg_module_is_cut_off(const char *path)
{
    ElfW(Ehdr) head;
    struct stat st;
    WG_CLOSED fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
           read(fd, &head, sizeof(head)) == (ssize_t)sizeof(head) &&
           memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 &&
           head.e_shoff + (ElfW(Off))head.e_shnum * head.e_shentsize > (ElfW(Off))st.st_size;
}

void *wg_module(const char *name, const char *symbol, struct wg_error *err)
{
    char path[sizeof(WG_PKGLIBDIR) + 64];
    void *found = NULL;

    snprintf(path, sizeof(path), "%s/%s", WG_PKGLIBDIR, name);
    /* To map half a library is to die of it. */
    if (wg_module_is_cut_off(path)) {
        wg_fail(err, "%s: it is cut off; hint: reinstall libvirt-winguest", path);
        return NULL;
    }
    /* Lazily: our modules bind all of their own at once (-z now), but need few of the thousands of
     * functions that the libraries below them bind among themselves. */
    void *module = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    const char *version = module ? dlsym(module, "wg_version") : NULL;
    if (version && strcmp(version, PACKAGE_VERSION) != 0)
        wg_fail(err,
                "%s is version %s, and this is version " PACKAGE_VERSION "; hint: reinstall "
                "libvirt-winguest, its parts belong together",
                path, version);
    else if (!version || !(found = dlsym(module, symbol)))
        wg_fail(err, "%s; hint: install that part of libvirt-winguest anew", dlerror());
    return found;
}

void wg_module_decide(const char *operation, const char *guest, int in, int out)
{
    struct wg_error err;
    wg_decide_fn *decide;

    *(void **)&decide = wg_module("engine.so", WG_DECIDE, &err);
    if (decide) {
        decide(operation, guest, in, out);
        return;
    }
    wg_decision_begin(out, NULL);
    wg_decision_write(out, &(struct wg_decision){.failed = true, .text = err.text});
}
