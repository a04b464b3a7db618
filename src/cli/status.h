/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_CLI_STATUS_H
#define WG_CLI_STATUS_H

#include <sys/stat.h>

#include "common/text.h"
#include "engine/winguest.h"

enum wg_level { WG_LEVEL_OK, WG_LEVEL_WARNING, WG_LEVEL_FAILURE };

enum wg_status_form { WG_STATUS_SILENT, WG_STATUS_TEXT, WG_STATUS_JSON };

/* One thing that is looked at, and the worst that was found; what NULL: none. */
struct wg_status_check {
    const char *what;
    enum wg_level level;
};

struct wg_status {
    enum wg_status_form form;
    size_t said;
    enum wg_level worst;
    struct wg_status_check check[16]; /* there are fourteen kinds */
    /* what the checks leave for each other */
    struct wg_settings settings;
    const char *hook; /* where it is; NULL: it is not there */
    int daemons;
    int with_filter;
    struct stat hook_file;
};

/* Prints a line of the report: of what was looked at, and how it is. */
void wg_status_say(struct wg_status *status, enum wg_level level, const char *what,
                   const char *format, ...) WG_PRINTF(4, 5);

/* All but the guests. */
void wg_status_checks(struct wg_status *status);

/* The daemons that run, and the services that start them. */
void wg_status_daemons(struct wg_status *status);

/* The zone of the daemon that is that process. */
void wg_status_zone(struct wg_status *status, const char *pid, const char *daemon);

/* label: SELinux' of that daemon. Says where the policy keeps it from running the hook, which
 * libvirt looks at the mode of alone. */
void wg_status_selinux(struct wg_status *status, const char *daemon, const char *label);

struct wg_status_guests {
    size_t windows;
    size_t wait; /* run against the policy, and are defined by it */
    size_t violate; /* are defined against it, or run so if they are transient */
    size_t unknown;
    size_t failed;
};

/* status_guests.c, in the module that has libvirt: counts those of qemu:///system. Returns 0, or -1
 * with *err filled. */
typedef int wg_status_guests_fn(struct wg_status_guests *guests, struct wg_error *err);
__attribute__((visibility("default"))) wg_status_guests_fn wg_status_guests;

#endif
