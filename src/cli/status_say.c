/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>

#include "cli.h"
#include "status.h"

void wg_status_say(struct wg_status *status, enum wg_level level, const char *what,
                   const char *format, ...)
{
    static const char *const words[] = {"ok", "warning", "failure"};
    char text[2048];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (level > status->worst)
        status->worst = level;
    if (status->json) {
        printf("%s\n  {\"check\": \"%s\", \"level\": \"%s\", \"text\": ", status->first ? "" : ",",
               what, words[level]);
        wg_cli_json(text);
        putchar('}');
    } else {
        printf("%-8s %s: ", words[level], what);
        wg_print_escaped(text, stdout);
        putchar('\n');
    }
    status->first = false;
}
