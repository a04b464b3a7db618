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

/* As libvirt writes them: indented, an element a line. */
static bool begins(const char *line, const char *word)
{
    line += strspn(line, " ");
    return strncmp(line, word, strlen(word)) == 0;
}

struct wg_fingerprint wg_fingerprint_of(const char *definition)
{
    struct wg_fingerprint print = {.lines = WG_HASH_EMPTY};
    uint64_t controller = WG_HASH_EMPTY;
    bool inside = false;

    while (*definition) {
        size_t len = strcspn(definition, "\n");
        bool opens = !inside && begins(definition, "<controller ");

        if (opens || inside) {
            controller = wg_hash(opens ? WG_HASH_EMPTY : controller, definition, len);
            /* one within it that has no children ends with the same two characters */
            inside = !(opens ? (len >= 2 && strncmp(definition + len - 2, "/>", 2) == 0)
                             : begins(definition, "</controller>"));
            if (!inside)
                print.controllers += controller;
        } else if (strncmp(definition, "  <name>", 8) != 0) {
            print.lines = wg_hash(print.lines, definition, len + 1);
        }
        definition += len + (definition[len] == '\n');
    }
    return print;
}

bool wg_fingerprint_same(const struct wg_fingerprint *a, const struct wg_fingerprint *b)
{
    return a->lines == b->lines && a->controllers == b->controllers;
}
