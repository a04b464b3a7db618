/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The hook's lines in the system's log. libc only. */
#ifndef WG_LOG_H
#define WG_LOG_H

/*
 * Sends "winguest[PID]: ", prefix, text and suffix as one line of facility daemon, or drops it.
 * priority is LOG_WARNING and the like. Not syslog(3), which waits for ever for a log daemon that
 * hangs.
 */
void wg_log(int priority, const char *prefix, const char *text, const char *suffix);

#endif
