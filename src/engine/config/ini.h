/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The INI file as a list of entries, checked as text: what they mean is the policy's business. */
#ifndef WG_INI_H
#define WG_INI_H

#include "common/text.h"

struct wg_entry {
    char *section; /* lower case; "windows:old" for [windows:old] */
    char *key; /* lower case; "" for the line that opens the section */
    char *value; /* NULL where there is no key */
    unsigned line;
    bool ignored; /* it is wrong, and told of */
};

struct wg_ini {
    char *path;
    struct wg_entry *entry;
    size_t count;
};

/*
 * Reads the file at path.
 * Returns 0 and entries to be cleared by the caller, or -1 with *err filled ("FILE:LINE: …") and
 * errno kept from the opening (ENOENT: no such file).
 */
int wg_ini_read(const char *path, struct wg_ini *ini, struct wg_error *err);
void wg_ini_clear(struct wg_ini *ini);

#endif
