/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/verdict.h"
#include "unit.h"

static struct wg_verdict *new_verdict(void)
{
    struct wg_verdict *verdict = calloc(1, sizeof(*verdict));

    assert_non_null(verdict);
    return verdict;
}

static void prints(const struct wg_verdict *verdict, const char *want)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    wg_verdict_print(verdict, out);
    assert_int_equal(fclose(out), 0);
    assert_text("verdict", text, want);
    free(text);
}

static void every_answer_has_its_words(void **state)
{
    (void)state;
    assert_string_equal(wg_os_text(WG_OS_UNKNOWN), "unknown OS");
    assert_string_equal(wg_os_text(WG_OS_WINDOWS), "windows");
    assert_string_equal(wg_os_text(WG_OS_LINUX), "linux");
    assert_string_equal(wg_os_text(WG_OS_OTHER), "not windows");
    assert_string_equal(wg_outcome_text(WG_UNKNOWN), "unknown OS");
    assert_string_equal(wg_outcome_text(WG_SKIPPED), "skipped");
    assert_string_equal(wg_outcome_text(WG_EXEMPT), "exempt");
    assert_string_equal(wg_outcome_text(WG_NOT_APPLICABLE), "not applicable");
    assert_string_equal(wg_outcome_text(WG_COMPLIANT), "compliant");
    assert_string_equal(wg_outcome_text(WG_VIOLATES), "violates");
}

static void a_fresh_verdict_is_nothing_known(void **state)
{
    struct wg_verdict *verdict = new_verdict();

    (void)state;
    prints(verdict, "unknown OS");
    wg_verdict_free(verdict);
    wg_verdict_free(NULL);
}

static void evidence_says_the_sign_and_what_it_shows(void **state)
{
    struct wg_verdict *verdict = new_verdict();
    struct wg_error err;

    (void)state;
    assert_int_equal(wg_verdict_os(verdict, WG_OS_LINUX, "nova os_type", "linux", &err), 0);
    assert_int_equal(wg_verdict_os(verdict, WG_OS_WINDOWS, "libosinfo", "http://x/win/10", &err),
                     0);
    assert_string_equal(verdict->evidence, "libosinfo: http://x/win/10");
    assert_int_equal(verdict->os, WG_OS_WINDOWS);
    verdict->outcome = WG_SKIPPED;
    prints(verdict, "skipped (windows, libosinfo: http://x/win/10)");
    wg_verdict_free(verdict);
}

static void a_reason_comes_with_its_outcome(void **state)
{
    struct wg_verdict *verdict = new_verdict();
    struct wg_error err;

    (void)state;
    assert_int_equal(wg_verdict_reason(verdict, WG_EXEMPT, &err, "%s", "first"), 0);
    assert_int_equal(wg_verdict_reason(verdict, WG_NOT_APPLICABLE, &err, "arch %s", "arm"), 0);
    assert_int_equal(verdict->outcome, WG_NOT_APPLICABLE);
    prints(verdict, "not applicable (unknown OS): arch arm");
    wg_verdict_free(verdict);
}

static void differences_come_in_order(void **state)
{
    struct wg_verdict *verdict = new_verdict();
    struct wg_error err;

    (void)state;
    verdict->outcome = WG_VIOLATES;
    assert_int_equal(wg_verdict_difference(verdict, "clock.offset", "utc", "localtime", &err), 0);
    assert_int_equal(wg_verdict_difference(verdict, "timer.pit.tickpolicy", NULL, "delay", &err),
                     0);
    assert_int_equal(verdict->n_differences, 2);
    assert_string_equal(verdict->differences[1].has, "none");
    prints(verdict, "violates (unknown OS): clock.offset: utc → localtime; "
                    "timer.pit.tickpolicy: none → delay");
    wg_verdict_free(verdict);
}

static void notes_come_last_in_brackets(void **state)
{
    struct wg_verdict *verdict = new_verdict();
    struct wg_error err;

    (void)state;
    assert_int_equal(wg_verdict_note(verdict, &err, "hpet left alone: %s", "microvm"), 0);
    assert_int_equal(wg_verdict_note(verdict, &err, "second"), 0);
    assert_int_equal(wg_verdict_difference(verdict, "a", "b", "c", &err), 0);
    assert_int_equal(verdict->notes.count, 2);
    prints(verdict, "unknown OS: a: b → c [hpet left alone: microvm] [second]");
    wg_verdict_free(verdict);
}

static void the_trail_keeps_each_sign(void **state)
{
    struct wg_verdict *verdict = new_verdict();
    struct wg_error err;

    (void)state;
    assert_int_equal(wg_verdict_trail(verdict, "own mark", NULL, "not there", &err), 0);
    assert_int_equal(wg_verdict_trail(verdict, "nova os_type", "windows", "windows", &err), 0);
    assert_int_equal(verdict->trail.count, 2);
    assert_string_equal(verdict->trail.item[0], "own mark: not there");
    assert_string_equal(verdict->trail.item[1], "nova os_type: windows: windows");
    prints(verdict, "unknown OS");
    wg_verdict_free(verdict);
}

/* All of these can be written by who writes the domain. */
static void what_the_domain_says_is_escaped(void **state)
{
    struct wg_verdict *verdict = new_verdict();
    struct wg_error err;

    (void)state;
    wg_verdict_os(verdict, WG_OS_WINDOWS, "metadata os", "win\nforged: line\x1b[2J", &err);
    wg_verdict_reason(verdict, WG_NOT_APPLICABLE, &err, "architecture %s", "\xe2\x80\xae%n");
    wg_verdict_difference(verdict, "clock.offset", "u\ttc", "localtime", &err);
    wg_verdict_note(verdict, &err, "machine %s", "micro\rvm");
    prints(verdict, "not applicable (windows, metadata os: win\\x0aforged: line\\x1b[2J): "
                    "architecture \\xe2\\x80\\xae%n: clock.offset: u\\x09tc → localtime "
                    "[machine micro\\x0dvm]");
    wg_verdict_free(verdict);
}

static void no_value_hides_the_others(void **state)
{
    struct wg_verdict *verdict = new_verdict();
    struct wg_error err;
    char value[100000];
    char *text = NULL;
    size_t len;

    (void)state;
    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    wg_verdict_os(verdict, WG_OS_WINDOWS, "metadata os", value, &err);
    wg_verdict_reason(verdict, WG_VIOLATES, &err, "type %s", value);
    wg_verdict_difference(verdict, "clock.offset", value, "localtime", &err);
    wg_verdict_note(verdict, &err, "machine %s", value);
    FILE *out = open_memstream(&text, &len);
    wg_verdict_print(verdict, out);
    assert_int_equal(fclose(out), 0);
    assert_between(len, 500, 1200);
    assert_contains("line", text, "x…): type xxx");
    assert_contains("line", text, "x… → localtime [machine xxx");
    assert_string_equal(text + len - strlen("x…]"), "x…]");
    free(text);
    wg_verdict_free(verdict);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_has_its_words),
        cmocka_unit_test(a_fresh_verdict_is_nothing_known),
        cmocka_unit_test(evidence_says_the_sign_and_what_it_shows),
        cmocka_unit_test(a_reason_comes_with_its_outcome),
        cmocka_unit_test(differences_come_in_order),
        cmocka_unit_test(notes_come_last_in_brackets),
        cmocka_unit_test(the_trail_keeps_each_sign),
        cmocka_unit_test(no_value_hides_the_others),
        cmocka_unit_test(what_the_domain_says_is_escaped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
