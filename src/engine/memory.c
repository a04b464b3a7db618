/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory.h"

#include <libxml/xmlmemory.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* No core: a domain's passwords would be in it. */
static void *or_end(void *block)
{
    static const char message[] = "winguest: out of memory\n";

    if (block)
        return block;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    ssize_t written = write(STDERR_FILENO, message, sizeof(message) - 1);
    (void)written;
    abort();
}

static void *get(size_t size)
{
    return or_end(malloc(size ? size : 1));
}

static void *resize(void *block, size_t size)
{
    return or_end(realloc(block, size ? size : 1));
}

static char *copy(const char *text)
{
    return or_end(strdup(text));
}

/* Blocks from before are malloc's as well, so it may come at any time. */
void wg_memory_guard(void)
{
    xmlMemSetup(free, get, resize, copy);
}
