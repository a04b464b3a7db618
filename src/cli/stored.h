/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files in which libvirt stores definitions: /etc/libvirt/qemu/NAME.xml, and nothing else. What
 * is below /var/lib/libvirt/qemu (snapshots, checkpoints, saved machines) are copies of machines as
 * they were, which must not change; autostart/ holds links to the definitions, networks/ is not
 * about guests.
 */
#ifndef WG_CLI_STORED_H
#define WG_CLI_STORED_H

#include <sys/stat.h>

#include "common/text.h"

#define WG_STORED_DIR WG_SYSCONFDIR "/libvirt/qemu"

struct wg_stored {
    int fd;
    struct stat st;
    char *text; /* terminated */
    size_t len;
};

/* Opens the directory. Returns a descriptor, or -1 with *err filled and errno kept (ENOENT). */
int wg_stored_open(struct wg_error *err);

/* Reads a file of it, unless somebody else than root, or us, may have written it, or it has more
 * than that name. Returns 0, stored then to be closed, or -1 with *err filled. */
int wg_stored_read(int dir, const char *file, struct wg_stored *stored, struct wg_error *err);

/* Leaves nothing of it, passwords included, in memory. */
void wg_stored_close(struct wg_stored *stored);

/*
 * Writes what is to take the place of old, with its owner, mode, label and other attributes, and
 * fills *fresh with what stat(2) says of it; only one may be in the making, which a lock on dir
 * must see to. Then wg_stored_commit puts it in the place of file, unless that is not old any more,
 * or wg_stored_abandon removes it. Both return 0, or -1 with *err filled and file as it was.
 */
int wg_stored_prepare(int dir, const struct wg_stored *old, const char *text, size_t len,
                      struct stat *fresh, struct wg_error *err);
int wg_stored_commit(int dir, const char *file, const struct wg_stored *old, struct wg_error *err);
void wg_stored_abandon(int dir);

#endif
