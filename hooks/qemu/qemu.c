/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt's QEMU hook: the front. libvirt waits for it several times per start with the guest's
 * lock held, so it links libc only and loads the engine when there is something to decide.
 * Whatever happens in the engine, a fault of ours must not keep a guest from starting.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/io.h"
#include "common/marks.h"
#include "engine/module.h"
#include "hook.h"

static const char identity[] __attribute__((used)) = WG_HOOK_IDENTITY " " PACKAGE_VERSION;

static int is(const struct wg_hook_call *call, const char *operation)
{
    return strcmp(call->operation, operation) == 0;
}

static int usage(void)
{
    puts("Usage: qemu GUEST OPERATION SUB-OPERATION EXTRA < domain.xml\n\n"
         "libvirt's QEMU hook of libvirt-winguest; libvirt runs it. See winguest --help.");
    return 0;
}

int main(int argc, char **argv)
{
    wg_hold_standard_descriptors();
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0))
        return usage();
    if (argc < 4 || strcmp(argv[3], "begin") != 0) {
        if (argc >= 3 && strcmp(argv[2], "stopped") == 0)
            wg_take(WG_SETTLED, argv[1]);
        if (argc >= 3 && strcmp(argv[2], "release") == 0)
            wg_act_on_release(argv[1]);
        return 0;
    }
    struct wg_hook_call call = {.guest = argv[1], .operation = argv[2]};
    if (is(&call, "started"))
        wg_mark_started(call.guest);
    if (is(&call, "prepare"))
        wg_take(WG_SETTLED, call.guest);
    else if (is(&call, "started") ? wg_take(WG_SETTLED, call.guest)
                                  : !is(&call, "define") && !is(&call, "create") &&
                                        !is(&call, "migrate") && !is(&call, "restore"))
        return 0;
    return wg_hook_answer(&call);
}
