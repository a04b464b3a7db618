/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/config/ini.h"

#include <errno.h>
#include <sys/stat.h>

#include "unit.h"

static void reads(const char *text, struct wg_ini *ini)
{
    struct wg_error err;

    if (wg_ini_read(put_file("conf", text), ini, &err) < 0)
        fail_msg("%s\n%s", text, err.text);
}

static void is_refused(const char *text, size_t len, const char *line_and_why)
{
    const char *path = put_bytes("conf", text, len);
    struct wg_error err = {0};
    struct wg_ini ini;
    char want[1200];

    errno = 0;
    if (wg_ini_read(path, &ini, &err) == 0)
        fail_msg("taken: %s", text);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(ini.count, 0);
    snprintf(want, sizeof(want), "%s:%s", path, line_and_why);
    assert_text(text, err.text, want);
    wg_ini_clear(&ini);
}

static void is_entry(const struct wg_ini *ini, size_t at, const char *section, const char *key,
                     const char *value, unsigned line)
{
    assert_true(at < ini->count);
    const struct wg_entry *entry = &ini->entry[at];
    assert_string_equal(entry->section, section);
    assert_string_equal(entry->key, key);
    if (value)
        assert_text(key, entry->value, value);
    else
        assert_null(entry->value);
    assert_int_equal(entry->line, line);
}

static void entries_come_in_order_with_their_lines(void **state)
{
    struct wg_ini ini;

    (void)state;
    reads("; comment\n"
          "[Windows]\n"
          "\n"
          "Timer.RTC.tickpolicy = Catchup\n"
          "  # comment\n"
          "\tclock.keep=\n"
          "[windows:Old]\n"
          "timer.rtc.tickpolicy =   delay  ; why\n",
          &ini);
    assert_string_equal(ini.path, scratch("conf"));
    assert_int_equal(ini.count, 5);
    is_entry(&ini, 0, "windows", "", NULL, 2);
    is_entry(&ini, 1, "windows", "timer.rtc.tickpolicy", "Catchup", 4);
    is_entry(&ini, 2, "windows", "clock.keep", "", 6);
    is_entry(&ini, 3, "windows:old", "", NULL, 7);
    is_entry(&ini, 4, "windows:old", "timer.rtc.tickpolicy", "delay", 8);
    wg_ini_clear(&ini);
    assert_int_equal(ini.count, 0);
}

static void nothing_is_no_error(void **state)
{
    static const char *const texts[] = {"", "\n", "; only\n# comments\n\n", "  \t\r\n", "[a]"};
    struct wg_ini ini;

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        reads(texts[i], &ini);
        assert_int_equal(ini.count, i == 4);
        wg_ini_clear(&ini);
    }
}

