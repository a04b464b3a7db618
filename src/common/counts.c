/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "counts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "state.h"

#define REFUSALS "refusals"
/* A month of ten decisions a minute; it is in memory. */
#define MAX_BYTES (1024 * 1024)

const struct wg_counted wg_count_decisions = {
    .file = "decisions",
    .ops = (const char *const[]){"define", "create", "start", "prepare", "started", "migrate",
                                 "restore", NULL},
    .results = (const char *const[]){"unknown", "skipped", "exempt", "not_applicable", "compliant",
                                     "violates", "rewritten", "refused", "failed", NULL},
};
const struct wg_counted wg_count_repairs = {
    .file = "repairs",
    .ops = (const char *const[]){"definition", "restart", "previous", NULL},
    .results = (const char *const[]){"done", "not_done", "failed", NULL},
};

/* Returns how many bytes there are now, at least 1. */
static size_t append(const char *file, unsigned char byte)
{
    struct stat st = {0};
    WG_CLOSED dir = wg_state_open(WG_STATEDIR);
    WG_CLOSED fd = dir < 0
                       ? -1
                       : openat(dir, file,
                                O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
                                0600);
    ssize_t written = fd < 0 ? -1 : write(fd, &byte, 1);

    if (fd >= 0 && fstat(fd, &st) < 0)
        st.st_size = 0;
    if (st.st_size > MAX_BYTES && ftruncate(fd, 0) < 0)
        st.st_size = 0;
    return written == 1 && st.st_size > 0 ? (size_t)st.st_size : 1;
}

static int place(const char *const *words, const char *word)
{
    for (int i = 0; words[i]; i++) {
        if (strcmp(words[i], word) == 0)
            return i;
    }
    return -1;
}

void wg_count(const struct wg_counted *counted, const char *op, const char *result)
{
    int row = place(counted->ops, op);
    int column = place(counted->results, result);

    if (row >= 0 && column >= 0)
        append(counted->file, (unsigned char)(row * WG_COUNT_MAX + column));
}

static int open_to_read(const struct wg_counted *counted)
{
    WG_CLOSED dir = wg_state_open(WG_STATEDIR);

    return dir < 0 ? -1
                   : openat(dir, counted->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
}

void wg_counts(const struct wg_counted *counted, size_t counts[WG_COUNT_MAX][WG_COUNT_MAX])
{
    unsigned char bytes[4096];
    WG_CLOSED fd = open_to_read(counted);
    ssize_t len = 0;

    while (fd >= 0 && (len = read(fd, bytes, sizeof(bytes))) > 0) {
        for (ssize_t i = 0; i < len; i++)
            counts[bytes[i] / WG_COUNT_MAX][bytes[i] % WG_COUNT_MAX]++;
    }
}

size_t wg_counts_failed(const struct wg_counted *counted, size_t most, size_t *of)
{
    int failed = place(counted->results, "failed");
    unsigned char bytes[64];
    struct stat st;
    size_t count = 0;
    ssize_t len = 0;
    WG_CLOSED fd = open_to_read(counted);

    most = most < sizeof(bytes) ? most : sizeof(bytes);
    if (fd >= 0 && fstat(fd, &st) == 0)
        len = pread(fd, bytes, most, st.st_size > (off_t)most ? st.st_size - (off_t)most : 0);
    for (ssize_t i = 0; i < len; i++)
        count += bytes[i] % WG_COUNT_MAX == failed;
    *of = len > 0 ? (size_t)len : 0;
    return count;
}

unsigned wg_refusals_add(void)
{
    return (unsigned)append(REFUSALS, '!');
}

unsigned wg_refusals(void)
{
    struct stat st;

    return stat(WG_STATEDIR "/" REFUSALS, &st) == 0 ? (unsigned)st.st_size : 0;
}

void wg_refusals_end(void)
{
    if (wg_refusals() > 0)
        wg_state_drop(WG_STATEDIR, REFUSALS);
}
