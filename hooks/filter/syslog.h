/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_FILTER_SYSLOG_H
#define WG_FILTER_SYSLOG_H

/*
 * Sends one line to the system's log, as "winguest[PID]: filter: @text" of facility daemon, or
 * drops it where there is no log or its queue is full. @priority is LOG_WARNING and the like.
 *
 * Not by syslog(3): in a process of threads that fork that one is a risk to the daemon. It keeps a
 * lock while it sends, sends for as long as a log daemon that hangs lets it, and libvirt's forked
 * children inherit the lock as it was; and its ident, the daemon's, is for the whole process.
 */
void wg_filter_syslog(int priority, const char *text);

/* The same to another socket, for the test of it. */
void wg_filter_syslog_to(const char *socket_path, int priority, const char *text);

#endif
