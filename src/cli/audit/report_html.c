/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A page for people: the findings as XML, which xslt/audit.xsl makes into one. */
#include <libxml/parser.h>
#include <libxslt/transform.h>
#include <libxslt/xsltutils.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit.h"
#include "engine/rewrite/rewrite.h"

static xmlNodePtr child(xmlNodePtr parent, const char *name)
{
    return xmlNewChild(parent, NULL, BAD_CAST name, NULL);
}

/* File names and the configuration may be in any encoding, and would spoil the whole page. */
static void put(xmlNodePtr node, const char *name, const char *value)
{
    char *clean = value && *value ? wg_utf8(value) : NULL;

    if (clean)
        xmlNewProp(node, BAD_CAST name, BAD_CAST clean);
    free(clean);
}

static void put_verdict(xmlNodePtr parent, const char *name, const struct wg_verdict *verdict)
{
    if (!verdict)
        return;
    xmlNodePtr node = child(parent, name);
    put(node, "verdict", wg_outcome_text(verdict->outcome));
    put(node, "os", wg_os_text(verdict->os));
    put(node, "evidence", verdict->evidence);
    put(node, "reason", verdict->reason);
    for (size_t i = 0; i < verdict->n_differences; i++) {
        xmlNodePtr difference = child(node, "difference");

        put(difference, "where", verdict->differences[i].where);
        put(difference, "has", verdict->differences[i].has);
        put(difference, "must", verdict->differences[i].must);
    }
    for (size_t i = 0; i < verdict->n_notes; i++)
        put(child(node, "note"), "text", verdict->notes[i]);
}

static int print(xmlNodePtr node, FILE *out)
{
    xmlBufferPtr buffer = xmlBufferCreate();
    int len = buffer && node ? xmlNodeDump(buffer, NULL, node, 0, 0) : -1;

    if (len > 0)
        fwrite(xmlBufferContent(buffer), 1, (size_t)len, out);
    xmlBufferFree(buffer);
    xmlFreeNode(node);
    return len > 0 ? 0 : -1;
}

static int guest(const struct wg_audit *audit, const struct wg_source *source,
                 const struct wg_finding *finding, FILE *out)
{
    xmlNodePtr node = xmlNewNode(NULL, BAD_CAST "guest");

    (void)audit;
    char age[16];
    if (!node)
        return -1;
    wg_finding_age(finding, age);
    put(node, "host", source->host);
    put(node, "file", finding->file);
    put(node, "name", finding->name);
    put(node, "uuid", finding->uuid);
    put(node, "active", finding->active ? "yes" : NULL);
    put(node, "waits", finding->waits ? "yes" : NULL);
    put(node, "age", age);
    put(node, "by-libvirt", finding->live && !finding->by_qemu ? "yes" : NULL);
    put(node, "error", finding->error);
    put_verdict(node, "stored", finding->stored);
    put_verdict(node, "live", finding->live);
    return print(node, out);
}

static void begin(const struct wg_audit *audit, FILE *out)
{
    char now[64];
    time_t seconds = time(NULL);
    struct tm local;

    (void)audit;
    strftime(now, sizeof(now), "%Y-%m-%d %H:%M %Z", localtime_r(&seconds, &local));
    fprintf(out, "<audit time=\"%s\">", now);
}

static int end(const struct wg_audit *audit, FILE *out, struct wg_error *err)
{
    (void)err;
    for (size_t i = 1; i < audit->sources; i++) {
        xmlNodePtr node = xmlNewNode(NULL, BAD_CAST "host");

        put(node, "uri", audit->source[i].uri);
        put(node, "name", audit->source[i].host);
        put(node, "error", audit->source[i].error);
        if (print(node, out) < 0)
            return wg_no_memory(err);
    }
    fputs("</audit>", out);
    return 0;
}

static int document(const struct wg_audit *audit, const char *guests, size_t len, FILE *out,
                    struct wg_error *err)
{
    struct wg_error said;
    xmlDocPtr page = NULL;
    int rc = -1;

    (void)audit;
    wg_rewrite_listen(&said);
    xsltStylesheetPtr sheet = xsltParseStylesheetFile(BAD_CAST WG_XSLTDIR "/audit.xsl");
    xmlDocPtr findings = sheet ? xmlReadMemory(guests, (int)len, NULL, "UTF-8",
                                               XML_PARSE_NONET | XML_PARSE_HUGE)
                               : NULL;
    if (findings)
        page = xsltApplyStylesheet(sheet, findings, NULL);
    if (page)
        rc = xsltSaveResultToFile(out, page, sheet);
    wg_rewrite_listen(NULL);
    if (rc < 0)
        wg_fail(err, WG_XSLTDIR "/audit.xsl: %s", *said.text ? said.text : "failed");
    xmlFreeDoc(page);
    xmlFreeDoc(findings);
    xsltFreeStylesheet(sheet);
    return rc < 0 ? -1 : 0;
}

const struct wg_format wg_format_html = {.begin = begin,
                                         .guest = guest,
                                         .end = end,
                                         .document = document};
