/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "make.h"

#include <stdlib.h>
#include <string.h>

#include "common/words.h"
#include "engine/outline.h"
#include "engine/plan/plan.h"
#include "engine/verdict.h"
#include "rewrite.h"
#include "splice.h"

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : !a && !b;
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
    if (rc == 0 && (!same_text(domain->name, result.name) || !same_text(domain->uuid, result.uuid)))
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
    xmlDocPtr doc = wg_rewrite(sheets, domain, plan, sites, verdict, err);

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
    if (rc < 0 && verdict->n_faults > 0)
        wg_fail_in(err, "%s", verdict->faults[0]);
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
