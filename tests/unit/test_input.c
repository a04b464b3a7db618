/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "unit.h"

struct speaker {
    int fd;
    size_t len;
    size_t piece; /* bytes at a time */
    unsigned pause_us;
};

static void *speak(void *data)
{
    const struct speaker *speaker = data;
    char *bytes = malloc(speaker->piece);

    memset(bytes, 'x', speaker->piece);
    for (size_t left = speaker->len; left > 0;) {
        ssize_t said = write(speaker->fd, bytes, left < speaker->piece ? left : speaker->piece);

        if (said < 0 && errno != EINTR)
            break;
        left -= said > 0 ? (size_t)said : 0;
        usleep(speaker->pause_us);
    }
    close(speaker->fd);
    free(bytes);
    return NULL;
}

/* What comes of reading len bytes from a pipe. */
static char *hear(size_t len, size_t piece, unsigned pause_us, size_t *got, struct wg_error *err)
{
    int fds[2];
    pthread_t thread;

    assert_int_equal(pipe(fds), 0);
    struct speaker speaker = {fds[1], len, piece, pause_us};
    assert_int_equal(pthread_create(&thread, NULL, speak, &speaker), 0);
    char *bytes = wg_read_all(fds[0], got, err);
    close(fds[0]);
    pthread_join(thread, NULL);
    return bytes;
}

static void reads_to_the_end_in_whatever_pieces(void **state)
{
    static const size_t sizes[][2] = {{0, 1},        {1, 1},         {1000, 7},
                                      {65536, 4096}, {65537, 65537}, {1 << 20, 1 << 16}};

    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct wg_error err;
        size_t got = 99;
        char *bytes = hear(sizes[i][0], sizes[i][1], 0, &got, &err);

        assert_non_null(bytes);
        assert_int_equal(got, sizes[i][0]);
        for (size_t at = 0; at < got; at += 4093)
            assert_int_equal(bytes[at], 'x');
        free(bytes);
    }
}

static void the_bound_is_the_last_byte_taken(void **state)
{
    struct wg_error err = {0};
    size_t got;
    char *bytes = hear(WG_XML_MAX, 1 << 16, 0, &got, &err);

    (void)state;
    assert_non_null(bytes);
    assert_int_equal(got, WG_XML_MAX);
    free(bytes);
    assert_null(hear(WG_XML_MAX + 1, 1 << 16, 0, &got, &err));
    assert_string_equal(err.text, "over 32 MiB");
}

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
    (void)number;
    interrupted++;
}

static void an_interruption_is_no_end(void **state)
{
    struct sigaction action = {.sa_handler = interrupt};
    struct itimerval often = {{0, 2000}, {0, 2000}};
    struct itimerval never = {{0, 0}, {0, 0}};
    struct wg_error err;
    size_t got;

    (void)state;
    interrupted = 0;
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    char *bytes = hear(1000, 50, 5000, &got, &err);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_non_null(bytes);
    assert_int_equal(got, 1000);
    assert_true(interrupted > 0);
    free(bytes);
}

static void what_cannot_be_read_is_told(void **state)
{
    int dir = open("/", O_RDONLY | O_DIRECTORY);
    struct wg_error err;
    size_t got;

    (void)state;
    assert_null(wg_read_all(dir, &got, &err));
    assert_string_equal(err.text, "cannot be read: Is a directory");
    close(dir);
    assert_null(wg_read_all(dir, &got, &err));
    assert_string_equal(err.text, "cannot be read: Bad file descriptor");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_to_the_end_in_whatever_pieces),
        cmocka_unit_test(the_bound_is_the_last_byte_taken),
        cmocka_unit_test(an_interruption_is_no_end),
        cmocka_unit_test(what_cannot_be_read_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
