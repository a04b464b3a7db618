/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hash.h"

#include <string.h>

uint64_t wg_hash(uint64_t hash, const void *bytes, size_t len)
{
    const unsigned char *byte = bytes;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    return hash;
}

struct wg_fingerprint wg_fingerprint_of(const char *definition)
{
    struct wg_fingerprint print = {.length = strlen(definition)};

    while (*definition) {
        size_t len = strcspn(definition, "\n");

        print.sum += wg_hash(WG_HASH_EMPTY, definition, len);
        definition += len + (definition[len] == '\n');
    }
    return print;
}

bool wg_fingerprint_same(const struct wg_fingerprint *a, const struct wg_fingerprint *b)
{
    return a->sum == b->sum && a->length == b->length;
}
