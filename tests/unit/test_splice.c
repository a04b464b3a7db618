/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/rewrite/splice.h"

#include <libxml/parser.h>

#include "unit.h"

static char *splice(const struct wg_domain *old, const xmlNode *root)
{
    struct wg_error err;
    size_t len;
    char *text = wg_splice(old, root, &len, &err);

    if (!text)
        fail_msg("%s", err.text);
    assert_int_equal(strlen(text), len);
    return text;
}

/* Each as nasty as XML allows without a document type. */
static const char *const nasty[] = {
    "<domain/>",
    "<domain></domain>",
    "<domain  a = '1'\n\tb=\"2\"  />",
    "<?xml version='1.0'?>\n<!-- <domain> -->\n<domain>\n</domain >\n<!-- end -->\n<?pi?>\n",
    "\xef\xbb\xbf<domain>\xc3\xa9</domain>",
    "<?xml version='1.0' encoding='ISO-8859-1'?><domain a='\xe9'>\xe9<!-- \xe9 --><![CDATA[\xe9]]>"
    "</domain>",
    "<domain>\r\n  <a/>\r\n\t<b></b>\r\n</domain>\r\n",
    "<domain>\r<a/>\r</domain>\r",
    "<domain><![CDATA[<a>]]]]><![CDATA[></a>]]></domain>",
    "<domain><a><![CDATA[]]></a><b> <![CDATA[ ]]> </b></domain>",
    "<domain><!----><!-- <a b='1' --><!-- </domain> - - --></domain>",
    "<domain><?a <b> ?><?c?></domain>",
    "<domain a='>' b=\"'>'\" c='\"/>'/>",
    "<domain a='&lt;&amp;&#10;&#x9;&quot;'>&lt;&gt;&amp;&apos;&quot;&#13;&#233;&#x1F5A5;</domain>",
    "<domain>text <a/> more <b>inner</b> end</domain>",
    "<domain xmlns:x='urn:x'><x:a x:b='1'/><x:a xmlns:x='urn:y'><x:b/></x:a>"
    "<c xmlns='urn:z'><d/></c></domain>",
    "<domain><timer name='a'/><timer name='a'/><timer name='a' b=''/></domain>",
    "<domain><a xml:space='preserve'> </a><b xml:lang='de'/></domain>",
    "<domain><a\n/><b\n>\n</b\n></domain\n>",
};

static const char *const contents[] = {
    "\n  <a  b = \"1\" ></a >\n  <c\n/>\n",
    "<a><![CDATA[</domain>]]></a><![CDATA[]]>",
    "<!-- </domain> ' --><?pi </domain> ?><a/>",
    "<a b='/domain>'  c=\"'>\"/>\r\n\t<b/>",
    "caf\xc3\xa9 &#233; &lt; &#13; <a>\xe6\xa0\xb8</a> tail",
    "<x:a x:b='1'><x:c xmlns:x='urn:y'/></x:a>",
    "<a> </a><b>\n</b><!--\xc3\xa9-->",
};

static void nothing_changed_is_nothing_changed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(nasty); i++) {
        struct wg_domain old = parse(nasty[i]);
        char *same = splice(&old, old.root);
        xmlDocPtr copy = xmlCopyDoc(old.doc, 1);
        char *copied = splice(&old, xmlDocGetRootElement(copy));

        assert_text("itself", same, nasty[i]);
        assert_text("its copy", copied, nasty[i]);
        xmlFreeDoc(copy);
        free(same);
        free(copied);
        wg_domain_clear(&old);
    }
}

/* One attribute more on the root: all else, to the last byte, must stay. */
static void a_change_at_the_root_leaves_its_content(void **state)
{
    static const char root[] = "<domain\n\ttype = 'kvm'\txmlns:x=\"urn:x\" >";

    (void)state;
    for (size_t i = 0; i < COUNT(contents); i++) {
        char xml[1000];
        char want[1000];

        snprintf(xml, sizeof(xml), "<!-- <domain> -->\n%s%s</domain >\n<!-- x --><?y?>\n", root,
                 contents[i]);
        snprintf(want, sizeof(want), "<!-- <domain> -->\n%s%s</domain >\n<!-- x --><?y?>\n",
                 "<domain xmlns:x='urn:x' type='kvm' new='1'>", contents[i]);
        struct wg_domain old = parse(xml);
        xmlDocPtr doc = xmlCopyDoc(old.doc, 1);
        xmlSetProp(xmlDocGetRootElement(doc), BAD_CAST "new", BAD_CAST "1");
        char *text = splice(&old, xmlDocGetRootElement(doc));
        assert_text(contents[i], text, want);
        xmlFreeDoc(doc);
        free(text);
        wg_domain_clear(&old);
    }
}

