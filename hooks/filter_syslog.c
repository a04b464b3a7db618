/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "filter_syslog.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

/* RFC 3164's form without the time, which every log daemon puts in by itself. */
void wg_filter_syslog_to(const char *socket_path, int priority, const char *text)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char line[1024];
    int len = snprintf(line, sizeof(line), "<%d>winguest[%d]: filter: %s",
                       LOG_DAEMON | priority, (int)getpid(), text);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (len >= (int)sizeof(line))
        len = sizeof(line) - 1;
    if (fd < 0)
        return;
    strncpy(address.sun_path, socket_path, sizeof(address.sun_path) - 1);
    sendto(fd, line, (size_t)len, MSG_NOSIGNAL, (struct sockaddr *)&address, sizeof(address));
    close(fd);
}

void wg_filter_syslog(int priority, const char *text)
{
    wg_filter_syslog_to("/dev/log", priority, text);
}
