/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "filter_support.h"
#include "hooks/filter/child.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_any.h"

#define MAX ((size_t)32 * 1024 * 1024)

static struct wg_child_reply run(const char *path, char *const *argv, const char *input,
                                 size_t input_len, size_t output_max, int deadline_ms)
{
    struct wg_child_call call = {.path = path,
                                 .argv = argv,
                                 .input = input,
                                 .input_len = input_len,
                                 .output_max = output_max,
                                 .deadline_ms = deadline_ms};
    struct wg_child_reply reply;

    wg_child_run(&call, &reply);
    return reply;
}

static struct wg_child_reply run_script(const char *commands, const char *input, int deadline_ms)
{
    char *path = put_script("program", commands);
    char *argv[] = {path, NULL};
    struct wg_child_reply reply = run(path, argv, input, input == NULL ? 0 : strlen(input), MAX,
                                      deadline_ms);

    free(path);
    return reply;
}

static void answers_what_the_child_says(void **state)
{
    struct wg_child_reply reply = run_script("cat; echo end", "input\n", 5000);

    (void)state;
    assert_int_equal(reply.end, WG_CHILD_EXITED);
    assert_int_equal(reply.code, 0);
    assert_string_equal(reply.output, "input\nend\n");
    assert_int_equal(reply.output_len, 10);
    free(reply.output);
}

static void carries_more_than_a_pipe_holds_both_ways_at_once(void **state)
{
    size_t len = (size_t)8 * 1024 * 1024;
    char *input = malloc(len);
    char *argv[] = {"cat", NULL};
    struct wg_child_reply reply;

    (void)state;
    for (size_t i = 0; i < len; i++)
        input[i] = (char)('a' + i % 23);
    reply = run("/bin/cat", argv, input, len, MAX, 20000);
    assert_int_equal(reply.end, WG_CHILD_EXITED);
    assert_int_equal(reply.output_len, len);
    assert_memory_equal(reply.output, input, len);
    free(reply.output);
    free(input);
}

static void tells_how_the_child_ended(void **state)
{
    struct wg_child_reply reply = run_script("echo x; exit 3", NULL, 5000);

    (void)state;
    assert_int_equal(reply.end, WG_CHILD_EXITED);
    assert_int_equal(reply.code, 3);
    free(reply.output);
    reply = run_script("echo x; kill -SEGV $$", NULL, 5000);
    assert_int_equal(reply.end, WG_CHILD_KILLED);
    assert_int_equal(reply.code, SIGSEGV);
    assert_null(reply.output);
}

static void tells_why_there_was_no_child(void **state)
{
    char *path = put_file("not-a-program", "#!/nonexistent/interpreter\n", 0644);
    char *argv[] = {path, NULL};
    struct wg_child_reply reply = run(path, argv, NULL, 0, MAX, 5000);

    (void)state;
    assert_int_equal(reply.end, WG_CHILD_FAULT);
    assert_int_equal(reply.code, EACCES);
    reply = run("/nonexistent/winguest", argv, NULL, 0, MAX, 5000);
    assert_int_equal(reply.end, WG_CHILD_FAULT);
    assert_int_equal(reply.code, ENOENT);
    free(path);
}

static void keeps_the_deadline(void **state)
{
    long long start = ms_now();
    struct wg_child_reply reply = run_script("trap '' TERM; cat >/dev/null; sleep 60", "x", 300);

    (void)state;
    assert_int_equal(reply.end, WG_CHILD_LATE);
    assert_null(reply.output);
    assert_between(ms_now() - start, 290, 1200);
}

static void keeps_the_deadline_with_a_child_that_reads_nothing(void **state)
{
    size_t len = (size_t)1024 * 1024;
    char *input = calloc(1, len);
    char *argv[] = {"sleep", "60", NULL};
    long long start = ms_now();
    struct wg_child_reply reply;

    (void)state;
    reply = run("/bin/sleep", argv, input, len, MAX, 300);
    assert_int_equal(reply.end, WG_CHILD_LATE);
    assert_between(ms_now() - start, 290, 1200);
    free(input);
}

