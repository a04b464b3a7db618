/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A page for people: the findings as XML, which xslt/audit.xsl makes into one. */
#include <inttypes.h>
#include <libxml/hash.h>
#include <libxml/parser.h>
#include <libxslt/transform.h>
#include <libxslt/xsltutils.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit.h"
#include "cli/discover/discover.h"
#include "common/hash.h"
#include "engine/rewrite/stylesheets.h"

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

static void put_verdict(xmlNodePtr node, const struct wg_verdict *verdict)
{
    put(node, "os", wg_os_text(verdict->os));
    put(node, "evidence", verdict->evidence);
    put(node, "reason", verdict->reason);
    put(node, "title", verdict->title);
    put(node, "project", verdict->project);
    put(node, "flavor", verdict->flavor);
    for (size_t i = 0; i < verdict->n_differences; i++) {
        xmlNodePtr difference = child(node, "difference");

        put(difference, "where", verdict->differences[i].where);
        put(difference, "has", verdict->differences[i].has);
        put(difference, "must", verdict->differences[i].must);
    }
    for (size_t i = 0; i < verdict->notes.count; i++)
        put(child(node, "note"), "text", verdict->notes.item[i]);
}

static void put_said(xmlNodePtr node, const struct wg_discovery *said)
{
    char clock[200];
    bool wrong;

    wg_discovery_clock(said, clock, &wrong);
    put(node, "says", *said->answer.os_name ? said->answer.os_name : said->answer.os);
    put(node, "agent", wg_discovery_state_word(said));
    put(node, "finding", wg_discovery_kind_word(said));
    put(node, "clock", clock);
    put(node, "wrong-clock", wrong ? "yes" : NULL);
}

static uint64_t add(uint64_t hash, const char *text)
{
    return wg_hash(hash, text ? text : "", text ? strlen(text) + 1 : 1);
}

/* The same for guests of which the same is to be told; what gave an OS away is each one's own. */
static void put_set(xmlNodePtr node, const char *word, const char *running, const char *error,
                    const struct wg_verdict *verdict)
{
    uint64_t hash = add(add(add(WG_HASH_EMPTY, word), running), error);
    char text[24];

    if (verdict)
        hash = add(add(hash, wg_os_text(verdict->os)), verdict->reason);
    for (size_t i = 0; verdict && i < verdict->n_differences; i++) {
        hash = add(hash, verdict->differences[i].where);
        hash = add(add(hash, verdict->differences[i].has), verdict->differences[i].must);
    }
    for (size_t i = 0; verdict && i < verdict->notes.count; i++)
        hash = add(hash, verdict->notes.item[i]);
    snprintf(text, sizeof(text), "s%" PRIx64, hash);
    put(node, "set", text);
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
    const struct wg_verdict *stored = wg_finding_verdict(finding);
    const struct wg_verdict *told = finding->waits ? finding->live : stored;
    const char *word = finding->error || !told ? "error"
                       : finding->waits        ? "waits for a cold boot"
                                               : wg_outcome_text(told->outcome);
    const char *running = finding->live && stored != finding->live && !finding->waits &&
                                  finding->live->outcome != stored->outcome
                              ? wg_outcome_text(finding->live->outcome)
                              : NULL;
    xmlNodePtr node = xmlNewNode(NULL, BAD_CAST "guest");
    char age[16];

    (void)audit;
    if (!node)
        return -1;
    wg_finding_age(finding, age);
    put(node, "host", source->uri ? source->host : NULL);
    put(node, "name", finding->name ? finding->name : finding->file);
    put(node, "uuid", finding->uuid);
    put(node, "verdict", word);
    put(node, "running", running);
    put(node, "age", finding->waits ? age : NULL);
    put(node, "error", finding->error);
    put_set(node, word, running, finding->error, told);
    if (told)
        put_verdict(node, told);
    if (finding->said)
        put_said(node, finding->said);
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

/* Marks a node if it is the first with that value, or those values, under which XSLT groups it: to
 * find the first by a key costs libxslt a copy of the whole group for each of its nodes. */
static void mark_first(xmlHashTablePtr seen, xmlNodePtr node, const char *mark, const char *a,
                       const char *b)
{
    xmlChar *value = xmlGetNoNsProp(node, BAD_CAST a);
    xmlChar *other = b ? xmlGetNoNsProp(node, BAD_CAST b) : NULL;

    if (value && xmlHashAddEntry3(seen, BAD_CAST mark, value, other, node) == 0)
        xmlNewProp(node, BAD_CAST mark, BAD_CAST "yes");
    xmlFree(value);
    xmlFree(other);
}

static int mark_firsts(xmlDocPtr findings)
{
    xmlHashTablePtr seen = xmlHashCreate(0);

    if (!seen)
        return -1;
    for (xmlNodePtr node = xmlDocGetRootElement(findings)->children; node; node = node->next) {
        mark_first(seen, node, "first-set", "set", NULL);
        mark_first(seen, node, "first-set-host", "set", "host");
        mark_first(seen, node, "first-host", "host", NULL);
        mark_first(seen, node, "first-project", "project", NULL);
        for (xmlNodePtr part = node->children; part; part = part->next)
            mark_first(seen, part, "first-place", "where", NULL);
    }
    xmlHashFree(seen, NULL);
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
    if (findings && mark_firsts(findings) == 0)
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
