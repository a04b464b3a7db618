/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_FILTER_LOG_H
#define WG_FILTER_LOG_H

/*
 * Writes one line to the system's log: "winguest[PID]: filter: OP guest 'NAME': ...", as the engine
 * writes "winguest[PID]: OP guest 'NAME' ...". @priority is LOG_WARNING and the like; @guest may be
 * NULL or anything a tenant made up: what is not printable is escaped and what is long is cut.
 * With @op NULL the line is about no guest. Never waits; keeps errno.
 */
void wg_filter_log(int priority, const char *guest, const char *op, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
