/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a confined process can still do: each attempt in a child, for it cannot be taken back. */
#include "engine/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static char path[512];
static pid_t tester;

static bool opens_to_read(void)
{
    return open(path, O_RDONLY) >= 0;
}

static bool opens_to_write(void)
{
    return open(path, O_WRONLY) >= 0;
}

static bool makes_a_file(void)
{
    char name[600];

    snprintf(name, sizeof(name), "%s.new", path);
    return open(name, O_WRONLY | O_CREAT, 0600) >= 0;
}

static bool cuts_a_file(void)
{
    return truncate(path, 1) == 0;
}

static bool removes(void)
{
    return unlink(path) == 0;
}

static bool executes(void)
{
    execl("/bin/true", "true", (char *)NULL);
    return false;
}

static bool makes_a_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

/* Somebody who listens is not needed: what is forbidden is forbidden before that is known. */
static bool may_connect(void)
{
    struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_port = htons(9)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return fd >= 0 &&
           (connect(fd, (struct sockaddr *)&nobody, sizeof(nobody)) == 0 || errno != EACCES);
}

static bool changes_a_mode(void)
{
    return chmod(path, 0666) == 0;
}

static bool signals(void)
{
    return kill(tester, 0) == 0;
}

static bool is_root(void)
{
    return geteuid() == 0 || setuid(0) == 0;
}

static bool goes_on_with_what_is_open(void)
{
    int fd = dup(STDERR_FILENO);

    return fd < 0 && write(STDERR_FILENO, "", 0) == 0 && malloc(1 << 20) != NULL;
}

static bool succeeds(enum wg_confinement confinement, bool (*attempt)(void))
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        _exit(!wg_confine(confinement) ? 2 : attempt() ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 2) {
        print_message("# skipped: this kernel has no Landlock, or this build counts lines\n");
        skip();
    }
    return WEXITSTATUS(status) == 0;
}

static int make_file(void **state)
{
    int rc = make_scratch(state);

    tester = getpid();
    snprintf(path, sizeof(path), "%s", put_file("file", "text"));
    return rc;
}

static void nothing_but_what_is_open(void **state)
{
    static const struct {
        const char *what;
        bool (*attempt)(void);
    } rows[] = {
        {"opens to read", opens_to_read},   {"opens to write", opens_to_write},
        {"makes a file", makes_a_file},     {"cuts a file", cuts_a_file},
        {"removes a file", removes},        {"executes", executes},
        {"makes a socket", makes_a_socket},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (succeeds(WG_CONFINE_ALL, rows[i].attempt))
            fail_msg("%s", rows[i].what);
    }
    assert_true(succeeds(WG_CONFINE_ALL, goes_on_with_what_is_open));
}

static void no_root_any_more(void **state)
{
    (void)state;
    require(geteuid() == 0, "not root");
    assert_false(succeeds(WG_CONFINE_ALL, is_root));
    assert_false(succeeds(WG_CONFINE_ALL, changes_a_mode));
    assert_false(succeeds(WG_CONFINE_ALL, signals));
}

static void files_to_read_only(void **state)
{
    (void)state;
    assert_true(succeeds(WG_CONFINE_READ, opens_to_read));
    assert_false(succeeds(WG_CONFINE_READ, opens_to_write));
    assert_false(succeeds(WG_CONFINE_READ, makes_a_file));
    assert_false(succeeds(WG_CONFINE_READ, cuts_a_file));
    assert_false(succeeds(WG_CONFINE_READ, removes));
    assert_false(succeeds(WG_CONFINE_READ, executes));
    assert_false(succeeds(WG_CONFINE_READ, may_connect));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_but_what_is_open),
        cmocka_unit_test(no_root_any_more),
        cmocka_unit_test(files_to_read_only),
    };

    return cmocka_run_group_tests(tests, make_file, drop_scratch);
}
