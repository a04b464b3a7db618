/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "status.h"

#define SELINUX "/sys/fs/selinux"
#define CONTEXT_MAX 256

/* Returns what the file says, a small number, or -1. */
static int read_number(const char *path)
{
    FILE *file = fopen(path, "re");
    int number = -1;

    if (file && fscanf(file, "%d", &number) != 1)
        number = -1;
    if (file)
        fclose(file);
    return number;
}

/*
 * Asks the kernel what its policy allows, as libselinux's security_compute_av does: "source target
 * class" is written; what is read begins with the permissions, a bit each, in hex, and ends with
 * flags, of which the first says that the source's domain is permissive. No question of this kind
 * is logged as a denial. Returns true, too, if it does not tell.
 */
static bool allows(const char *source, const char *target, const char *permission)
{
    char path[128], question[2 * CONTEXT_MAX + 16], answer[128];
    unsigned allowed, flags;

    int class = read_number(SELINUX "/class/file/index");
    snprintf(path, sizeof(path), SELINUX "/class/file/perms/%s", permission);
    int bit = read_number(path);
    if (class < 0 || bit < 1 || bit > 32)
        return true;
    int fd = open(SELINUX "/access", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return true;
    int len = snprintf(question, sizeof(question), "%s %s %d", source, target, class);
    ssize_t got = write(fd, question, (size_t)len) == len ? read(fd, answer, sizeof(answer) - 1)
                                                          : -1;
    close(fd);
    answer[got > 0 ? got : 0] = '\0';
    return sscanf(answer, "%x %*x %*x %*x %*u %x", &allowed, &flags) != 2 ||
           (allowed >> (bit - 1)) & 1 || flags & 1;
}

void wg_status_selinux(struct wg_status *status, const char *daemon, const char *label)
{
    char context[CONTEXT_MAX];

    if (!status->hook || read_number(SELINUX "/enforce") != 1)
        return;
    ssize_t len = getxattr(status->hook, "security.selinux", context, sizeof(context) - 1);
    if (len <= 0)
        return;
    context[len] = '\0';
    if (!allows(label, context, "execute"))
        wg_status_say(status, WG_LEVEL_FAILURE, "hook",
                      "%s: SELinux does not let it run %s (%s on %s), and no guest starts; hint: "
                      "semodule -i " WG_DATADIR "/selinux/libvirt-winguest.cil, restorecon -F %s",
                      daemon, status->hook, label, context, status->hook);
}
