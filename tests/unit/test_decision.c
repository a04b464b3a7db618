/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/decision.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define UUID "6f0f2c04-8a3c-4b8e-9f5e-0f7a5d1e6c11"

static const struct wg_settings terms = {.deny_on_error = true, .rollback = false, .deadline = 42};
static char name[3000];
static const struct wg_decision whole = {
    .faulty = true,
    .nova = true,
    .outcome = WG_VIOLATES,
    .cold_start = WG_DENY,
    .id = 7,
    .policy = 0x123456789abcdef0,
    .uuid = UUID,
    .name = name,
    .text = "it violates",
    .xml = "<domain/>\n",
    .xml_len = 10,
};
static char bytes[8192];
static size_t len;

static void write_message(const struct wg_decision *decision)
{
    int fd = memfd_create("message", 0);

    memset(name, 'n', sizeof(name) - 1);
    wg_decision_begin(fd, &terms);
    wg_decision_write(fd, decision);
    len = (size_t)lseek(fd, 0, SEEK_CUR);
    assert_true(len < sizeof(bytes) && pread(fd, bytes, len, 0) == (ssize_t)len);
    close(fd);
}

static void what_is_written_can_be_read(void **state)
{
    struct wg_decision read;
    struct wg_error err;

    (void)state;
    write_message(&whole);
    assert_int_equal(wg_decision_parse(bytes, len, &read, &err), 0);
    assert_true(read.faulty && read.nova && !read.failed);
    assert_int_equal(read.outcome, WG_VIOLATES);
    assert_int_equal(read.cold_start, WG_DENY);
    assert_int_equal(read.id, 7);
    assert_true(read.policy == whole.policy);
    assert_string_equal(read.uuid, UUID);
    assert_string_equal(read.name, name);
    assert_string_equal(read.text, "it violates");
    assert_string_equal(read.xml, "<domain/>\n");
    assert_int_equal(read.xml_len, 10);
    write_message(&(struct wg_decision){.failed = true, .text = ""});
    assert_int_equal(wg_decision_parse(bytes, len, &read, &err), 0);
    assert_true(read.failed && !read.name && !read.xml && !*read.uuid && !*read.text);
}

static void the_beginning_is_known_before_the_rest(void **state)
{
    struct wg_settings settings = {0};
    struct wg_decision read;
    struct wg_error err;
    size_t known = 0;

    (void)state;
    write_message(&whole);
    for (size_t part = 0; part < len; part++) {
        assert_true(wg_decision_length(bytes, part, &settings, &err) > part);
        assert_int_equal(wg_decision_parse(bytes, part, &read, &err), -1);
        if (settings.deadline && !known)
            known = part;
    }
    assert_int_equal(wg_decision_length(bytes, len, &settings, &err), len);
    assert_true(known > 0 && known < 100);
    assert_true(settings.deadline == 42 && settings.deny_on_error && !settings.rollback);
}

static void one_wrong_byte_is_never_read_wildly(void **state)
{
    char *copy;
    struct wg_settings settings;
    struct wg_decision read;
    struct wg_error err;

    (void)state;
    write_message(&whole);
    copy = test_malloc(len);
    for (size_t at = 0; at < len; at++) {
        for (int flip = 1; flip < 256; flip <<= 1) {
            memcpy(copy, bytes, len);
            copy[at] ^= (char)flip;
            wg_decision_length(copy, len, &settings, &err);
            if (wg_decision_parse(copy, len, &read, &err) == 0)
                assert_true((!read.name || strlen(read.name) < len) && strlen(read.text) < len &&
                            (!read.xml || strlen(read.xml) == read.xml_len));
        }
    }
    test_free(copy);
}

static void another_version_is_named(void **state)
{
    struct wg_settings settings = {0};
    struct wg_decision read;
    struct wg_error err;

    (void)state;
    write_message(&whole);
    strcpy(bytes + 8, "0.0.9");
    assert_int_equal(wg_decision_length(bytes, len, &settings, &err), 0);
    assert_non_null(
        strstr(err.text, "a decision in format 0.0.9, and this is format " WG_DECISION_FORMAT));
    assert_non_null(strstr(err.text, "hint: restart libvirtd"));
    assert_int_equal(wg_decision_parse(bytes, len, &read, &err), -1);
    assert_int_equal(settings.deadline, 0);
}

/* Writes the first part of the message, then ends or, if it is to be late, waits. */
static int read_part(size_t part, bool late, struct wg_settings *settings)
{
    struct wg_decision read;
    struct wg_error err;
    char *message;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        ssize_t written = write(ends[1], bytes, part);
        if (late)
            pause();
        _exit(written < 0);
    }
    close(ends[1]);
    int rc = wg_decision_read(ends[0], late ? 1 : 60, &read, settings, &message, &err);
    assert_true(rc != 0 || strcmp(read.name, name) == 0);
    free(message);
    close(ends[0]);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return rc;
}

static void a_reader_ends_with_its_writer_or_its_time(void **state)
{
    struct wg_settings settings = {0};

    (void)state;
    write_message(&whole);
    assert_int_equal(read_part(0, false, &settings), -1);
    assert_int_equal(read_part(40, false, &settings), -1);
    assert_false(settings.deny_on_error);
    assert_int_equal(read_part(len - 1, false, &settings), -1);
    assert_true(settings.deny_on_error);
    settings.deny_on_error = false;
    assert_int_equal(read_part(60, true, &settings), 1);
    assert_true(settings.deny_on_error);
    assert_int_equal(read_part(len, true, &settings), 0);
    assert_int_equal(read_part(len, false, &settings), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(the_beginning_is_known_before_the_rest),
        cmocka_unit_test(one_wrong_byte_is_never_read_wildly),
        cmocka_unit_test(another_version_is_named),
        cmocka_unit_test(a_reader_ends_with_its_writer_or_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