struct edit {
    const char *old, *new, *want;
};

static void becomes(const struct edit *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct wg_domain old = parse(rows[i].old);
        struct wg_domain new = parse(rows[i].new);
        char *text = splice(&old, new.root);

        assert_text(rows[i].old, text, rows[i].want);
        free(text);
        wg_domain_clear(&old);
        wg_domain_clear(&new);
    }
}

static void new_nodes_take_the_indentation_of_their_neighbours(void **state)
{
    static const struct edit rows[] = {
        {"<domain>\n  <a/>\n</domain>", "<domain><a/><b><c/></b></domain>",
         "<domain>\n  <a/>\n  <b>\n    <c/>\n  </b>\n</domain>"},
        {"<domain>\n\t<b/>\n</domain>", "<domain><a/><b/></domain>",
         "<domain>\n\t<a/>\n\t<b/>\n</domain>"},
        {"<domain>\r\n  <a/>\r\n</domain>\r\n", "<domain><a/><b/></domain>",
         "<domain>\r\n  <a/>\r\n  <b/>\r\n</domain>\r\n"},
        {"<domain><a/></domain>", "<domain><a/><b><c/></b></domain>",
         "<domain><a/><b><c/></b></domain>"},
        {"<domain>\n  <a/>\n  <f/>\n</domain>", "<domain><a/><f><b><c/></b></f></domain>",
         "<domain>\n  <a/>\n  <f>\n    <b>\n      <c/>\n    </b>\n  </f>\n</domain>"},
        {"<domain>\n    <f>\n        <a/>\n    </f>\n</domain>", "<domain><f><a/><b/></f></domain>",
         "<domain>\n    <f>\n        <a/>\n        <b/>\n    </f>\n</domain>"},
        {"<domain>\n  <f><a/></f>\n</domain>", "<domain><f><a/><b/></f></domain>",
         "<domain>\n  <f><a/><b/></f>\n</domain>"},
        {"<domain>\n  <a/> <!-- of a -->\n  <c/>\n</domain>",
         "<domain><a/><!-- of a --><b/><c/></domain>",
         "<domain>\n  <a/> <!-- of a -->\n  <b/>\n  <c/>\n</domain>"},
    };

    (void)state;
    becomes(rows, COUNT(rows));
}

static void attributes_take_the_documents_quotes(void **state)
{
    static const struct edit rows[] = {
        {"<domain type='kvm'>\n  <a/>\n</domain>", "<domain type=\"kvm\"><a b=\"1\"/></domain>",
         "<domain type='kvm'>\n  <a b='1'/>\n</domain>"},
        {"<domain type=\"kvm\">\n  <a c='1'/>\n</domain>",
         "<domain type='kvm'><a c='1' b='2'/></domain>",
         "<domain type=\"kvm\">\n  <a c=\"1\" b=\"2\"/>\n</domain>"},
        {"<domain t='1'><a/></domain>",
         "<domain t='1'><a b='&apos;&quot;&lt;&gt;&amp;&#10;&#9;\xc3\xa9'/></domain>",
         "<domain t='1'><a b='&#39;\"&lt;&gt;&amp;&#10;&#9;&#233;'/></domain>"},
    };

    (void)state;
    becomes(rows, COUNT(rows));
}

