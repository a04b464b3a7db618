/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One text from another: an edit, not an attack. libc only. */
#ifndef WG_HASH_H
#define WG_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* FNV-1a, 64 bits: offset basis and prime are those of its authors (Fowler, Noll, Vo). */
#define WG_HASH_EMPTY UINT64_C(0xcbf29ce484222325)

/* Goes on with a hash by len bytes; WG_HASH_EMPTY begins one. */
uint64_t wg_hash(uint64_t hash, const void *bytes, size_t len);

/*
 * Stands for a definition as libvirt gives it out. The order of its controllers does not count:
 * what libvirt has copied while it tried a start may come back with them in another one. Nor does
 * the guest's name: one that was renamed is defined as it was.
 */
struct wg_fingerprint {
    uint64_t lines; /* in their order */
    uint64_t controllers;
};

struct wg_fingerprint wg_fingerprint_of(const char *definition);
bool wg_fingerprint_same(const struct wg_fingerprint *a, const struct wg_fingerprint *b);

#endif
