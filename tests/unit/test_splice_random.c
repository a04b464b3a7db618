/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random documents, randomly edited: what the splice writes must read as the edited tree does. */
#include <libxml/parser.h>

#include "engine/rewrite/splice.h"
#include "unit.h"

#define ROUNDS 4000
#define NODES_MAX 200

static unsigned pick(unsigned count)
{
    return (unsigned)random() % count;
}

static const char *any(const char *const *words, size_t count)
{
    return words[pick((unsigned)count)];
}

#define ANY(words) any(words, COUNT(words))

static const char *const names[] = {"a", "b", "timer", "clock", "n:a", "n:b"};
static const char *const texts[] = {
    "x",   "x y",   " x ",    "&lt;a&gt;&amp;", "<![CDATA[<a> & ]]>", "&#233;",
    "'\"", "&#13;", "x\n\ty", "]]&gt;",         "<![CDATA[]]>",
};
static const char *const blanks[] = {"", "", " ", "\n", "\n  ", "\n    ", "\r\n\t", "\n\n  "};
static const char *const attributes[] = {"",
                                         "",
                                         " p='1'",
                                         " p = \"1>2\"",
                                         "\n q='&lt;&quot;&#10;'",
                                         " name='k'",
                                         " name='l' p='/'",
                                         " n:p='1'",
                                         " p='' q=''"};
static const char *const asides[] = {"<!-- <a> -->", "<!---->", "<?pi <a> ?>", "<!-- ' -->"};

static void put_element(FILE *out, unsigned depth)
{
    const char *name = ANY(names);
    unsigned children = depth < 3 ? pick(4) : 0;

    fprintf(out, "<%s%s%s", name, ANY(attributes), pick(4) ? "" : " ");
    if (pick(12) == 0)
        fputs(" xmlns:n='urn:other'", out);
    if (!children && pick(2)) {
        fputs("/>", out);
        return;
    }
    fputc('>', out);
    if (!children)
        fputs(pick(2) ? ANY(texts) : ANY(blanks), out);
    for (; children > 0; children--) {
        fputs(pick(10) ? ANY(blanks) : ANY(texts), out);
        if (pick(6))
            put_element(out, depth + 1);
        else
            fputs(ANY(asides), out);
    }
    fprintf(out, "%s</%s%s>", pick(2) ? ANY(blanks) : "", name, pick(6) ? "" : " ");
}

static char *random_document(void)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    bool latin1 = pick(4) == 0;

    fputs(latin1 ? "<?xml version='1.0' encoding='ISO-8859-1'?>\n" : "", out);
    fprintf(out, "%s<domain type=%s xmlns:n='urn:n'>", pick(3) ? "" : "<!-- <domain> -->\n",
            pick(2) ? "'kvm'" : "\"kvm\"");
    for (unsigned children = pick(4); children > 0; children--) {
        fputs(ANY(blanks), out);
        put_element(out, 1);
        if (pick(8) == 0)
            fputs(latin1 ? "<!-- \xe9 --><b>\xe9</b>" : "<!-- \xc3\xa9 --><b>\xc3\xa9</b>", out);
    }
    fprintf(out, "%s</domain>%s", ANY(blanks), pick(2) ? "\n" : "");
    fclose(out);
    return text;
}

static size_t collect(xmlNodePtr node, xmlNodePtr *nodes, size_t count)
{
    for (; node && count < NODES_MAX; node = node->next) {
        if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE)
            continue;
        nodes[count++] = node;
        if (node->type == XML_ELEMENT_NODE)
            count = collect(node->children, nodes, count);
    }
    return count;
}

static xmlNodePtr new_element(xmlDocPtr doc, xmlNodePtr root)
{
    static const char *const plain[] = {"a", "timer", "new"};
    xmlNodePtr node = xmlNewDocNode(doc, NULL, BAD_CAST ANY(plain), NULL);

    if (pick(3) == 0)
        xmlSetNs(node, pick(2) ? root->nsDef : xmlNewNs(node, BAD_CAST "urn:m", BAD_CAST "m"));
    if (pick(2))
        xmlSetProp(node, BAD_CAST "name", BAD_CAST(pick(2) ? "k" : "caf\xc3\xa9 '\"<>&\n"));
    for (unsigned children = pick(3); children > 0; children--)
        xmlNewTextChild(node, NULL, BAD_CAST "c", BAD_CAST(pick(2) ? "t <\xc3\xa9" : ""));
    return node;
}