static void only_what_changed_is_written_anew(void **state)
{
    static const struct edit rows[] = {
        {"<domain>\n  <a  x = \"1\" ></a>\n  <clock  offset = \"utc\" >\n <t  n=\"1\" />\n"
         "  </clock>\n</domain>",
         "<domain><a x='1'/><clock offset='localtime'><t n='1'/></clock></domain>",
         "<domain>\n  <a  x = \"1\" ></a>\n  <clock offset=\"localtime\">\n <t  n=\"1\" />\n"
         "  </clock>\n</domain>"},
        {"<domain>\n  <a/>\n  <b/>\n  <c/>\n</domain>", "<domain><a/><c/></domain>",
         "<domain>\n  <a/>\n  <c/>\n</domain>"},
        {"<domain>\n  <a/>\n</domain>\n<!-- end -->\n", "<domain/>", "<domain/>\n<!-- end -->\n"},
        {"<domain t=''>\n  <timer name='a' p='1'/>\n  <timer name='b' p='1'/>\n</domain>",
         "<domain t=''><timer name='a' p='1'/><timer name='b' p='2'/></domain>",
         "<domain t=''>\n  <timer name='a' p='1'/>\n  <timer name='b' p='2'/>\n</domain>"},
        {"<domain>\n  <timer name='a'/>\n  <!-- why -->\n  <timer name='a' b='1'/>\n</domain>",
         "<domain><timer name='a'/><!-- why --></domain>",
         "<domain>\n  <timer name='a'/>\n  <!-- why -->\n</domain>"},
        {"<domain><d><![CDATA[a & b]]></d><e>x</e></domain>",
         "<domain><d>a &amp; b</d><e>y</e></domain>",
         "<domain><d><![CDATA[a & b]]></d><e>y</e></domain>"},
    };

    (void)state;
    becomes(rows, COUNT(rows));
}

/* Within a text every blank counts. */
static void a_text_is_what_it_became(void **state)
{
    static const struct edit rows[] = {
        {"<domain><title>a b</title></domain>", "<domain><title>ab</title></domain>",
         "<domain><title>ab</title></domain>"},
        {"<domain><title>a  b</title></domain>", "<domain><title>a b</title></domain>",
         "<domain><title>a b</title></domain>"},
        {"<domain><title>a</title></domain>", "<domain><title>a</title><title>b</title></domain>",
         "<domain><title>a</title><title>b</title></domain>"},
        {"<domain><title>a</title></domain>", "<domain><title> </title></domain>",
         "<domain><title> </title></domain>"},
        {"<domain>a <b/> c</domain>", "<domain>a <b d='1'/> c</domain>",
         "<domain>a <b d=\"1\"/> c</domain>"},
    };

    (void)state;
    becomes(rows, COUNT(rows));
}

/* What a prefix means where the new node stands must be said there, and what it meant to the old
 * nodes must still be said. */
static void prefixes_keep_their_meaning(void **state)
{
    static const struct edit rows[] = {
        {"<domain><a/></domain>", "<domain xmlns:q='urn:q'><a/><q:b/></domain>",
         "<domain xmlns:q=\"urn:q\"><a/><q:b/></domain>"},
        {"<domain xmlns:p='urn:p'><p:a/></domain>",
         "<domain xmlns:q='urn:q'><p:a xmlns:p='urn:p'/><q:b/></domain>",
         "<domain xmlns:q='urn:q' xmlns:p='urn:p'><p:a/><q:b/></domain>"},
        {"<domain xmlns:p='urn:p'><p:a/></domain>",
         "<domain xmlns:p='urn:p'><p:a/><p:b c='1'/></domain>",
         "<domain xmlns:p='urn:p'><p:a/><p:b c='1'/></domain>"},
        {"<domain xmlns:p='urn:p'><p:a><b/></p:a></domain>",
         "<domain><r:a xmlns:r='urn:p'><b/><c/></r:a></domain>",
         "<domain xmlns:p='urn:p'><r:a xmlns:r='urn:p'><b/><c/></r:a></domain>"},
    };

    (void)state;
    becomes(rows, COUNT(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_changed_is_nothing_changed),
        cmocka_unit_test(a_change_at_the_root_leaves_its_content),
        cmocka_unit_test(new_nodes_take_the_indentation_of_their_neighbours),
        cmocka_unit_test(attributes_take_the_documents_quotes),
        cmocka_unit_test(only_what_changed_is_written_anew),
        cmocka_unit_test(a_text_is_what_it_became),
        cmocka_unit_test(prefixes_keep_their_meaning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
