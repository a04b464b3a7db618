/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/rewrite/markup.h"
#include "unit.h"

static const char *limit_of(const char *text)
{
    return text + strlen(text);
}

static void a_tag_ends_outside_of_quotes(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        bool empty;
    } rows[] = {
        {"<a>x", 3, false},         {"<a/>x", 4, true},
        {"<a b='>'>x", 9, false},   {"<a b=\"/>\" c='\"'/>x", 17, true},
        {"<a b='x/'>y", 10, false}, {"<a\n b = '1'\n>x", 13, false},
        {"<a b='''", 0, false},     {"<a", 0, false},
        {"<a b='>", 0, false},      {"", 0, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool empty = false;
        const char *end = wg_markup_tag_end(rows[i].text, limit_of(rows[i].text), &empty);

        if (rows[i].len == 0) {
            assert_null(end);
            continue;
        }
        assert_ptr_equal(end, rows[i].text + rows[i].len);
        assert_int_equal(empty, rows[i].empty);
    }
}

static void the_root_stands_behind_the_prolog(void **state)
{
    static const struct {
        const char *text, *root;
    } rows[] = {
        {"<domain/>", "<domain/>"},
        {"\xef\xbb\xbf<domain/>", "<domain/>"},
        {"<?xml version='1.0'?>\n<!-- <domain> -->\n<?pi <x> ?><domain/>", "<domain/>"},
        {"<!----><domain/>", "<domain/>"},
        {"<!-- ", NULL},
        {"<?xml version='1.0'?>", NULL},
        {"text", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *root = wg_markup_root(rows[i].text, limit_of(rows[i].text));

        if (rows[i].root)
            assert_text(rows[i].text, root, rows[i].root);
        else
            assert_null(root);
    }
}

static void each_kind_of_node_ends_where_it_ends(void **state)
{
    static const struct {
        const char *text, *behind;
    } rows[] = {
        {"<a/>rest", "rest"},
        {"<a></a>rest", "rest"},
        {"<a><a/><a></a></a>rest", "rest"},
        {"<a >text</a >rest", "rest"},
        {"<a>1 &lt; 2 &gt; \"'</a>rest", "rest"},
        {"<a b='</a>'>\"</a>rest", "rest"},
        {"<a><!-- </a> <b> ' --></a>rest", "rest"},
        {"<a><![CDATA[</a><b>]]]]></a>rest", "rest"},
        {"<a><?pi </a> ?></a>rest", "rest"},
        {"<!-- <a> -- -->rest", "rest"},
        {"<!---->rest", "rest"},
        {"<?pi <a> ?>rest", "rest"},
        {"<![CDATA[]]>rest", "rest"},
        {"<a>", NULL},
        {"<a><b></a>", NULL},
        {"<a", NULL},
        {"<!-- ->", NULL},
        {"<!--->", NULL},
        {"<![CDATA[ ]]", NULL},
        {"<?pi ", NULL},
        {"text", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *end = wg_markup_end(rows[i].text, limit_of(rows[i].text));

        if (rows[i].behind)
            assert_text(rows[i].text, end, rows[i].behind);
        else
            assert_null(end);
    }
}

static void nothing_behind_the_limit_is_read(void **state)
{
    static const char text[] = "<a b='1'><!-- c --><?d e?><![CDATA[f]]>g</a>";
    size_t whole = sizeof(text) - 1;

    (void)state;
    for (size_t len = 0; len <= whole; len++) {
        char *copy = malloc(len ? len : 1);
        struct wg_items items;
        bool empty;

        memcpy(copy, text, len);
        assert_int_equal(wg_markup_end(copy, copy + len) != NULL, len == whole);
        assert_int_equal(wg_markup_tag_end(copy, copy + len, &empty) != NULL, len >= 9);
        assert_int_equal(wg_markup_root(copy, copy + len) != NULL, len > 0);
        if (len >= 9) {
            /* the end tag's name is the parser's business */
            bool closed = len >= whole - 2;
            assert_int_equal(wg_markup_items(copy + 9, copy + len, &items), closed ? 0 : -1);
            wg_items_clear(&items);
        }
        free(copy);
    }
}

static void is_piece(const char *start, const char *end, const char *want)
{
    char *piece = strndup(start, (size_t)(end - start));

    assert_text("piece", piece, want);
    free(piece);
}

static void items_are_nodes_with_the_text_in_front(void **state)
{
    static const char text[] = "\n  <a/>\n  <!-- <b/> -->one<c d='>'><e/></c>"
                               "two<![CDATA[<f/>]]>three<?g h?> tail</root>behind";
    static const char *const want[][2] = {
        {"\n  ", "<a/>"},
        {"\n  ", "<!-- <b/> -->"},
        {"one", "<c d='>'><e/></c>"},
        {"two<![CDATA[<f/>]]>three", "<?g h?>"},
    };
    struct wg_items items;

    (void)state;
    assert_int_equal(wg_markup_items(text, limit_of(text), &items), 0);
    assert_int_equal(items.count, COUNT(want));
    for (size_t i = 0; i < items.count; i++) {
        is_piece(items.item[i].lead, items.item[i].start, want[i][0]);
        is_piece(items.item[i].start, items.item[i].end, want[i][1]);
    }
    is_piece(items.tail, items.end, " tail");
    assert_text("end", items.end, "</root>behind");
    wg_items_clear(&items);
    assert_int_equal(items.count, 0);
}

static void an_element_may_hold_no_items_or_many(void **state)
{
    struct wg_items items;
    char text[5 * 100 + 8] = "";

    (void)state;
    assert_int_equal(wg_markup_items("</a>", limit_of("</a>"), &items), 0);
    assert_int_equal(items.count, 0);
    assert_ptr_equal(items.tail, items.end);
    wg_items_clear(&items);
    for (int i = 0; i < 100; i++)
        strcat(text, " <b/>");
    strcat(text, "</a>");
    assert_int_equal(wg_markup_items(text, limit_of(text), &items), 0);
    assert_int_equal(items.count, 100);
    wg_items_clear(&items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tag_ends_outside_of_quotes),
        cmocka_unit_test(the_root_stands_behind_the_prolog),
        cmocka_unit_test(each_kind_of_node_ends_where_it_ends),
        cmocka_unit_test(nothing_behind_the_limit_is_read),
        cmocka_unit_test(items_are_nodes_with_the_text_in_front),
        cmocka_unit_test(an_element_may_hold_no_items_or_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
