/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* More than any description has, and what a rewrite adds to a document. */
#define BYTES_MAX (WG_XML_MAX + ((size_t)4 << 20))

#define ALLOWS 'a'
#define DENIES 'd'

struct header {
    uint32_t size; /* its own: a module of another version may have another */
    uint32_t failed;
    uint32_t faulty;
    int32_t outcome;
    int32_t cold_start;
    int32_t id;
    char uuid[WG_UUID_SIZE + 3];
    uint64_t text_len; /* with its terminator */
    uint64_t xml_len;
};

/* In one piece, if the pipe takes it: each wakes the reader. */
static void write_all(int to, struct iovec *part, int parts)
{
    while (parts > 0) {
        ssize_t written = writev(to, part, parts);

        if (written < 0 && errno != EINTR)
            return;
        for (size_t left = written > 0 ? (size_t)written : 0; parts > 0; parts--, part++) {
            if (left < part->iov_len) {
                part->iov_base = (char *)part->iov_base + left;
                part->iov_len -= left;
                break;
            }
            left -= part->iov_len;
        }
    }
}

void wg_decision_begin(int to, bool deny)
{
    char first = deny ? DENIES : ALLOWS;
    struct iovec part = {&first, 1};

    write_all(to, &part, 1);
}

void wg_decision_write(int to, const struct wg_decision *decision)
{
    struct header header = {
        .size = sizeof(header),
        .failed = decision->failed,
        .faulty = decision->faulty,
        .outcome = (int32_t)decision->outcome,
        .cold_start = decision->cold_start,
        .id = decision->id,
        .text_len = strlen(decision->text) + 1,
        .xml_len = decision->xml ? decision->xml_len : 0,
    };

    memcpy(header.uuid, decision->uuid, sizeof(decision->uuid));
    struct iovec parts[] = {
        {&header, sizeof(header)},
        {(char *)decision->text, header.text_len},
        {(char *)decision->xml, header.xml_len},
    };
    write_all(to, parts, 3);
}

/* How long the message is of which the first len bytes are known, as far as they tell. */
static size_t length_of(const char *bytes, size_t len, struct header *header)
{
    const size_t least = 1 + sizeof(*header);

    if (len < least)
        return least;
    memcpy(header, bytes + 1, sizeof(*header));
    if (header->size != sizeof(*header) || header->text_len > BYTES_MAX ||
        header->xml_len > BYTES_MAX - header->text_len)
        return 0;
    return least + header->text_len + header->xml_len;
}

static int take(const char *bytes, const struct header *header, struct wg_decision *decision)
{
    const char *text = bytes + 1 + sizeof(*header);

    if (header->text_len == 0 || text[header->text_len - 1] != '\0' ||
        header->outcome < WG_NOT_CONCERNED || header->outcome > WG_VIOLATES ||
        header->cold_start < WG_CORRECT || header->cold_start > WG_REPORT ||
        (*header->uuid && !wg_is_uuid(header->uuid)))
        return -1;
    *decision = (struct wg_decision){
        .failed = header->failed != 0,
        .faulty = header->faulty != 0,
        .outcome = (enum wg_outcome)header->outcome,
        .cold_start = header->cold_start,
        .id = header->id,
        .text = text,
        .xml = header->xml_len > 0 ? text + header->text_len : NULL,
        .xml_len = header->xml_len,
    };
    memcpy(decision->uuid, header->uuid, sizeof(decision->uuid));
    return 0;
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* 1 when there is something to read, or the end of it; 0 when the time is over; -1. */
static int wait_for(int from, double until)
{
    struct pollfd fd = {.fd = from, .events = POLLIN};
    double left;

    while ((left = until - now()) > 0) {
        int ready = poll(&fd, 1, left < 60 ? (int)(left * 1e3) + 1 : 60000);

        if (ready > 0)
            return 1;
        if (ready < 0 && errno != EINTR)
            return -1;
    }
    return 0;
}

/* The message, at *bytes, and no more. Returns 0, 1 when the time is over, -1. */
static int read_message(int from, double until, char **bytes, size_t *len, struct header *header)
{
    size_t size = 0;
    size_t whole;

    for (*len = 0; (whole = length_of(*bytes, *len, header)) > *len;) {
        if (whole > size) {
            char *grown = realloc(*bytes, whole);
            if (!grown)
                return -1;
            *bytes = grown;
            size = whole;
        }
        int ready = wait_for(from, until);
        if (ready <= 0)
            return ready < 0 ? -1 : 1;
        ssize_t got = read(from, *bytes + *len, size - *len);
        if (got == 0 || (got < 0 && errno != EINTR))
            return -1;
        *len += got > 0 ? (size_t)got : 0;
    }
    return whole == 0 ? -1 : 0;
}

int wg_decision_read(int from, double until, struct wg_decision *decision, bool *deny, char **bytes)
{
    struct header header;
    size_t len;

    *bytes = NULL;
    int rc = read_message(from, until, bytes, &len, &header);
    *deny = len > 0 && **bytes == DENIES;
    return rc == 0 ? take(*bytes, &header, decision) : rc;
}
