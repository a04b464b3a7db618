/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdlib.h>
#include <syslog.h>

#include "repair.h"

static void print_line(const struct wg_repair *repair, const char *what, FILE *out)
{
    fputs("repair guest ", out);
    if (repair->name) {
        fputc('\'', out);
        wg_print_escaped(repair->name, out);
        fputs("' ", out);
    }
    fprintf(out, "uuid %s: ", repair->uuid);
    wg_print_escaped(what, out);
}

void wg_repair_say(const struct wg_repair *repair, int level, const char *format, ...)
{
    char what[sizeof(struct wg_error) + 512];
    char *line = NULL;
    size_t len;
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    FILE *out = open_memstream(&line, &len);
    if (!out)
        return;
    print_line(repair, what, out);
    if (fclose(out) == 0) {
        syslog(level, "%s", line);
        fprintf(level <= LOG_ERR ? stderr : stdout, "winguest: %s\n", line);
        fflush(NULL);
    }
    free(line);
}
