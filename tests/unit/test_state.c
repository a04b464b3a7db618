/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define DIR_OF "state-of-test"
#define FILE_OF "kind.guest"

static int fresh(void **state)
{
    (void)state;
    if (system("rm -rf " DIR_OF) != 0)
        return -1;
    umask(0);
    return 0;
}

static void assert_name(const char *guest, const char *expected)
{
    char file[WG_STATE_NAME];

    wg_state_name(file, "kind", guest);
    assert_string_equal(file, expected);
}

static void names_are_escaped(void **state)
{
    (void)state;
    assert_name("Win-2022_a", "kind.Win-2022_a");
    assert_name("a&b '", "kind.a%26b%20%27");
    assert_name("../x", "kind.%2e%2e%2fx");
    assert_name("\xc3\xa9", "kind.%c3%a9");
    assert_name("%41", "kind.%2541");
    assert_name("", "kind.");
}

/* Of any length, and two that differ only at the end are two. */
static void long_names_fit_and_differ(void **state)
{
    static const char *const letters[] = {"a", "/", "\xf0"};
    char one[4097], other[4097], file[WG_STATE_NAME], another[WG_STATE_NAME];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        for (size_t len = 1; len < sizeof(one) - 1; len += len < 300 ? 1 : 509) {
            memset(one, *letters[i], len);
            one[len] = '\0';
            strcpy(other, one);
            other[len - 1] = 'b';
            memset(file, '!', sizeof(file));
            wg_state_name(file, "definition", one);
            /* the NUL and what is put in front until it is whole */
            assert_true(strlen(file) < WG_STATE_NAME - strlen(WG_STATE_FRESH));
            assert_null(strchr(file, '/'));
            wg_state_name(another, "definition", other);
            assert_string_not_equal(file, another);
        }
    }
}

static void what_was_put_is_there(void **state)
{
    struct stat st;
    char *text;

    (void)state;
    assert_null(wg_state_get(DIR_OF, FILE_OF, 10));
    assert_int_equal(errno, ENOENT);
    assert_int_equal(wg_state_put(DIR_OF, FILE_OF, "first, longer", true), 0);
    assert_int_equal(wg_state_put(DIR_OF, FILE_OF, "second", false), 0);
    assert_int_equal(stat(DIR_OF, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(stat(DIR_OF "/" FILE_OF, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    text = wg_state_get(DIR_OF, FILE_OF, 6);
    assert_string_equal(text, "second");
    free(text);
    assert_null(wg_state_get(DIR_OF, FILE_OF, 5));
    assert_int_equal(errno, EFBIG);
    assert_true(wg_state_drop(DIR_OF, FILE_OF));
    assert_false(wg_state_drop(DIR_OF, FILE_OF));
    assert_int_equal(rmdir(DIR_OF), 0);
}

/* What a writer that was killed has left is in nobody's way. */
static void halves_do_not_count(void **state)
{
    char *text;

    (void)state;
    assert_int_equal(wg_state_put(DIR_OF, WG_STATE_FRESH FILE_OF, "half", false), 0);
    assert_null(wg_state_get(DIR_OF, FILE_OF, 10));
    assert_int_equal(wg_state_put(DIR_OF, FILE_OF, "whole", false), 0);
    text = wg_state_get(DIR_OF, FILE_OF, 10);
    assert_string_equal(text, "whole");
    free(text);
    assert_int_equal(access(DIR_OF "/" WG_STATE_FRESH FILE_OF, F_OK), -1);
}

static void others_directories_are_refused(void **state)
{
    (void)state;
    assert_int_equal(mkdir(DIR_OF, 0777), 0);
    assert_int_equal(wg_state_put(DIR_OF, FILE_OF, "x", false), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(chmod(DIR_OF, 0700), 0);
    assert_int_equal(wg_state_put(DIR_OF, FILE_OF, "x", false), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(DIR_OF, 65534, 65534), 0);
        assert_null(wg_state_get(DIR_OF, FILE_OF, 10));
        assert_int_equal(errno, EPERM);
    }
    fresh(NULL);
    assert_int_equal(symlink(".", DIR_OF), 0);
    assert_int_equal(wg_state_put(DIR_OF, FILE_OF, "x", false), -1);
    assert_int_equal(access(FILE_OF, F_OK), -1);
}

static void links_are_not_followed(void **state)
{
    (void)state;
    assert_int_equal(wg_state_put(DIR_OF, "kind.target", "text", false), 0);
    assert_int_equal(symlink("kind.target", DIR_OF "/" FILE_OF), 0);
    assert_null(wg_state_get(DIR_OF, FILE_OF, 10));
    assert_int_equal(wg_state_put(DIR_OF, FILE_OF, "new", false), 0);
    char *text = wg_state_get(DIR_OF, "kind.target", 10);
    assert_string_equal(text, "text");
    free(text);
}

static int count(const char *dir, const char *file, void *to)
{
    assert_string_equal(dir, DIR_OF);
    assert_int_equal(strncmp(file, "kind.", 5), 0);
    return ++*(int *)to == 2 ? 7 : 0;
}

static void each_is_of_a_kind(void **state)
{
    int seen = 0;

    (void)state;
    assert_int_equal(wg_state_put(DIR_OF, "kind.a", "", false), 0);
    assert_int_equal(wg_state_put(DIR_OF, "kinder.b", "", false), 0);
    assert_int_equal(wg_state_each(DIR_OF, "kind", count, &seen), 0);
    assert_int_equal(seen, 1);
    assert_int_equal(wg_state_put(DIR_OF, "kind.c", "", false), 0);
    assert_int_equal(wg_state_put(DIR_OF, "kind.d", "", false), 0);
    seen = 0;
    assert_int_equal(wg_state_each(DIR_OF, "kind", count, &seen), 7);
    assert_int_equal(seen, 2);
}

/* Another process does not get it while this one has it. */
static void a_lock_is_had_by_one(void **state)
{
    int status, fd = wg_state_lock(DIR_OF, "lock.a");

    (void)state;
    assert_true(fd >= 0);
    for (int held = 1; held >= 0; held--) {
        pid_t child = fork();

        if (child == 0) {
            close(fd);
            fd = wg_state_lock(DIR_OF, "lock.a");
            _exit(fd >= 0 ? 0 : errno == EWOULDBLOCK ? 1 : 2);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, held << 8);
        if (held)
            close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(names_are_escaped, fresh),
        cmocka_unit_test_setup(long_names_fit_and_differ, fresh),
        cmocka_unit_test_setup(what_was_put_is_there, fresh),
        cmocka_unit_test_setup(halves_do_not_count, fresh),
        cmocka_unit_test_setup(others_directories_are_refused, fresh),
        cmocka_unit_test_setup(links_are_not_followed, fresh),
        cmocka_unit_test_setup(each_is_of_a_kind, fresh),
        cmocka_unit_test_setup(a_lock_is_had_by_one, fresh),
    };

    if (chdir(WG_SCRATCH) < 0)
        return 99;
    return cmocka_run_group_tests(tests, NULL, NULL) + (fresh(NULL) != 0);
}
