/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

void wg_log(int priority, const char *prefix, const char *text, const char *suffix)
{
    static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    /* As long as a log daemon that hangs may hold up a guest's start. Chosen. */
    static const struct timeval patience = {.tv_sec = 1};
    /* RFC 3164's form without the time, which every log daemon puts in by itself. */
    char begin[40];
    const char *parts[] = {begin, prefix, text, suffix};
    struct iovec line[4];
    int to = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (to < 0)
        return;
    snprintf(begin, sizeof(begin), "<%d>winguest[%d]: ", LOG_DAEMON | priority, (int)getpid());
    for (int i = 0; i < 4; i++)
        line[i] = (struct iovec){(void *)parts[i], strlen(parts[i])};
    setsockopt(to, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    /* On a socket of datagrams that is one. What nobody takes is lost, as with syslog(3). */
    if (connect(to, (const struct sockaddr *)&address, sizeof(address)) == 0) {
        ssize_t sent = writev(to, line, 4);
        (void)sent;
    }
    close(to);
}
