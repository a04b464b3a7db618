/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_CLI_MODE_H
#define WG_CLI_MODE_H

#define WG_MODE_FILE WG_SYSCONFDIR "/libvirt/winguest.conf"

/*
 * Sets `mode` of [enforce] in the configuration below root; the rest of the file stays as it is,
 * with its owner and mode. Prints what it did. Returns the exit code.
 */
int wg_mode_set(const char *root, const char *mode);

#endif
