/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The road: XML → domain → detect → policy → rewrite → verdict. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "engine/config/policy.h"
#include "engine/detect/detect.h"
#include "engine/detect/who.h"
#include "engine/plan/cluster.h"
#include "engine/plan/host.h"
#include "engine/plan/plan.h"
#include "engine/rewrite/make.h"
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
    struct wg_list fits; /* globs that fitted a guest, for wg_engine_unfitted */
    const char *section; /* whose demands every guest must meet, whatever it is; NULL: as it is */
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
    wg_list_clear(&engine->fits);
    wg_host_free(engine->host);
    free(engine->host_fault);
    wg_outline_clear(&engine->outline);
    wg_stylesheets_clear(&engine->stylesheets);
    wg_policy_clear(&engine->policy);
    free(engine);
}

void wg_engine_use_host(struct wg_engine *engine, struct wg_host *host, const char *fault)
{
    wg_host_free(engine->host);
    free(engine->host_fault);
    engine->host = host;
    engine->host_fault = fault ? strdup(fault) : NULL;
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

/* Of guests that the policy is about: what of it is not in force, and that it changes nothing. */
static int say_remarks(const struct wg_policy *policy, struct wg_verdict *verdict,
                       struct wg_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < policy->remarks; i++) {
        const struct wg_remark *remark = &policy->remark[i];

        rc = remark->gravity == WG_WARNING ? wg_verdict_note(verdict, err, "%s", remark->text)
                                           : wg_verdict_fault(verdict, remark->text, err);
    }
    if (rc == 0 && verdict->report)
        rc = wg_verdict_note(verdict, err, "only told of: [enforce] %s",
                             policy->settings.report ? "mode = report" : "only.* is of others");
    return rc;
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
    return wg_same(wg_attribute(domain->root, "type"), "kvm");
}

static void read_host(struct wg_engine *engine)
{
    struct wg_error why;

    if (engine->host_known)
        return;
    engine->host = wg_host_read(NULL, &why);
    if (!engine->host && errno != ENOENT &&
        asprintf(&engine->host_fault, "no host facts: %s", why.text) < 0)
        engine->host_fault = NULL;
    if (wg_cluster_limit(&engine->host, NULL, &why) < 0 && !engine->host_fault)
        engine->host_fault = strdup(why.text);
    engine->host_known = true;
}

/* Facts that cannot be read are no facts; the guest gets what every host is assumed to have. */
static int know_host(struct wg_engine *engine, struct wg_verdict *verdict, struct wg_error *err)
{
    read_host(engine);
    return engine->host_fault ? wg_verdict_note(verdict, err, "%s", engine->host_fault) : 0;
}

void wg_engine_take_files(struct wg_engine *engine)
{
    struct wg_error ignored;

    read_host(engine);
    wg_stylesheets_read(&engine->stylesheets, &ignored);
}

static bool wants_localtime(const struct wg_target *plan)
{
    return wg_same(wg_attribute(wg_target_part(plan, "clock"), "offset"), "localtime");
}

/* Whether the guest goes by the host's zone because the policy, which wanted it so before it was
 * fitted to the guest, does not leave it alone. */
static bool goes_by_host(const struct wg_domain *domain, bool wanted, const struct wg_target *plan)
{
    const char *offset = wg_attribute(wg_child(domain->root, "clock"), "offset");

    return wanted && (wants_localtime(plan) || wg_same(offset, "localtime"));
}

static int judge(struct wg_engine *engine, const struct wg_domain *domain,
                 const struct wg_traits *traits, unsigned flags, struct wg_verdict *verdict,
                 struct wg_error *err)
{
    int rc = concerns(engine, domain, verdict, err);
    struct wg_target plan = {0};

