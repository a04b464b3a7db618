/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/marks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"

#define UUID "6f0f2c04-8a3c-4b8e-9f5e-0f7a5d1e6c11"

static void empty_state_dir(void)
{
    DIR *dir = opendir(WG_STATEDIR);

    if (dir) {
        for (const struct dirent *entry; (entry = readdir(dir));) {
            if (entry->d_type != DT_DIR)
                assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
        }
        closedir(dir);
    }
    if (rmdir(WG_STATEDIR) < 0 && errno == ENOTDIR)
        assert_int_equal(unlink(WG_STATEDIR), 0);
}

static int no_state(void **state)
{
    (void)state;
    empty_state_dir();
    return access(WG_STATEDIR, F_OK) < 0 && errno == ENOENT ? 0 : -1;
}

/* The path of the only file in the directory; NULL if it is empty or missing. */
static char *only_mark(void)
{
    DIR *dir = opendir(WG_STATEDIR);
    char *path = NULL;

    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        if (entry->d_type == DT_DIR)
            continue;
        assert_null(path);
        assert_true(asprintf(&path, "%s/%s", WG_STATEDIR, entry->d_name) > 0);
    }
    if (dir)
        closedir(dir);
    return path;
}

static void write_mark(const char *text)
{
    char *path = only_mark();

    assert_non_null(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    free(path);
}

static void a_mark_is_there_once(void **state)
{
    (void)state;
    assert_false(wg_take(WG_SETTLED, "win1"));
    wg_mark(WG_SETTLED, "win1");
    wg_mark(WG_SETTLED, "win1");
    assert_false(wg_take(WG_SETTLED, "win2"));
    assert_true(wg_take(WG_SETTLED, "win1"));
    assert_false(wg_take(WG_SETTLED, "win1"));
    wg_mark(WG_IN_FLIGHT, UUID);
    assert_false(wg_take_recent(WG_IN_FLIGHT, "other"));
    assert_true(wg_take_recent(WG_IN_FLIGHT, UUID));
    assert_false(wg_take_recent(WG_IN_FLIGHT, UUID));
    assert_null(only_mark());
}

static void the_kinds_do_not_mix(void **state)
{
    (void)state;
    wg_mark(WG_SETTLED, UUID);
    assert_false(wg_take_recent(WG_IN_FLIGHT, UUID));
    assert_true(wg_take(WG_SETTLED, UUID));
    wg_mark(WG_IN_FLIGHT, UUID);
    assert_false(wg_take(WG_SETTLED, UUID));
    assert_true(wg_take_recent(WG_IN_FLIGHT, UUID));
}

static void nobody_else_may_look(void **state)
{
    struct stat st;
    mode_t mask = umask(0);

    (void)state;
    wg_mark(WG_IN_FLIGHT, UUID);
    umask(mask);
    assert_int_equal(stat(WG_STATEDIR, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    char *path = only_mark();
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_between(st.st_size, 1, 20);
    free(path);
}

static void a_mark_in_flight_is_void_after_a_minute(void **state)
{
    static const struct {
        int age;
        bool valid;
    } rows[] = {{0, true}, {59, true}, {62, false}, {3600, false}, {-10, false}};
    struct timespec now;
    char text[32];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        wg_mark(WG_IN_FLIGHT, UUID);
        clock_gettime(CLOCK_BOOTTIME, &now);
        snprintf(text, sizeof(text), "%lld", (long long)now.tv_sec - rows[i].age);
        write_mark(text);
        assert_int_equal(wg_take_recent(WG_IN_FLIGHT, UUID), rows[i].valid);
        assert_null(only_mark());
    }
}

static void rubbish_is_no_mark(void **state)
{
    static const char *const rows[] = {"", "x", "-", " ", "99999999999999999999999999999999999999"};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        wg_mark(WG_IN_FLIGHT, UUID);
        write_mark(rows[i]);
        assert_false(wg_take_recent(WG_IN_FLIGHT, UUID));
        assert_null(only_mark());
    }
}

static void any_name_stays_in_the_directory(void **state)
{
    static const char *const names[] = {
        "..",          ".",    "",      "../../etc/passwd",
        "/etc/passwd", "a/b",  "a%2fb", "a b\n",
        "caf\xc3\xa9", "\xff", "%",     "%s%n",
        "-rf",         "WIN1", "win1",  "a.b",
        "settled.a",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        wg_mark(WG_SETTLED, names[i]);
        char *path = only_mark();
        assert_non_null(path);
        assert_null(strchr(path + strlen(WG_STATEDIR) + 1, '/'));
        free(path);
        for (size_t j = 0; j < COUNT(names); j++) {
            if (j != i)
                assert_false(wg_take(WG_SETTLED, names[j]));
        }
        assert_true(wg_take(WG_SETTLED, names[i]));
    }
}

/* Names of the same first hundreds of bytes, in Chinese too, are others all the same. */
static void a_long_name_has_a_mark(void **state)
{
    char name[1001], other[1001];

    (void)state;
    for (size_t i = 0; i < 999; i += 3)
        memcpy(name + i, "\xe7\xaa\x97", 3);
    name[999] = '1';
    name[1000] = '\0';
    strcpy(other, name);
    other[999] = '2';
    wg_mark(WG_SETTLED, name);
    free(only_mark());
    assert_false(wg_take(WG_SETTLED, other));
    assert_true(wg_take(WG_SETTLED, name));
    wg_mark(WG_IN_FLIGHT, other);
    assert_false(wg_take_recent(WG_IN_FLIGHT, name));
    assert_true(wg_take_recent(WG_IN_FLIGHT, other));
    assert_null(only_mark());
}

/* A cold start of a corrected definition, to its end. */
static void a_corrected_guest_is_followed(void **state)
{
    char uuid[37];

    (void)state;
    assert_false(wg_take_failed("win1", uuid));
    wg_mark_starting("win1");
    wg_mark_trying("win1", UUID);
    assert_false(wg_take_failed("win2", uuid));
    assert_true(wg_take_failed("win1", uuid));
    assert_string_equal(uuid, UUID);
    assert_false(wg_take_failed("win1", uuid));

    wg_mark_trying("win1", UUID);
    wg_mark_started("win1");
    assert_false(wg_take_failed("win1", uuid));

    /* Another start, which does not try it, knows nothing of the one before. */
    wg_mark_trying("win1", UUID);
    wg_mark_starting("win1");
    assert_false(wg_take_failed("win1", uuid));
    assert_null(only_mark());
}

static void what_is_no_uuid_is_none(void **state)
{
    char uuid[37];

    (void)state;
    wg_mark_trying("win1", "../../etc/passwd");
    assert_false(wg_take_failed("win1", uuid));
    wg_mark_trying("win1", "../../etc/passwd");
    wg_mark_started("win1");
    assert_null(only_mark());
}

static void a_start_that_has_not_been_prepared_is_told(void **state)
{
    (void)state;
    assert_false(wg_take(WG_UNPREPARED, "win1"));
    wg_mark(WG_UNPREPARED, "win1");
    wg_mark_starting("win2");
    assert_true(wg_take(WG_UNPREPARED, "win1"));
    wg_mark(WG_UNPREPARED, "win1");
    wg_mark_starting("win1");
    assert_false(wg_take(WG_UNPREPARED, "win1"));
}

/* Whatever a repair was about to do: somebody else starts the guest. */
static void a_start_voids_an_intent(void **state)
{
    static const char *const paths[] = {WG_STATEDIR "/intent.win1", WG_STATEDIR "/ended.win1",
                                        WG_STATEDIR "/retry.win1"};

    (void)state;
    for (size_t i = 0; i < COUNT(paths); i++) {
        const char *path = paths[i];

        wg_mark(WG_IN_FLIGHT, "x");
        assert_true(wg_take_recent(WG_IN_FLIGHT, "x"));
        fclose(fopen(path, "w"));
        wg_mark_starting("win2");
        assert_int_equal(access(path, F_OK), 0);
        wg_mark_starting("win1");
        assert_int_equal(access(path, F_OK), -1);
    }
}

static void a_directory_that_others_may_enter_is_not_used(void **state)
{
    static const mode_t modes[] = {0777, 01777, 0770, 0702};

    (void)state;
    wg_mark(WG_SETTLED, "win1");
    for (size_t i = 0; i < COUNT(modes); i++) {
        assert_int_equal(chmod(WG_STATEDIR, modes[i]), 0);
        assert_false(wg_take(WG_SETTLED, "win1"));
        wg_mark(WG_SETTLED, "win2");
        free(only_mark());
    }
    assert_int_equal(chmod(WG_STATEDIR, 0700), 0);
    assert_false(wg_take(WG_SETTLED, "win2"));
    assert_true(wg_take(WG_SETTLED, "win1"));
}

static void a_directory_of_another_user_is_not_used(void **state)
{
    (void)state;
    wg_mark(WG_SETTLED, "win1");
    require(chown(WG_STATEDIR, 65533, (gid_t)-1) == 0, "only root can give files to another user");
    assert_false(wg_take(WG_SETTLED, "win1"));
    assert_int_equal(chown(WG_STATEDIR, 0, (gid_t)-1), 0);
    assert_true(wg_take(WG_SETTLED, "win1"));
}

static void what_is_no_directory_is_not_used(void **state)
{
    (void)state;
    assert_int_equal(mkdir(scratch("elsewhere"), 0700), 0);
    assert_int_equal(symlink(scratch("elsewhere"), WG_STATEDIR), 0);
    wg_mark(WG_SETTLED, "win1");
    assert_false(wg_take(WG_SETTLED, "win1"));
    assert_int_equal(rmdir(scratch("elsewhere")), 0);
    assert_int_equal(unlink(WG_STATEDIR), 0);
    fclose(fopen(WG_STATEDIR, "w"));
    wg_mark(WG_SETTLED, "win1");
    assert_false(wg_take(WG_SETTLED, "win1"));
}

static void a_link_in_place_of_a_mark_is_not_followed(void **state)
{
    struct timespec now;
    char text[32];
    struct stat st;

    (void)state;
    clock_gettime(CLOCK_BOOTTIME, &now);
    snprintf(text, sizeof(text), "%lld\n", (long long)now.tv_sec);
    const char *victim = put_file("victim", text);
    wg_mark(WG_IN_FLIGHT, UUID);
    char *path = only_mark();
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(victim, path), 0);
    assert_false(wg_take_recent(WG_IN_FLIGHT, UUID));
    assert_int_equal(symlink(victim, path), 0);
    wg_mark(WG_IN_FLIGHT, UUID);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(stat(victim, &st), 0);
    assert_int_equal(st.st_size, strlen(text));
    assert_true(wg_take_recent(WG_IN_FLIGHT, UUID));
    free(path);
}

#define AFRESH(test) cmocka_unit_test_setup_teardown(test, no_state, no_state)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AFRESH(a_mark_is_there_once),
        AFRESH(the_kinds_do_not_mix),
        AFRESH(nobody_else_may_look),
        AFRESH(a_mark_in_flight_is_void_after_a_minute),
        AFRESH(rubbish_is_no_mark),
        AFRESH(any_name_stays_in_the_directory),
        AFRESH(a_long_name_has_a_mark),
        AFRESH(a_corrected_guest_is_followed),
        AFRESH(what_is_no_uuid_is_none),
        AFRESH(a_start_that_has_not_been_prepared_is_told),
        AFRESH(a_start_voids_an_intent),
        AFRESH(a_directory_that_others_may_enter_is_not_used),
        AFRESH(a_directory_of_another_user_is_not_used),
        AFRESH(what_is_no_directory_is_not_used),
        AFRESH(a_link_in_place_of_a_mark_is_not_followed),
    };

    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
