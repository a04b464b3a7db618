/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The road: XML → domain → detect → policy → rewrite → verdict. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "engine/config/policy.h"
#include "engine/detect/detect.h"
#include "engine/plan/host.h"
#include "engine/plan/plan.h"
#include "engine/rewrite/rewrite.h"
#include "engine/rewrite/splice.h"
#include "outline.h"
#include "verdict.h"

struct wg_engine {
    struct wg_policy policy;
    struct wg_outline outline;
    struct wg_stylesheets stylesheets;
    struct wg_told *told;
    size_t n_told;
    struct wg_host *host;
    bool host_known; /* host is what it is to be, read or given */
    char *host_fault; /* why it could not be read, or NULL */
};

struct wg_engine *wg_engine_open(const char *config, struct wg_settings *settings,
                                 struct wg_error *err)
{
    struct wg_engine *engine = calloc(1, sizeof(*engine));

    if (!engine) {
        wg_no_memory(err);
        return NULL;
    }
    wg_rewrite_listen(NULL);
    int rc = wg_policy_load(config, &engine->policy, err);
    if (settings)
        *settings = engine->policy.settings;
    if (rc == 0)
        return engine;
    wg_engine_close(engine);
    return NULL;
}

void wg_engine_close(struct wg_engine *engine)
{
    if (!engine)
        return;
    for (size_t i = 0; i < engine->n_told; i++) {
        free(engine->told[i].label);
        free(engine->told[i].value);
    }
    free(engine->told);
    wg_host_free(engine->host);
    free(engine->host_fault);
    wg_outline_clear(&engine->outline);
    wg_stylesheets_clear(&engine->stylesheets);
    wg_policy_clear(&engine->policy);
    free(engine);
}

void wg_engine_use_host(struct wg_engine *engine, struct wg_host *host)
{
    wg_host_free(engine->host);
    engine->host = host;
    engine->host_known = true;
}

int wg_engine_add_sign(struct wg_engine *engine, const char *label, const char *value,
                       struct wg_error *err)
{
    struct wg_told *grown = realloc(engine->told, (engine->n_told + 1) * sizeof(*grown));

    if (!grown)
        return wg_no_memory(err);
    engine->told = grown;
    grown[engine->n_told] = (struct wg_told){strdup(label), strdup(value)};
    engine->n_told++;
    return grown[engine->n_told - 1].label && grown[engine->n_told - 1].value ? 0
                                                                              : wg_no_memory(err);
}

uint64_t wg_engine_digest(const struct wg_engine *engine)
{
    return wg_policy_digest(&engine->policy);
}

static int say_identity(const struct wg_domain *domain, struct wg_verdict *verdict,
                        struct wg_error *err)
{
    verdict->name = domain->name ? strdup(domain->name) : NULL;
    verdict->uuid = domain->uuid ? strdup(domain->uuid) : NULL;
    if ((domain->name && !verdict->name) || (domain->uuid && !verdict->uuid))
        return wg_no_memory(err);
    const char *id = wg_attribute(domain->root, "id");
    verdict->id = id && *id ? atoi(id) : -1;
    return 0;
}

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
        rc = wg_fail(err, "after all stylesheets %s is still %s, not %s",
                     again->differences[0].where, again->differences[0].has,
                     again->differences[0].must);
    wg_verdict_free(again);
    wg_domain_clear(&result);
    return rc;
}

/* Makes the document that the plan wants. sites: with the site's own stylesheets. */
static int make(struct wg_engine *engine, const struct wg_domain *domain,
                const struct wg_target *plan, bool sites, struct wg_verdict *verdict,
                struct wg_error *err)
{
    xmlDocPtr doc = wg_rewrite(&engine->stylesheets, domain, plan, sites, verdict, err);

    if (doc)
        verdict->xml = wg_splice(domain, xmlDocGetRootElement(doc), &verdict->xml_len, err);
    xmlFreeDoc(doc);
    return verdict->xml ? check_result(domain, plan, verdict, err) : -1;
}

static int make_or_leave_out(struct wg_engine *engine, const struct wg_domain *domain,
                             const struct wg_target *plan, bool sites, struct wg_verdict *verdict,
                             struct wg_error *err)
{
    size_t differences = verdict->n_differences;
    int rc = make(engine, domain, plan, sites, verdict, err);

    /* Whatever it was that a stylesheet of the site made impossible, the policy goes on without. */
    if (rc < 0 && verdict->n_differences > differences) {
        wg_fail_in(err, "the site's stylesheets");
        wg_verdict_differences_keep(verdict, differences);
        free(verdict->xml);
        verdict->xml = NULL;
        rc = wg_verdict_fault(verdict, err->text, err);
        if (rc == 0)
            rc = make(engine, domain, plan, false, verdict, err);
    }
    if (rc < 0 && verdict->n_faults > 0)
        wg_fail_in(err, "%s", verdict->faults[0]);
    return rc;
}

static int rewrite(struct wg_engine *engine, const struct wg_domain *domain,
                   const struct wg_target *plan, bool sites, struct wg_verdict *verdict,
                   struct wg_error *err)
{
    struct wg_domain whole;

    if (!sites && wg_outline_suffices(&plan->stylesheets)) {
        if (make(engine, domain, plan, false, verdict, err) == 0)
            return 0;
        /* Text where no domain of libvirt's has any can keep an outline from being laid over it. */
        free(verdict->xml);
        verdict->xml = NULL;
    }
    /* Other stylesheets look into whatever they like. */
    if (wg_domain_parse(domain->bytes, domain->len, NULL, &whole, err) < 0)
        return -1;
    int rc = make_or_leave_out(engine, &whole, plan, sites, verdict, err);
    wg_domain_clear(&whole);
    return rc;
}

