/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdlib.h>
#include <syslog.h>

#include "repair.h"

void wg_repair_say(const struct wg_repair *repair, int level, const char *format, ...)
{
    char what[sizeof(struct wg_error) + 512], *line;
    const char *name = repair->name;
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    if (asprintf(&line, "repair guest %s%s%suuid %s: %s", name ? "'" : "", name ? name : "",
                 name ? "' " : "", repair->uuid, what) < 0)
        return;
    char *escaped = wg_escaped(line);
    if (escaped) {
        syslog(level, "%s", escaped);
        fprintf(level <= LOG_ERR ? stderr : stdout, "winguest: %s\n", escaped);
        fflush(NULL);
    }
    free(escaped);
    free(line);
}