static void values_are_what_was_meant(void **state)
{
    static const struct {
        const char *line, *value;
    } rows[] = {
        {"k = a b  c", "a b  c"},
        {"k=*://microsoft.com/win/[0-9]*", "*://microsoft.com/win/[0-9]*"},
        {"k = a ; comment", "a"},
        {"k = a\t# comment", "a"},
        {"k = \"a;b#c\"", "a;b#c"},
        {"k = 'it is #1' ; comment", "it is #1"},
        {"k = \"it's\"", "it's"},
        {"k = 'say \"x\"'", "say \"x\""},
        {"k = \"\"", ""},
        {"k = ''", ""},
        {"k = ; nothing", ""},
        {"k =", ""},
        {"k = a = b", "a = b"},
        {"k = =", "="},
        {"k = caf\xc3\xa9", "caf\xc3\xa9"},
        {"k = %s %n %d", "%s %n %d"},
        {"k = a'b", "a'b"},
        {"k = a \"b", "a \"b"},
        {"k = a, \\\n   b \\\n c", "a,    b  c"},
        {"k = a\r", "a"},
        {"k = a\\b", "a\\b"},
        {"k = 'a' ; b\\c", "a"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct wg_ini ini;
        char text[200];

        snprintf(text, sizeof(text), "[s]\r\n%s\r\n", rows[i].line);
        reads(text, &ini);
        assert_int_equal(ini.count, 2);
        assert_text(rows[i].line, ini.entry[1].value, rows[i].value);
        wg_ini_clear(&ini);
    }
}

static void a_continued_line_counts_from_its_beginning(void **state)
{
    struct wg_ini ini;

    (void)state;
    reads("[s]\na = 1 \\\n 2 \\\n 3\nb = 4\n", &ini);
    is_entry(&ini, 1, "s", "a", "1  2  3", 2);
    is_entry(&ini, 2, "s", "b", "4", 5);
    wg_ini_clear(&ini);
}

static void sections_do_not_mix(void **state)
{
    struct wg_ini ini;

    (void)state;
    reads("[windows]\nprofile = a\n[windows:x]\nprofile = b\n[windows]\nmore = c\n", &ini);
    assert_int_equal(ini.count, 6);
    is_entry(&ini, 1, "windows", "profile", "a", 2);
    is_entry(&ini, 3, "windows:x", "profile", "b", 4);
    is_entry(&ini, 5, "windows", "more", "c", 6);
    wg_ini_clear(&ini);
}

static void what_would_be_misread_is_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"[s]\nk = a;b\n", "2: a value with ; or # in it must be in quotes"},
        {"[s]\nk = a#b\n", "2: a value with ; or # in it must be in quotes"},
        {"[s]\nk = \"a b\" \"c#d\"\n", "2: one quoted string a value"},
        {"[s]\nk = \"a\" b\n", "2: one quoted string a value"},
        {"[s]\nk = 'a' b\n", "2: one quoted string a value"},
        {"[s]\nk = \"a\n", "2: a quoted value without its closing quote"},
        {"[s]\nk = 'a\n", "2: a quoted value without its closing quote"},
        {"[s]\nk = \"a\\b\"\n", "2: a value in quotes cannot have a backslash"},
        {"[s]\nk = 'a\\' ; b\n", "2: a value in quotes cannot have a backslash"},
        {"[s]\nk = \"a\\\"b\"\n", "2: a value in quotes cannot have a backslash"},
        {"[s]\nk = a\n\nK = b\n", "4: [s] k: given twice, first in line 2; keep one"},
        {"[s]\nk = a\n[t]\n[S]\nk = a\n", "5: [s] k: given twice, first in line 2; keep one"},
        {"\xef\xbb\xbf[s]\n", "1: begins with a byte order mark; save it without"},
        {"[s]\nk = a \\\n", "2: the last line promises a continuation"},
        {"[s]\n; comment \\\nk = a\n", "2: a line with ; or # in it cannot go on in the next line"},
        {"[s]\nk = a ; why \\\nl = b\n",
         "2: a line with ; or # in it cannot go on in the next line"},
        {"[s]\n# \\\n", "2: a line with ; or # in it cannot go on in the next line"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        is_refused(rows[i].text, strlen(rows[i].text), rows[i].why);
}

static void what_is_no_ini_is_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"k = a\n", "1: a key before the first [section]"},
        {"[s]\n\nword\n", "3: neither [section] nor key = value nor ; comment"},
        {"[s]\n= a\n", "2: neither [section] nor key = value nor ; comment"},
        {"[s] ; comment\n", "1: a section is written [name], with nothing behind it"},
        {"[s\n", "1: a section is written [name], with nothing behind it"},
        {"[s]]\n", "1: a section is written [name], with nothing behind it"},
        {"[]\n", "1: a section needs a name of at most 127 bytes"},
        {"[ ]\n", "1: a section needs a name of at most 127 bytes"},
        {"[s]\nk l = a\n", "2: a key is one word"},
        {"[s]\nx:k = a\n", "2: a key is one word"},
        {"[s]\n\"k\" = a\n", "2: a key is one word"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        is_refused(rows[i].text, strlen(rows[i].text), rows[i].why);
    is_refused("[s]\nk = a\0b\n", 12,
               "2: a line of over 1000 bytes, continuations included, or with a NUL; "
               "long lists go into uuid_file and image_file");
}

