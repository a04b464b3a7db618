/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "filter_log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

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

/*
 * No openlog(): the daemon has its own ident and may be logging to syslog itself, and openlog()
 * is for the whole process. The prefix says whose line it is, whatever ident stands before it.
 */
void wg_filter_log(int priority, const char *guest, const char *op, const char *format, ...)
{
    int saved_errno = errno;
    char name[NAME_MAX_SHOWN];
    char text[512];
    va_list args;

    escape_name(guest == NULL || *guest == '\0' ? "-" : guest, name, sizeof(name));
    va_start(args, format);
    if (vsnprintf(text, sizeof(text), format, args) < 0)
        text[0] = '\0';
    va_end(args);

    if (op == NULL)
        syslog(LOG_DAEMON | priority, "winguest: filter: %s", text);
    else
        syslog(LOG_DAEMON | priority, "winguest: filter: guest '%s': %s: %s", name, op, text);
    errno = saved_errno;
}
