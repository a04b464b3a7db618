/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the harnesses share: libFuzzer's entry points, and a word for a broken promise. */
#ifndef WG_FUZZ_H
#define WG_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* Ends the process: to a fuzzer, a finding. */
#define PROMISE(what, holds) \
    do { \
        if (!(holds)) { \
            fprintf(stderr, "broken promise: %s\n", what); \
            abort(); \
        } \
    } while (0)

/* A private file that holds text; the same one for the same name. */
const char *fuzz_file(const char *name, const void *text, size_t len);

#endif
