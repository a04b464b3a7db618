/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The hook's lines in the system's log. libc only. */
#ifndef WG_LOG_H
#define WG_LOG_H

/*
 * Connects to the log, if there is one. Not syslog(3), which opens files and sockets when the first
 * line is there: by then a confined process cannot, and one that crashes must not.
 */
void wg_log_open(void);

/* Sends "winguest[PID]: ", prefix, text and suffix as one line of facility daemon, or drops it.
 * priority is LOG_WARNING and the like. Safe in a signal handler. */
void wg_log(int priority, const char *prefix, const char *text, const char *suffix);

#endif
