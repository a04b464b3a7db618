/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "make.h"

#include <libxslt/security.h>
#include <libxslt/transform.h>
#include <stdlib.h>
#include <string.h>

#include "engine/outline.h"
#include "engine/plan/plan.h"
#include "engine/verdict.h"
#include "splice.h"

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
    if (rc == 0 && !wg_same(before->name, after.name))
        rc = wg_fail(err, "it changes the guest's name");
    else if (rc == 0 && !wg_same(before->uuid, after.uuid))
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

/*
 * Runs the plan's stylesheets over the domain: ours, and with sites the site's own behind them,
 * each in the order of the plan. Their only input besides it is document('winguest:policy'), the
 * plan; they can write, reach and run nothing.
 * A stylesheet of the site that fails, does not come to an end, turns the domain into another,
 * undoes the policy or wants more at each run is left out, as a fault in verdict; one that changes
 * the domain is a difference in verdict.
 * Returns a new document to be freed by the caller, or NULL with *err filled.
 */
static xmlDocPtr rewrite(struct wg_stylesheets *sheets, const struct wg_domain *domain,
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

/* Reads the bytes that are about to leave as whoever gets them will, and holds them to the plan. */
static int check_result(const struct wg_domain *domain, const struct wg_target *plan,
                        const struct wg_verdict *verdict, struct wg_error *err)
{
    struct wg_verdict *again = calloc(1, sizeof(*again));
    struct wg_domain result = {0};
    int rc = again ? 0 : wg_no_memory(err);

    if (rc == 0 &&
        wg_domain_parse(verdict->xml, verdict->xml_len, domain->outline, &result, err) < 0)
        rc = wg_fail_in(err, "the rewritten domain");
    if (rc == 0 && result.passed != domain->passed)
        rc = wg_fail(err, "the stylesheets lost something of the domain");
    if (rc == 0)
        rc = wg_plan_compare(&result, plan, again, err);
    if (rc == 0 && (!wg_same(domain->name, result.name) || !wg_same(domain->uuid, result.uuid)))
        rc = wg_fail(err, "the stylesheets changed the guest's name or UUID");
    if (rc == 0 && again->n_differences > 0)
        rc = wg_fail(err,
                     "after clock.xsl, hyperv.xsl, merge.xsl and the site's own stylesheets %s is "
                     "still %s, not %s",
                     again->differences[0].where, again->differences[0].has,
                     again->differences[0].must);
    wg_verdict_free(again);
    wg_domain_clear(&result);
    return rc;
}

/* Makes the document that the plan wants. sites: with the site's own stylesheets. */
static int make(struct wg_stylesheets *sheets, const struct wg_domain *domain,
                const struct wg_target *plan, bool sites, struct wg_verdict *verdict,
                struct wg_error *err)
{
    xmlDocPtr doc = rewrite(sheets, domain, plan, sites, verdict, err);

    if (doc)
        verdict->xml = wg_splice(domain, xmlDocGetRootElement(doc), &verdict->xml_len, err);
    xmlFreeDoc(doc);
    return verdict->xml ? check_result(domain, plan, verdict, err) : -1;
}

static int make_or_leave_out(struct wg_stylesheets *sheets, const struct wg_domain *domain,
                             const struct wg_target *plan, bool sites, struct wg_verdict *verdict,
                             struct wg_error *err)
{
    size_t differences = verdict->n_differences;
    int rc = make(sheets, domain, plan, sites, verdict, err);

    /* Whatever it was that a stylesheet of the site made impossible, the policy goes on without. */
    if (rc < 0 && verdict->n_differences > differences) {
        wg_fail_in(err, "the site's stylesheets");
        wg_verdict_differences_keep(verdict, differences);
        free(verdict->xml);
        verdict->xml = NULL;
        rc = wg_verdict_fault(verdict, err->text, err);
        if (rc == 0)
            rc = make(sheets, domain, plan, false, verdict, err);
    }
    if (rc < 0 && verdict->faults.count > 0)
        wg_fail_in(err, "%s", verdict->faults.item[0]);
    return rc;
}

int wg_make(struct wg_stylesheets *sheets, const struct wg_domain *domain,
            const struct wg_target *plan, bool sites, struct wg_verdict *verdict,
            struct wg_error *err)
{
    struct wg_domain whole;

    if (!sites && wg_outline_suffices(&plan->stylesheets)) {
        if (make(sheets, domain, plan, false, verdict, err) == 0)
            return 0;
        /* Text where no domain of libvirt's has any can keep an outline from being laid over it. */
        free(verdict->xml);
        verdict->xml = NULL;
    }
    /* Other stylesheets look into whatever they like. */
    if (wg_domain_parse(domain->bytes, domain->len, NULL, &whole, err) < 0)
        return -1;
    int rc = make_or_leave_out(sheets, &whole, plan, sites, verdict, err);
    wg_domain_clear(&whole);
    return rc;
}

/* One of ours that is not says so when it is needed: nothing could take its place. */
static bool is_there(const struct wg_stylesheets *sheets, const char *name)
{
    return wg_has_word(WG_OUR_STYLESHEETS, name) || wg_stylesheet_is_there(sheets, name);
}

static bool all_are_there(const struct wg_stylesheets *sheets, const struct wg_list *names)
{
    for (size_t i = 0; i < names->count; i++) {
        if (!is_there(sheets, names->item[i]))
            return false;
    }
    return true;
}

/* A misspelt one must not keep the others from their work: ours run in its place. */
int wg_leave_out_missing(const struct wg_stylesheets *sheets, struct wg_target *plan,
                         struct wg_verdict *verdict, struct wg_error *err)
{
    struct wg_list there = {0};
    char why[300];
    int rc;

    if (all_are_there(sheets, &plan->stylesheets))
        return 0;
    rc = wg_list_add_words(&there, WG_OUR_STYLESHEETS) < 0 ? wg_no_memory(err) : 0;
    for (size_t i = 0; rc == 0 && i < plan->stylesheets.count; i++) {
        const char *name = plan->stylesheets.item[i];

        if (!is_there(sheets, name)) {
            snprintf(why, sizeof(why), "stylesheet %.100s: not in " WG_XSLTDIR " or winguest.d",
                     name);
            rc = wg_verdict_fault(verdict, why, err);
        } else if (!wg_list_has(&there, name) && wg_list_add(&there, name, strlen(name)) < 0) {
            rc = wg_no_memory(err);
        }
    }
    wg_list_clear(&plan->stylesheets);
    plan->stylesheets = there;
    return rc;
}
