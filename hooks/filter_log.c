/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "filter_log.h"
#include "filter_syslog.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* A byte takes up to four in the log ("\x1b"); libvirt's own names are rarely over 64. */
#define NAME_MAX_SHOWN 128

/* One line a guest must stay one line, and a terminal that shows the log must not be steered. */
static void escape_name(const char *name, char *out, size_t size)
{
    size_t used = 0;

    for (; *name != '\0' && used + 5 < size; name++) {
        unsigned char c = *name;

        if (c < 0x20 || c == 0x7f || c == '\'' || c == '\\')
            used += snprintf(out + used, size - used, "\\x%02x", c);
        else
            out[used++] = c;
    }
    out[used] = '\0';
}

void wg_filter_log(int priority, const char *guest, const char *op, const char *format, ...)
{
    int saved_errno = errno;
    char name[NAME_MAX_SHOWN], text[512], line[800];
    va_list args;

    escape_name(guest == NULL || *guest == '\0' ? "-" : guest, name, sizeof(name));
    va_start(args, format);
    if (vsnprintf(text, sizeof(text), format, args) < 0)
        text[0] = '\0';
    va_end(args);

    if (op == NULL)
        snprintf(line, sizeof(line), "%s", text);
    else
        snprintf(line, sizeof(line), "%s guest '%s': %s", op, name, text);
    wg_filter_syslog(priority, line);
    errno = saved_errno;
}
