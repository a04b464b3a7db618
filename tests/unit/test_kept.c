/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/kept.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/state.h"
#include "unit.h"

#define KEPT WG_VARDIR "/kept"
#define STORED "<domain>\n  <a/>\n  <b/>\n</domain>\n"
#define UUID "6f0f2c04-8a3c-4b8e-9f5e-0f7a5d1e6c11"

static int fresh(void **state)
{
    (void)state;
    umask(0);
    return system("rm -rf " WG_VARDIR) == 0 ? 0 : -1;
}

static void assert_kept(const char *uuid, const char *stored, const char *previous)
{
    char *text = wg_kept_get(uuid, "win", stored, NULL);

    if (previous == NULL)
        assert_null(text);
    else
        assert_string_equal(text, previous);
    free(text);
}

static size_t files(void)
{
    DIR *dir = opendir(KEPT);
    size_t count = 0;

    for (const struct dirent *entry; dir && (entry = readdir(dir));)
        count += *entry->d_name != '.';
    if (dir)
        closedir(dir);
    return count;
}

static void it_is_what_was_before(void **state)
{
    struct stat st;

    (void)state;
    assert_false(wg_kept_has(UUID));
    assert_kept(UUID, STORED, NULL);
    wg_kept_forget(UUID);
    assert_int_equal(access(WG_VARDIR, F_OK), -1);
    assert_int_equal(wg_kept_put(UUID, "<first/>", "other"), 0);
    assert_int_equal(wg_kept_put(UUID, "<domain/>\n0 1", STORED), 0);
    assert_true(wg_kept_has(UUID));
    assert_kept(UUID, STORED, "<domain/>\n0 1");
    assert_kept("another", STORED, NULL);
    assert_int_equal(stat(WG_VARDIR, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    assert_int_equal(stat(KEPT, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(stat(KEPT "/definition." UUID, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    wg_kept_forget(UUID);
    assert_false(wg_kept_has(UUID));
    assert_int_equal(files(), 0);
}

static void of_what_is_stored_still(void **state)
{
    (void)state;
    assert_int_equal(wg_kept_put(UUID, "<domain/>", STORED), 0);
    assert_kept(UUID, STORED, "<domain/>");
    assert_kept(UUID, "<domain>\n  <b/>\n  <a/>\n</domain>\n", NULL);
    errno = 0;
    assert_kept(UUID, "<domain>\n  <b/>\n</domain>\n", NULL);
    assert_int_equal(errno, ESTALE);
    assert_true(wg_kept_has(UUID));
}

static void of_the_file_that_was_replaced(void **state)
{
    static const char file[] = WG_SYSCONFDIR "/libvirt/qemu/win.xml";
    struct stat st;

    (void)state;
    assert_int_equal(system("mkdir -p " WG_SYSCONFDIR "/libvirt/qemu && touch " WG_SYSCONFDIR
                            "/libvirt/qemu/win.xml"),
                     0);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(wg_kept_put_offline(UUID, "<domain/>", &st), 0);
    assert_kept(UUID, STORED, "<domain/>");
    assert_int_equal(utimensat(AT_FDCWD, file, NULL, 0), 0);
    assert_kept(UUID, STORED, NULL);
    assert_int_equal(unlink(file), 0);
    assert_kept(UUID, STORED, NULL);
}

static void what_is_not_whole_is_nothing(void **state)
{
    static const char *const texts[] = {"", "x", "0123456789abcdef 0123456789abcdef\n"};

    (void)state;
    assert_int_equal(wg_kept_put(UUID, "<domain/>", STORED), 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(wg_state_put(KEPT, "definition." UUID, texts[i], false), 0);
        assert_kept(UUID, STORED, NULL);
    }
}

static void as_large_as_it_may_be(void **state)
{
    char *text = malloc(WG_KEPT_BYTES);

    (void)state;
    memset(text, 'x', WG_KEPT_BYTES);
    text[WG_KEPT_BYTES - 34] = '\0';
    assert_int_equal(wg_kept_put(UUID, text, STORED), 0);
    assert_kept(UUID, STORED, text);
    text[WG_KEPT_BYTES - 34] = 'x';
    text[WG_KEPT_BYTES - 33] = '\0';
    errno = 0;
    assert_int_equal(wg_kept_put(UUID, text, STORED), -1);
    assert_int_equal(errno, EFBIG);
    free(text);
}

static void make_older(const char *file, time_t seconds)
{
    const struct timespec times[2] = {{.tv_sec = time(NULL) - seconds},
                                      {.tv_sec = time(NULL) - seconds}};
    char path[512];

    snprintf(path, sizeof(path), KEPT "/%s", file);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void none_gets_too_old(void **state)
{
    const time_t days = WG_KEPT_DAYS * 24 * 3600;

    (void)state;
    assert_int_equal(wg_kept_put("old", "<domain/>", STORED), 0);
    assert_int_equal(wg_kept_put("half", "<domain/>", STORED), 0);
    assert_int_equal(rename(KEPT "/definition.half", KEPT "/" WG_STATE_FRESH "definition.half"), 0);
    assert_int_equal(wg_kept_put("young", "<domain/>", STORED), 0);
    make_older("definition.old", days + 60);
    make_older(WG_STATE_FRESH "definition.half", days + 60);
    make_older("definition.young", days - 60);
    assert_int_equal(wg_kept_put(UUID, "<domain/>", STORED), 0);
    assert_false(wg_kept_has("old"));
    assert_true(wg_kept_has("young"));
    assert_int_equal(files(), 2);
}

static void define(const char *name, const char *uuid)
{
    char path[512];

    mkdir(WG_SYSCONFDIR, 0755);
    mkdir(WG_SYSCONFDIR "/libvirt", 0755);
    mkdir(WG_SYSCONFDIR "/libvirt/qemu", 0755);
    snprintf(path, sizeof(path), WG_SYSCONFDIR "/libvirt/qemu/%s.xml", name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "<!-- x -->\n<domain>\n  <name>a</name>\n  <uuid>%s</uuid>\n</domain>\n", uuid);
    assert_int_equal(fclose(file), 0);
}

/* What a live guest may need stays; whose guest is gone goes. */
static void the_undefined_make_room(void **state)
{
    char uuid[64], first[64];

    (void)state;
    for (int i = 0; i < WG_KEPT_GUESTS; i++) {
        char file[WG_STATE_NAME];

        snprintf(uuid, sizeof(uuid), "6f0f2c04-8a3c-4b8e-9f5e-%012d", i);
        wg_state_name(file, "definition", uuid);
        if (i == 0) {
            strcpy(first, uuid);
            assert_int_equal(wg_kept_put(uuid, "<domain/>", STORED), 0);
        }
        assert_int_equal(wg_state_put(KEPT, file, "", false), 0);
    }
    for (int i = 0; i < WG_KEPT_GUESTS; i++) {
        char name[32];

        snprintf(name, sizeof(name), "g%d", i);
        snprintf(uuid, sizeof(uuid), "6f0f2c04-8a3c-4b8e-9f5e-%012d", i);
        define(name, uuid);
    }
    errno = 0;
    assert_int_equal(wg_kept_room("<domain/>"), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(wg_kept_put(UUID, "<domain/>", STORED), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(wg_kept_put(uuid, "<domain/>", STORED), 0);
    assert_int_equal(files(), WG_KEPT_GUESTS);
    assert_int_equal(system("rm -f " WG_SYSCONFDIR "/libvirt/qemu/g*.xml"), 0);
    define("first", first);
    assert_int_equal(wg_kept_room("<domain/>"), 0);
    assert_int_equal(files(), 1);
    assert_true(wg_kept_has(first));
    assert_int_equal(wg_kept_put(UUID, "<domain/>", STORED), 0);
    assert_int_equal(files(), 2);
}

static void offline_is_noted(void **state)
{
    struct stat st = {0};
    time_t since = 0;

    (void)state;
    assert_false(wg_kept_offline_since(UUID, &since));
    assert_int_equal(wg_kept_put_offline(UUID, "<domain/>", &st), 0);
    assert_true(wg_kept_offline_since(UUID, &since));
    assert_in_range(since, time(NULL) - 60, time(NULL) + 1);
    assert_int_equal(wg_kept_put(UUID, "<domain/>", STORED), 0);
    assert_false(wg_kept_offline_since(UUID, &since));
    assert_int_equal(wg_kept_put_offline(UUID, "<domain/>", &st), 0);
    wg_kept_forget(UUID);
    assert_false(wg_kept_offline_since(UUID, &since));
    assert_int_equal(files(), 0);
}

static void a_refusal_is_of_a_policy(void **state)
{
    (void)state;
    assert_false(wg_kept_refused(UUID, 1));
    wg_kept_refuse(UUID, UINT64_MAX);
    assert_true(wg_kept_refused(UUID, UINT64_MAX));
    assert_false(wg_kept_refused(UUID, 1));
    assert_false(wg_kept_has(UUID));
    wg_kept_forget(UUID);
    assert_true(wg_kept_refused(UUID, UINT64_MAX));
    wg_kept_allow(UUID);
    assert_false(wg_kept_refused(UUID, UINT64_MAX));
}

static void without_a_place_it_says_so(void **state)
{
    (void)state;
    assert_int_equal(mkdir(WG_VARDIR, 0755), 0);
    assert_int_equal(mkdir(KEPT, 0777), 0);
    assert_int_equal(wg_kept_put(UUID, "<domain/>", STORED), -1);
    assert_int_equal(errno, EPERM);
    assert_false(wg_kept_has(UUID));
    assert_int_equal(chmod(KEPT, 0755), 0);
    assert_int_equal(wg_kept_put(UUID, "<domain/>", STORED), 0);
    assert_kept(UUID, STORED, "<domain/>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_is_what_was_before, fresh),
        cmocka_unit_test_setup(of_what_is_stored_still, fresh),
        cmocka_unit_test_setup(of_the_file_that_was_replaced, fresh),
        cmocka_unit_test_setup(what_is_not_whole_is_nothing, fresh),
        cmocka_unit_test_setup(as_large_as_it_may_be, fresh),
        cmocka_unit_test_setup(none_gets_too_old, fresh),
        cmocka_unit_test_setup(the_undefined_make_room, fresh),
        cmocka_unit_test_setup(offline_is_noted, fresh),
        cmocka_unit_test_setup(a_refusal_is_of_a_policy, fresh),
        cmocka_unit_test_setup(without_a_place_it_says_so, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) + (fresh(NULL) != 0);
}
