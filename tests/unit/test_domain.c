/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/domain.h"
#include "unit.h"

static void is_refused(const char *what, const char *xml, size_t len, const char *why)
{
    struct wg_domain domain;
    struct wg_error err = {0};

    if (wg_domain_parse(xml, len, NULL, &domain, &err) == 0)
        fail_msg("taken: %s", what);
    assert_contains(what, err.text, why);
    assert_null(strchr(err.text, '\n'));
    assert_null(domain.doc);
    assert_null(domain.name);
}

static void a_domain_has_a_name_and_a_uuid(void **state)
{
    struct wg_domain domain = parse(DOMAIN("<name>\n  win 1\t</name><uuid> 12-34 </uuid>"
                                           "<devices><name>other</name></devices>"
                                           "<name>second</name>"));

    (void)state;
    assert_string_equal(domain.name, "win 1");
    assert_string_equal(domain.uuid, "12-34");
    assert_string_equal((const char *)domain.root->name, "domain");
    wg_domain_clear(&domain);
    assert_null(domain.doc);
    wg_domain_clear(&domain);
}

static void a_domain_may_have_neither(void **state)
{
    struct wg_domain domain = parse("<domain/>");

    (void)state;
    assert_null(domain.name);
    assert_null(domain.uuid);
    wg_domain_clear(&domain);
    domain = parse(DOMAIN("<name/><x:uuid xmlns:x='urn:x'>1</x:uuid>"));
    assert_string_equal(domain.name, "");
    assert_null(domain.uuid);
    wg_domain_clear(&domain);
}

