/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hook's and filter's lines in the system's log. libc only. */
#ifndef WG_LOG_H
#define WG_LOG_H

#include <stdbool.h>

/*
 * Sends "winguest[PID]: ", prefix, text and suffix as one line of facility daemon, or drops it.
 * priority is LOG_WARNING and the like; patient: it waits up to a second for a log daemon whose
 * queue is full.
 *
 * Not by syslog(3), which waits for ever for a log daemon that hangs. In a process of threads that
 * fork that one is a risk to the daemon: it keeps a lock while it sends, and libvirt's forked
 * children inherit the lock as it was; and its ident, the daemon's, is for the whole process.
 */
void wg_log(bool patient, int priority, const char *prefix, const char *text, const char *suffix);

/* The same to another socket, for the test of it. */
void wg_log_to(const char *path, bool patient, int priority, const char *prefix, const char *text,
               const char *suffix);

#endif
