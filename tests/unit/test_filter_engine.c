/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "filter_engine.h"
#include "filter_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmocka_any.h"

#define XML "<domain type='kvm'><name>win</name></domain>\n"
#define SETTINGS "[ \"$1\" = filter ] && { echo asked >>%s; printf '%s'; exit 0; }\n"

static const char *directory;
static char *config;
static char *program;
static struct wg_filter_engine engine;

/* A new engine whose program runs @commands, with a configuration that it has not read. */
static void make_engine(const char *commands)
{
    free(program);
    program = put_script("winguest", commands);
    engine = (struct wg_filter_engine)WG_FILTER_INIT(program, config);
    forget_log();
}

static char *ask(const char *name, const char *xml)
{
    struct wg_filter_question question = {.op = "define", .name = name, .xml = xml,
                                          .log_op = "start", .log_name = "win\n1"};

    struct wg_filter_answer answer;
    char *copy;

    wg_filter_ask(&engine, &question, &answer);
    copy = answer.xml == NULL ? NULL : strdup(answer.xml);
    wg_filter_answer_free(&answer);
    return copy;
}

static void asks_in_the_agreed_words(void **state)
{
    char *answer, *said, *commands;

    (void)state;
    assert_true(asprintf(&commands, "echo \"$*\" >%s/said; cat >%s/read", directory,
                         directory) > 0);
    make_engine(commands);
    answer = ask("win 1", XML);
    assert_null(answer);
    said = get_file("said");
    assert_string_equal(said, "hook win 1 define begin -\n");
    free(said);
    said = get_file("read");
    assert_string_equal(said, XML);
    free(said);
    for (int i = 0; i < 2; i++) {
        assert_null(ask(i == 0 ? NULL : "--config=/tmp/mine", XML));
        said = get_file("said");
        assert_string_equal(said, "hook - define begin -\n");
        free(said);
    }
    assert_int_equal(lines_logged(), 0);
    free(commands);
}

static void returns_what_was_rewritten(void **state)
{
    char *answer;

    (void)state;
    make_engine("sed s/kvm/qemu/");
    answer = ask("win", XML);
    assert_string_equal(answer, "<domain type='qemu'><name>win</name></domain>\n");
    free(answer);
    make_engine("cat");
    assert_null(ask("win", XML));
    make_engine("cat >/dev/null");
    assert_null(ask("win", XML));
    assert_int_equal(lines_logged(), 0);
}

