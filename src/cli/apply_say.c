/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include "apply.h"
#include "cli.h"
#include "options.h"

void wg_apply_tell(const struct wg_apply *run, const struct wg_virt_guest *guest,
                   enum wg_applied what, const struct wg_verdict *verdict, const char *why)
{
    wg_applied(run->told, wg_virt_guest_name(guest), wg_virt_guest_uuid(guest), what,
               wg_virt_guest_active(guest), verdict, why);
}

void wg_apply_say(const struct wg_apply *run, const struct wg_virt_guest *guest, const char *what)
{
    if (run->json)
        return;
    wg_print_escaped(wg_virt_guest_name(guest), stdout);
    printf(": %s\n", what);
}

void wg_apply_complain(struct wg_apply *run, const struct wg_virt_guest *guest, const char *cause)
{
    run->failed++;
    wg_apply_tell(run, guest, WG_NOT_CHANGED, NULL, cause);
    wg_cli_error("apply", "%s: %s", wg_virt_guest_name(guest), cause);
}

bool wg_apply_agreed(const struct wg_apply *run, const char *question)
{
    char answer[16];

    if (run->yes)
        return true;
    if (!isatty(STDIN_FILENO) || run->json || wg_cli_manner()->quiet) {
        wg_cli_error("apply", "%s; --yes does it without asking",
                     isatty(STDIN_FILENO) ? "--quiet and --format json ask nothing"
                                          : "no terminal to ask on");
        return false;
    }
    printf("%s [y/N] ", question);
    fflush(stdout);
    return fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y');
}
