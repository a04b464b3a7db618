/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/log.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "cmocka_any.h"

static char directory[] = "/tmp/winguest-syslog-XXXXXX";
static struct sockaddr_un address = {.sun_family = AF_UNIX};

static int make_log(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    unlink(address.sun_path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void sends_a_line_that_log_daemons_know(void **state)
{
    int log = make_log();
    char line[2048] = "", wanted[128];

    (void)state;
    wg_log_to(address.sun_path, false, LOG_WARNING, "filter: ", "start guest 'a': failed", "");
    assert_true(recv(log, line, sizeof(line) - 1, 0) > 0);
    snprintf(wanted, sizeof(wanted), "<28>winguest[%d]: filter: start guest 'a': failed",
             (int)getpid());
    assert_string_equal(line, wanted);
    close(log);
}

static void cuts_what_is_too_long(void **state)
{
    int log = make_log();
    static char line[20000], text[16384];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    wg_log_to(address.sun_path, false, LOG_ERR, "filter: ", text, "");
    assert_between(recv(log, line, sizeof(line), 0), 8000, 8192);
    close(log);
}

/* The alarm ends the test if it waits. */
static void never_waits_for_a_log_that_hangs(void **state)
{
    int log = make_log();

    (void)state;
    alarm(10);
    for (int i = 0; i < 5000; i++)
        wg_log_to(address.sun_path, false, LOG_ERR, "filter: ", "unread", "");
    alarm(0);
    close(log);
    wg_log_to(address.sun_path, false, LOG_ERR, "filter: ", "nobody listens", "");
    unlink(address.sun_path);
    wg_log_to(address.sun_path, false, LOG_ERR, "filter: ", "nothing there", "");
    log = dup(2);
    close(log);
    assert_true(log < 10); /* no descriptor was left */
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL)
        return 1;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/log", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(address.sun_path);
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_a_line_that_log_daemons_know),
        cmocka_unit_test(cuts_what_is_too_long),
        cmocka_unit_test(never_waits_for_a_log_that_hangs),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
