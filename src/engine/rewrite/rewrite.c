/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rewrite.h"

#include <libxslt/security.h>
#include <libxslt/transform.h>
#include <stdlib.h>
#include <string.h>

#include "engine/plan/plan.h"

/* Far above what any rewrite needs (clock.xsl and hyperv.xsl take some hundred steps on any
 * domain), low enough that a stylesheet that loops is stopped in well under a second. */
#define TEMPLATE_STEPS 2000000
#define XPATH_STEPS 50000000
#define TEMPLATE_DEPTH 500

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

/* Runs one stylesheet; *err says which. */
static xmlDocPtr run(struct wg_stylesheets *sheets, const char *name, xmlDocPtr doc,
                     const struct wg_target *plan, struct wg_error *err)
{
    xsltStylesheetPtr sheet = wg_stylesheet_compiled(sheets, name, err);
    struct wg_error said;

    if (!sheet)
        return NULL;
    wg_rewrite_listen(&said);
    xmlDocPtr result = transform(sheet, doc, plan);
    wg_rewrite_listen(NULL);
    if (result && !xmlDocGetRootElement(result)) {
        xmlFreeDoc(result);
        result = NULL;
    }
    if (!result)
        wg_fail(err, "stylesheet %s: %s", name, *said.text ? said.text : "it made no document");
    return result;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : !a && !b;
}

/* How many places are not as the plan wants them; -1 with *err filled. */
static long count_differences(const struct wg_domain *domain, const struct wg_target *plan,
                              struct wg_error *err)
{
    struct wg_verdict *verdict = calloc(1, sizeof(*verdict));
    long count = -1;

    if (!verdict)
        wg_no_memory(err);
    else if (wg_plan_compare(domain, plan, verdict, err) == 0)
        count = (long)verdict->n_differences;
    wg_verdict_free(verdict);
    return count;
}

/* Whether what a stylesheet of the site made of before is the same guest under the same policy. */
static int check_same_guest(const struct wg_domain *before, xmlDocPtr doc,
                            const struct wg_target *plan, struct wg_error *err)
{
    struct wg_domain after;

    if (wg_domain_take(doc, &after, err) < 0)
        return -1;
    long had = count_differences(before, plan, err);
    long has = had < 0 ? -1 : count_differences(&after, plan, err);
    int rc = has < 0 ? -1 : 0;
    if (rc == 0 && !same_text(before->name, after.name))
        rc = wg_fail(err, "it changes the guest's name");
    else if (rc == 0 && !same_text(before->uuid, after.uuid))
        rc = wg_fail(err, "it changes the guest's UUID");
    else if (rc == 0 && has > had)
        rc = wg_fail(err, "it undoes the policy");
    after.doc = NULL;
    wg_domain_clear(&after);
    return rc;
}

/* Runs a stylesheet of the site, twice: what it wants must come to an end. */
static xmlDocPtr run_of_site(struct wg_stylesheets *sheets, const char *name, xmlDocPtr doc,
                             const struct wg_target *plan, struct wg_error *err)
{
    struct wg_domain before;
    xmlDocPtr once = run(sheets, name, doc, plan, err);
    xmlDocPtr twice = NULL;

    if (!once)
        return NULL;
    int rc = wg_domain_take(doc, &before, err);
    if (rc == 0)
        rc = check_same_guest(&before, once, plan, err);
    before.doc = NULL;
    wg_domain_clear(&before);
    if (rc < 0)
        wg_fail_in(err, "stylesheet %s", name);
    else if (!(twice = run(sheets, name, once, plan, err)))
        rc = -1;
    else if (!wg_same_node(xmlDocGetRootElement(once), xmlDocGetRootElement(twice)))
        rc = wg_fail(err, "stylesheet %s: not idempotent: a second run changes its own result",
                     name);
    xmlFreeDoc(twice);
    if (rc == 0)
        return once;
    xmlFreeDoc(once);
    return NULL;
}

/* Notes what a stylesheet of the site did, or that it failed. */
static int note_site(const char *name, xmlDocPtr doc, xmlDocPtr next, const struct wg_error *why,
                     struct wg_verdict *verdict, struct wg_error *err)
{
    char where[300];

    if (!next)
        return wg_verdict_fault(verdict, why->text, err);
    if (wg_same_node(xmlDocGetRootElement(doc), xmlDocGetRootElement(next)))
        return 0;
    snprintf(where, sizeof(where), "stylesheet %.255s", name);
    return wg_verdict_difference(verdict, where, "not applied", "applied", err);
}

xmlDocPtr wg_rewrite(struct wg_stylesheets *sheets, const struct wg_domain *domain,
                     const struct wg_target *plan, bool sites, struct wg_verdict *verdict,
                     struct wg_error *err)
{
    xmlDocPtr read = domain->root->doc;
    xmlDocPtr doc = read;
    bool wanted = verdict->n_differences > 0;
    int rc = 0;

    for (int site = 0; site <= (sites ? 1 : 0); site++) {
        for (size_t i = 0; rc == 0 && i < plan->stylesheets.count; i++) {
            const char *name = plan->stylesheets.item[i];
            struct wg_error why = {0};

            if (wg_stylesheet_of_site(sheets, name) != site || (!site && !wanted))
                continue;
            xmlDocPtr next = site ? run_of_site(sheets, name, doc, plan, &why)
                                  : run(sheets, name, doc, plan, err);
            if (site)
                rc = note_site(name, doc, next, &why, verdict, err);
            else if (!next)
                rc = -1;
            if (next && doc != read)
                xmlFreeDoc(doc);
            doc = next ? next : doc;
        }
    }
    if (rc == 0 && doc == read && !(doc = xmlCopyDoc(doc, 1)))
        wg_no_memory(err);
    if (rc == 0)
        return doc;
    if (doc != read)
        xmlFreeDoc(doc);
    return NULL;
}
