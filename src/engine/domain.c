/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "merge.h"
#include "outline.h"

/* libvirt writes UTF-8; the rewrite splices ASCII into the bytes it got, so encodings in which
 * ASCII bytes may mean something else are refused. */
static bool known_encoding(const char *encoding)
{
    return !encoding || strcasecmp(encoding, "UTF-8") == 0 ||
           strcasecmp(encoding, "US-ASCII") == 0 || strcasecmp(encoding, "ASCII") == 0 ||
           strncasecmp(encoding, "ISO-8859-", 9) == 0;
}

/* libxml2 finds the order of two comments by walking back to the last element: what a row of them
 * costs is its square, and no limit on XPath's steps counts that. libvirt writes none at all. What
 * an outline passes over is in no tree. */
#define ROW_MAX 1000

/* The line in which a row of over ROW_MAX comments and the like goes on; 0 if there is none. */
static long find_row(const xmlNode *parent)
{
    size_t row = 0;
    long line = 0;

    for (const xmlNode *node = parent->children; node && !line; node = node->next) {
        if (node->type == XML_ELEMENT_NODE) {
            row = 0;
            line = find_row(node);
        } else if (node->type != XML_TEXT_NODE && ++row > ROW_MAX) {
            line = xmlGetLineNo(node);
        }
    }
    return line;
}

static int check_root(struct wg_domain *domain, struct wg_error *err)
{
    long line;

    if (domain->doc->intSubset)
        return wg_fail(err, "domain XML: DOCTYPE is not allowed");
    if (!known_encoding((const char *)domain->doc->encoding))
        return wg_fail(err, "domain XML: encoding %.40s is not supported, use UTF-8",
                       (const char *)domain->doc->encoding);
    domain->root = xmlDocGetRootElement(domain->doc);
    if (!domain->root || domain->root->ns || !xmlStrEqual(domain->root->name, BAD_CAST "domain"))
        return wg_fail(err, "domain XML: the root element is not <domain>");
    if ((line = find_row(domain->root)) != 0)
        return wg_fail(err, "domain XML: line %ld: over %d comments in a row", line, ROW_MAX);
    return 0;
}

char *wg_uuid_text(const char *text)
{
    char digits[33];
    char *uuid;
    size_t len = 0;

    for (const char *p = text; *p; p++) {
        if (*p == '-' || *p == ' ')
            continue;
        if (!isxdigit((unsigned char)*p) || len == 32)
            return strdup(text);
        digits[len++] = (char)tolower((unsigned char)*p);
    }
    digits[len] = '\0';
    if (len < 32)
        return strdup(text);
    return asprintf(&uuid, "%.8s-%.4s-%.4s-%.4s-%s", digits, digits + 8, digits + 12, digits + 16,
                    digits + 20) < 0
               ? NULL
               : uuid;
}

static int read_identity(struct wg_domain *domain, struct wg_error *err)
{
    xmlNodePtr name = wg_child(domain->root, "name");
    xmlNodePtr uuid = wg_child(domain->root, "uuid");
    WG_FREED *written = uuid ? wg_trimmed_content(uuid) : NULL;

    domain->name = name ? wg_trimmed_content(name) : NULL;
    domain->uuid = written ? wg_uuid_text(written) : NULL;
    if ((name && !domain->name) || (uuid && !domain->uuid))
        return wg_no_memory(err);
    return 0;
}

static int merge(struct wg_domain *domain, struct wg_error *err)
{
    if (!wg_merge_needed(domain->root))
        return 0;
    domain->merged = wg_merged(domain->doc);
    if (!domain->merged)
        return wg_no_memory(err);
    domain->root = xmlDocGetRootElement(domain->merged);
    return 0;
}

/* What is read of a tree. */
static int read_domain(struct wg_domain *domain, struct wg_error *err)
{
    return check_root(domain, err) < 0 || read_identity(domain, err) < 0 ? -1 : merge(domain, err);
}

#if LIBXML_VERSION < 21200
typedef xmlErrorPtr parse_error;
#else
typedef const xmlError *parse_error;
#endif

static const char *shown(const char *name)
{
    return name ? name : "?";
}

#define NOT_ENCODED "bytes that are not in its encoding"

