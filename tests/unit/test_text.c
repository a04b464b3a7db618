/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/text.h"
#include "unit.h"

static void an_error_is_one_text_and_minus_one(void **state)
{
    struct wg_error err;

    (void)state;
    assert_int_equal(wg_fail(&err, "line %d: %s", 3, "broken"), -1);
    assert_string_equal(err.text, "line 3: broken");
    assert_int_equal(wg_no_memory(&err), -1);
    assert_string_equal(err.text, "out of memory");
}

static void context_goes_in_front_of_the_cause(void **state)
{
    struct wg_error err;

    (void)state;
    wg_fail(&err, "cause");
    assert_int_equal(wg_fail_in(&err, "%s:%d", "file", 7), -1);
    wg_fail_in(&err, "outer");
    assert_string_equal(err.text, "outer: file:7: cause");
}

static void long_messages_are_cut_not_overrun(void **state)
{
    char text[4000];
    struct wg_error err;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    wg_fail(&err, "%s", text);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    wg_fail(&err, "the cause");
    wg_fail_in(&err, "%s", text);
    assert_between(strlen(err.text), 500, sizeof(err.text) - 1);
    assert_contains("context too long", err.text, "x: the cause");
    wg_fail(&err, "%s", text);
    wg_fail_in(&err, "context");
    assert_between(strlen(err.text), 500, sizeof(err.text) - 1);
    assert_contains("cause too long", err.text, "context: xxx");
}

static void words_are_what_blanks_separate(void **state)
{
    struct wg_list list = {0};

    (void)state;
    assert_int_equal(wg_list_add_words(&list, ""), 0);
    assert_int_equal(wg_list_add_words(&list, " \t\r\n"), 0);
    assert_int_equal(list.count, 0);
    assert_int_equal(wg_list_add_words(&list, "  one\ttwo\r\nthree "), 0);
    assert_int_equal(wg_list_add(&list, "four and more", 4), 0);
    assert_int_equal(list.count, 4);
    assert_string_equal(list.item[0], "one");
    assert_string_equal(list.item[1], "two");
    assert_string_equal(list.item[2], "three");
    assert_string_equal(list.item[3], "four");
    wg_list_clear(&list);
    assert_int_equal(list.count, 0);
    assert_null(list.item);
    wg_list_clear(&list);
}

static void the_first_glob_matches_without_case(void **state)
{
    static const struct {
        const char *text, *glob;
    } rows[] = {
        {"WIN-db1", "win-*"},
        {"win-", "win-*"},
        {"host7", "host[0-9]"},
        {"hostx", NULL},
        {"a/b/.c", "a*c"},
        {"aXc", "a*c"},
        {"", NULL},
        {"xwin-", NULL},
        {"?", "[?]"},
        {"win-host7", "win-*"},
    };
    struct wg_list list = {0};

    (void)state;
    assert_null(wg_list_match(&list, "win-1"));
    assert_int_equal(wg_list_add_words(&list, "Win-* host[0-9] a*c [?] *host7"), 0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *found = wg_list_match(&list, rows[i].text);

        if (!rows[i].glob)
            assert_null(found);
        else
            assert_int_equal(strcasecmp(found ? found : "(nothing)", rows[i].glob), 0);
    }
    wg_list_clear(&list);
}

static void a_word_is_in_a_list_to_the_letter(void **state)
{
    struct wg_list list = {0};

    (void)state;
    assert_false(wg_list_has(&list, "utc"));
    wg_list_add_words(&list, "utc absolute *");
    assert_true(wg_list_has(&list, "utc"));
    assert_true(wg_list_has(&list, "*"));
    assert_false(wg_list_has(&list, "UTC"));
    assert_false(wg_list_has(&list, "absolut"));
    assert_false(wg_list_has(&list, ""));
    wg_list_clear(&list);
}

