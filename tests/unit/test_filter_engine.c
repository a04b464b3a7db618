/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/kept.h"
#include "filter_support.h"
#include "hooks/filter/engine.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmocka_any.h"

/* It leaves the XML as it is. */
#define QUIET ": | " SAY
#define XML "<domain type='kvm'><name>win</name></domain>\n"

static const char *directory;
static char *program;
static struct wg_filter_engine engine;

/* A new engine whose program runs @commands. */
static void make_engine(const char *commands)
{
    free(program);
    program = put_script("winguest", commands);
    engine = (struct wg_filter_engine)WG_FILTER_INIT(program);
    forget_log();
}

static char *ask(const char *name, const char *xml)
{
    struct wg_filter_question question = {
        .op = "define", .name = name, .xml = xml, .log_op = "start", .log_name = "win\n1"};

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
    assert_true(asprintf(&commands, "echo \"$*\" >%s/said; cat >%s/read; " QUIET, directory,
                         directory) > 0);
    make_engine(commands);
    answer = ask("win 1", XML);
    assert_null(answer);
    said = get_file("said");
    assert_string_equal(said, "decide define win 1\n");
    free(said);
    said = get_file("read");
    assert_string_equal(said, XML);
    free(said);
    for (int i = 0; i < 2; i++) {
        assert_null(ask(i == 0 ? NULL : "--config=/tmp/mine", XML));
        said = get_file("said");
        assert_string_equal(said, "decide define -\n");
        free(said);
    }
    assert_int_equal(lines_logged(), 3);
    free(commands);
}

static void returns_what_was_rewritten(void **state)
{
    char *answer;

    (void)state;
    make_engine("sed s/kvm/qemu/ | " SAY);
    answer = ask("win", XML);
    assert_string_equal(answer, "<domain type='qemu'><name>win</name></domain>\n");
    free(answer);
    assert_non_null(strstr(logged(), "<5> decided; rewritten ("));
    make_engine(QUIET " \"text=a${IFS}b\"");
    assert_null(ask("win", XML));
    assert_int_equal(lines_logged(), 1);
    assert_non_null(strstr(logged(), "<6> a \\x09\\x0ab ("));
}

/* As the engine has read them: nothing here reads the XML. */
static void tells_whose_domain_it_is(void **state)
{
    struct wg_filter_question question = {.op = "create", .xml = XML, .log_op = "create"};
    struct wg_filter_answer answer;

    (void)state;
    make_engine(SAY " \"name=a&b <'\" uuid=6a4d1c3a-9d2b-4c8e-8a7f-0b1c2d3e4f50 nova=yes");
    wg_filter_ask(&engine, &question, &answer);
    assert_string_equal(answer.name, "a&b <'");
    assert_string_equal(answer.uuid, "6a4d1c3a-9d2b-4c8e-8a7f-0b1c2d3e4f50");
    assert_true(answer.nova);
    assert_int_equal(answer.policy, 7);
    assert_string_equal(answer.xml, XML);
    assert_null(answer.fault);
    wg_filter_answer_free(&answer);
    assert_null(answer.name);
}

static void what_was_refused_is_left_alone(void **state)
{
    static const char uuid[] = "6a4d1c3a-9d2b-4c8e-8a7f-0b1c2d3e4f50";

    (void)state;
    make_engine(SAY " uuid=6a4d1c3a-9d2b-4c8e-8a7f-0b1c2d3e4f50");
    for (uint64_t policy = 7; policy <= 8; policy++) {
        wg_kept_refuse(uuid, policy);
        char *answer = ask("win", XML);
        assert_true((answer == NULL) == (policy == 7));
        free(answer);
    }
    assert_non_null(strstr(logged(), "<4> decided; left as it is"));
    assert_non_null(strstr(logged(), "<5> decided; rewritten"));
    assert_int_equal(lines_logged(), 2);
    wg_kept_allow(uuid);
}