static void bytes_in_known_encodings_are_read(void **state)
{
    static const struct {
        const char *xml, *name;
    } rows[] = {
        {"<domain><name>caf\xc3\xa9</name></domain>", "caf\xc3\xa9"},
        {"\xef\xbb\xbf<domain><name>caf\xc3\xa9</name></domain>", "caf\xc3\xa9"},
        {"<?xml version='1.0' encoding='utf-8'?><domain><name>\xe6\xa0\xb8</name></domain>",
         "\xe6\xa0\xb8"},
        {"<?xml version='1.0' encoding='ISO-8859-1'?><domain><name>caf\xe9</name></domain>",
         "caf\xc3\xa9"},
        {"<?xml version='1.0' encoding='US-ASCII'?><domain><name>caf&#233;</name></domain>",
         "caf\xc3\xa9"},
        {"<domain><name>a&amp;b&#x26;&lt;<![CDATA[<c>]]></name></domain>", "a&b&<<c>"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct wg_domain domain = parse(rows[i].xml);

        assert_text(rows[i].xml, domain.name, rows[i].name);
        wg_domain_clear(&domain);
    }
}

static void what_is_no_domain_is_refused(void **state)
{
    static const struct {
        const char *xml, *why;
    } rows[] = {
        {"", "domain XML: empty"},
        {" ", "domain XML: line 1: does not begin with an element"},
        {"text", "domain XML: line 1: does not begin with an element"},
        {"<domain>\n", "domain XML: line 2: ends within "},
        {"<domain>\n<name>\nx</domain>\n",
         "domain XML: line 3: <name> of line 2 is closed by </domain>"},
        {"<domain/><domain/>", "domain XML: line 1: something follows the end of the root element"},
        {"<domain a='1' a='2'/>", "domain XML: line 1: not well-formed"},
        {"<domain><name>\xff</name></domain>",
         "domain XML: line 1: bytes that are not in its encoding"},
        {"<domain><name>caf\xe9</name></domain>",
         "domain XML: line 1: bytes that are not in its encoding"},
        {"<domain>\x01</domain>", "domain XML: line 1: a character that XML does not allow"},
        {"<domain>&#0;</domain>", "domain XML: line 1: a character that XML does not allow"},
        {"<network/>", "domain XML: the root element is not <domain>"},
        {"<Domain/>", "domain XML: the root element is not <domain>"},
        {"<domainsnapshot><domain/></domainsnapshot>", "the root element is not <domain>"},
        {"<domain xmlns='urn:x'/>", "domain XML: the root element is not <domain>"},
        {"<x:domain xmlns:x='urn:x'/>", "domain XML: the root element is not <domain>"},
        {"<!DOCTYPE domain><domain/>", "domain XML: DOCTYPE is not allowed"},
        {"<!DOCTYPE domain SYSTEM 'file:///etc/passwd'><domain/>", "DOCTYPE is not allowed"},
        {"<?xml version='1.0' encoding='EBCDIC-NONE'?><domain/>",
         "domain XML: line 1: encoding EBCDIC-NONE is not supported, use UTF-8"},
        {"<?xml version='1.0' encoding='Shift_JIS'?><domain/>",
         "domain XML: encoding Shift_JIS is not supported, use UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        is_refused(rows[i].xml, rows[i].xml, strlen(rows[i].xml), rows[i].why);
}

static void every_beginning_of_a_domain_is_refused(void **state)
{
    static const char xml[] = "<domain type='kvm'><name a=\"1\">x &lt;</name><!-- c --></domain>";

    (void)state;
    for (size_t len = 0; len < sizeof(xml) - 1; len++) {
        char *copy = malloc(len ? len : 1);

        memcpy(copy, xml, len);
        is_refused("cut", copy, len, "domain XML: ");
        free(copy);
    }
}

static void utf16_is_refused(void **state)
{
    static const char little[] = "\xff\xfe<\0d\0o\0m\0a\0i\0n\0/\0>\0";
    static const char big[] = "\xfe\xff\0<\0d\0o\0m\0a\0i\0n\0/\0>";

    (void)state;
    is_refused("little endian", little, sizeof(little) - 1,
               "domain XML: not UTF-8, it holds NUL bytes (UTF-16?)");
    is_refused("big endian", big, sizeof(big) - 1, "not UTF-8, it holds NUL bytes");
    is_refused("a NUL", "<domain/>\0", 10, "not UTF-8, it holds NUL bytes");
}

static void entities_are_neither_resolved_nor_quoted(void **state)
{
    static const char bomb[] =
        "<!DOCTYPE domain [<!ENTITY a 'xxxxxxxxxx'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
        "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'>"
        "<!ENTITY e '&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;'><!ENTITY f '&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;'>"
        "]><domain><name>&f;&f;&f;&f;&f;&f;&f;&f;</name></domain>";
    static const char file[] =
        "<!DOCTYPE domain [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><domain><name>&a;</name>"
        "</domain>";
    static const char secret[] = DOMAIN("\n<graphics passwd='pa&ss7word;'/>");
    struct wg_domain domain;
    struct wg_error err = {0};

    (void)state;
    is_refused("bomb", bomb, strlen(bomb), "domain XML: ");
    is_refused("file", file, strlen(file), "domain XML: DOCTYPE is not allowed");
    assert_int_equal(wg_domain_parse(secret, strlen(secret), NULL, &domain, &err), -1);
    assert_string_equal(err.text, "domain XML: line 2: an entity that is not defined");
}

/* A password that breaks the markup must not get into a log by way of the parser's message. */
static void no_message_quotes_an_attribute(void **state)
{
    static const char *const rows[] = {
        DOMAIN("<graphics passwd='a's3cret='1'/>"),
        DOMAIN("<graphics passwd='a' s3cret'/>"),
        DOMAIN("<graphics passwd='a<s3cret'/>"),
        DOMAIN("<graphics passwd='a<s3cret>'/>"),
        DOMAIN("<graphics passwd='a&s3cret;'/>"),
        DOMAIN("<graphics passwd='a&s3cret'/>"),
        DOMAIN("<graphics passwd=s3cret/>"),
        DOMAIN("<graphics passwd=a s3cret='1' s3cret='2'/>"),
        DOMAIN("<graphics passwd='a' s3cret='1' s3cret='2'/>"),
        "<domain><graphics passwd='s3cret",
        "<domain><graphics passwd='a' s3cret",
        "<domain><graphics passwd='s3cret\xff'/>",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct wg_domain domain;
        struct wg_error err = {0};

        assert_int_equal(wg_domain_parse(rows[i], strlen(rows[i]), NULL, &domain, &err), -1);
        assert_contains(rows[i], err.text, "domain XML: line 1: ");
        assert_null(strstr(err.text, "s3cret"));
    }
}

static void size_and_depth_are_bounded(void **state)
{
    size_t len = WG_XML_MAX + 1;
    char *xml = malloc(len);

    (void)state;
    memset(xml, ' ', len);
    memcpy(xml, "<domain>", 8);
    memcpy(xml + len - 10, "</domain>", 9);
    is_refused("a byte over", xml, len, "domain XML: over 32 MiB");
    for (size_t i = 0; i < 9000; i += 3)
        memcpy(xml + i, "<a>", 3);
    is_refused("3000 deep", xml, 9000, "domain XML: line 1: ");
    free(xml);
}

static void children_are_found_by_name_and_without_namespace(void **state)
{
    struct wg_domain domain = parse(DOMAIN("text<!-- <a/> --><a n='1'/><x:a xmlns:x='urn:x'/>"
                                           "<timer name='pit'/><timer name='rtc' n='2'/>"
                                           "<timer name='rtc'/><timer/><a n='3'/><b><c/></b>"));
    xmlNodePtr root = domain.root;

    (void)state;
    assert_string_equal(wg_attribute(wg_child(root, "a"), "n"), "1");
    assert_null(wg_child(root, "c"));
    assert_null(wg_child(NULL, "a"));
    assert_string_equal(wg_attribute(wg_named_child(root, "timer", "rtc"), "n"), "2");
    assert_null(wg_named_child(root, "timer", "hpet"));
    assert_null(wg_named_child(root, "a", "rtc"));
    assert_null(wg_named_child(NULL, "timer", "rtc"));
    wg_domain_clear(&domain);
}

static void attributes_are_whole_texts(void **state)
{
    struct wg_domain domain = parse("<domain a='x' e='' r='a&amp;b&#38;&lt;&quot;&#10;c' "
                                    "xmlns:p='urn:p' p:a='other'/>");

    (void)state;
    assert_string_equal(wg_attribute(domain.root, "a"), "x");
    assert_string_equal(wg_attribute(domain.root, "e"), "");
    assert_string_equal(wg_attribute(domain.root, "r"), "a&b&<\"\nc");
    assert_null(wg_attribute(domain.root, "none"));
    wg_domain_clear(&domain);
}

static void content_is_trimmed_at_its_ends_only(void **state)
{
    struct wg_domain domain = parse(DOMAIN("<a>\r\n\t one <b>two</b> three \n</a><e> </e>"));

    (void)state;
    char *text = wg_trimmed_content(wg_child(domain.root, "a"));
    assert_string_equal(text, "one two three");
    free(text);
    text = wg_trimmed_content(wg_child(domain.root, "e"));
    assert_string_equal(text, "");
    free(text);
    wg_domain_clear(&domain);
}

static const struct {
    bool same;
    const char *a, *b;
} pairs[] = {
    {true, "<a/>", "<a></a>"},
    {true, "<a b='1' c='2'/>", "<a c=\"2\" b=\"1\"/>"},
    {true, "<a>x&amp;y</a>", "<a><![CDATA[x&y]]></a>"},
    {true, "<a>xyz</a>", "<a>x<![CDATA[y]]>z</a>"},
    {true, "<a>x<![CDATA[]]></a>", "<a>x</a>"},
    {true, "<a><![CDATA[]]></a>", "<a/>"},
    {true, "<a b='&#10;'/>", "<a b='&#xA;'/>"},
    {true, "<x:a xmlns:x='urn:n' x:b='1'/>", "<y:a xmlns:y='urn:n' y:b='1'/>"},
    {true, "<a b=''/>", "<a b=\"\"/>"},
    {true, "<a><!-- c --><?p d?><b/></a>", "<a><!-- c --><?p d?><b></b></a>"},
    {false, "<a/>", "<b/>"},
    {false, "<a/>", "<a b=''/>"},
    {false, "<a b='1'/>", "<a/>"},
    {false, "<a b='1'/>", "<a b='2'/>"},
    {false, "<a b='1'/>", "<a c='1'/>"},
    {false, "<a b='1' c='2'/>", "<a b='1'/>"},
    {false, "<a b='1'/>", "<a xmlns:x='urn:n' x:b='1'/>"},
    {false, "<x:a xmlns:x='urn:n'/>", "<x:a xmlns:x='urn:m'/>"},
    {false, "<a/>", "<a xmlns='urn:n'/>"},
    {false, "<a/>", "<a> </a>"},
    {false, "<a>x</a>", "<a>xy</a>"},
    {false, "<a>xy</a>", "<a>x</a>"},
    {false, "<a>x<b/></a>", "<a><b/>x</a>"},
    {false, "<a>x<b/>y</a>", "<a>xy<b/></a>"},
    {false, "<a><b/></a>", "<a><b/><b/></a>"},
    {false, "<a><b/><c/></a>", "<a><c/><b/></a>"},
    {false, "<a><!-- c --></a>", "<a><!-- d --></a>"},
    {false, "<a><!-- c --></a>", "<a/>"},
    {false, "<a><?p d?></a>", "<a><?q d?></a>"},
    {false, "<a><?p d?></a>", "<a><?p e?></a>"},
    {false, "<a><b><c d='1'/></b></a>", "<a><b><c d='2'/></b></a>"},
};

static void nodes_are_the_same_if_they_say_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        xmlDocPtr a = xmlParseDoc(BAD_CAST pairs[i].a);
        xmlDocPtr b = xmlParseDoc(BAD_CAST pairs[i].b);
        const xmlNode *x = xmlDocGetRootElement(a);
        const xmlNode *y = xmlDocGetRootElement(b);

        if (wg_same_node(x, y) != pairs[i].same || wg_same_node(y, x) != pairs[i].same)
            fail_msg("%s and %s are not %s", pairs[i].a, pairs[i].b,
                     pairs[i].same ? "the same" : "different");
        assert_true(wg_same_node(x, x));
        xmlFreeDoc(a);
        xmlFreeDoc(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_domain_has_a_name_and_a_uuid),
        cmocka_unit_test(a_domain_may_have_neither),
        cmocka_unit_test(bytes_in_known_encodings_are_read),
        cmocka_unit_test(what_is_no_domain_is_refused),
        cmocka_unit_test(every_beginning_of_a_domain_is_refused),
        cmocka_unit_test(utf16_is_refused),
        cmocka_unit_test(entities_are_neither_resolved_nor_quoted),
        cmocka_unit_test(no_message_quotes_an_attribute),
        cmocka_unit_test(size_and_depth_are_bounded),
        cmocka_unit_test(children_are_found_by_name_and_without_namespace),
        cmocka_unit_test(attributes_are_whole_texts),
        cmocka_unit_test(content_is_trimmed_at_its_ends_only),
        cmocka_unit_test(nodes_are_the_same_if_they_say_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
