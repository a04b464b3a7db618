/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rewrite.h"

#include <errno.h>
#include <libxml/parser.h>
#include <libxslt/documents.h>
#include <libxslt/security.h>
#include <libxslt/transform.h>
#include <libxslt/xsltutils.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "safe.h"

#define POLICY_URI "winguest:policy"
#define SITE_DIR WG_SYSCONFDIR "/libvirt/winguest.d"

/* Far above what any rewrite needs (clock.xsl and hyperv.xsl take some hundred steps on any
 * domain), low enough that a stylesheet that loops is stopped in well under a second. */
#define TEMPLATE_STEPS 2000000
#define XPATH_STEPS 50000000
#define TEMPLATE_DEPTH 500

static __thread struct wg_error *listener;

static void hear(void *unused, const char *format, ...) WG_PRINTF(2, 3);

/* Messages come in pieces and over several lines: they become one line. */
static void hear(void *unused, const char *format, ...)
{
    va_list args;

    (void)unused;
    if (!listener)
        return;
    size_t len = strlen(listener->text);
    char *piece = listener->text + len;
    va_start(args, format);
    vsnprintf(piece, sizeof(listener->text) - len, format, args);
    va_end(args);
    for (; *piece; piece++) {
        if (*piece == '\n')
            *piece = ' ';
    }
}

static xmlDocPtr load_stylesheet(const char *path, xmlDictPtr dict)
{
    struct wg_error why = {""};
    xmlParserCtxtPtr parser = xmlNewParserCtxt();
    int fd = parser ? wg_safe_open(path, &why) : -1;
    xmlDocPtr doc = NULL;

    if (fd >= 0) {
        if (dict) {
            xmlDictFree(parser->dict);
            parser->dict = dict;
            xmlDictReference(dict);
        }
        doc = xmlCtxtReadFd(parser, fd, path, NULL,
                            XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_NOERROR |
                                XML_PARSE_NOWARNING);
        const xmlError *last = doc ? NULL : xmlCtxtGetLastError(parser);
        if (last && last->message)
            wg_fail(&why, "%s:%d: %s", path, last->line, last->message);
        close(fd);
    }
    if (*why.text)
        hear(NULL, "%s", why.text);
    xmlFreeParserCtxt(parser);
    return doc;
}

/* The only way in which libxslt gets at documents. */
static xmlDocPtr load(const xmlChar *uri, xmlDictPtr dict, int options, void *context,
                      xsltLoadType type)
{
    (void)options;
    if (type != XSLT_LOAD_DOCUMENT)
        return load_stylesheet((const char *)uri, dict);
    if (strcmp((const char *)uri, POLICY_URI) == 0)
        return xmlCopyDoc(((xsltTransformContextPtr)context)->_private, 1);
    hear(NULL, "document('%s') is not for a stylesheet here ", (const char *)uri);
    return NULL;
}

static void set_up(void)
{
    xmlInitParser();
    xsltSetLoaderFunc(load);
    xsltSetGenericErrorFunc(NULL, hear);
}

void wg_rewrite_listen(struct wg_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, set_up);
    xmlSetGenericErrorFunc(NULL, hear);
    listener = err;
    if (err)
        *err->text = '\0';
}

static xsltStylesheetPtr compile(const char *name, struct wg_error *err)
{
    char path[4096];
    struct wg_error said;

    int len = snprintf(path, sizeof(path), WG_XSLTDIR "/%s", name);
    if (access(path, F_OK) < 0 && errno == ENOENT)
        len = snprintf(path, sizeof(path), SITE_DIR "/%s", name);
    if (len >= (int)sizeof(path)) {
        wg_fail(err, "stylesheet %s: the name is too long", name);
        return NULL;
    }
    wg_rewrite_listen(&said);
    xsltStylesheetPtr compiled = xsltParseStylesheetFile(BAD_CAST path);
    if (compiled && compiled->errors) {
        xsltFreeStylesheet(compiled);
        compiled = NULL;
    }
    wg_rewrite_listen(NULL);
    if (!compiled)
        wg_fail(err, "stylesheet %s (sought in " WG_XSLTDIR " and " SITE_DIR "): %s", name,
                *said.text ? said.text : "cannot be loaded");
    return compiled;
}

