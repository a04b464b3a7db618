/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "start_error.h"

#include <string.h>

/* VIR_ERR_INTERNAL_ERROR of libvirt/virterror.h. */
#define INTERNAL_ERROR 1

bool wg_start_was_ended(int code, const char *text)
{
    const char *detail;

    if (!text)
        text = "";
    if (strstr(text, "terminating on signal") || strstr(text, "domain is not running") ||
        strstr(text, "domain is no longer running") || strstr(text, "unexpectedly quit") ||
        strstr(text, "Unable to read from monitor") || strstr(text, "Unable to write to monitor"))
        return true;
    detail = strstr(text, "monitor");
    if (code != INTERNAL_ERROR || !detail)
        return false;
    for (detail += strcspn(detail, ":\n"); *detail; detail += strcspn(detail, "\n")) {
        detail += strspn(detail, ":\n ");
        size_t len = strcspn(detail, "\n");
        if (len > 0 && !memmem(detail, len, ": warning: ", 11) &&
            !memmem(detail, len, ": info: ", 8))
            return false;
    }
    return true;
}