static void what_deceives_a_reader_is_escaped(void **state)
{
    static const struct {
        const char *what, *text, *shown;
    } rows[] = {
        {"plain", "Windows 10 (64-bit) \"'\\;", "Windows 10 (64-bit) \"'\\;"},
        {"letters of other scripts", "caf\xc3\xa9 \xe6\xa0\xb8 \xf0\x9f\x96\xa5",
         "caf\xc3\xa9 \xe6\xa0\xb8 \xf0\x9f\x96\xa5"},
        {"line ends", "a\nb\rc", "a\\x0ab\\x0dc"},
        {"terminal", "\x1b[2J\x7f\x07\t", "\\x1b[2J\\x7f\\x07\\x09"},
        {"C1 controls", "\xc2\x85\xc2\x9b", "\\xc2\\x85\\xc2\\x9b"},
        {"soft hyphen", "a\xc2\xad", "a\\xc2\\xad"},
        {"right to left override", "\xe2\x80\xae", "\\xe2\\x80\\xae"},
        {"isolates", "\xe2\x81\xa6\xe2\x81\xa9", "\\xe2\\x81\\xa6\\xe2\\x81\\xa9"},
        {"arabic letter mark", "\xd8\x9c", "\\xd8\\x9c"},
        {"zero width space, joiner", "\xe2\x80\x8b\xe2\x80\x8d", "\\xe2\\x80\\x8b\\xe2\\x80\\x8d"},
        {"line and paragraph separator", "\xe2\x80\xa8\xe2\x80\xa9",
         "\\xe2\\x80\\xa8\\xe2\\x80\\xa9"},
        {"byte order mark", "\xef\xbb\xbf", "\\xef\\xbb\\xbf"},
        {"interlinear annotation", "\xef\xbf\xb9", "\\xef\\xbf\\xb9"},
        {"mongolian vowel separator", "\xe1\xa0\x8e", "\\xe1\\xa0\\x8e"},
        {"hangul filler", "\xe3\x85\xa4", "\\xe3\\x85\\xa4"},
        {"variation selector", "\xef\xb8\x8f", "\\xef\\xb8\\x8f"},
        {"tag characters", "\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *shown = printed(wg_print_escaped, rows[i].text);

        assert_text(rows[i].what, shown, rows[i].shown);
        free(shown);
    }
}

static void what_is_not_utf8_is_escaped(void **state)
{
    static const struct {
        const char *what, *text, *shown;
    } rows[] = {
        {"a byte of Latin-1", "caf\xe9", "caf\\xe9"},
        {"cut at the end", "\xe6\xa0", "\\xe6\\xa0"},
        {"cut by a letter", "\xe6\xa0x", "\\xe6\\xa0x"},
        {"a continuation alone", "\x80x\xbf", "\\x80x\\xbf"},
        {"bytes that never occur", "\xfe\xff", "\\xfe\\xff"},
        {"an escape written too long", "\xc0\x9b", "\\xc0\\x9b"},
        {"a slash written too long", "\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf",
         "\\xc0\\xaf\\xe0\\x80\\xaf\\xf0\\x80\\x80\\xaf"},
        {"half of a UTF-16 pair", "\xed\xa0\x80", "\\xed\\xa0\\x80"},
        {"behind Unicode's end", "\xf4\x90\x80\x80\xf7\xbf\xbf\xbf",
         "\\xf4\\x90\\x80\\x80\\xf7\\xbf\\xbf\\xbf"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *shown = printed(wg_print_escaped, rows[i].text);

        assert_text(rows[i].what, shown, rows[i].shown);
        free(shown);
    }
}

static void a_long_value_is_cut_between_characters(void **state)
{
    char text[600];
    char want[1024];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[WG_VALUE_MAX] = '\0';
    char *shown = printed(wg_print_value, text);
    assert_text("as long as may be", shown, text);
    free(shown);
    for (size_t before = WG_VALUE_MAX - 4; before <= WG_VALUE_MAX; before++) {
        strcpy(text + before, "\xf0\x9f\x96\xa5 and more");
        bool fits = before + 4 <= WG_VALUE_MAX;
        snprintf(want, sizeof(want), "%.*s…", (int)(before + (fits ? 4 : 0)), text);
        shown = printed(wg_print_value, text);
        assert_text("cut", shown, want);
        free(shown);
        memset(text, 'x', sizeof(text));
    }
    memset(text, '\x80', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    shown = printed(wg_print_value, text);
    assert_between(strlen(shown), 4 * (WG_VALUE_MAX - 4), 4 * WG_VALUE_MAX + strlen("…"));
    free(shown);
}

static void assert_utf8(const char *text, const char *expected)
{
    char *copy = wg_utf8(text);

    assert_non_null(copy);
    assert_string_equal(copy, expected);
    free(copy);
}

static void a_copy_for_documents_is_utf8_that_xml_may_hold(void **state)
{
    (void)state;
    assert_utf8("", "");
    assert_utf8("a<b>&\t\n\xc3\xbc\xf0\x9f\x98\x80", "a<b>&\t\n\xc3\xbc\xf0\x9f\x98\x80");
    assert_utf8("\xff\x01z\r", "\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd");
    assert_utf8("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    assert_utf8("\xef\xbf\xbe\xef\xbf\xbf", "\xef\xbf\xbd\xef\xbf\xbd");
    assert_utf8("cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd");
}

static void a_uuid_has_libvirts_form(void **state)
{
    static const struct {
        const char *text;
        bool is;
    } rows[] = {
        {"6f0f2c04-8a3c-4b8e-9f5e-0f7a5d1e6c11", true},
        {"6F0F2C04-8A3C-4B8E-9F5E-0F7A5D1E6C11", true},
        {"6f0f2c04-8a3c-4b8e-9f5e-0f7a5d1e6c1", false},
        {"6f0f2c04-8a3c-4b8e-9f5e-0f7a5d1e6c112", false},
        {"6f0f2c048-a3c-4b8e-9f5e-0f7a5d1e6c11", false},
        {"6f0f2c04-8a3c-4b8e-9f5e-0f7a5d1e6c1g", false},
        {"------------------------------------", false},
        {"../../../../../../../../etc/passwd-ab", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (wg_is_uuid(rows[i].text) != rows[i].is)
            fail_msg("%s", rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_uuid_has_libvirts_form),
        cmocka_unit_test(an_error_is_one_text_and_minus_one),
        cmocka_unit_test(context_goes_in_front_of_the_cause),
        cmocka_unit_test(long_messages_are_cut_not_overrun),
        cmocka_unit_test(words_are_what_blanks_separate),
        cmocka_unit_test(the_first_glob_matches_without_case),
        cmocka_unit_test(a_word_is_in_a_list_to_the_letter),
        cmocka_unit_test(what_deceives_a_reader_is_escaped),
        cmocka_unit_test(a_long_value_is_cut_between_characters),
        cmocka_unit_test(what_is_not_utf8_is_escaped),
        cmocka_unit_test(a_copy_for_documents_is_utf8_that_xml_may_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