static void a_fault_leaves_the_xml_alone_and_is_logged_once(void **state)
{
    static const struct {
        const char *commands, *says;
    } faults[] = {
        {"cat; exit 1", "exited with status 1"},
        {"cat; kill -SEGV $$", "was killed by signal 11"},
        {"echo Segmentation fault", "something that is not a domain"},
        {"printf '<domain><name>x'", "something that is not a domain"},
        {"printf '<domain>\\0</domain>'", "something that is not a domain"},
        {"echo", "something that is not a domain"},
        {"yes '<domain/>'", "more than it may"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
        make_engine(faults[i].commands);
        assert_null(ask("win", XML));
        assert_int_equal(lines_logged(), 1);
        assert_non_null(strstr(logged(), faults[i].says));
        assert_non_null(strstr(logged(), "start guest 'win\\x0a1': "));
        assert_null(strstr(logged(), "<domain"));
    }
    unlink(program);
    forget_log();
    assert_null(ask("win", XML));
    assert_non_null(strstr(logged(), "could not be run: No such file or directory"));
}

static void three_deadlines_in_a_row_are_a_pause(void **state)
{
    long long start;

    (void)state;
    make_engine("sleep 60");
    engine.settings.deadline_ms = 100;
    for (int i = 0; i < WG_FILTER_LATE_MAX; i++) {
        assert_false(wg_filter_paused(&engine));
        assert_null(ask("win", XML));
    }
    assert_true(wg_filter_paused(&engine));
    assert_int_equal(lines_logged(), WG_FILTER_LATE_MAX + 1);
    assert_non_null(strstr(logged(), "3 times in a row: for 60 s"));

    start = ms_now();
    for (int i = 0; i < 20; i++)
        assert_null(ask("win", XML));
    assert_between(ms_now() - start, 0, 50);
    assert_int_equal(lines_logged(), WG_FILTER_LATE_MAX + 1);

    /* the pause is over: one more deadline renews it */
    atomic_store(&engine.paused_until_ms, ms_now() - 1);
    assert_null(ask("win", XML));
    assert_true(wg_filter_paused(&engine));
}

static void an_answer_ends_the_row(void **state)
{
    (void)state;
    make_engine("if [ \"$2\" = slow ]; then sleep 60; fi");
    engine.settings.deadline_ms = 600;
    for (int i = 0; i < 4; i++) {
        assert_null(ask("slow", XML));
        assert_null(ask("slow", XML));
        assert_null(ask("win", XML));
        assert_int_equal(atomic_load(&engine.late), 0);
    }
    assert_false(wg_filter_paused(&engine));
}

static size_t times_asked(void)
{
    char *text = get_file("asked");
    size_t times = strlen(text) / strlen("asked\n");

    free(text);
    return times;
}

static void make_engine_with_settings(const char *settings)
{
    char *asked, *commands;

    assert_true(asprintf(&asked, "%s/asked", directory) > 0);
    unlink(asked);
    assert_true(asprintf(&commands, SETTINGS "sleep 60", asked, settings) > 0);
    make_engine(commands);
    free(commands);
    free(asked);
}

static void settings_are_read_when_the_file_changed(void **state)
{
    struct wg_filter_settings settings;

    (void)state;
    make_engine_with_settings("deadline=2\\nrollback=no\\n");
    settings = wg_filter_get_settings(&engine);
    assert_int_equal(settings.deadline_ms, 5000);
    assert_true(settings.rollback);
    assert_int_equal(times_asked(), 0); /* no file, nothing to ask for */

    free(put_file("winguest.conf", "[enforce]\n", 0644));
    for (int i = 0; i < 3; i++) {
        settings = wg_filter_get_settings(&engine);
        assert_int_equal(settings.deadline_ms, 2000);
        assert_false(settings.rollback);
    }
    assert_int_equal(times_asked(), 1);

    free(put_file("winguest.conf", "[enforce]\n# edited\n", 0644));
    wg_filter_get_settings(&engine);
    assert_int_equal(times_asked(), 2);

    unlink(config);
    settings = wg_filter_get_settings(&engine);
    assert_int_equal(settings.deadline_ms, 5000);
    assert_true(settings.rollback);
    assert_int_equal(lines_logged(), 0);
}

static void the_configured_deadline_is_kept(void **state)
{
    long long start = ms_now();

    (void)state;
    free(put_file("winguest.conf", "[enforce]\n", 0644));
    make_engine_with_settings("deadline=1\\nrollback=no\\n");
    assert_null(ask("win", XML));
    assert_between(ms_now() - start, 990, 2500);
    assert_non_null(strstr(logged(), "did not answer within 1 s"));
    unlink(config);
}

static void settings_that_cannot_be_had_are_the_defaults(void **state)
{
    struct wg_filter_settings settings;

    (void)state;
    free(put_file("winguest.conf", "[enforce]\n", 0644));
    make_engine_with_settings("deadline=soon\\nrollback=no\\n");
    for (int i = 0; i < 3; i++) {
        settings = wg_filter_get_settings(&engine);
        assert_int_equal(settings.deadline_ms, 5000);
        assert_true(settings.rollback);
    }
    assert_int_equal(times_asked(), 1);
    assert_int_equal(lines_logged(), 1);
    /* later once more, for it may have been a passing fault */
    engine.read_again_ms = 1;
    wg_filter_get_settings(&engine);
    assert_int_equal(times_asked(), 2);
    unlink(config);
}

static void parses_settings(void **state)
{
    static const struct {
        const char *text;
        bool good;
        int deadline_ms;
        bool rollback;
    } cases[] = {
        {"deadline=7\nrollback=no\n", true, 7000, false},
        {"rollback=yes\nnew=1\ndeadline=60", true, 60000, true},
        {"", false, 1, true},
        {"deadline=7\n", false, 1, true},
        {"rollback=no\n", false, 1, true},
        {"deadline=0\nrollback=no\n", false, 1, true},
        {"deadline=61\nrollback=no\n", false, 1, true},
        {"deadline=-5\nrollback=no\n", false, 1, true},
        {"deadline=99999999999999999999\nrollback=no\n", false, 1, true},
        {"deadline=5s\nrollback=no\n", false, 1, true},
        {"deadline=\nrollback=no\n", false, 1, true},
        {"deadline=5\nrollback=never\n", false, 1, true},
        {"deadline=5\nrollback=\n", false, 1, true},
        {"deadline=5\nrollback=yesno\n", false, 1, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct wg_filter_settings settings = {1, true};

        assert_int_equal(wg_filter_parse_settings(cases[i].text, &settings), cases[i].good);
        assert_int_equal(settings.deadline_ms, cases[i].deadline_ms);
        assert_int_equal(settings.rollback, cases[i].rollback);
    }
}

static void knows_a_domain_when_it_sees_one(void **state)
{
    static const char *const good[] = {
        "\xef\xbb\xbf<domain type='kvm'></domain>",
        "<domain/>", "<domain type='kvm'>x</domain>", "\n \t<domain\n></domain>\r\n ",
        "<?xml version='1.0'?><!-- > -->\n<?pi?> <!-- <x> --><domain></domain>",
        "<domain></domain><!-- end -->",
    };
    static const char *const bad[] = {
        "", " ", "domain", "<", "<domain", "<domain>x", "<domainx/>", "<domain-snapshot/>",
        "<!-- x", "<!-->", "<?xml", "<?xml?>", "<html/>", "<!-- <domain/>",
        "<domain></domain> and more", "<!---->", "<!--<domain></domain>-->",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_true(wg_filter_answer_ok(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(wg_filter_answer_ok(bad[i], strlen(bad[i])));
    assert_false(wg_filter_answer_ok("<domain>\0</domain>", 18));
}

static int set_up(void **state)
{
    (void)state;
    directory = work_dir();
    return asprintf(&config, "%s/winguest.conf", directory) < 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(program);
    free(config);
    tidy_up();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_in_the_agreed_words),
        cmocka_unit_test(returns_what_was_rewritten),
        cmocka_unit_test(a_fault_leaves_the_xml_alone_and_is_logged_once),
        cmocka_unit_test(three_deadlines_in_a_row_are_a_pause),
        cmocka_unit_test(an_answer_ends_the_row),
        cmocka_unit_test(settings_are_read_when_the_file_changed),
        cmocka_unit_test(the_configured_deadline_is_kept),
        cmocka_unit_test(settings_that_cannot_be_had_are_the_defaults),
        cmocka_unit_test(parses_settings),
        cmocka_unit_test(knows_a_domain_when_it_sees_one),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
