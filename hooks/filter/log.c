/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/text.h"

void wg_filter_log(int priority, const char *guest, const char *op, const char *format, ...)
{
    int saved_errno = errno;
    char *line = NULL;
    size_t len;
    FILE *out = open_memstream(&line, &len);
    va_list args;

    if (out != NULL) {
        if (op != NULL) {
            fprintf(out, "%s guest '", op);
            wg_print_value(guest == NULL || *guest == '\0' ? "-" : guest, out);
            fputs("': ", out);
        }
        va_start(args, format);
        vfprintf(out, format, args);
        va_end(args);
        if (fclose(out) == 0)
            wg_log(false, priority, "filter: ", line, "");
        free(line);
    }
    errno = saved_errno;
}
