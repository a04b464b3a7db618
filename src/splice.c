/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "splice.h"

#include <libxml/xmlsave.h>
#include <stdlib.h>
#include <string.h>

#include "markup.h"

/* Bytes of the old document. */
struct span {
    const char *start;
    size_t len;
};

struct splice {
    FILE *out;
    const char *limit;
    char quote;       /* that of the document's first attribute */
    struct span step; /* what one level of depth adds to the indentation */
};

/* A line break and the blanks behind it; nothing where the document has no lines. */
struct indent {
    struct span base;
    unsigned steps;
};

static void put(struct splice *s, const char *start, const char *end)
{
    fwrite(start, 1, (size_t)(end - start), s->out);
}

static void put_indent(struct splice *s, struct indent indent)
{
    fwrite(indent.base.start, 1, indent.base.len, s->out);
    for (unsigned i = 0; indent.base.len > 0 && i < indent.steps; i++)
        fwrite(s->step.start, 1, s->step.len, s->out);
}

static struct indent deeper(struct indent indent)
{
    indent.steps++;
    return indent;
}

/* The indentation that the blanks in front of an item give it. */
static struct indent indent_of(const char *lead, const char *start)
{
    const char *p = memrchr(lead, '\n', (size_t)(start - lead));

    if (!p)
        return (struct indent){{start, 0}, 0};
    if (p > lead && p[-1] == '\r')
        p--;
    return (struct indent){{p, (size_t)(start - p)}, 0};
}

/* Numbers above ASCII, so that it is right in whatever encoding the document has. */
static void put_value(struct splice *s, const xmlChar *value)
{
    while (*value) {
        int len = 4;
        int c = xmlGetUTF8Char(value, &len);

        if (c < 0)
            break;
        if (c == '&')
            fputs("&amp;", s->out);
        else if (c == '<')
            fputs("&lt;", s->out);
        else if (c == '>')
            fputs("&gt;", s->out);
        else if (c < ' ' || c > '~' || c == s->quote)
            fprintf(s->out, "&#%d;", c);
        else
            fputc(c, s->out);
        value += len;
    }
}

static void put_attribute(struct splice *s, const char *prefix, const xmlChar *name,
                          const xmlChar *value)
{
    fprintf(s->out, " %s%s%s=%c", prefix ? prefix : "", prefix && name ? ":" : "",
            name ? (const char *)name : "", s->quote);
    put_value(s, value ? value : BAD_CAST "");
    fputc(s->quote, s->out);
}

static void put_name(struct splice *s, const xmlNode *node)
{
    if (node->ns && node->ns->prefix)
        fprintf(s->out, "%s:", (const char *)node->ns->prefix);
    fputs((const char *)node->name, s->out);
}

/* A start tag, open at its end. */
static void put_start(struct splice *s, const xmlNode *node)
{
    fputc('<', s->out);
    put_name(s, node);
    for (const xmlNs *ns = node->nsDef; ns; ns = ns->next)
        put_attribute(s, "xmlns", ns->prefix, ns->href);
    for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
        put_attribute(s, attribute->ns ? (const char *)attribute->ns->prefix : NULL,
                      attribute->name, attribute->children ? attribute->children->content : NULL);
}

static void put_end(struct splice *s, const xmlNode *node)
{
    fputs("</", s->out);
    put_name(s, node);
    fputc('>', s->out);
}

static bool is_text(const xmlNode *node)
{
    return node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE;
}

/* Whether the node holds text that says something. */
static bool has_text(const xmlNode *node)
{
    for (const xmlNode *child = node->children; child; child = child->next) {
        if (is_text(child) && !xmlIsBlankNode(child))
            return true;
        if (child->type == XML_CDATA_SECTION_NODE)
            return true;
    }
    return false;
}

static const xmlNode *next_item(const xmlNode *node)
{
    while (node && is_text(node))
        node = node->next;
    return node;
}

