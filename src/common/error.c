/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

int wg_fail(struct wg_error *err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    err->no_memory = false;
    return -1;
}

int wg_fail_in(struct wg_error *err, const char *format, ...)
{
    struct wg_error cause = *err;
    char context[sizeof(err->text) / 2];
    va_list args;

    va_start(args, format);
    vsnprintf(context, sizeof(context), format, args);
    va_end(args);
    snprintf(err->text, sizeof(err->text), "%s: %.*s", context,
             (int)(sizeof(err->text) - sizeof(context) - 3), cause.text);
    return -1;
}

int wg_no_memory(struct wg_error *err)
{
    wg_fail(err, "out of memory");
    err->no_memory = true;
    return -1;
}
