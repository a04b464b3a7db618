/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* More than any description has, and what a rewrite adds to a document. */
#define BYTES_MAX (WG_XML_MAX + ((size_t)4 << 20))

#define FIRST_ROOM ((size_t)16 << 10)

static const char magic[] = {'w', 'i', 'n', 'g', 'u', 'e', 's', 't'};

struct beginning {
    char magic[sizeof(magic)]; /* magic and format stand here in every version of ours */
    char format[24];
    uint32_t size; /* of both structures */
    uint32_t deny_on_error;
    uint32_t rollback;
    uint32_t deadline;
};

struct header {
    uint32_t failed;
    uint32_t faulty;
    uint32_t nova;
    int32_t outcome;
    int32_t cold_start;
    int32_t id;
    uint64_t policy;
    char uuid[WG_UUID_SIZE + 3];
    /* Of the strings behind it, each with its terminator; 0: there is none. */
    uint64_t name_size;
    uint64_t text_size;
    uint64_t xml_size;
};

#define FIXED (sizeof(struct beginning) + sizeof(struct header))
_Static_assert(FIXED == 144, "another layout is another WG_DECISION_FORMAT");

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

void wg_decision_begin(int to, const struct wg_settings *settings)
{
    struct beginning beginning = {
        .format = WG_DECISION_FORMAT,
        .size = FIXED,
        .deny_on_error = settings && settings->deny_on_error,
        .rollback = !settings || settings->rollback,
        .deadline = settings ? settings->deadline : WG_DEADLINE,
    };

    memcpy(beginning.magic, magic, sizeof(magic));
    write_all(to, &(struct iovec){&beginning, sizeof(beginning)}, 1);
}

