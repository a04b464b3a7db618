/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "syslog.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

/* Log daemons cut lines at 8 KiB. */
#define TEXT_MAX 8000

/* RFC 3164's form without the time, which every log daemon puts in by itself. */
void wg_filter_syslog_to(const char *socket_path, int priority, const char *text)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char begin[64];
    struct iovec line[] = {{begin, 0}, {(char *)text, strnlen(text, TEXT_MAX)}};
    struct msghdr message = {.msg_name = &address,
                             .msg_namelen = sizeof(address),
                             .msg_iov = line,
                             .msg_iovlen = 2};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return;
    line[0].iov_len = (size_t)snprintf(begin, sizeof(begin),
                                       "<%d>winguest[%d]: filter: ", LOG_DAEMON | priority,
                                       (int)getpid());
    strncpy(address.sun_path, socket_path, sizeof(address.sun_path) - 1);
    sendmsg(fd, &message, MSG_NOSIGNAL);
    close(fd);
}

void wg_filter_syslog(int priority, const char *text)
{
    wg_filter_syslog_to("/dev/log", priority, text);
}
