/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libvirt's daemons have loaded, know and will make of it. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemons.h"
#include "dropin.h"
#include "status.h"

/* AppArmor's profile or SELinux' context of the daemon, where there is one. */
static void look_at_label(struct wg_status *status, const char *pid, const char *daemon)
{
    char path[64], label[256] = "";

    snprintf(path, sizeof(path), "/proc/%.20s/attr/current", pid);
    FILE *file = fopen(path, "re");
    if (file && fgets(label, sizeof(label), file))
        label[strcspn(label, "\n")] = '\0';
    if (file)
        fclose(file);
    if (!*label)
        return;
    wg_status_say(status, WG_LEVEL_OK, "confinement", "%s, process %s: %s", daemon, pid, label);
    wg_status_selinux(status, daemon, label);
}

/* found: as wg_daemon_filter tells. */
static void tell_filter(struct wg_status *status, const char *pid, const char *daemon,
                        const char *found)
{
    status->with_filter += found != NULL;
    if (found && strcmp(found, "loaded") == 0) {
        wg_status_say(status, WG_LEVEL_OK, "filter", "%s, process %s, has it", daemon, pid);
    } else if (found) {
        wg_status_say(status, WG_LEVEL_WARNING, "filter",
                      "%s, process %s, has the " WG_FILTER_LIBRARY
                      " from before an upgrade; hint: systemctl restart %s",
                      daemon, pid, daemon);
    } else if (wg_dropin_read("", daemon).filter) {
        wg_status_say(status, WG_LEVEL_WARNING, "filter",
                      wg_systemd_runs()
                          ? "%s, process %s, was started before it was enabled; hint: systemctl "
                            "restart %s, and if that was done, winguest enable"
                          : "%s, process %s, was not started by systemd, which alone loads it into "
                            "%s; hint: winguest enable says what else does",
                      daemon, pid, daemon);
    } else {
        wg_status_say(
            status, WG_LEVEL_WARNING, "filter",
            "%s, process %s, runs without: guests are right one cold boot late; hint: winguest "
            "enable",
            daemon, pid);
    }
}

static int look_at_daemon(const char *pid, const char *daemon, void *to)
{
    struct wg_status *status = to;
    const char *found;
    char path[64];
    struct stat st;

    errno = 0;
    found = wg_daemon_filter(pid);
    if (!found && errno != 0 && errno != ENOENT && errno != ESRCH) {
        wg_status_say(status, WG_LEVEL_WARNING, "filter",
                      "%s, process %s: %s; hint: run it as root", daemon, pid, strerror(errno));
        return 0;
    }
    status->daemons++;
    tell_filter(status, pid, daemon, found);
    wg_status_zone(status, pid, daemon);
    look_at_label(status, pid, daemon);
    snprintf(path, sizeof(path), "/proc/%.20s", pid);
    if (status->hook && !found && stat(path, &st) == 0 &&
        st.st_ctim.tv_sec < status->hook_file.st_ctim.tv_sec)
        wg_status_say(status, WG_LEVEL_WARNING, "hook",
                      "%s, process %s, was started before it was put there, and looks "
                      "for hooks then; hint: systemctl reload %s, if that was not done",
                      daemon, pid, daemon);
    return 0;
}

/* A socket may start one at any time. */
static void say_no_daemon(struct wg_status *status)
{
    wg_status_say(status, WG_LEVEL_WARNING, "daemon", "neither libvirtd nor virtqemud runs");
    wg_status_selinux(status, "libvirtd", "system_u:system_r:virtd_t:s0");
    wg_status_selinux(status, "virtqemud", "system_u:system_r:virtqemud_t:s0");
}

void wg_status_daemons(struct wg_status *status)
{
    struct wg_error err;

    for (size_t i = 0; i < WG_DAEMONS; i++) {
        struct wg_dropin dropin = wg_dropin_read("", wg_daemon[i]);

        if (dropin.filter && !dropin.offline)
            wg_status_say(status, WG_LEVEL_WARNING, "filter",
                          "guests that start with %s may be wrong at first; hint: winguest enable",
                          wg_daemon[i]);
    }
    if (wg_daemons_each(look_at_daemon, status, &err) < 0)
        wg_status_say(status, WG_LEVEL_WARNING, "daemon", "%s", err.text);
    else if (status->daemons == 0)
        say_no_daemon(status);
    if (!status->hook && status->with_filter == 0)
        wg_status_say(status, WG_LEVEL_FAILURE, "in_force",
                      "there is neither hook nor filter: no guest gets the policy");
}