static void keeps_the_deadline_with_a_child_that_closed_its_output(void **state)
{
    struct wg_child_reply reply = run_script("exec >&-; sleep 60", NULL, 300);

    (void)state;
    assert_int_equal(reply.end, WG_CHILD_LATE);
}

/* By the child's end, not by the end of its output; and what it left behind does not stay. */
static void does_not_wait_for_a_grandchild(void **state)
{
    long long start = ms_now();
    struct wg_child_reply reply = run_script("sleep 61 & echo $!", NULL, 5000);
    pid_t left;

    (void)state;
    assert_int_equal(reply.end, WG_CHILD_EXITED);
    assert_between(ms_now() - start, 0, 2000);
    left = atoi(reply.output);
    assert_true(left > 1);
    free(reply.output);
    /* killed, but it is for init to reap it: gone or a zombie soon */
    for (int i = 0; i < 100 && kill(left, 0) == 0; i++) {
        char command[64];

        snprintf(command, sizeof(command), "grep -q '^State:.Z' /proc/%d/status", (int)left);
        if (system(command) == 0)
            return;
        usleep(20000);
    }
    assert_int_not_equal(kill(left, 0), 0);
}

static void accepts_an_answer_to_unread_input(void **state)
{
    size_t len = (size_t)1024 * 1024;
    char *input = calloc(1, len);
    char *argv[] = {"echo", "enough", NULL};
    struct wg_child_reply reply;

    (void)state;
    signal(SIGPIPE, SIG_DFL);
    for (int i = 0; i < 20; i++) {
        reply = run("/bin/echo", argv, input, len, MAX, 5000);
        assert_int_equal(reply.end, WG_CHILD_EXITED);
        assert_string_equal(reply.output, "enough\n");
        free(reply.output);
    }
    free(input);
}

static void stops_a_flood(void **state)
{
    char *argv[] = {"yes", NULL};
    struct wg_child_reply reply = run("/usr/bin/yes", argv, NULL, 0, 100000, 5000);
    char *exact[] = {"printf", "1234567890", NULL};

    (void)state;
    assert_int_equal(reply.end, WG_CHILD_FLOOD);
    assert_null(reply.output);
    reply = run("/usr/bin/printf", exact, NULL, 0, 10, 5000);
    assert_int_equal(reply.end, WG_CHILD_EXITED);
    assert_string_equal(reply.output, "1234567890");
    free(reply.output);
    reply = run("/usr/bin/printf", exact, NULL, 0, 9, 5000);
    assert_int_equal(reply.end, WG_CHILD_FLOOD);
}

static void hands_over_no_descriptors(void **state)
{
    struct wg_child_reply reply;

    (void)state;
    assert_int_equal(dup2(2, 100), 100);
    assert_int_equal(dup2(2, 7), 7);
    reply = run_script("for fd in /proc/self/fd/*; do echo ${fd##*/}; done | sort -n", NULL, 5000);
    assert_int_equal(reply.end, WG_CHILD_EXITED);
    assert_non_null(strstr(reply.output, "0\n1\n2\n"));
    assert_null(strstr(reply.output, "100\n"));
    assert_null(strstr(reply.output, "7\n"));
    free(reply.output);
    close(100);
    close(7);
}

static void gives_a_clean_environment_and_directory(void **state)
{
    char *env[] = {"env", NULL}, *pwd[] = {"pwd", "-P", NULL};
    struct wg_child_reply reply;

    (void)state;
    setenv("LD_PRELOAD_TEST", "inherited", 1);
    reply = run("/usr/bin/env", env, NULL, 0, MAX, 5000);
    assert_string_equal(reply.output, "PATH=/usr/sbin:/usr/bin:/sbin:/bin\nLC_ALL=C\n");
    free(reply.output);
    reply = run("/bin/pwd", pwd, NULL, 0, MAX, 5000);
    assert_string_equal(reply.output, "/\n");
    free(reply.output);
}