/* Whether there is a policy for such a guest; sets the outcome if there is not. */
static int concerns(const struct wg_engine *engine, const struct wg_domain *domain,
                    struct wg_verdict *verdict, struct wg_error *err)
{
    if (verdict->outcome == WG_EXEMPT)
        return 0;
    if (verdict->os != WG_OS_WINDOWS &&
        (verdict->os != WG_OS_LINUX || !wg_policy_linux(&engine->policy))) {
        verdict->outcome = verdict->os == WG_OS_UNKNOWN ? WG_UNKNOWN : WG_SKIPPED;
        return 0;
    }
    if (wg_plan_applicable(domain, verdict, err) < 0)
        return -1;
    return verdict->outcome != WG_NOT_APPLICABLE;
}

static bool is_kvm(const struct wg_domain *domain)
{
    return same_text(wg_attribute(domain->root, "type"), "kvm");
}

static void read_host(struct wg_engine *engine)
{
    struct wg_error why;

    if (engine->host_known)
        return;
    engine->host = wg_host_read(NULL, &why);
    engine->host_fault = !engine->host && errno != ENOENT ? strdup(why.text) : NULL;
    engine->host_known = true;
}

/* Facts that cannot be read are no facts; the guest gets what every host is assumed to have. */
static int know_host(struct wg_engine *engine, struct wg_verdict *verdict, struct wg_error *err)
{
    read_host(engine);
    return engine->host_fault
               ? wg_verdict_note(verdict, err, "no host facts: %s", engine->host_fault)
               : 0;
}

void wg_engine_take_files(struct wg_engine *engine)
{
    struct wg_error ignored;

    read_host(engine);
    wg_stylesheets_read(&engine->stylesheets, &ignored);
}

static bool wants_localtime(const struct wg_target *plan)
{
    xmlNodePtr clock = wg_target_part(plan, "clock");

    return clock && same_text(wg_attribute(clock, "offset"), "localtime");
}

/* Whether the guest goes by the host's zone because the policy, which wanted it so before it was
 * fitted to the guest, does not leave it alone. */
static bool goes_by_host(const struct wg_domain *domain, bool wanted, const struct wg_target *plan)
{
    xmlNodePtr clock = wg_child(domain->root, "clock");
    const char *offset = clock ? wg_attribute(clock, "offset") : NULL;

    return wanted && (wants_localtime(plan) || same_text(offset, "localtime"));
}

static int judge(struct wg_engine *engine, const struct wg_domain *domain,
                 const struct wg_traits *traits, unsigned flags, struct wg_verdict *verdict,
                 struct wg_error *err)
{
    int rc = concerns(engine, domain, verdict, err);
    struct wg_target plan = {0};

    if (rc <= 0)
        return rc;
    rc = wg_policy_target(&engine->policy, verdict->os, traits, &plan, err);
    if (rc == 0 && is_kvm(domain))
        rc = know_host(engine, verdict, err);
    bool localtime = rc == 0 && wants_localtime(&plan);
    if (rc == 0)
        rc = wg_plan_fit(domain, &plan, verdict, err);
    if (rc == 0)
        verdict->localtime = goes_by_host(domain, localtime, &plan);
    if (rc == 0)
        rc = wg_host_fit(engine->host, domain, &plan, verdict, err);
    if (rc == 0)
        rc = wg_plan_compare(domain, &plan, verdict, err);
    /* What the site's own stylesheets want only they can tell. */
    if (rc == 0)
        rc = wg_stylesheets_read(&engine->stylesheets, err);
    bool sites = rc == 0 && wg_stylesheets_of_site(&engine->stylesheets, &plan);
    if (rc == 0 && (sites || (verdict->n_differences && flags & WG_REWRITE)))
        rc = rewrite(engine, domain, &plan, sites, verdict, err);
    if (rc == 0)
        verdict->outcome = verdict->n_differences ? WG_VIOLATES : WG_COMPLIANT;
    if (verdict->outcome != WG_VIOLATES || !(flags & WG_REWRITE)) {
        free(verdict->xml);
        verdict->xml = NULL;
        verdict->xml_len = 0;
    }
    wg_target_clear(&plan);
    return rc;
}

struct wg_verdict *wg_evaluate(struct wg_engine *engine, const char *xml, size_t len,
                               unsigned flags, struct wg_error *err)
{
    struct wg_verdict *verdict = calloc(1, sizeof(*verdict));
    struct wg_traits traits = {{0}};
    struct wg_domain domain;

    if (!verdict) {
        wg_no_memory(err);
        return NULL;
    }
    wg_rewrite_listen(NULL);
    if (wg_domain_parse(xml, len, &engine->outline, &domain, err) < 0) {
        wg_verdict_free(verdict);
        return NULL;
    }
    int rc = say_identity(&domain, verdict, err);
    if (rc == 0)
        rc = wg_detect(&domain, &engine->policy, engine->told, engine->n_told, flags & WG_EXPLAIN,
                       verdict, &traits, err);
    if (rc == 0)
        rc = judge(engine, &domain, &traits, flags, verdict, err);
    wg_traits_clear(&traits);
    wg_domain_clear(&domain);
    if (rc < 0) {
        wg_verdict_free(verdict);
        return NULL;
    }
    return verdict;
}
