/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <string.h>

#include "cli.h"
#include "status.h"
#include "terminal.h"

static void count(struct wg_status *status, enum wg_level level, const char *what)
{
    struct wg_status_check *check = status->check;

    while (check->what && strcmp(check->what, what) != 0)
        check++;
    check->what = what;
    if (level > check->level)
        check->level = level;
    if (level > status->worst)
        status->worst = level;
}

void wg_status_say(struct wg_status *status, enum wg_level level, const char *what,
                   const char *format, ...)
{
    static const char *const words[] = {"ok", "warning", "failure"};
    char text[2048];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    count(status, level, what);
    if (status->form == WG_STATUS_JSON) {
        printf("%s\n  {\"check\": \"%s\", \"level\": \"%s\", \"text\": ", status->said++ ? "," : "",
               what, words[level]);
        wg_cli_json(text);
        putchar('}');
    } else if (status->form == WG_STATUS_TEXT) {
        static const char *const colours[] = {WG_GREEN, WG_YELLOW, WG_RED};

        wg_print_coloured(colours[level], words[level], stdout);
        printf("%*s %s: ", 8 - (int)strlen(words[level]), "", what);
        wg_print_escaped(text, stdout);
        putchar('\n');
    }
}
