/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "engine/verdict.h"
#include "host.h"

/* Capabilities list no timers. The one of Hyper-V comes with the kernel's emulation of Hyper-V, of
 * which spinlocks and vendor_id say nothing: QEMU has those without it. */
static bool offers_clock(const struct wg_facts *facts)
{
    for (size_t i = 0; i < facts->hyperv.count; i++) {
        const char *name = facts->hyperv.item[i];

        if (strcmp(name, "spinlocks") != 0 && strcmp(name, "vendor_id") != 0)
            return true;
    }
    return false;
}

static bool offers(const struct wg_facts *facts, const char *name)
{
    return facts ? wg_list_has(&facts->hyperv, name) : wg_has_word(WG_ASSUMED_HYPERV, name);
}

static void drop(xmlNodePtr node)
{
    xmlNodePtr parent = node->parent;

    wg_drop(node);
    if (!parent->children && !parent->properties)
        wg_drop(parent);
}

/* Drops the enlightenments that are asked for and not offered; *unknown tells whether one was for
 * want of facts. */
static int fit_hyperv(const struct wg_facts *facts, struct wg_target *target, bool *unknown,
                      struct wg_verdict *verdict, struct wg_error *err)
{
    xmlNodePtr hyperv = wg_target_part(target, "hyperv");
    xmlNodePtr next;

    for (xmlNodePtr node = hyperv ? hyperv->children : NULL; node; node = next) {
        const char *name = (const char *)node->name;
        const char *state = wg_attribute(node, "state");

        next = node->next;
        if ((state && strcmp(state, "off") == 0) || offers(facts, name))
            continue;
        bool withheld = facts && wg_list_has(&facts->withheld, name);
        if (!withheld && (!facts || facts->assumed))
            *unknown = true;
        else if (wg_verdict_note(verdict, err,
                                 withheld ? "%s left out: not all hosts of the cluster have it"
                                          : "host lacks %s",
                                 name) < 0)
            return -1;
        drop(node);
    }
    return 0;
}

static int fit_timer(const struct wg_facts *facts, const struct wg_domain *domain,
                     struct wg_target *target, struct wg_verdict *verdict, struct wg_error *err)
{
    xmlNodePtr clock = wg_target_part(target, "clock");
    xmlNodePtr timer = wg_named_child(clock, "timer", "hypervclock");
    const char *present = wg_attribute(timer, "present");

    if (!facts || !present || strcmp(present, "yes") != 0 || offers_clock(facts))
        return 0;
    /* A clock that was wanted for this timer's sake alone says what its absence said. */
    const char *offset = wg_attribute(clock, "offset");
    if (!timer->next && !timer->prev && !wg_child(domain->root, "clock") && offset &&
        strcmp(offset, "utc") == 0)
        xmlUnsetProp(clock, BAD_CAST "offset");
    drop(timer);
    return wg_verdict_note(verdict, err, "host lacks hypervclock");
}

static int fit_dependents(bool say, struct wg_target *target, struct wg_verdict *verdict,
                          struct wg_error *err)
{
    const char *needs;
    const char *key;

    while ((key = wg_target_drop_unmet(target, &needs))) {
        if (say && wg_verdict_note(verdict, err, "%s left out: it needs %s", key, needs) < 0)
            return -1;
    }
    return 0;
}

static const char *arch_of(const struct wg_domain *domain, struct utsname *host)
{
    const char *arch = wg_attribute(wg_child(wg_child(domain->root, "os"), "type"), "arch");

    if (!arch)
        arch = uname(host) == 0 ? host->machine : "";
    return arch;
}

/* QEMU ignores enlightenments without KVM, but refuses vpindex, there being nothing to set it in
 * (x86_cpu_pre_plug in its hw/i386/x86.c); of i686 libvirt says that the host lacks all but those
 * of the baseline. Seen with QEMU 7.2 and libvirt 9.0. */
static int fit_tcg(const struct wg_domain *domain, struct wg_target *target,
                   struct wg_verdict *verdict, struct wg_error *err)
{
    struct utsname name;
    bool only_old = strcmp(arch_of(domain, &name), "i686") == 0;
    xmlNodePtr hyperv = wg_target_part(target, "hyperv");
    xmlNodePtr next;

    for (xmlNodePtr node = hyperv ? hyperv->children : NULL; node; node = next) {
        const char *state = wg_attribute(node, "state");

        next = node->next;
        if ((state && strcmp(state, "off") == 0) ||
            (only_old ? offers(NULL, (const char *)node->name)
                      : strcmp((const char *)node->name, "vpindex") != 0))
            continue;
        if (wg_verdict_note(verdict, err, "TCG lacks %s", (const char *)node->name) < 0)
            return -1;
        drop(node);
    }
    return fit_dependents(true, target, verdict, err);
}

static const struct wg_facts *facts_of(const struct wg_host *host, const struct wg_domain *domain)
{
    const char *machine = wg_attribute(wg_child(wg_child(domain->root, "os"), "type"), "machine");
    xmlNodePtr emulator = wg_child(wg_child(domain->root, "devices"), "emulator");
    WG_FREED *path = emulator ? wg_trimmed_content(emulator) : NULL;
    struct utsname name;
    const struct wg_facts *facts = wg_host_find(host, "kvm", path && *path ? path : NULL,
                                                arch_of(domain, &name), machine);

    return facts && facts->known ? facts : NULL;
}

int wg_host_fit(const struct wg_host *host, const struct wg_domain *domain,
                struct wg_target *target, struct wg_verdict *verdict, struct wg_error *err)
{
    const char *type = wg_attribute(domain->root, "type");
    const struct wg_facts *facts = NULL;
    bool unknown = false;

    if (!type || strcmp(type, "kvm") != 0)
        return fit_tcg(domain, target, verdict, err);
    verdict->untried = true;
    if (host) {
        const char *stale = wg_host_stale(host);

        facts = facts_of(host, domain);
        verdict->untried = !facts || facts->assumed || stale;
        if (stale && wg_verdict_note(verdict, err,
                                     "host facts are older than %s; hint: winguest "
                                     "probe",
                                     stale) < 0)
            return -1;
    }
    if (fit_hyperv(facts, target, &unknown, verdict, err) < 0 ||
        fit_timer(facts, domain, target, verdict, err) < 0 ||
        fit_dependents(facts && !facts->assumed, target, verdict, err) < 0)
        return -1;
    return unknown ? wg_verdict_note(verdict, err,
                                     "host facts are missing, of the enlightenments "
                                     "only relaxed, vapic and spinlocks are asked for; hint: "
                                     "winguest probe")
                   : 0;
}
