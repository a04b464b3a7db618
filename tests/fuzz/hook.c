/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hook call: the first line is the operation, the second the guest, the rest standard input. What
 * is decided must be whole, must pass through a pipe, and no fault of a domain is one of ours. */
#include "../../hooks/decision.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

static const char *const operations[] = {"define", "create", "prepare", "started", "migrate",
                                         "restore"};

static size_t line(const uint8_t *data, size_t size, char *out, size_t room)
{
    const uint8_t *end = memchr(data, '\n', size);
    size_t len = end ? (size_t)(end - data) : size;

    snprintf(out, room, "%.*s", (int)len, (const char *)data);
    return end ? len + 1 : len;
}

/* A file in memory in the place of a descriptor. */
static void put_in_place(int target, const void *text, size_t len)
{
    int fd = memfd_create("fuzz", 0);

    PROMISE("memory", fd >= 0 && write(fd, text, len) == (ssize_t)len);
    lseek(fd, 0, SEEK_SET);
    dup2(fd, target);
    close(fd);
}

struct taker {
    struct wg_hook_listener listener;
    int decisions;
};

static void configured(struct wg_hook_listener *self, bool deny)
{
    (void)self;
    PROMISE("nothing is denied without a configuration", !deny);
}

/* A file in memory stands for the pipe, which would block. */
static void pass_on(const struct wg_decision *decision, struct wg_decision *read, char **bytes)
{
    int fd = memfd_create("pipe", 0);
    bool deny;

    wg_decision_begin(fd, true);
    wg_decision_write(fd, decision);
    lseek(fd, 0, SEEK_SET);
    PROMISE("it can be read", wg_decision_read(fd, 1e9, read, &deny, bytes) == 0);
    PROMISE("it denies", deny);
    close(fd);
}

static void decided(struct wg_hook_listener *self, const struct wg_decision *decision)
{
    struct wg_decision read;
    size_t end = decision->xml ? decision->xml_len : 0;
    char *bytes;

    ((struct taker *)self)->decisions++;
    if (decision->xml) {
        while (end > 0 && strchr(" \t\r\n", decision->xml[end - 1]))
            end--;
        PROMISE("it ends like a document", end > 0 && decision->xml[end - 1] == '>');
    }
    pass_on(decision, &read, &bytes);
    PROMISE("the pipe changes nothing",
            read.failed == decision->failed && read.outcome == decision->outcome &&
                strcmp(read.uuid, decision->uuid) == 0 && strcmp(read.text, decision->text) == 0 &&
                read.xml_len == decision->xml_len &&
                (read.xml_len == 0 || memcmp(read.xml, decision->xml, read.xml_len) == 0));
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct taker taker = {.listener = {.configured = configured, .decided = decided}};
    char choice[16];
    char guest[256];
    size_t used = line(data, size, choice, sizeof(choice));

    used += line(data + used, size - used, guest, sizeof(guest));
    put_in_place(STDIN_FILENO, data + used, size - used);
    struct wg_hook_call call = {
        .guest = guest,
        .operation = operations[(unsigned char)*choice % (sizeof(operations) / sizeof(*operations))],
    };
    wg_hook_decide(&call, false, &taker.listener);
    PROMISE("there is one decision", taker.decisions == 1);
    return 0;
}
