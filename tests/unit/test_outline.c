/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/outline.h"

#include "engine/rewrite/splice.h"
#include "unit.h"

static struct wg_outline outline;

static struct wg_domain look_at(const char *xml)
{
    struct wg_domain domain;
    struct wg_error err;

    if (wg_domain_parse(xml, strlen(xml), &outline, &domain, &err) < 0)
        fail_msg("%s: %s", err.text, xml);
    return domain;
}

/* Everything on one line; for free(). */
static char *tree(const struct wg_domain *domain)
{
    xmlBufferPtr buffer = xmlBufferCreate();

    xmlNodeDump(buffer, domain->doc, domain->root, 0, 0);
    char *text = strdup((const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return text;
}

static void only_what_is_looked_at_is_in_it(void **state)
{
    static const struct {
        const char *xml, *outline;
    } rows[] = {
        {DOMAIN("\n  <name>a</name>\n"), DOMAIN("<name>a</name>")},
        {DOMAIN("<cputune mode='x'><feature name='y'/>z</cputune>"), DOMAIN("<cputune/>")},
        {DOMAIN("<devices><disk type='file'><source file='x'/></disk><emulator>/x</emulator>"
                "<!-- here --><channel type='unix'><target name='x'/></channel></devices>"),
         DOMAIN("<devices><disk/><emulator>/x</emulator>"
                "<!-- here --><channel type='unix'><target name='x'/></channel></devices>")},
        {DOMAIN("<metadata><a xmlns='urn:a'><disk type='file'>x</disk></a></metadata>"),
         DOMAIN("<metadata><a xmlns='urn:a'><disk type='file'>x</disk></a></metadata>")},
        {DOMAIN("<a:clock xmlns:a='urn:a' offset='utc'><a:timer/></a:clock><clock offset='utc'/>"),
         DOMAIN("<a:clock xmlns:a='urn:a'/><clock offset='utc'/>")},
        {DOMAIN(
             "\n<metadata>\n<a> <b>1</b> <c>2</c>\n</a>\n</metadata>\n<clock>\n<timer>\n</timer></clock>"),
         DOMAIN("<metadata><a><b>1</b><c>2</c></a></metadata><clock><timer/></clock>")},
        {DOMAIN(
             "<metadata> <a:property xmlns:a='urn:a'>\n<b> <c>win</c> </b>\n</a:property> <d> </d></metadata>"),
         DOMAIN(
             "<metadata><a:property xmlns:a='urn:a'>\n<b> <c>win</c> </b>\n</a:property><d/></metadata>")},
        {DOMAIN("<title> <b>my</b> <b>win</b> </title>"),
         DOMAIN("<title> <b>my</b> <b>win</b> </title>")},
        {DOMAIN("a <clock/> b\n<clock/>"), DOMAIN("a <clock/> b\n<clock/>")},
        {DOMAIN(
             "<cputune><![CDATA[x]]><!-- y --><?z?></cputune><features><cputune a='1'/></features>"),
         DOMAIN("<cputune/><features><cputune a='1'/></features>")},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct wg_domain domain = look_at(rows[i].xml);
        struct wg_domain wanted = parse(rows[i].outline);
        char *got = tree(&domain);

        if (!wg_same_node(domain.root, wanted.root))
            fail_msg("%s: the outline is %s", rows[i].xml, got);
        free(got);
        wg_domain_clear(&wanted);
        wg_domain_clear(&domain);
    }
}

static void what_is_passed_over_is_measured(void **state)
{
    static const char before[] = DOMAIN("<cputune a='1'><b c='2'/>text<!-- d --></cputune>");
    static const char *const others[] = {
        DOMAIN("<cputune a='1'><b c='2'/>text</cputune>"),
        DOMAIN("<cputune a='1'><b/>text<!-- d --></cputune>"),
        DOMAIN("<cputune><b c='2'/>text<!-- d --></cputune>"),
        DOMAIN("<cputune a='1'>text<!-- d --></cputune>"),
        DOMAIN("<cputune a='1'><b c='2'/>tex<!-- d --></cputune>"),
        DOMAIN("<cputune a=''><b c='2'/>text<!-- d --></cputune>"),
        DOMAIN("<cputune/>"),
        DOMAIN(""),
    };
    struct wg_domain domain = look_at(before);
    size_t passed = domain.passed;

    (void)state;
    wg_domain_clear(&domain);
    for (size_t i = 0; i < COUNT(others); i++) {
        domain = look_at(others[i]);
        if (domain.passed == passed)
            fail_msg("%s is taken for %s", others[i], before);
        wg_domain_clear(&domain);
    }
    domain = look_at(before);
    assert_int_equal(domain.passed, passed);
    wg_domain_clear(&domain);
}

static void what_is_passed_over_is_checked_all_the_same(void **state)
{
    static const char *const rows[] = {
        DOMAIN("<cputune><a></cputune>"),
        DOMAIN("<cputune a='1' a='2'/>"),
        DOMAIN("<cputune>&nbsp;</cputune>"),
        DOMAIN("<cputune><!-- -- --></cputune>"),
        DOMAIN("<cputune>\xff</cputune>"),
        DOMAIN("<devices><disk a='<'/></devices>"),
        DOMAIN("<devices><disk></disk"),
        "<domain xmlns='urn:evil'><name>a</name><cputune></domain>",
        "<domain xmlns='urn:evil'><name>a",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct wg_domain domain;
        struct wg_error err;

        if (wg_domain_parse(rows[i], strlen(rows[i]), &outline, &domain, &err) == 0)
            fail_msg("%s is read", rows[i]);
        assert_contains(rows[i], err.text, "domain XML: line 1");
        /* Nothing of it is left for the next one; not every libxml2 sees to that itself. */
        assert_null(outline.parser);
        domain = look_at(DOMAIN("<name>a</name>"));
        assert_string_equal(domain.name, "a");
        wg_domain_clear(&domain);
    }
}

/* Of strange names, too, however many domains are read. */
static void a_parser_does_not_grow(void **state)
{
    char xml[4200];

    (void)state;
    for (int i = 0; i < 200; i++) {
        snprintf(xml, sizeof(xml), "<domain><n%04d%04000d/></domain>", i, 0);
        struct wg_domain domain = look_at(xml);
        wg_domain_clear(&domain);
        assert_true(xmlDictGetUsage(outline.parser->dict) < 100 << 10);
    }
}

/* Its text would be gone. */
static void what_was_passed_over_is_not_written_anew(void **state)
{
    struct wg_domain old = look_at(DOMAIN("<name>a</name><cputune mode='x'>text</cputune>"));
    xmlDocPtr doc = xmlCopyDoc(old.doc, 1);
    xmlNodePtr cpu = xmlDocGetRootElement(doc)->last;
    struct wg_error err;
    size_t len;

    (void)state;
    char *same = wg_splice(&old, xmlDocGetRootElement(doc), &len, &err);
    assert_string_equal(same, old.bytes);
    free(same);
    xmlNewProp(cpu, BAD_CAST "check", BAD_CAST "none");
    assert_null(wg_splice(&old, xmlDocGetRootElement(doc), &len, &err));
    assert_contains("a changed one", err.text, "cannot be laid over");
    xmlFreeDoc(doc);
    wg_domain_clear(&old);
}

static void only_our_own_stylesheets_are_content_with_it(void **state)
{
    static const struct {
        const char *words;
        bool suffices;
    } rows[] = {
        {"clock.xsl hyperv.xsl", true}, {"guest-agent.xsl", true}, {"", true},
        {"clock.xsl site.xsl", false},  {"merge.xsl", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct wg_list list = {0};

        assert_int_equal(wg_list_add_words(&list, rows[i].words), 0);
        if (wg_outline_suffices(&list) != rows[i].suffices)
            fail_msg("%s", rows[i].words);
        wg_list_clear(&list);
    }
}

static int end(void **state)
{
    (void)state;
    wg_outline_clear(&outline);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_looked_at_is_in_it),
        cmocka_unit_test(what_is_passed_over_is_measured),
        cmocka_unit_test(what_is_passed_over_is_checked_all_the_same),
        cmocka_unit_test(a_parser_does_not_grow),
        cmocka_unit_test(what_was_passed_over_is_not_written_anew),
        cmocka_unit_test(only_our_own_stylesheets_are_content_with_it),
    };

    return cmocka_run_group_tests(tests, NULL, end);
}