/* Any node as libxml2 writes it, in ASCII. */
static int put_whole(struct splice *s, const xmlNode *node)
{
    xmlBufferPtr buffer = xmlBufferCreate();
    xmlSaveCtxtPtr save = buffer ? xmlSaveToBuffer(buffer, "US-ASCII", XML_SAVE_NO_DECL) : NULL;
    int rc = save ? 0 : -1;

    if (save && xmlSaveTree(save, (xmlNodePtr)node) < 0)
        rc = -1;
    if (save && xmlSaveClose(save) < 0)
        rc = -1;
    if (rc == 0)
        fwrite(xmlBufferContent(buffer), 1, (size_t)xmlBufferLength(buffer), s->out);
    xmlBufferFree(buffer);
    return rc;
}

static int put_new(struct splice *s, const xmlNode *node, struct indent indent)
{
    if (node->type != XML_ELEMENT_NODE || has_text(node))
        return put_whole(s, node);
    const xmlNode *child = next_item(node->children);
    put_start(s, node);
    fputs(child ? ">" : "/>", s->out);
    if (!child)
        return 0;
    for (; child; child = next_item(child->next)) {
        put_indent(s, deeper(indent));
        if (put_new(s, child, deeper(indent)) < 0)
            return -1;
    }
    put_indent(s, indent);
    put_end(s, node);
    return 0;
}

/* Whether two nodes are one thing that changed: elements of the same name, and the same name
 * attribute, as timers have it. */
static bool same_thing(const xmlNode *a, const xmlNode *b)
{
    if (a->type != XML_ELEMENT_NODE || b->type != XML_ELEMENT_NODE ||
        !xmlStrEqual(a->name, b->name) || !a->ns != !b->ns ||
        (a->ns && !xmlStrEqual(a->ns->href, b->ns->href)))
        return false;
    const char *x = wg_attribute((xmlNodePtr)a, "name");
    const char *y = wg_attribute((xmlNodePtr)b, "name");
    return x && y ? strcmp(x, y) == 0 : !x && !y;
}

static bool comes_later(const xmlNode *thing, const xmlNode *from)
{
    for (; from; from = next_item(from->next)) {
        if (same_thing(thing, from) || wg_same_node(thing, from))
            return true;
    }
    return false;
}

static int patch(struct splice *s, const xmlNode *old, const struct wg_item *at,
                 const xmlNode *node, struct indent indent);

/* The indentation of what stands behind the first `at` old items of an element: that of the line
 * in which the last of them stands (a comment may follow an element in its line), else that of the
 * first item, else one step deeper than the element. */
static struct indent place(const struct wg_items *items, size_t at, struct indent parent)
{
    if (items->count == 0)
        return deeper(parent);
    for (size_t i = at; i > 0; i--) {
        struct indent indent = indent_of(items->item[i - 1].lead, items->item[i - 1].start);

        if (indent.base.len > 0)
            return indent;
    }
    return indent_of(items->item[0].lead, items->item[0].start);
}

/* Walks old and new children side by side: equal ones keep their bytes, changed ones are patched,
 * new ones written, gone ones left out with the blanks in front of them. */
static int patch_children(struct splice *s, const xmlNode *old, const struct wg_items *items,
                          const xmlNode *node, struct indent indent)
{
    const xmlNode *was = next_item(old->children);
    const xmlNode *is = next_item(node->children);
    size_t i = 0;

    while (is) {
        const struct wg_item *item = was ? &items->item[i] : NULL;
        bool equal = was && wg_same_node(was, is);

        if (equal || (was && same_thing(was, is))) {
            put(s, item->lead, item->start);
            if (equal)
                put(s, item->start, item->end);
            else if (patch(s, was, item, is, place(items, i + 1, indent)) < 0)
                return -1;
            is = next_item(is->next);
        } else if (!was || !comes_later(is, next_item(was->next))) {
            put_indent(s, place(items, i, indent));
            if (put_new(s, is, place(items, i, indent)) < 0)
                return -1;
            is = next_item(is->next);
            continue;
        }
        was = next_item(was->next);
        i++;
    }
    return 0;
}

static bool same_tag(const xmlNode *a, const xmlNode *b)
{
    xmlNode x = *a;
    xmlNode y = *b;

    x.children = NULL;
    y.children = NULL;
    return wg_same_node(&x, &y);
}