static size_t size_of(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

void wg_decision_write(int to, const struct wg_decision *decision)
{
    struct header header = {
        .failed = decision->failed,
        .faulty = decision->faulty,
        .nova = decision->nova,
        .outcome = (int32_t)decision->outcome,
        .cold_start = decision->cold_start,
        .id = decision->id,
        .policy = decision->policy,
        .name_size = size_of(decision->name),
        .text_size = size_of(decision->text),
        .xml_size = decision->xml ? decision->xml_len + 1 : 0,
    };

    memcpy(header.uuid, decision->uuid, sizeof(decision->uuid));
    struct iovec parts[] = {
        {&header, sizeof(header)},
        {(char *)decision->name, header.name_size},
        {(char *)decision->text, header.text_size},
        {(char *)decision->xml, decision->xml ? decision->xml_len : 0},
        {"", decision->xml ? 1 : 0},
    };
    write_all(to, parts, sizeof(parts) / sizeof(*parts));
}

/* Fills *settings. Returns 0, or -1 with *err filled. */
static int take_beginning(const char *bytes, struct wg_settings *settings, struct wg_error *err)
{
    struct beginning beginning;

    memcpy(&beginning, bytes, sizeof(beginning));
    if (memcmp(beginning.magic, magic, sizeof(magic)) != 0 ||
        beginning.format[sizeof(beginning.format) - 1] != '\0')
        return wg_fail(err, "that is no decision");
    if (strcmp(beginning.format, WG_DECISION_FORMAT) != 0)
        return wg_fail(err,
                       "a decision in format %s, and this is format " WG_DECISION_FORMAT
                       "; hint: restart libvirtd or virtqemud, which still runs the version "
                       "before an upgrade",
                       beginning.format);
    if (beginning.size != FIXED || beginning.deadline < 1 || beginning.deadline > WG_DEADLINE_MAX)
        return wg_fail(err, "a decision that makes no sense");
    settings->deny_on_error = beginning.deny_on_error != 0;
    settings->rollback = beginning.rollback != 0;
    settings->deadline = beginning.deadline;
    return 0;
}

size_t wg_decision_length(const char *bytes, size_t len, struct wg_settings *settings,
                          struct wg_error *err)
{
    struct header header;

    if (len >= sizeof(struct beginning) && take_beginning(bytes, settings, err) < 0)
        return 0;
    if (len < FIXED)
        return FIXED;
    memcpy(&header, bytes + sizeof(struct beginning), sizeof(header));
    if (header.name_size > BYTES_MAX || header.text_size > BYTES_MAX - header.name_size ||
        header.xml_size > BYTES_MAX - header.name_size - header.text_size) {
        wg_fail(err, "a decision that is too long");
        return 0;
    }
    return FIXED + header.name_size + header.text_size + header.xml_size;
}

/* The string at *at, which moves behind it; NULL if there is none. *good is false from the first on
 * that does not end where it should. */
static const char *take_string(const char **at, uint64_t size, bool *good)
{
    const char *text = *at;

    *at += size;
    *good &= size == 0 || memchr(text, '\0', size) == text + size - 1;
    return size > 0 ? text : NULL;
}

int wg_decision_parse(const char *bytes, size_t len, struct wg_decision *decision,
                      struct wg_error *err)
{
    const char *at = bytes + FIXED;
    struct wg_settings settings;
    struct header header;
    bool good = true;
    size_t whole = wg_decision_length(bytes, len, &settings, err);

    if (whole == 0)
        return -1;
    if (whole != len)
        return wg_fail(err, "a decision that is not whole");
    memcpy(&header, bytes + sizeof(struct beginning), sizeof(header));
    const char *name = take_string(&at, header.name_size, &good);
    const char *text = take_string(&at, header.text_size, &good);
    const char *xml = take_string(&at, header.xml_size, &good);
    *decision = (struct wg_decision){
        .failed = header.failed != 0,
        .faulty = header.faulty != 0,
        .nova = header.nova != 0,
        .outcome = (enum wg_outcome)header.outcome,
        .cold_start = header.cold_start,
        .id = header.id,
        .policy = header.policy,
        .name = name,
        .text = text,
        .xml = xml,
        .xml_len = header.xml_size > 0 ? header.xml_size - 1 : 0,
    };
    memcpy(decision->uuid, header.uuid, sizeof(decision->uuid));
    if (!good || !text || header.outcome < WG_UNKNOWN || header.outcome > WG_VIOLATES ||
        header.cold_start < WG_CORRECT || header.cold_start > WG_REPORT ||
        (*header.uuid && !wg_is_uuid(header.uuid)))
        return wg_fail(err, "a decision that makes no sense");
    return 0;
}

/* 1 when there is something to read, or the end of it; 0 when the time is over; -1. */
static int wait_for(int from, long long until)
{
    struct pollfd fd = {.fd = from, .events = POLLIN};
    long long left;

    while ((left = until - wg_now_us() / 1000) > 0) {
        int ready = poll(&fd, 1, (int)left);

        if (ready > 0)
            return 1;
        if (ready < 0 && errno != EINTR)
            return -1;
    }
    return 0;
}

int wg_decision_read(int from, int seconds, struct wg_decision *decision,
                     struct wg_settings *settings, char **bytes, struct wg_error *err)
{
    long long until = wg_now_us() / 1000 + seconds * 1000LL;
    size_t len = 0;
    size_t room = 0;
    size_t whole;

    *bytes = NULL;
    *err->text = '\0';
    while ((whole = wg_decision_length(*bytes, len, settings, err)) > len) {
        if (whole > room) {
            /* Most messages are there as a whole with the first reading. */
            room = whole < FIRST_ROOM ? FIRST_ROOM : whole;
            char *grown = realloc(*bytes, room);
            if (!grown)
                return wg_no_memory(err);
            *bytes = grown;
        }
        int ready = wait_for(from, until);
        if (ready <= 0)
            return ready < 0 ? -1 : 1;
        ssize_t got = read(from, *bytes + len, room - len);
        if (got == 0 || (got < 0 && errno != EINTR))
            return -1;
        len += got > 0 ? (size_t)got : 0;
    }
    return whole == 0 ? -1 : wg_decision_parse(*bytes, len, decision, err);
}
