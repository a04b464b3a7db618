/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

#include <stdio.h>
#include <string.h>

/* libvirt takes features for a CPU that it knows the rest of only. */
static bool takes_features(xmlNodePtr cpu)
{
    const char *mode = wg_attribute(cpu, "mode");

    return cpu && ((mode && strcmp(mode, "custom") != 0) || wg_child(cpu, "model"));
}

static const char *policy_of(xmlNodePtr cpu, const char *name)
{
    xmlNodePtr feature = wg_named_child(cpu, "feature", name);
    const char *policy = wg_attribute(feature, "policy");

    return feature && !policy ? "require" : policy;
}

/* Of a running guest libvirt says what became of an optional one. */
static bool satisfies(const char *has, const char *wanted)
{
    return has && (strcmp(wanted, "optional") == 0 || strcmp(has, wanted) == 0 ||
                   (strcmp(wanted, "disable") == 0 && strcmp(has, "forbid") == 0) ||
                   (strcmp(wanted, "require") == 0 && strcmp(has, "force") == 0));
}

int wg_cpu_fit(const struct wg_domain *domain, struct wg_target *target, struct wg_verdict *verdict,
               struct wg_error *err)
{
    xmlNodePtr cpu = wg_child(domain->root, "cpu");
    xmlNodePtr want = wg_target_part(target, "cpu");
    xmlNodePtr next;

    for (xmlNodePtr node = want ? want->children : NULL; node; node = next) {
        const char *name = wg_attribute(node, "name");

        next = node->next;
        if (!satisfies(policy_of(cpu, name), wg_attribute(node, "policy"))) {
            if (takes_features(cpu))
                continue;
            if (wg_verdict_note(verdict, err, "cpu.%s left alone: the guest names no CPU", name) <
                0)
                return -1;
        }
        wg_drop(node);
    }
    if (want && !want->children)
        wg_drop(want);
    const char *hypervisor = policy_of(cpu, "hypervisor");
    if (hypervisor && wg_has_word("disable forbid", hypervisor) && wg_target_part(target, "hyperv"))
        return wg_verdict_note(verdict, err,
                               "the CPU hides the hypervisor (feature hypervisor, %s): Windows "
                               "looks for no enlightenments then",
                               hypervisor);
    return 0;
}

int wg_cpu_compare(const struct wg_domain *domain, const struct wg_target *plan,
                   struct wg_verdict *verdict, struct wg_error *err)
{
    xmlNodePtr want = wg_target_part(plan, "cpu");

    for (xmlNodePtr node = want ? want->children : NULL; node; node = node->next) {
        const char *name = wg_attribute(node, "name");
        const char *wanted = wg_attribute(node, "policy");
        const char *has = policy_of(wg_child(domain->root, "cpu"), name);
        char place[256];

        if (satisfies(has, wanted))
            continue;
        snprintf(place, sizeof(place), "cpu.%s", name);
        if (wg_verdict_difference(verdict, place, has, wanted, err) < 0)
            return -1;
    }
    return 0;
}
