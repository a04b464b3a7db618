/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hook call: the first line is the operation, the second the guest, the rest the domain. What is
 * decided must be whole and read as it was written, and no fault of a domain is one of ours. */
#include "engine/decide.h"
#include "engine/decision.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

static const char *const operations[] = {"define",  "create",  "prepare",
                                         "started", "migrate", "restore"};

static size_t line(const uint8_t *data, size_t size, char *out, size_t room)
{
    const uint8_t *end = memchr(data, '\n', size);
    size_t len = end ? (size_t)(end - data) : size;

    snprintf(out, room, "%.*s", (int)len, (const char *)data);
    return end ? len + 1 : len;
}

static struct wg_engine *engine;
static struct wg_settings settings;

static void look(const struct wg_decision *decision)
{
    size_t end = decision->xml ? decision->xml_len : 0;

    if (!decision->xml)
        return;
    while (end > 0 && strchr(" \t\r\n", decision->xml[end - 1]))
        end--;
    PROMISE("it ends like a document", end > 0 && decision->xml[end - 1] == '>');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char choice[16];
    char guest[256];
    struct wg_settings read;
    struct wg_decision decision;
    struct wg_error err;
    char *bytes;
    size_t used = line(data, size, choice, sizeof(choice));
    /* A file in memory stands for the pipe, which would block. */
    int fd = memfd_create("pipe", 0);

    if (!engine)
        engine = wg_engine_open(NULL, &settings, &err);
    PROMISE("an engine", engine && fd >= 0);
    used += line(data + used, size - used, guest, sizeof(guest));
    wg_decision_begin(fd, &settings);
    wg_decide_domain(
        engine, &settings,
        operations[(unsigned char)*choice % (sizeof(operations) / sizeof(*operations))], guest,
        (const char *)data + used, size - used, fd);
    lseek(fd, 0, SEEK_SET);
    PROMISE("there is one decision",
            wg_decision_read(fd, 1000, &decision, &read, &bytes, &err) == 0);
    PROMISE("nothing is denied without a configuration", !read.deny_on_error);
    PROMISE("and no more than one", lseek(fd, 0, SEEK_CUR) == lseek(fd, 0, SEEK_END));
    look(&decision);
    free(bytes);
    close(fd);
    return 0;
}