static xsltStylesheetPtr find(struct wg_stylesheets *sheets, const char *name,
                              struct wg_error *err)
{
    for (size_t i = 0; i < sheets->count; i++) {
        if (strcmp(sheets->item[i].name, name) == 0)
            return sheets->item[i].compiled;
    }
    struct wg_stylesheet *grown = realloc(sheets->item, (sheets->count + 1) * sizeof(*grown));
    if (!grown) {
        wg_no_memory(err);
        return NULL;
    }
    sheets->item = grown;
    char *copy = strdup(name);
    xsltStylesheetPtr compiled = copy ? compile(name, err) : NULL;
    if (!compiled) {
        if (!copy)
            wg_no_memory(err);
        free(copy);
        return NULL;
    }
    sheets->item[sheets->count++] = (struct wg_stylesheet){copy, compiled};
    return compiled;
}

void wg_stylesheets_clear(struct wg_stylesheets *sheets)
{
    for (size_t i = 0; i < sheets->count; i++) {
        xsltFreeStylesheet(sheets->item[i].compiled);
        free(sheets->item[i].name);
    }
    free(sheets->item);
    *sheets = (struct wg_stylesheets){0};
}

static xsltSecurityPrefsPtr forbid_writing(void)
{
    xsltSecurityPrefsPtr security = xsltNewSecurityPrefs();

    if (security) {
        xsltSetSecurityPrefs(security, XSLT_SECPREF_WRITE_FILE, xsltSecurityForbid);
        xsltSetSecurityPrefs(security, XSLT_SECPREF_CREATE_DIRECTORY, xsltSecurityForbid);
        xsltSetSecurityPrefs(security, XSLT_SECPREF_WRITE_NETWORK, xsltSecurityForbid);
    }
    return security;
}

static xmlDocPtr transform(xsltStylesheetPtr sheet, xmlDocPtr doc, const struct wg_target *plan)
{
    xsltSecurityPrefsPtr security = forbid_writing();
    xsltTransformContextPtr context = xsltNewTransformContext(sheet, doc);
    xmlDocPtr result = NULL;

    if (security && context && xsltSetCtxtSecurityPrefs(security, context) == 0) {
        context->_private = plan->want;
        context->opLimit = TEMPLATE_STEPS;
        context->maxTemplateDepth = TEMPLATE_DEPTH;
        context->xpathCtxt->opLimit = XPATH_STEPS;
        result = xsltApplyStylesheetUser(sheet, doc, NULL, NULL, NULL, context);
        if (context->state != XSLT_STATE_OK) {
            xmlFreeDoc(result);
            result = NULL;
        }
    }
    xsltFreeTransformContext(context);
    xsltFreeSecurityPrefs(security);
    return result;
}

xmlDocPtr wg_rewrite(struct wg_stylesheets *sheets, const struct wg_domain *domain,
                     const struct wg_target *plan, struct wg_error *err)
{
    xmlDocPtr doc = domain->doc;

    for (size_t i = 0; i < plan->stylesheets.count; i++) {
        const char *name = plan->stylesheets.item[i];
        xsltStylesheetPtr sheet = find(sheets, name, err);
        struct wg_error said;
        xmlDocPtr next = NULL;

        if (sheet) {
            wg_rewrite_listen(&said);
            next = transform(sheet, doc, plan);
            wg_rewrite_listen(NULL);
            if (!next)
                wg_fail(err, "stylesheet %s: %s", name, *said.text ? said.text : "failed");
        }
        if (doc != domain->doc)
            xmlFreeDoc(doc);
        if (!next)
            return NULL;
        doc = next;
    }
    return doc == domain->doc ? xmlCopyDoc(doc, 1) : doc;
}
