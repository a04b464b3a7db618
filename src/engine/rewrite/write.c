/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "write.h"

#include <libxml/xmlsave.h>

void wg_write_bytes(struct wg_writer *w, const char *start, const char *end)
{
    if (end > start)
        fwrite(start, 1, (size_t)(end - start), w->out);
}

void wg_write_indent(struct wg_writer *w, struct wg_indent indent)
{
    fwrite(indent.base.start, 1, indent.base.len, w->out);
    for (unsigned i = 0; indent.base.len > 0 && i < indent.steps; i++)
        fwrite(w->step.start, 1, w->step.len, w->out);
}

struct wg_indent wg_deeper(struct wg_indent indent)
{
    indent.steps++;
    return indent;
}

/* Numbers above ASCII, so that it is right in whatever encoding the document has. */
static void put_value(struct wg_writer *w, const xmlChar *value)
{
    while (*value) {
        int len = 4;
        int c = xmlGetUTF8Char(value, &len);

        if (c < 0)
            break;
        if (c == '&')
            fputs("&amp;", w->out);
        else if (c == '<')
            fputs("&lt;", w->out);
        else if (c == '>')
            fputs("&gt;", w->out);
        else if (c < ' ' || c > '~' || c == w->quote)
            fprintf(w->out, "&#%d;", c);
        else
            fputc(c, w->out);
        value += len;
    }
}

static void put_attribute(struct wg_writer *w, const char *prefix, const xmlChar *name,
                          const xmlChar *value)
{
    fprintf(w->out, " %s%s%s=%c", prefix ? prefix : "", prefix && name ? ":" : "",
            name ? (const char *)name : "", w->quote);
    put_value(w, value ? value : BAD_CAST "");
    fputc(w->quote, w->out);
}

static void put_name(struct wg_writer *w, const xmlNode *node)
{
    if (node->ns && node->ns->prefix)
        fprintf(w->out, "%s:", (const char *)node->ns->prefix);
    fputs((const char *)node->name, w->out);
}

static bool declares(const xmlNode *node, const xmlChar *prefix)
{
    for (const xmlNs *ns = node->nsDef; ns; ns = ns->next) {
        if (xmlStrEqual(ns->prefix, prefix))
            return true;
    }
    return false;
}

void wg_write_start(struct wg_writer *w, const xmlNode *node, const xmlNode *old)
{
    fputc('<', w->out);
    put_name(w, node);
    for (const xmlNs *ns = node->nsDef; ns; ns = ns->next)
        put_attribute(w, "xmlns", ns->prefix, ns->href);
    for (const xmlNs *ns = old ? old->nsDef : NULL; ns; ns = ns->next) {
        if (!declares(node, ns->prefix))
            put_attribute(w, "xmlns", ns->prefix, ns->href);
    }
    for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
        put_attribute(w, attribute->ns ? (const char *)attribute->ns->prefix : NULL,
                      attribute->name, attribute->children ? attribute->children->content : NULL);
}

void wg_write_end(struct wg_writer *w, const xmlNode *node)
{
    fputs("</", w->out);
    put_name(w, node);
    fputc('>', w->out);
}

bool wg_is_text(const xmlNode *node)
{
    return node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE;
}

bool wg_has_text(const xmlNode *node)
{
    for (const xmlNode *child = node->children; child; child = child->next) {
        if (wg_is_text(child) && !xmlIsBlankNode(child))
            return true;
        if (child->type == XML_CDATA_SECTION_NODE)
            return true;
    }
    return false;
}

const xmlNode *wg_next_item(const xmlNode *node)
{
    while (node && wg_is_text(node))
        node = node->next;
    return node;
}

int wg_write_plain(struct wg_writer *w, const xmlNode *node)
{
    xmlBufferPtr buffer = xmlBufferCreate();
    xmlSaveCtxtPtr save = buffer ? xmlSaveToBuffer(buffer, w->encoding, XML_SAVE_NO_DECL) : NULL;
    int rc = save ? 0 : -1;

    if (save && xmlSaveTree(save, (xmlNodePtr)node) < 0)
        rc = -1;
    if (save && xmlSaveClose(save) < 0)
        rc = -1;
    if (rc == 0)
        fwrite(xmlBufferContent(buffer), 1, (size_t)xmlBufferLength(buffer), w->out);
    xmlBufferFree(buffer);
    return rc;
}

int wg_write_node(struct wg_writer *w, const xmlNode *node, struct wg_indent indent)
{
    if (node->type != XML_ELEMENT_NODE || wg_has_text(node))
        return wg_write_plain(w, node);
    const xmlNode *child = wg_next_item(node->children);
    wg_write_start(w, node, NULL);
    fputs(child ? ">" : "/>", w->out);
    if (!child)
        return 0;
    for (; child; child = wg_next_item(child->next)) {
        wg_write_indent(w, wg_deeper(indent));
        if (wg_write_node(w, child, wg_deeper(indent)) < 0)
            return -1;
    }
    wg_write_indent(w, indent);
    wg_write_end(w, node);
    return 0;
}