static size_t count_items(const xmlNode *node)
{
    size_t count = 0;

    for (const xmlNode *child = next_item(node->children); child; child = next_item(child->next))
        count++;
    return count;
}

/* The start tag up to its end, its old bytes if nothing in it changed. */
static void patch_start(struct splice *s, const xmlNode *old, const char *start, const char *end,
                        const xmlNode *node)
{
    if (!same_tag(old, node)) {
        put_start(s, node);
        return;
    }
    end--;
    if (end[-1] == '/')
        end--;
    while (strchr(" \t\r\n", end[-1]))
        end--;
    put(s, start, end);
}

/* Writes what an old element that stands at `at` has become. */
static int patch(struct splice *s, const xmlNode *old, const struct wg_item *at,
                 const xmlNode *node, struct indent indent)
{
    struct wg_items items = {0};
    bool empty;
    const char *content = wg_markup_tag_end(at->start, s->limit, &empty);
    int rc = -1;

    if (has_text(old) || has_text(node))
        return put_whole(s, node);
    if (!content || (!empty && wg_markup_items(content, s->limit, &items) < 0) ||
        items.count != count_items(old))
        goto out;
    bool barren = !next_item(node->children);
    /* What has lost its last child is written like what never had one. */
    bool closed = barren && (empty || items.count > 0);
    patch_start(s, old, at->start, content, node);
    fputs(closed ? "/>" : ">", s->out);
    if (closed)
        rc = 0;
    else if ((rc = patch_children(s, old, &items, node, indent)) == 0) {
        if (items.count > 0)
            put(s, items.tail, items.end);
        else if (!barren)
            put_indent(s, indent);
        put_end(s, node);
    }
out:
    wg_items_clear(&items);
    return rc;
}

/* The habits of the document: its quotes, and how far a child of the root stands from the margin. */
static int learn(struct splice *s, const char *root)
{
    bool empty;
    const char *content = wg_markup_tag_end(root, s->limit, &empty);
    struct wg_items items = {0};

    if (!content)
        return -1;
    const char *quote = memchr(root, '\'', (size_t)(content - root));
    const char *other = memchr(root, '"', (size_t)(content - root));
    s->quote = quote && (!other || quote < other) ? '\'' : '"';
    int rc = empty ? 0 : wg_markup_items(content, s->limit, &items);
    if (rc == 0 && items.count > 0) {
        struct span lead = indent_of(items.item[0].lead, items.item[0].start).base;
        size_t line_end = lead.len > 0 && lead.start[0] == '\r' ? 2 : lead.len > 0;

        s->step = (struct span){lead.start + line_end, lead.len - line_end};
    }
    wg_items_clear(&items);
    return rc;
}

static int write_all(struct splice *s, const struct wg_domain *old, const xmlNode *root)
{
    struct wg_item at = {.lead = old->bytes, .start = wg_markup_root(old->bytes, s->limit)};

    if (!at.start || learn(s, at.start) < 0 || !(at.end = wg_markup_end(at.start, s->limit)))
        return -1;
    put(s, old->bytes, at.start);
    if (wg_same_node(old->root, root))
        put(s, at.start, at.end);
    else if (patch(s, old->root, &at, root, (struct indent){{"\n", s->step.len > 0}, 0}) < 0)
        return -1;
    put(s, at.end, s->limit);
    return 0;
}

char *wg_splice(const struct wg_domain *old, const xmlNode *root, size_t *len,
                struct wg_error *err)
{
    char *text = NULL;
    struct splice s = {.out = open_memstream(&text, len), .limit = old->bytes + old->len};

    if (!s.out) {
        wg_no_memory(err);
        return NULL;
    }
    int rc = write_all(&s, old, root);
    bool short_of_memory = ferror(s.out) != 0;
    if (fclose(s.out) != 0 || short_of_memory || rc < 0) {
        free(text);
        wg_fail(err, rc < 0 ? "the rewritten domain cannot be laid over the old text"
                            : "out of memory");
        return NULL;
    }
    return text;
}
