/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hook call: the first line is the operation, the second the guest, the rest standard input. What
 * is printed must be nothing, or whole; only a definition's reader is told of a fault by the code. */
#include "../../hooks/hook.h"

#include <fcntl.h>
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char choice[16];
    char guest[256];
    char last = '>';
    volatile sig_atomic_t deny = 0;
    volatile sig_atomic_t begun = 0;
    size_t used = line(data, size, choice, sizeof(choice));

    used += line(data + used, size - used, guest, sizeof(guest));
    int out = dup(STDOUT_FILENO);
    put_in_place(STDIN_FILENO, data + used, size - used);
    put_in_place(STDOUT_FILENO, "", 0);
    struct wg_hook_call call = {
        .guest = guest,
        .operation = operations[(unsigned char)*choice % (sizeof(operations) / sizeof(*operations))],
        .deny = &deny,
        .begun = &begun,
    };
    int code = wg_hook_answer(&call);
    off_t printed = lseek(STDOUT_FILENO, 0, SEEK_END);
    while (printed > 0 && pread(STDOUT_FILENO, &last, 1, --printed) == 1 && strchr(" \t\r\n", last))
        ;
    dup2(out, STDOUT_FILENO);
    close(out);
    PROMISE("the exit code lets the guest start", code == 0);
    PROMISE("what is printed ends like a document", last == '>');
    return 0;
}
