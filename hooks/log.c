/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

static int to = -1;
/* "<27>winguest[123]: " by priority: RFC 3164's form without the time, which every log daemon puts
 * in by itself. */
static char begin[LOG_DEBUG + 1][40];

void wg_log_open(void)
{
    static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    /* As long as a log daemon that hangs may hold up a guest's start. Chosen. */
    static const struct timeval patience = {.tv_sec = 1};

    for (int priority = 0; priority <= LOG_DEBUG; priority++)
        snprintf(begin[priority], sizeof(begin[priority]), "<%d>winguest[%d]: ",
                 LOG_DAEMON | priority, (int)getpid());
    to = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (to < 0)
        return;
    setsockopt(to, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(to, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        close(to);
        to = -1;
    }
}

void wg_log(int priority, const char *prefix, const char *text, const char *suffix)
{
    const char *parts[] = {begin[priority], prefix, text, suffix};
    struct iovec line[4];

    for (int i = 0; i < 4; i++)
        line[i] = (struct iovec){(void *)parts[i], strlen(parts[i])};
    /* On a socket of datagrams that is one. What nobody takes is lost, as with syslog(3). */
    ssize_t sent = to < 0 ? 0 : writev(to, line, 4);
    (void)sent;
}
