/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "cli.h"

int wg_cli_error(const char *verb, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "winguest: %s%s", verb ? verb : "", verb ? ": " : "");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return WG_EXIT_ERROR;
}

int wg_cli_flush(const char *verb, int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    return wg_cli_error(verb, "standard output: %s", strerror(errno));
}
