/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the QEMU process of a guest was started. */
#ifndef WG_QEMU_PROCESS_H
#define WG_QEMU_PROCESS_H

enum wg_boot {
    WG_BOOT_UNKNOWN,
    WG_BOOT_COLD,
    WG_BOOT_IN_FLIGHT, /* it takes its state from a migration, a file or a snapshot */
};

/* By libvirt's status of the guest, and the command line of the process that it names. */
enum wg_boot wg_qemu_boot(const char *guest);

/* That process, 0 if there is none. */
long wg_qemu_pid(const char *guest);

/* Seconds since that process was started; negative if it cannot be seen. */
double wg_qemu_age(const char *guest);

/* Seconds since the host was booted, on the clock by which the kernel notes a process' start. */
double wg_uptime(void);

#endif
