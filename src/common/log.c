/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

/* Log daemons cut lines at 8 KiB. */
#define TEXT_MAX 8000

void wg_log_to(const char *path, bool patient, int priority, const char *prefix, const char *text,
               const char *suffix)
{
    /* As long as a log daemon that hangs may hold up a guest's start. Chosen. */
    static const struct timeval patience = {.tv_sec = 1};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    /* RFC 3164's form without the time, which every log daemon puts in by itself. */
    char begin[40];
    struct iovec line[] = {{begin, 0},
                           {(char *)prefix, strlen(prefix)},
                           {(char *)text, strnlen(text, TEXT_MAX)},
                           {(char *)suffix, strlen(suffix)}};
    struct msghdr message = {.msg_name = &address,
                             .msg_namelen = sizeof(address),
                             .msg_iov = line,
                             .msg_iovlen = 4};
    int to = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | (patient ? 0 : SOCK_NONBLOCK), 0);

    if (to < 0)
        return;
    line[0].iov_len = (size_t)snprintf(begin, sizeof(begin),
                                       "<%d>winguest[%d]: ", LOG_DAEMON | priority, (int)getpid());
    strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    setsockopt(to, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    /* On a socket of datagrams that is one. What nobody takes is lost, as with syslog(3). */
    sendmsg(to, &message, MSG_NOSIGNAL);
    close(to);
}

void wg_log(bool patient, int priority, const char *prefix, const char *text, const char *suffix)
{
    wg_log_to("/dev/log", patient, priority, prefix, text, suffix);
}