static void long_lines_are_refused_not_cut(void **state)
{
    char text[3000] = "[s]\nk = ";
    struct wg_ini ini;
    static const char why[] = "2: a line of over 1000 bytes, continuations included, or with a "
                              "NUL; long lists go into uuid_file and image_file";

    (void)state;
    memset(text + 8, 'x', 996);
    text[8 + 996] = '\0';
    reads(text, &ini);
    assert_int_equal(strlen(ini.entry[1].value), 996);
    wg_ini_clear(&ini);
    strcat(text, "x\n");
    is_refused(text, strlen(text), why);
    memset(text + 8, 'x', 990);
    strcpy(text + 8 + 990, " \\\nyyyyyyyyyy\n");
    is_refused(text, strlen(text), why);
    memset(text, 'x', 200);
    strcpy(text + 200, "]\n");
    *text = '[';
    is_refused(text, strlen(text), "1: a section needs a name of at most 127 bytes");
}

static void a_missing_file_is_told_from_a_refused_one(void **state)
{
    struct wg_error err = {0};
    struct wg_ini ini;

    (void)state;
    assert_int_equal(wg_ini_read(scratch("none"), &ini, &err), -1);
    assert_int_equal(errno, ENOENT);
    assert_contains("missing", err.text, "/none: No such file or directory");
    chmod(put_file("conf", "[s]\n"), 0666);
    assert_int_equal(wg_ini_read(scratch("conf"), &ini, &err), -1);
    assert_int_equal(errno, EPERM);
    assert_contains("open to all", err.text, "/conf: writable by group or others");
}

/* What a reader of the file takes a value to be; the scan refuses what this cannot tell. */
static char *meant(const char *line)
{
    const char *value = strchr(line, '=') + 1;

    value += strspn(value, " \t\r");
    size_t len = strlen(value);
    if (*value == '"' || *value == '\'') {
        value++;
        len = (size_t)(strchr(value, value[-1]) - value);
    } else {
        len = strcspn(value, ";#");
        while (len > 0 && strchr(" \t\r", value[len - 1]))
            len--;
    }
    return strndup(value, len);
}

/* Either a random line is refused or iniparser reads it as it is meant. */
static void no_value_is_silently_misread(void **state)
{
    static const char *const pieces[] = {"a",  "B",        " ", "\t", "\"", "'", ";",
                                         "#",  "=",        "[", "]",  "\\", ":", "\r",
                                         "%s", "\xc3\xa9", ".", "  ", "$"};
    unsigned taken = 0;

    (void)state;
    srandom(20240601);
    for (int round = 0; round < 3000; round++) {
        char line[64] = "k =";
        char text[80];
        struct wg_error err;
        struct wg_ini ini;

        for (long n = random() % 8; n > 0; n--)
            strcat(line, pieces[(size_t)random() % COUNT(pieces)]);
        snprintf(text, sizeof(text), "[s]\n%s\nz = 1\n", line);
        if (wg_ini_read(put_file("conf", text), &ini, &err) < 0) {
            /* the two readers disagree: the scan ought to have said why */
            assert_null(strstr(err.text, "changed while"));
            continue;
        }
        if (ini.count == 3) {
            char *want = meant(line);
            assert_text(line, ini.entry[1].value, want);
            free(want);
            taken++;
        }
        wg_ini_clear(&ini);
    }
    assert_between(taken, 500, 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_in_order_with_their_lines),
        cmocka_unit_test(nothing_is_no_error),
        cmocka_unit_test(values_are_what_was_meant),
        cmocka_unit_test(a_continued_line_counts_from_its_beginning),
        cmocka_unit_test(sections_do_not_mix),
        cmocka_unit_test(what_would_be_misread_is_refused),
        cmocka_unit_test(what_is_no_ini_is_refused),
        cmocka_unit_test(long_lines_are_refused_not_cut),
        cmocka_unit_test(a_missing_file_is_told_from_a_refused_one),
        cmocka_unit_test(no_value_is_silently_misread),
    };

    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
