/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "outline.h"

#include <libxml/SAX2.h>
#include <string.h>

/* What is looked at of a domain, and of its devices. A new sign, or a new part of the policy, may
 * need a word here. */
static const char *const parts[] = {"name",     "uuid", "title",          "description",
                                    "metadata", "os",   "features",       "clock",
                                    "devices",  "cpu",  "launchSecurity", NULL};
/* The only one of a namespace, QEMU's. */
static const char *const extensions[] = {"commandline", NULL};
static const char *const devices[] = {"emulator", "channel", "panic", NULL};
/* Whose text is looked at, wherever they stand: in others blanks are layout, which takes nodes. */
static const char *const values[] = {"name",    "uuid",     "title",    "description",
                                     "type",    "emulator", "property", "os_variant",
                                     "os_type", "os-type",  "ostype",   "os_distro",
                                     "os",      "osType",   "guestOS",  NULL};
/* The package's, which look at nothing else. */
static const char *const stylesheets[] = {"clock.xsl", "hyperv.xsl", "guest-agent.xsl", "cpu.xsl",
                                          NULL};

/* Bytes of names that a parser may know, lest strange ones add up: all those in libvirt's own test
 * domains are 21 KiB. */
#define NAMES_MAX ((size_t)64 << 10)

/* Its address marks an element. */
static char passed_over;

static bool among(const char *const *words, const char *word)
{
    while (*words && (**words != *word || strcmp(*words, word) != 0))
        words++;
    return *words != NULL;
}

static struct wg_outline *outline_of(void *parser)
{
    return ((xmlParserCtxtPtr)parser)->sax->_private;
}

/* Whether an element is looked at that is about to begin. */
static bool is_looked_at(const struct wg_outline *outline, const char *name, const xmlChar *uri)
{
    if (outline->depth == 1)
        return among(uri ? extensions : parts, name);
    return outline->depth != 2 || !outline->in_devices || among(devices, name);
}

/* An attribute comes as its name, prefix and URI, its value's beginning and its end. */
static void pass(struct wg_outline *outline, int n_attributes, const xmlChar **attribute)
{
    outline->below++;
    outline->passed++;
    for (int i = 0; i < n_attributes; i++, attribute += 5)
        outline->passed += 1 + (size_t)(attribute[4] - attribute[3]);
}

static void mark_passed_over(xmlDocPtr doc, int depth)
{
    xmlNodePtr element = doc ? xmlDocGetRootElement(doc) : NULL;

    for (; element && depth > 0; depth--)
        element = element->last;
    if (element)
        element->_private = &passed_over;
}

static void enter(struct wg_outline *outline, const char *name)
{
    if (++outline->depth == 2)
        outline->in_devices = strcmp(name, "devices") == 0;
    if (!outline->value && among(values, name))
        outline->value = outline->depth;
}

static void start(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                  int n_namespaces, const xmlChar **namespaces, int n_attributes, int n_defaulted,
                  const xmlChar **attribute)
{
    xmlParserCtxtPtr parser = context;
    struct wg_outline *outline = outline_of(parser);

    if (outline->below) {
        pass(outline, n_attributes, attribute);
    } else if (is_looked_at(outline, (const char *)name, uri)) {
        xmlSAX2StartElementNs(parser, name, prefix, uri, n_namespaces, namespaces, n_attributes,
                              n_defaulted, attribute);
        enter(outline, (const char *)name);
    } else {
        pass(outline, n_attributes, attribute);
        xmlSAX2StartElementNs(parser, name, prefix, uri, n_namespaces, namespaces, 0, 0, NULL);
        mark_passed_over(parser->myDoc, outline->depth);
    }
}

static void end(void *parser, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct wg_outline *outline = outline_of(parser);

    if (outline->below) {
        if (--outline->below)
            return;
    } else if (outline->depth-- == outline->value) {
        outline->value = 0;
    }
    xmlSAX2EndElementNs(parser, name, prefix, uri);
}

static bool is_blank(const xmlChar *bytes, int len)
{
    while (len > 0 && strchr(" \t\r\n", bytes[len - 1]))
        len--;
    return len == 0;
}

static void text(void *parser, const xmlChar *bytes, int len)
{
    struct wg_outline *outline = outline_of(parser);

    if (outline->below)
        outline->passed += (size_t)len;
    else if (outline->value || !is_blank(bytes, len))
        xmlSAX2Characters(parser, bytes, len);
}

static void cdata(void *parser, const xmlChar *bytes, int len)
{
    if (outline_of(parser)->below)
        outline_of(parser)->passed += (size_t)len;
    else
        xmlSAX2CDataBlock(parser, bytes, len);
}

static void comment(void *parser, const xmlChar *bytes)
{
    if (outline_of(parser)->below)
        outline_of(parser)->passed++;
    else
        xmlSAX2Comment(parser, bytes);
}

static void instruction(void *parser, const xmlChar *target, const xmlChar *data)
{
    if (outline_of(parser)->below)
        outline_of(parser)->passed++;
    else
        xmlSAX2ProcessingInstruction(parser, target, data);
}

static xmlParserCtxtPtr new_parser(struct wg_outline *outline)
{
    xmlParserCtxtPtr parser = xmlNewParserCtxt();

    if (!parser)
        return NULL;
    parser->sax->_private = outline;
    parser->sax->startElementNs = start;
    parser->sax->endElementNs = end;
    parser->sax->characters = text;
    parser->sax->ignorableWhitespace = text;
    parser->sax->cdataBlock = cdata;
    parser->sax->comment = comment;
    parser->sax->processingInstruction = instruction;
    return parser;
}

xmlParserCtxtPtr wg_outline_parser(struct wg_outline *outline)
{
    *outline = (struct wg_outline){.parser = outline->parser};
    if (outline->parser && xmlDictGetUsage(outline->parser->dict) > NAMES_MAX)
        wg_outline_clear(outline);
    if (!outline->parser)
        outline->parser = new_parser(outline);
    return outline->parser;
}

void wg_outline_clear(struct wg_outline *outline)
{
    xmlFreeParserCtxt(outline->parser);
    outline->parser = NULL;
}

bool wg_outline_passed_over(const xmlNode *element)
{
    return element->_private == &passed_over;
}

bool wg_outline_suffices(const struct wg_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!among(stylesheets, list->item[i]))
            return false;
    }
    return true;
}
