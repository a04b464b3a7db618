/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "splice.h"

#include <stdlib.h>
#include <string.h>

#include "engine/outline.h"
#include "markup.h"
#include "write.h"

struct splice {
    struct wg_writer writer;
    const char *limit;
};

static void put(struct splice *s, const char *start, const char *end)
{
    wg_write_bytes(&s->writer, start, end);
}

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && strchr(" \t\r\n", *p))
        p++;
    return p;
}

/* The indentation that the blanks in front of an item give it. */
static struct wg_indent indent_of(const char *lead, const char *start)
{
    const char *p = memrchr(lead, '\n', (size_t)(start - lead));

    if (!p)
        return (struct wg_indent){{start, 0}, 0};
    const char *end = skip_blanks(p, start);
    if (p > lead && p[-1] == '\r')
        p--;
    return (struct wg_indent){{p, (size_t)(end - p)}, 0};
}

/* Whether two nodes are one thing that changed: elements of the same name, and the same name
 * attribute, as timers have it. */
static bool same_thing(const xmlNode *a, const xmlNode *b)
{
    if (a->type != XML_ELEMENT_NODE || b->type != XML_ELEMENT_NODE ||
        !xmlStrEqual(a->name, b->name) || !a->ns != !b->ns ||
        (a->ns && !xmlStrEqual(a->ns->href, b->ns->href)))
        return false;
    return wg_same(wg_attribute((xmlNodePtr)a, "name"), wg_attribute((xmlNodePtr)b, "name"));
}

static bool comes_later(const xmlNode *thing, const xmlNode *from)
{
    for (; from; from = wg_next_item(from->next)) {
        if (same_thing(thing, from) || wg_same_node(thing, from))
            return true;
    }
    return false;
}

static int patch(struct splice *s, const xmlNode *old, const struct wg_item *at,
                 const xmlNode *node, struct wg_indent indent);

/* The indentation of what stands behind the first `at` old items of an element: that of the line
 * in which the last of them stands (a comment may follow an element in its line), else that of the
 * first item, else one step deeper than the element. */
static struct wg_indent place(const struct wg_items *items, size_t at, struct wg_indent parent)
{
    if (items->count == 0)
        return wg_deeper(parent);
    for (size_t i = at; i > 0; i--) {
        struct wg_indent indent = indent_of(items->item[i - 1].lead, items->item[i - 1].start);

        if (indent.base.len > 0)
            return indent;
    }
    return indent_of(items->item[0].lead, items->item[0].start);
}

/* Passes the blanks that end a line: they stay there when a new node comes behind them. */
static const char *put_line_end(struct splice *s, const char *gap, const char *end)
{
    const char *p = gap ? memchr(gap, '\n', (size_t)(end - gap)) : NULL;

    if (!p || skip_blanks(gap, p) < p)
        return gap;
    if (p > gap && p[-1] == '\r')
        p--;
    put(s, gap, p);
    return p;
}

/* Walks old and new children side by side: equal ones keep their bytes, changed ones are patched,
 * new ones written, gone ones left out with the blanks in front of them. Sets *tail to where what
 * is left of the text behind the last one begins. */
static int patch_children(struct splice *s, const xmlNode *old, const struct wg_items *items,
                          const xmlNode *node, struct wg_indent indent, const char **tail)
{
    const xmlNode *was = wg_next_item(old->children);
    const xmlNode *is = wg_next_item(node->children);

    *tail = items->count ? items->item[0].lead : items->tail;
    for (size_t i = 0; was || is;) {
        const struct wg_item *item = was ? &items->item[i] : NULL;
        bool equal = was && is && wg_same_node(was, is);
        bool same = equal || (was && is && same_thing(was, is));

        if (is && !same && (!was || !comes_later(is, wg_next_item(was->next)))) {
            *tail = put_line_end(s, *tail, item ? item->start : items->end);
            wg_write_indent(&s->writer, place(items, i, indent));
            if (wg_write_node(&s->writer, is, place(items, i, indent)) < 0)
                return -1;
            is = wg_next_item(is->next);
            continue;
        }
        if (same || skip_blanks(*tail, item->start) < item->start)
            put(s, *tail, item->start);
        if (equal)
            put(s, item->start, item->end);
        else if (same && patch(s, was, item, is, place(items, i + 1, indent)) < 0)
            return -1;
        is = same ? wg_next_item(is->next) : is;
        was = wg_next_item(was->next);
        i++;
        *tail = i < items->count ? items->item[i].lead : items->tail;
    }
    return 0;
}

/* Whether a prefix that one of the nodes declares means another thing to the other one. */
static bool prefixes_clash(const xmlNode *a, const xmlNode *b)
{
    for (const xmlNs *ns = a->nsDef; ns; ns = ns->next) {
        const xmlNs *known = xmlSearchNs(b->doc, (xmlNodePtr)b, ns->prefix);

        if (known && !xmlStrEqual(known->href, ns->href))
            return true;
    }
    return false;
}

static bool declares_new_prefix(const xmlNode *old, const xmlNode *node)
{
    for (const xmlNs *ns = node->nsDef; ns; ns = ns->next) {
        if (!xmlSearchNs(old->doc, (xmlNodePtr)old, ns->prefix))
            return true;
    }
    return false;
}

static bool same_tag(const xmlNode *old, const xmlNode *node)
{
    xmlNode x = *old;
    xmlNode y = *node;

    x.children = NULL;
    y.children = NULL;
    return wg_same_node(&x, &y) && !declares_new_prefix(old, node);
}

static size_t count_items(const xmlNode *node)
{
    size_t count = 0;

    for (node = wg_next_item(node->children); node; node = wg_next_item(node->next))
        count++;
    return count;
}

