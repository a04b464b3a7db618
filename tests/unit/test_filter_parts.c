/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/hash.h"
#include "filter_support.h"
#include "hooks/filter/conns.h"
#include "hooks/filter/log.h"
#include "hooks/filter/real.h"
#include "hooks/filter/start.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "cmocka_any.h"

static void the_log_line_stays_one_line(void **state)
{
    char name[1000];

    (void)state;
    memset(name, '\x1b', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    forget_log();
    errno = EXDEV;
    wg_filter_log(LOG_WARNING, "a\nb\t'c' \\ \x7f %s \xc3\xa4", "define", "%d things", 3);
    assert_int_equal(errno, EXDEV);
    assert_string_equal(logged(), "<4> define guest "
                                  "'a\\x0ab\\x09'c' \\ \\x7f %s \xc3\xa4': "
                                  "3 things\n");
    forget_log();
    wg_filter_log(LOG_ERR, name, "start", "failed");
    assert_between(strlen(logged()), 800, 850);
    assert_int_equal(lines_logged(), 1);
    forget_log();
    wg_filter_log(LOG_ERR, "", "create", "failed");
    wg_filter_log(LOG_ERR, NULL, NULL, "failed");
    assert_string_equal(logged(), "<3> create guest '-': failed\n<3> failed\n");
}

static void only_our_own_preload_entry_goes(void **state)
{
    static const struct {
        const char *before, *after;
    } cases[] = {
        {"/usr/lib/libwinguest-filter.so", ""},
        {"libwinguest-filter.so", ""},
        {"", ""},
        {" : ", ""},
        {"/a/libjemalloc.so.2", "/a/libjemalloc.so.2"},
        {"/usr/lib/libwinguest-filter.so:/a/libjemalloc.so.2", "/a/libjemalloc.so.2"},
        {"/a/libjemalloc.so.2 /usr/lib/libwinguest-filter.so", "/a/libjemalloc.so.2"},
        {"a.so /x/libwinguest-filter.so::b.so c.so", "a.so:b.so:c.so"},
        {"/x/not-libwinguest-filter.so libwinguest-filter.so.1",
         "/x/not-libwinguest-filter.so:libwinguest-filter.so.1"},
        {":a:", "a"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char preload[128];

        strcpy(preload, cases[i].before);
        assert_int_equal(wg_preload_without_us(preload), cases[i].after[0] != '\0');
        assert_string_equal(preload, cases[i].after);
    }
}

static void connections_come_and_go(void **state)
{
    static char conns[1000];

    (void)state;
    assert_false(wg_conns_has(&conns[0]));
    wg_conns_forget(&conns[0]);
    for (size_t i = 0; i < sizeof(conns); i++) {
        wg_conns_add(&conns[i]);
        wg_conns_add(&conns[i]);
    }
    for (size_t i = 0; i < sizeof(conns); i += 2)
        wg_conns_forget(&conns[i]);
    for (size_t i = 0; i < sizeof(conns); i++)
        assert_int_equal(wg_conns_has(&conns[i]), i % 2);
    for (size_t i = 0; i < sizeof(conns); i++)
        wg_conns_forget(&conns[i]);
    assert_false(wg_conns_has(&conns[1]));
}

static bool same(const char *a, const char *b)
{
    struct wg_fingerprint of_a = wg_fingerprint_of(a), of_b = wg_fingerprint_of(b);

    return wg_fingerprint_same(&of_a, &of_b);
}

#define PCI "    <controller type='pci' index='0' model='pcie-root'/>\n"
#define USB(n) \
    "    <controller type='usb' index='" n "'>\n      <address slot='" n "'/>\n    </controller>\n"

static void a_fingerprint_leaves_the_order_of_controllers_to_libvirt(void **state)
{
    (void)state;
    assert_true(same("", ""));
    assert_false(same("a\nb\nc\n", "c\na\nb\n"));
    assert_false(same("a\nb\nc\n", "a\nb\nd\n"));
    assert_false(same("a\nb\n", "a\nb\nc\n"));
    assert_false(same("ab\ncd\n", "ac\nbd\n"));
    assert_true(same("a\n" PCI USB("1") USB("2") "b\n", "a\n" USB("2") PCI USB("1") "b\n"));
    assert_true(same("a\n" PCI "b\n" USB("1"), "a\n" USB("1") "b\n" PCI));
    assert_false(same("a\n" USB("1") USB("2"), "a\n" USB("1") USB("3")));
    assert_false(same("a\n" USB("1"), "a\n" USB("1") USB("1")));
    assert_false(same("a\n" PCI "b\n", "b\n" PCI "a\n"));
}

static void a_fingerprint_does_not_count_the_name(void **state)
{
    (void)state;
    assert_true(same("<domain>\n  <name>a</name>\n", "<domain>\n  <name>b</name>\n"));
    assert_false(same("<domain>\n    <name>a</name>\n", "<domain>\n    <name>b</name>\n"));
}

/* Without libvirt in the process there is nothing to pass on to, and nothing may crash. */
static void without_libvirt_everything_fails_gently(void **state)
{
    struct wg_start start = {0};

    (void)state;
    assert_false(wg_filter_works());
    for (int form = WG_START_PLAIN; form <= WG_START_FILES; form++) {
        start.form = (unsigned int)form;
        assert_int_equal(wg_start_unchanged(&start), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_log_line_stays_one_line),
        cmocka_unit_test(only_our_own_preload_entry_goes),
        cmocka_unit_test(connections_come_and_go),
        cmocka_unit_test(a_fingerprint_leaves_the_order_of_controllers_to_libvirt),
        cmocka_unit_test(a_fingerprint_does_not_count_the_name),
        cmocka_unit_test(without_libvirt_everything_fails_gently),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
