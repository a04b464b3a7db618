/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/safe.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

/* Nobody at all: neither root nor whoever runs the tests. */
#define STRANGER 65533

static void opens(const char *what, const char *path)
{
    struct wg_error err = {0};
    int fd = wg_safe_open(path, &err);

    if (fd < 0)
        fail_msg("%s: %s", what, err.text);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
}

static void is_refused(const char *what, const char *path, int error, const char *why)
{
    struct wg_error err = {0};

    errno = 0;
    assert_int_equal(wg_safe_open(path, &err), -1);
    assert_int_equal(errno, error);
    assert_contains(what, err.text, why);
    assert_null(strchr(err.text, '\n'));
}

static const char *put_dir(const char *name, mode_t mode)
{
    const char *path = scratch(name);

    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static void a_file_of_ours_opens(void **state)
{
    const char *path = put_file("good", "text\n");
    struct wg_error err;
    char text[8] = "";

    (void)state;
    int fd = wg_safe_open(path, &err);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, text, sizeof(text) - 1), 5);
    assert_string_equal(text, "text\n");
    close(fd);
    opens("a file of root's", "/etc/passwd");
}

static void a_relative_name_is_looked_at_where_it_is(void **state)
{
    char *here = getcwd(NULL, 0);

    (void)state;
    put_file("good", "");
    assert_int_equal(chdir(scratch("")), 0);
    opens("relative", "good");
    assert_int_equal(chmod(".", 0777), 0);
    is_refused("relative, open directory", "good", EPERM, "writable by group or others");
    assert_int_equal(chmod(".", 0700), 0);
    assert_int_equal(chdir(here), 0);
    free(here);
}

static void a_file_that_others_may_write_is_refused(void **state)
{
    const char *path = put_file("open", "");
    char why[600];

    (void)state;
    snprintf(why, sizeof(why), "%s: writable by group or others; hint: chmod go-w '%s'", path,
             path);
    chmod(path, 0664);
    is_refused("group", path, EPERM, why);
    chmod(path, 0646);
    is_refused("world", path, EPERM, why);
    chmod(path, 0755);
    opens("others may read and run", path);
}

static void a_file_in_a_directory_that_others_may_write_is_refused(void **state)
{
    char why[600];

    (void)state;
    const char *dir = put_dir("shared", 0770);
    const char *path = put_file("shared/file", "");
    snprintf(why, sizeof(why), "%s: writable by group or others; hint: chmod go-w", dir);
    is_refused("group", path, EPERM, why);
    chmod(dir, 01777);
    snprintf(why, sizeof(why), "%s: writable by all; hint: use another directory", dir);
    is_refused("sticky", path, EPERM, why);
    chmod(dir, 0755);
    opens("mended", path);
}

static void a_link_is_looked_at_where_it_stands_and_where_it_leads(void **state)
{
    (void)state;
    put_dir("safe", 0755);
    put_dir("unsafe", 0777);
    put_file("safe/file", "");
    put_file("unsafe/file", "");
    assert_int_equal(symlink("file", scratch("safe/link")), 0);
    assert_int_equal(symlink("../unsafe/file", scratch("safe/out")), 0);
    assert_int_equal(symlink("../safe/file", scratch("unsafe/in")), 0);
    assert_int_equal(symlink("../safe", scratch("unsafe/dir")), 0);
    assert_int_equal(symlink("loop", scratch("safe/loop")), 0);
    opens("a link between safe places", scratch("safe/link"));
    is_refused("a link to an unsafe place", scratch("safe/out"), EPERM,
               "/unsafe: writable by group or others");
    is_refused("a link that others may turn", scratch("unsafe/in"), EPERM,
               "/unsafe: writable by group or others");
    is_refused("a loop", scratch("safe/loop"), ELOOP, "Too many levels");
}

static void what_is_no_file_is_refused_at_once(void **state)
{
    (void)state;
    put_dir("directory", 0755);
    assert_int_equal(mkfifo(scratch("fifo"), 0600), 0);
    is_refused("a FIFO that nobody writes", scratch("fifo"), EINVAL, "not a regular file");
    is_refused("a directory", scratch("directory"), EINVAL, "not a regular file");
    is_refused("a device", "/dev/null", EINVAL, "not a regular file");
}

static void a_missing_file_is_told_by_errno(void **state)
{
    (void)state;
    is_refused("missing", scratch("none"), ENOENT, "/none: No such file or directory");
    is_refused("in no directory", scratch("none/none"), ENOENT, "No such file or directory");
    is_refused("under a file", scratch("good/none"), ENOTDIR, "Not a directory");
    assert_int_equal(symlink("none", scratch("dangling")), 0);
    is_refused("a link to nothing", scratch("dangling"), ENOENT, "/dangling: No such file");
}

static void what_belongs_to_another_user_is_refused(void **state)
{
    const char *path = put_file("theirs", "");

    (void)state;
    require(chown(path, STRANGER, (gid_t)-1) == 0, "only root can give files to another user");
    is_refused("a file", path, EPERM, "/theirs: refused, it belongs to user 65533; hint: chown");
    const char *dir = put_dir("theirs.d", 0755);
    const char *inside = put_file("theirs.d/file", "");
    assert_int_equal(chown(dir, STRANGER, (gid_t)-1), 0);
    is_refused("a directory", inside, EPERM, "/theirs.d: refused, it belongs to user 65533");
}

static void what_may_not_be_read_is_told(void **state)
{
    const char *path = put_file("closed", "");
    uid_t user = geteuid();

    (void)state;
    chmod(path, 0);
    chmod(scratch(""), 0755);
    /* root may read everything */
    if (user == 0)
        assert_int_equal(seteuid(STRANGER), 0);
    is_refused("closed", path, EACCES, "/closed: Permission denied");
    assert_int_equal(seteuid(user), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_ours_opens),
        cmocka_unit_test(a_relative_name_is_looked_at_where_it_is),
        cmocka_unit_test(a_file_that_others_may_write_is_refused),
        cmocka_unit_test(a_file_in_a_directory_that_others_may_write_is_refused),
        cmocka_unit_test(a_link_is_looked_at_where_it_stands_and_where_it_leads),
        cmocka_unit_test(what_is_no_file_is_refused_at_once),
        cmocka_unit_test(a_missing_file_is_told_by_errno),
        cmocka_unit_test(what_belongs_to_another_user_is_refused),
        cmocka_unit_test(what_may_not_be_read_is_told),
    };

    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