    if (rc <= 0)
        return rc;
    rc = say_remarks(&engine->policy, verdict, err);
    if (rc == 0)
        rc = engine->section ? wg_policy_target_of(&engine->policy, engine->section, &plan, err)
                             : wg_policy_target(&engine->policy, verdict->os, traits, &plan, err);
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
    if (rc == 0)
        rc = wg_leave_out_missing(&engine->stylesheets, &plan, verdict, err);
    bool sites = rc == 0 && wg_stylesheets_of_site(&engine->stylesheets, &plan);
    if (rc == 0 && (sites || (verdict->n_differences && flags & WG_REWRITE)))
        rc = wg_make(&engine->stylesheets, domain, &plan, sites, verdict, err);
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

/* That the guest is one of those that the section is about. */
static void pretend(const struct wg_engine *engine, struct wg_verdict *verdict)
{
    verdict->os = strcmp(engine->section, "linux") == 0 ? WG_OS_LINUX : WG_OS_WINDOWS;
    verdict->outcome = WG_UNKNOWN;
    verdict->report = false;
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
    if (rc == 0 && flags & WG_OWNER)
        rc = wg_who_owner(domain.root, verdict, err);
    if (rc == 0)
        rc = wg_detect(&domain, &engine->policy, engine->told, engine->n_told, flags & WG_EXPLAIN,
                       verdict, &traits, err);
    if (rc == 0 && engine->section)
        pretend(engine, verdict);
    if (rc == 0)
        rc = judge(engine, &domain, &traits, flags, verdict, err);
    verdict->unlisted = verdict->outcome == WG_UNKNOWN && verdict->image &&
                        wg_policy_lists_images(&engine->policy);
    wg_traits_clear(&traits);
    wg_domain_clear(&domain);
    if (rc < 0) {
        wg_verdict_free(verdict);
        return NULL;
    }
    return verdict;
}

int wg_engine_fit(struct wg_engine *engine, const char *xml, size_t len, struct wg_error *err)
{
    struct wg_domain domain;
    int rc = wg_domain_parse(xml, len, &engine->outline, &domain, err);

    if (rc == 0 && wg_who_fits(domain.root, &engine->policy, &engine->fits) < 0)
        rc = wg_no_memory(err);
    wg_domain_clear(&domain);
    return rc;
}

void wg_engine_unfitted(const struct wg_engine *engine,
                        void (*tell)(void *to, const char *key, const char *glob), void *to)
{
    wg_who_fits_none(&engine->policy, &engine->fits, tell, to);
}

static bool is_remarked(const struct wg_policy *policy, const char *text)
{
    for (size_t i = 0; i < policy->remarks; i++) {
        if (strcmp(policy->remark[i].text, text) == 0)
            return true;
    }
    return false;
}

static void try_section(struct wg_engine *engine, wg_remark_fn *tell, void *to)
{
    static const char guest[] = "<domain type='qemu'>\n"
                                "  <name>sample</name>\n"
                                "  <memory unit='MiB'>64</memory>\n"
                                "  <os>\n"
                                "    <type arch='x86_64' machine='q35'>hvm</type>\n"
                                "  </os>\n"
                                "  <clock offset='variable'/>\n"
                                "</domain>\n";
    struct wg_error err;
    struct wg_verdict *verdict = wg_evaluate(engine, guest, sizeof(guest) - 1, WG_REWRITE, &err);

    for (size_t i = 0; verdict && i < verdict->faults.count; i++) {
        if (is_remarked(&engine->policy, verdict->faults.item[i]))
            continue;
        wg_fail(&err, "[%s]: %s", engine->section, verdict->faults.item[i]);
        tell(to, WG_WRONG, err.text);
    }
    if (!verdict) {
        wg_fail_in(&err, "[%s]", engine->section);
        tell(to, WG_WRONG, err.text);
    }
    wg_verdict_free(verdict);
}

/* What libvirt would refuse, with each guest that gets it. */
static int check_schema(const struct wg_engine *engine, const char *section, bool must,
                        struct wg_error *err)
{
    struct wg_target target = {0};
    int rc = wg_policy_target_of(&engine->policy, section, &target, err);

    if (rc == 0)
        rc = wg_schema_check(&target, must, err);
    if (rc < 0)
        wg_fail_in(err, "[%s]", section);
    wg_target_clear(&target);
    return rc;
}

int wg_engine_libvirt_knows(const struct wg_engine *engine, struct wg_error *err)
{
    struct wg_list names = {0};
    int rc = wg_config_sections(&engine->policy, &names) < 0 ? wg_no_memory(err) : 0;

    for (size_t i = 0; rc == 0 && i < names.count; i++)
        rc = check_schema(engine, names.item[i], true, err);
    wg_list_clear(&names);
    return rc;
}

int wg_engine_try(struct wg_engine *engine, wg_remark_fn *tell, void *to, struct wg_error *err)
{
    struct wg_list names = {0};
    int rc = wg_config_sections(&engine->policy, &names) < 0 ? wg_no_memory(err) : 0;

    for (size_t i = 0; rc == 0 && i < names.count; i++) {
        engine->section = names.item[i];
        if (strcmp(engine->section, "linux") != 0 || wg_policy_linux(&engine->policy))
            try_section(engine, tell, to);
        if (check_schema(engine, engine->section, false, err) < 0)
            tell(to, WG_WRONG, err->text);
    }
    engine->section = NULL;
    wg_list_clear(&names);
    return rc;
}