/* One edit of an element below the root, or of the root if there is none. */
static void edit(xmlDocPtr doc)
{
    xmlNodePtr root = xmlDocGetRootElement(doc);
    xmlNodePtr nodes[NODES_MAX];
    size_t count = collect(root, nodes, 0);
    xmlNodePtr node = nodes[pick((unsigned)count)];
    bool element = node->type == XML_ELEMENT_NODE;

    switch (pick(8)) {
    case 0:
    case 1:
        if (element)
            xmlReconciliateNs(doc, xmlAddChild(node, new_element(doc, root)));
        break;
    case 2:
        if (node != root)
            xmlReconciliateNs(doc, xmlAddPrevSibling(node, new_element(doc, root)));
        break;
    case 3:
        if (element)
            xmlSetProp(node, BAD_CAST(pick(2) ? "p" : "z"), BAD_CAST(pick(2) ? "1" : "<\n'\""));
        break;
    case 4:
        if (element && node->properties)
            xmlRemoveProp(node->properties);
        break;
    case 5:
        if (element && node != root)
            xmlNodeSetContent(node, BAD_CAST(pick(2) ? "xy" : ""));
        break;
    case 6:
        if (node != root)
            xmlAddNextSibling(node, xmlNewDocComment(doc, BAD_CAST " new "));
        break;
    default:
        if (node != root) {
            xmlUnlinkNode(node);
            xmlFreeNode(node);
        }
    }
}

static bool is_text(const xmlNode *node)
{
    return node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE;
}

/* Takes out what is layout: the blanks between nodes and around a text, and where among the nodes
 * of an element a text of its own stands, which has no place there. */
static void drop_layout(xmlNodePtr element)
{
    bool leaf = true;
    xmlBufferPtr text = xmlBufferCreate();

    for (xmlNodePtr node = element->children; node; node = node->next) {
        leaf = leaf && is_text(node);
        if (node->type == XML_ELEMENT_NODE)
            drop_layout(node);
    }
    for (xmlNodePtr node = element->children, next; node; node = next) {
        next = node->next;
        if (!is_text(node))
            continue;
        for (const xmlChar *p = node->content; p && *p; p++) {
            if (leaf || !strchr(" \t\r\n", *p))
                xmlBufferAdd(text, p, 1);
        }
        xmlUnlinkNode(node);
        xmlFreeNode(node);
    }
    xmlNodePtr all = xmlNewText(xmlBufferContent(text));
    char *trimmed = wg_trimmed_content(all);
    xmlNodeSetContent(all, NULL);
    xmlNodeAddContent(all, BAD_CAST trimmed);
    xmlAddChild(element, all);
    free(trimmed);
    xmlBufferFree(text);
}

static void reads_the_same(const char *before, const char *text, xmlNodePtr root)
{
    xmlDocPtr doc = xmlReadMemory(text, (int)strlen(text), NULL, NULL,
                                  XML_PARSE_NOERROR | XML_PARSE_NOWARNING);

    if (!doc)
        fail_msg("not well-formed:\n%s\nfrom\n%s", text, before);
    drop_layout(root);
    drop_layout(xmlDocGetRootElement(doc));
    if (!wg_same_node(root, xmlDocGetRootElement(doc))) {
        xmlBufferPtr want = xmlBufferCreate();

        xmlNodeDump(want, root->doc, root, 0, 0);
        /* more than a message of cmocka's holds */
        fprintf(stderr, "from\n%s\ncame\n%s\nnot\n%s\n", before, text,
                (const char *)xmlBufferContent(want));
        fail();
    }
    xmlFreeDoc(doc);
}

static void random_edits_read_as_they_were_made(void **state)
{
    (void)state;
    srandom(11);
    for (int round = 0; round < ROUNDS; round++) {
        char *before = random_document();
        struct wg_domain old = parse(before);
        xmlDocPtr doc = xmlCopyDoc(old.doc, 1);
        struct wg_error err = {0};
        size_t len;

        for (unsigned edits = 1 + pick(4); edits > 0; edits--)
            edit(doc);
        char *text = wg_splice(&old, xmlDocGetRootElement(doc), &len, &err);
        if (!text)
            fail_msg("%s\n%s", before, err.text);
        assert_int_equal(strlen(text), len);
        reads_the_same(before, text, xmlDocGetRootElement(doc));
        xmlFreeDoc(doc);
        wg_domain_clear(&old);
        free(before);
        free(text);
    }
}

static void random_documents_stay_as_they_are(void **state)
{
    (void)state;
    srandom(12);
    for (int round = 0; round < ROUNDS; round++) {
        char *before = random_document();
        struct wg_domain old = parse(before);
        xmlDocPtr doc = xmlCopyDoc(old.doc, 1);
        struct wg_error err;
        size_t len;
        char *text = wg_splice(&old, xmlDocGetRootElement(doc), &len, &err);

        assert_text("unedited", text, before);
        xmlFreeDoc(doc);
        wg_domain_clear(&old);
        free(before);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_edits_read_as_they_were_made),
        cmocka_unit_test(random_documents_stay_as_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