static void a_fault_leaves_the_xml_alone_and_is_logged_once(void **state)
{
    static const struct {
        const char *commands, *says;
    } faults[] = {
        {QUIET "; exit 1", "exited with status 1"},
        {SAY "; kill -SEGV $$", "was killed by signal 11"},
        {SAY "; kill -ABRT $$", "gave up (out of memory?)"},
        {"echo Segmentation fault", "a decision that is not whole"},
        {"yes 'Segmentation fault' | head -c 1000", "that is no decision"},
        {"cat", "a decision that is not whole"},
        {"", "a decision that is not whole"},
        {SAY " bytes=begin", "a decision that is not whole"},
        {SAY " bytes=150", "a decision that is not whole"},
        {QUIET "; echo", "a decision that is not whole"},
        {SAY " deadline=0", "a decision that makes no sense"},
        {SAY " deadline=61", "a decision that makes no sense"},
        {QUIET " uuid=../etc", "a decision that makes no sense"},
        {"printf '<domain>\\0</domain>' | " SAY, "a decision that makes no sense"},
        {SAY " format=0.0.1", "a decision in format 0.0.1, and this is format " WG_DECISION_FORMAT},
        {QUIET " \"failed=wrong key\"", "wrong key; it goes through unchanged"},
        {"yes '<domain/>'", "more than it may"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
        make_engine(faults[i].commands);
        assert_null(ask("win", XML));
        assert_int_equal(lines_logged(), 1);
        assert_non_null(strstr(logged(), faults[i].says));
        assert_non_null(strstr(logged(), "<3> start guest 'win\\x0a1': "));
        assert_null(strstr(logged(), "<domain"));
    }
    unlink(program);
    forget_log();
    assert_null(ask("win", XML));
    assert_non_null(strstr(logged(), "could not be run: No such file or directory"));
}

/* Its name is not known before libvirt has read the XML that the engine could not. */
static void a_fault_waits_for_the_name(void **state)
{
    struct wg_filter_question question = {.op = "define", .xml = XML, .log_op = "define"};
    struct wg_filter_answer answer;

    (void)state;
    make_engine("exit 3");
    wg_filter_ask(&engine, &question, &answer);
    assert_int_equal(lines_logged(), 0);
    wg_filter_log_fault(&answer, "define", "a");
    wg_filter_log_fault(&answer, "define", "a");
    assert_int_equal(lines_logged(), 1);
    assert_non_null(strstr(logged(), "<3> define guest 'a': "));
    wg_filter_answer_free(&answer);
}

static void three_deadlines_in_a_row_are_a_pause(void **state)
{
    long long start;

    (void)state;
    make_engine("sleep 60");
    engine.deadline_ms = 100;
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
    make_engine("if [ \"$3\" = slow ]; then sleep 60; fi; " QUIET " deadline=1");
    engine.deadline_ms = 1000;
    for (int i = 0; i < 4; i++) {
        assert_null(ask("slow", XML));
        assert_null(ask("slow", XML));
        assert_null(ask("win", XML));
        assert_int_equal(atomic_load(&engine.late), 0);
    }
    assert_false(wg_filter_paused(&engine));
}

static void the_settings_of_the_last_answer_hold(void **state)
{
    (void)state;
    make_engine(QUIET " deadline=7 rollback=no");
    assert_int_equal(engine.deadline_ms, 5000);
    assert_true(engine.rollback);
    assert_null(ask("win", XML));
    assert_int_equal(engine.deadline_ms, 7000);
    assert_false(engine.rollback);
    /* what makes no sense changes nothing */
    free(put_script("winguest", QUIET " deadline=61"));
    assert_null(ask("win", XML));
    assert_int_equal(engine.deadline_ms, 7000);
    free(put_script("winguest", QUIET " format=0.0.1 deadline=9"));
    assert_null(ask("win", XML));
    assert_int_equal(engine.deadline_ms, 7000);
    /* a configuration that is wrong elsewhere is one that has been read */
    free(put_script("winguest", QUIET " failed=x deadline=9"));
    assert_null(ask("win", XML));
    assert_int_equal(engine.deadline_ms, 9000);
    assert_true(engine.rollback);
}

/* As soon as the message begins. */
static void the_configured_deadline_is_kept(void **state)
{
    (void)state;
    make_engine(SAY " bytes=begin deadline=1; sleep 60");
    assert_null(ask("win", XML));
    assert_non_null(strstr(logged(), "did not answer within 1 s"));
    make_engine(SAY " bytes=begin deadline=30; sleep 1; " QUIET " deadline=30 | tail -c +49");
    engine.deadline_ms = 500;
    assert_null(ask("win", XML));
    assert_int_equal(lines_logged(), 1);
    assert_non_null(strstr(logged(), "<6> decided"));
}

static int set_up(void **state)
{
    (void)state;
    directory = work_dir();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(program);
    tidy_up();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_in_the_agreed_words),
        cmocka_unit_test(returns_what_was_rewritten),
        cmocka_unit_test(tells_whose_domain_it_is),
        cmocka_unit_test(what_was_refused_is_left_alone),
        cmocka_unit_test(a_fault_leaves_the_xml_alone_and_is_logged_once),
        cmocka_unit_test(a_fault_waits_for_the_name),
        cmocka_unit_test(three_deadlines_in_a_row_are_a_pause),
        cmocka_unit_test(an_answer_ends_the_row),
        cmocka_unit_test(the_settings_of_the_last_answer_hold),
        cmocka_unit_test(the_configured_deadline_is_kept),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
