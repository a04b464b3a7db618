/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

int wg_cli_error(const char *verb, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    fprintf(stderr, "winguest: %s%s", verb ? verb : "", verb ? ": " : "");
    wg_print_escaped(text ? text : "out of memory", stderr);
    fputc('\n', stderr);
    free(text);
    return WG_EXIT_ERROR;
}

void wg_cli_broken_pipe(void)
{
    if (errno != EPIPE)
        return;
    signal(SIGPIPE, SIG_DFL);
    raise(SIGPIPE);
}

int wg_cli_flush(const char *verb, int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    wg_cli_broken_pipe();
    return wg_cli_error(verb, "standard output: %s", strerror(errno));
}