static void gives_default_signals(void **state)
{
    char *argv[] = {"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status", NULL};
    unsigned long long blocked, ignored;
    struct wg_child_reply reply;
    sigset_t set, old;

    (void)state;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, &old);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    reply = run("/bin/grep", argv, NULL, 0, MAX, 5000);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    assert_int_equal(reply.end, WG_CHILD_EXITED);
    assert_int_equal(sscanf(reply.output, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
    assert_int_equal(blocked, 0);
    /* 32 and 33 are the C library's own: posix_spawn leaves them ignored */
    assert_int_equal(ignored & ~(3ULL << 31), 0);
    free(reply.output);
}

static void leaves_signals_and_errno_as_they_were(void **state)
{
    struct wg_child_reply reply;
    sigset_t before, after, pending;

    (void)state;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    errno = EXDEV;
    reply = run_script("exit 0", "unread", 5000);
    assert_int_equal(errno, EXDEV);
    free(reply.output);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    sigpending(&pending);
    for (int i = 1; i < 32; i++)
        assert_int_equal(sigismember(&before, i), sigismember(&after, i));
    assert_false(sigismember(&pending, SIGPIPE));
}

static void interrupted(int number)
{
    (void)number;
}

static void survives_interruptions(void **state)
{
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = interrupted};
    struct wg_child_reply reply;

    (void)state;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    reply = run_script("cat; sleep 0.3; echo done", "x\n", 5000);
    setitimer(ITIMER_REAL, &never, NULL);
    assert_int_equal(reply.end, WG_CHILD_EXITED);
    assert_string_equal(reply.output, "x\ndone\n");
    free(reply.output);
}

static void notices_that_somebody_else_reaped(void **state)
{
    struct wg_child_reply reply;

    (void)state;
    signal(SIGCHLD, SIG_IGN);
    reply = run_script("echo x", NULL, 5000);
    signal(SIGCHLD, SIG_DFL);
    assert_int_equal(reply.end, WG_CHILD_LOST);
    assert_null(reply.output);
}

/* A daemon may have been started with 0, 1 or 2 closed: then pipes get those numbers. */
static void works_without_standard_descriptors(void **state)
{
    pid_t pid = fork();
    int status;

    (void)state;
    if (pid == 0) {
        struct wg_child_reply reply;

        close(0);
        close(1);
        close(2);
        reply = run_script("cat; echo end; echo lost >&2", "x\n", 5000);
        _exit(reply.end == WG_CHILD_EXITED && strcmp(reply.output, "x\nend\n") == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void *run_some(void *failures)
{
    char *path = failures;
    char *argv[] = {path, NULL};

    for (int i = 0; i < 25; i++) {
        struct wg_child_reply reply = run(path, argv, "hello\n", 6, MAX, 20000);

        if (reply.end != WG_CHILD_EXITED || strcmp(reply.output, "hello\n") != 0)
            return path;
        free(reply.output);
    }
    return NULL;
}

static void leaves_nothing_behind(void **state)
{
    int fds = open_fds();
    pthread_t threads[8];
    char *path = put_script("program", "cat");
    void *failed;

    (void)state;
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_some, path), 0);
    for (size_t i = 0; i < 8; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(open_fds(), fds);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    free(path);
}

static int set_up(void **state)
{
    (void)state;
    work_dir();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tidy_up();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_what_the_child_says),
        cmocka_unit_test(carries_more_than_a_pipe_holds_both_ways_at_once),
        cmocka_unit_test(tells_how_the_child_ended),
        cmocka_unit_test(tells_why_there_was_no_child),
        cmocka_unit_test(keeps_the_deadline),
        cmocka_unit_test(keeps_the_deadline_with_a_child_that_reads_nothing),
        cmocka_unit_test(keeps_the_deadline_with_a_child_that_closed_its_output),
        cmocka_unit_test(does_not_wait_for_a_grandchild),
        cmocka_unit_test(accepts_an_answer_to_unread_input),
        cmocka_unit_test(stops_a_flood),
        cmocka_unit_test(hands_over_no_descriptors),
        cmocka_unit_test(gives_a_clean_environment_and_directory),
        cmocka_unit_test(gives_default_signals),
        cmocka_unit_test(leaves_signals_and_errno_as_they_were),
        cmocka_unit_test(survives_interruptions),
        cmocka_unit_test(notices_that_somebody_else_reaped),
        cmocka_unit_test(works_without_standard_descriptors),
        cmocka_unit_test(leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
