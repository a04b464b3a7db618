/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "real.h"
#include "log.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define OUR_NAME "libwinguest-filter.so"

static pthread_once_t looked_up = PTHREAD_ONCE_INIT;
static struct wg_libvirt libvirt;
static bool works;

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

static bool is_daemon_name(const char *name)
{
    return strcmp(name, "libvirtd") == 0 || strcmp(name, "virtqemud") == 0;
}

/*
 * Preloaded into a whole service, into its wrapper script or by ld.so.preload into everything, the
 * library finds itself in programs that are none of its business. The executable's name counts, and
 * that of the call, for a wrapper may have renamed the executable (".libvirtd-wrapped").
 */
static bool in_daemon(void)
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (len > 0) {
        path[len] = '\0';
        if (is_daemon_name(base_name(path)))
            return true;
    }
    return is_daemon_name(program_invocation_short_name);
}

/* RTLD_NEXT takes a symbol's default version; libvirt has never had a second one of any. */
static const char *look_up_all(void)
{
    const char *missing = NULL;

#define LOOK_UP(name) \
    libvirt.name = (__typeof__(libvirt.name))dlsym(RTLD_NEXT, #name); \
    if (libvirt.name == NULL) \
        missing = #name;
    WG_LIBVIRT_IN_FRONT_OF(LOOK_UP)
    WG_LIBVIRT_CALLED(LOOK_UP)
#undef LOOK_UP
    libvirt.virSetError = (__typeof__(libvirt.virSetError))dlsym(RTLD_NEXT, "virSetError");
    return missing;
}

static void look_up(void)
{
    int saved_errno = errno;
    const char *missing = look_up_all();

    works = in_daemon() && missing == NULL;
    if (in_daemon() && missing != NULL)
        wg_filter_log(LOG_ERR, NULL, NULL,
                      "this libvirt has no %s: the filter is off, every guest goes through as its "
                      "client says",
                      missing);
    errno = saved_errno;
}

const struct wg_libvirt *wg_libvirt(void)
{
    pthread_once(&looked_up, look_up);
    return &libvirt;
}

bool wg_filter_works(void)
{
    pthread_once(&looked_up, look_up);
    return works;
}

bool wg_preload_without_us(char *preload)
{
    char *in = preload, *out = preload;

    while (*in != '\0') {
        size_t separators = strspn(in, ": ");
        size_t len = strcspn(in + separators, ": ");
        char *entry = in + separators;
        bool ours;
        char after = entry[len];

        entry[len] = '\0';
        ours = len == 0 || strcmp(base_name(entry), OUR_NAME) == 0;
        entry[len] = after;
        in = entry + len;
        if (ours)
            continue;
        if (out > preload)
            *out++ = ':';
        memmove(out, entry, len);
        out += len;
    }
    *out = '\0';
    return out > preload;
}

/*
 * Libvirt hands LD_PRELOAD on to QEMU and to the hooks, which must not have this library in them.
 * The environment can only be changed safely now, while the process has one thread.
 */
static void leave_environment(void)
{
    const char *preload = getenv("LD_PRELOAD");
    char *rest = preload == NULL ? NULL : strdup(preload);

    if (rest == NULL)
        return;
    if (wg_preload_without_us(rest))
        setenv("LD_PRELOAD", rest, 1);
    else
        unsetenv("LD_PRELOAD");
    free(rest);
}

/* In other programs not even the functions are looked up: libvirt may come later, by dlopen(). */
__attribute__((constructor)) static void loaded(void)
{
    if (!in_daemon())
        return;
    leave_environment();
    wg_libvirt();
}