/* The start tag, its old bytes as far as nothing in it changed. */
static void patch_start(struct splice *s, const xmlNode *old, const char *start, const char *end,
                        bool empty, const xmlNode *node, bool closed)
{
    if (node == old && empty == closed) {
        put(s, start, end);
        return;
    }
    end -= empty ? 2 : 1;
    while (strchr(" \t\r\n", end[-1]))
        end--;
    if (node == old)
        put(s, start, end);
    else
        wg_write_start(&s->writer, node, old);
    fputs(closed ? "/>" : ">", s->writer.out);
}

static bool same_prefix(const xmlNode *a, const xmlNode *b)
{
    return xmlStrEqual(a->ns ? a->ns->prefix : NULL, b->ns ? b->ns->prefix : NULL);
}

/* Whether the elements have the same text of their own, but for the blanks between their nodes. */
static bool same_own_text(const xmlNode *a, const xmlNode *b)
{
    xmlBufferPtr text[] = {xmlBufferCreate(), xmlBufferCreate()};
    const xmlNode *child[] = {a->children, b->children};

    for (int i = 0; i < 2; i++) {
        for (; text[i] && child[i]; child[i] = child[i]->next) {
            if (wg_is_text(child[i]) && !xmlIsBlankNode(child[i]))
                xmlBufferCat(text[i], child[i]->content);
        }
    }
    bool same = text[0] && text[1] &&
                xmlStrEqual(xmlBufferContent(text[0]), xmlBufferContent(text[1]));
    xmlBufferFree(text[0]);
    xmlBufferFree(text[1]);
    return same;
}

/* Writes what an old element that stands at `at` has become. */
static int patch(struct splice *s, const xmlNode *old, const struct wg_item *at,
                 const xmlNode *node, struct wg_indent indent)
{
    struct wg_items items = {0};
    bool empty;
    const char *content = wg_markup_tag_end(at->start, s->limit, &empty);
    const char *tail;
    int rc = -1;

    if (wg_outline_passed_over(old))
        return -1;
    if (!same_own_text(old, node) || prefixes_clash(old, node) || prefixes_clash(node, old))
        return wg_write_plain(&s->writer, node);
    if (!content || (!empty && wg_markup_items(content, s->limit, &items) < 0) ||
        items.count != count_items(old))
        goto out;
    bool barren = !wg_next_item(node->children);
    /* What has lost its last child is written like what never had one. */
    bool closed = barren && (empty || (items.count > 0 && !wg_has_text(node)));
    /* The old names and prefixes stand for as long as they say what the new ones say. */
    const xmlNode *tag = same_tag(old, node) ? old : node;
    patch_start(s, old, at->start, content, empty, tag, closed);
    rc = closed ? 0 : patch_children(s, old, &items, node, indent, &tail);
    if (rc < 0 || closed)
        goto out;
    if (items.count > 0 || wg_has_text(node))
        put(s, tail, items.end);
    else if (!barren)
        wg_write_indent(&s->writer, indent);
    if (empty || !same_prefix(old, tag))
        wg_write_end(&s->writer, tag);
    else
        put(s, items.end, at->end);
out:
    wg_items_clear(&items);
    return rc;
}

/* The habits of the document: its quotes, and how far a child of the root is indented. */
static int learn(struct splice *s, const char *root)
{
    bool empty;
    const char *content = wg_markup_tag_end(root, s->limit, &empty);
    struct wg_items items = {0};

    if (!content)
        return -1;
    const char *quote = memchr(root, '\'', (size_t)(content - root));
    const char *other = memchr(root, '"', (size_t)(content - root));
    s->writer.quote = quote && (!other || quote < other) ? '\'' : '"';
    int rc = empty ? 0 : wg_markup_items(content, s->limit, &items);
    if (rc == 0 && items.count > 0) {
        struct wg_span lead = indent_of(items.item[0].lead, items.item[0].start).base;
        size_t line_end = lead.len > 0 && lead.start[0] == '\r' ? 2 : lead.len > 0;

        s->writer.step = (struct wg_span){lead.start + line_end, lead.len - line_end};
    }
    wg_items_clear(&items);
    return rc;
}

static int write_all(struct splice *s, const struct wg_domain *old, const xmlNode *root)
{
    struct wg_item at = {.lead = old->bytes, .start = wg_markup_root(old->bytes, s->limit)};

    if (!at.start || learn(s, at.start) < 0 || !(at.end = wg_markup_end(at.start, s->limit)))
        return -1;
    struct wg_indent margin = {{"\n", s->writer.step.len > 0}, 0};
    const xmlNode *written = xmlDocGetRootElement(old->doc);
    put(s, old->bytes, at.start);
    if (wg_same_node(written, root))
        put(s, at.start, at.end);
    else if (patch(s, written, &at, root, margin) < 0)
        return -1;
    put(s, at.end, s->limit);
    return 0;
}

char *wg_splice(const struct wg_domain *old, const xmlNode *root, size_t *len, struct wg_error *err)
{
    char *text = NULL;
    const char *encoding = (const char *)old->doc->encoding;
    struct splice s = {
        .writer = {.out = open_memstream(&text, len), .encoding = encoding ? encoding : "UTF-8"},
        .limit = old->bytes + old->len,
    };

    if (!s.writer.out) {
        wg_no_memory(err);
        return NULL;
    }
    int rc = write_all(&s, old, root);
    bool short_of_memory = ferror(s.writer.out) != 0;
    /* glibc's fclose() does not tell that it could not give the text its last byte. */
    if (fclose(s.writer.out) != 0 || short_of_memory || rc < 0 || !text) {
        free(text);
        wg_fail(err,
                rc < 0 ? "the rewritten domain cannot be laid over the old text" : "out of memory");
        return NULL;
    }
    return text;
}