/* What an error is, in our words: libxml2's change from one release to the next. */
static int name_error(parse_error error, struct wg_error *err)
{
    switch (error->code) {
    case XML_ERR_NO_MEMORY:
        return wg_no_memory(err);
    case XML_ERR_DOCUMENT_EMPTY:
        return wg_fail(err, "does not begin with an element");
    case XML_ERR_DOCUMENT_END:
        return wg_fail(err, "something follows the end of the root element");
    case XML_ERR_TAG_NAME_MISMATCH:
        return wg_fail(err, "<%.40s> of line %d is closed by </%.40s>", shown(error->str1),
                       error->int1, shown(error->str2));
    case XML_ERR_TAG_NOT_FINISHED:
        return wg_fail(err, "ends within <%.40s> of line %d", shown(error->str1), error->int1);
    case XML_ERR_LTSLASH_REQUIRED:
        /* libxml2 before 2.9.11 names neither the element nor its line. */
        return wg_fail(err, "ends within an element");
    case XML_ERR_UNDECLARED_ENTITY:
        return wg_fail(err, "an entity that is not defined");
    case XML_ERR_UNSUPPORTED_ENCODING:
        return wg_fail(err, "encoding %.40s is not supported, use UTF-8", shown(error->str1));
    case XML_ERR_INVALID_CHAR:
        /* libxml2 before 2.12 says it of both, and shows the bytes. */
        return wg_fail(err, error->str1 ? NOT_ENCODED : "a character that XML does not allow");
    case XML_ERR_INVALID_ENCODING:
        return wg_fail(err, NOT_ENCODED);
    default:
        return wg_fail(err, "not well-formed");
    }
}

/* Keeps the first error, which says what is wrong; those behind it tell what followed from that,
 * and take pieces of text, of a password perhaps, for the names that they quote. */
static void keep_first(void *context, parse_error error)
{
    struct wg_error *err = ((xmlParserCtxtPtr)context)->_private;

    if (error->level != XML_ERR_FATAL || *err->text)
        return;
    name_error(error, err);
    if (error->code != XML_ERR_NO_MEMORY)
        wg_fail_in(err, "domain XML: line %d", error->line);
}

/* No XML_PARSE_HUGE: libvirt parses with the same bounds on depth and text. */
static xmlDocPtr read_bytes(const char *bytes, size_t len, struct wg_outline *outline,
                            struct wg_error *err)
{
    int options = XML_PARSE_NONET | (outline ? XML_PARSE_COMPACT : 0);
    xmlParserCtxtPtr parser = outline ? wg_outline_parser(outline) : xmlNewParserCtxt();
    struct wg_error first = {0};

    if (!parser) {
        wg_no_memory(err);
        return NULL;
    }
    parser->_private = &first;
    parser->sax->serror = keep_first;
    xmlDocPtr doc = xmlCtxtReadMemory(parser, bytes, (int)len, NULL, NULL, options);
    if (!doc)
        wg_fail(err, "%s", *first.text ? first.text : "domain XML: cannot be parsed");
    if (!outline)
        xmlFreeParserCtxt(parser);
    else if (!doc)
        /* Older libxml2 than Debian's keep namespaces over a failure (CVE-2022-2309). */
        wg_outline_clear(outline);
    return doc;
}

int wg_domain_parse(const char *bytes, size_t len, struct wg_outline *outline,
                    struct wg_domain *domain, struct wg_error *err)
{
    *domain = (struct wg_domain){.bytes = bytes, .len = len, .outline = outline};
    if (len == 0)
        return wg_fail(err, "domain XML: empty");
    if (len > WG_XML_MAX)
        return wg_fail(err, "domain XML: over %zu MiB", WG_XML_MAX >> 20);
    if (memchr(bytes, '\0', len))
        return wg_fail(err, "domain XML: not UTF-8, it holds NUL bytes (UTF-16?)");

    domain->doc = read_bytes(bytes, len, outline, err);
    domain->passed = outline ? outline->passed : 0;
    int rc = domain->doc ? read_domain(domain, err) : -1;
    if (rc < 0)
        wg_domain_clear(domain);
    return rc;
}

int wg_domain_take(xmlDocPtr doc, struct wg_domain *domain, struct wg_error *err)
{
    *domain = (struct wg_domain){.doc = doc};
    if (read_domain(domain, err) == 0)
        return 0;
    domain->doc = NULL;
    wg_domain_clear(domain);
    return -1;
}

void wg_domain_clear(struct wg_domain *domain)
{
    xmlFreeDoc(domain->doc);
    xmlFreeDoc(domain->merged);
    free(domain->name);
    free(domain->uuid);
    *domain = (struct wg_domain){0};
}
