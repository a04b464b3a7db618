/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define GUEST_AGENT "org.qemu.guest_agent.0"
#define QEMU_NAMESPACE "http://libvirt.org/schemas/domain/qemu/1.0"

/* libvirt gives a domain without an architecture the host's. */
static bool is_x86(const char *arch)
{
    struct utsname host;

    if (!arch && uname(&host) == 0)
        arch = host.machine;
    return wg_same(arch, "x86_64") || wg_same(arch, "i686");
}

int wg_plan_applicable(const struct wg_domain *domain, struct wg_verdict *verdict,
                       struct wg_error *err)
{
    const char *type = wg_attribute(domain->root, "type");
    xmlNodePtr os_type = wg_child(wg_child(domain->root, "os"), "type");
    const char *arch = wg_attribute(os_type, "arch");

    if (!wg_same(type, "kvm") && !wg_same(type, "qemu"))
        return wg_verdict_reason(verdict, WG_NOT_APPLICABLE, err, "domain type %s, not kvm or qemu",
                                 type ? type : "missing");
    WG_FREED *kind = os_type ? wg_trimmed_content(os_type) : NULL;
    if (os_type && !kind)
        return wg_no_memory(err);
    if (!wg_same(kind, "hvm"))
        return wg_verdict_reason(verdict, WG_NOT_APPLICABLE, err, "os type is not hvm");
    if (!is_x86(arch))
        return wg_verdict_reason(verdict, WG_NOT_APPLICABLE, err, "architecture %s, not x86",
                                 arch ? arch : "of this host");
    return 0;
}

static xmlNodePtr hyperv_of(const struct wg_domain *domain)
{
    xmlNodePtr hyperv = NULL;

    for (xmlNodePtr node = domain->root->children; node && !hyperv; node = node->next) {
        if (xmlStrEqual(node->name, BAD_CAST "features"))
            hyperv = wg_child(node, "hyperv");
    }
    return hyperv;
}

/* The host and a guest that believes in Hyper-V share pages, and no host can read or write those of
 * a guest whose memory is closed to it. */
static int fit_closed(const struct wg_domain *domain, struct wg_target *target,
                      struct wg_verdict *verdict, struct wg_error *err)
{
    const char *type = wg_attribute(wg_child(domain->root, "launchSecurity"), "type");
    xmlNodePtr hyperv = wg_target_part(target, "hyperv");
    xmlNodePtr timer = wg_named_child(wg_target_part(target, "clock"), "timer", "hypervclock");

    if (!type || (!hyperv && !timer))
        return 0;
    if (hyperv)
        wg_drop(hyperv);
    if (timer)
        wg_drop(timer);
    return wg_verdict_note(verdict, err,
                           "enlightenments left alone: launchSecurity %s closes the guest's memory "
                           "to the host",
                           type);
}

static int fit_hyperv(const struct wg_domain *domain, struct wg_target *target,
                      struct wg_verdict *verdict, struct wg_error *err)
{
    xmlNodePtr want = wg_target_part(target, "hyperv");
    const char *mode = wg_attribute(hyperv_of(domain), "mode");

    /* They give all that the host has; children under them fail libvirt's schema. */
    if (!want || (!wg_same(mode, "passthrough") && !wg_same(mode, "host-model")))
        return 0;
    wg_drop(want);
    return wg_verdict_note(verdict, err, "hyperv mode='%s' gives all the host has", mode);
}

static int fit_machine(const struct wg_domain *domain, struct wg_target *target,
                       struct wg_verdict *verdict, struct wg_error *err)
{
    const char *machine = wg_attribute(wg_child(wg_child(domain->root, "os"), "type"), "machine");
    xmlNodePtr hpet = wg_named_child(wg_target_part(target, "clock"), "timer", "hpet");

    /* It has no HPET to switch off: QEMU refuses the property. */
    if (!hpet || !machine || strncmp(machine, "microvm", 7) != 0)
        return 0;
    wg_drop(hpet);
    return wg_verdict_note(verdict, err, "timer.hpet left alone: machine %s has none", machine);
}

/* The offset as libvirt understands it, which makes variable of utc and localtime with a number of
 * seconds. *basis is what a variable one counts from. */
static const char *offset_of(xmlNodePtr clock, const char **basis)
{
    const char *offset = wg_attribute(clock, "offset");
    const char *adjustment = wg_attribute(clock, "adjustment");

    *basis = wg_attribute(clock, "basis");
    if (!offset)
        offset = "utc";
    if (adjustment && strcmp(adjustment, "reset") != 0 &&
        (strcmp(offset, "utc") == 0 || strcmp(offset, "localtime") == 0)) {
        *basis = offset;
        return "variable";
    }
    if (!*basis)
        *basis = "utc";
    return offset;
}

/* Whether the guest's clock is already what want asks for, in whatever words. */
static bool clock_satisfied(xmlNodePtr have, const char *offset, const char *basis, xmlNodePtr want)
{
    const char *wanted = wg_attribute(want, "offset");

    if (!wanted)
        return true;
    if (strcmp(offset, "variable") == 0)
        return strcmp(wanted, basis) == 0;
    if (strcmp(offset, wanted) != 0)
        return false;
    return strcmp(offset, "timezone") != 0 ||
           wg_same(wg_attribute(have, "timezone"), wg_attribute(want, "timezone"));
}

/* Whether the offset is to be left alone, -1 on error. With "keep" also once the guest has our
 * timers, or the next look would take it from there. */
static int spare_v2v(const struct wg_domain *domain, const struct wg_target *target,
                     xmlNodePtr want, struct wg_verdict *verdict, struct wg_error *err)
{
    enum wg_v2v shape = wg_v2v_shape(domain, want);

    if (shape == WG_V2V_NOT || (shape == WG_V2V_TIMED && !target->keep_v2v))
        return 0;
    if (target->keep_v2v)
        return wg_verdict_note(verdict, err, "clock.offset left alone: clock.v2v = keep") < 0 ? -1
                                                                                              : 1;
    return wg_verdict_note(verdict, err, WG_NOTE_V2V) < 0 ? -1 : 0;
}

static int fit_clock(const struct wg_domain *domain, struct wg_target *target,
                     struct wg_verdict *verdict, struct wg_error *err)
{
    xmlNodePtr have = wg_child(domain->root, "clock");
    xmlNodePtr want = wg_target_part(target, "clock");
    const char *basis;
    const char *offset = offset_of(have, &basis);

    if (!want)
        return 0;
    if (!clock_satisfied(have, offset, basis, want)) {
        bool kept = wg_list_has(&target->keep, offset);
        int spared = kept ? 1 : spare_v2v(domain, target, want, verdict, err);

        if (spared <= 0)
            return spared;
        if (kept &&
            wg_verdict_note(verdict, err, "clock.offset left alone: clock.keep has %s", offset) < 0)
            return -1;
    }
    xmlUnsetProp(want, BAD_CAST "offset");
    xmlUnsetProp(want, BAD_CAST "timezone");
    /* A clock that is made for the timers' sake must say what its absence said. */
    if (!have && !xmlNewProp(want, BAD_CAST "offset", BAD_CAST "utc"))
        return wg_no_memory(err);
    return 0;
}

/* QEMU takes the last -rtc and the last -cpu, and libvirt puts these arguments behind its own. */
static int note_command_line(const struct wg_domain *domain, struct wg_verdict *verdict,
                             struct wg_error *err)
{
    xmlNodePtr line = domain->root->children;

    while (line && !(line->ns && xmlStrEqual(line->name, BAD_CAST "commandline") &&
                     xmlStrEqual(line->ns->href, BAD_CAST QEMU_NAMESPACE)))
        line = line->next;
    for (xmlNodePtr arg = line ? line->children : NULL; arg; arg = arg->next) {
        const char *value = arg->type == XML_ELEMENT_NODE ? wg_attribute(arg, "value") : NULL;

        if ((wg_same(value, "-rtc") || wg_same(value, "-cpu")) &&
            wg_verdict_note(verdict, err,
                            "%s in <qemu:commandline> overrides what libvirt asks QEMU for; hint: "
                            "winguest audit tells what a running QEMU has",
                            value) < 0)
            return -1;
    }
    return 0;
}

int wg_plan_fit(const struct wg_domain *domain, struct wg_target *target,
                struct wg_verdict *verdict, struct wg_error *err)
{
    if (note_command_line(domain, verdict, err) < 0 ||
        fit_closed(domain, target, verdict, err) < 0 ||
        fit_hyperv(domain, target, verdict, err) < 0 ||
        fit_machine(domain, target, verdict, err) < 0 ||
        wg_cpu_fit(domain, target, verdict, err) < 0)
        return -1;
    return fit_clock(domain, target, verdict, err);
}

/* "0x1fff" and "8191" are one number to libvirt. */
static bool same_value(const char *a, const char *b)
{
    char *end_a;
    char *end_b;

    if (strcmp(a, b) == 0)
        return true;
    if (!*a || !*b)
        return false;
    unsigned long x = strtoul(a, &end_a, 0);
    unsigned long y = strtoul(b, &end_b, 0);
    return !*end_a && !*end_b && x == y;
}

struct comparison {
    struct wg_verdict *verdict;
    struct wg_error *err;
};

static int compare_attributes(struct comparison *c, xmlNodePtr have, xmlNodePtr want,
                              const char *where)
{
    for (xmlAttrPtr attribute = want->properties; attribute; attribute = attribute->next) {
        const char *name = (const char *)attribute->name;
        const char *must = wg_attribute(want, name);
        const char *has = wg_attribute(have, name);
        char place[256];

        if (strcmp(name, "name") == 0 || (has && same_value(has, must)))
            continue;
        snprintf(place, sizeof(place), "%s.%s", where, name);
        if (wg_verdict_difference(c->verdict, place, has, must, c->err) < 0)
            return -1;
    }
    return 0;
}

static bool is_named(xmlNodePtr node, xmlNodePtr want)
{
    const char *name = wg_attribute(want, "name");

    if (node->type != XML_ELEMENT_NODE || node->ns || !xmlStrEqual(node->name, want->name))
        return false;
    return !name || wg_same(wg_attribute(node, "name"), name);
}

/* The child that want names; of timers the first, as libvirt uses the first rtc. *number tells how
 * many there are. */
static xmlNodePtr find_counterpart(xmlNodePtr parent, xmlNodePtr want, size_t *number)
{
    xmlNodePtr found = NULL;

    for (xmlNodePtr node = parent ? parent->children : NULL; node; node = node->next) {
        if (!is_named(node, want))
            continue;
        found = found ? found : node;
        ++*number;
    }
    return found;
}

static int compare_count(struct comparison *c, size_t number, const char *where)
{
    char text[32];

    if (number < 2)
        return 0;
    snprintf(text, sizeof(text), "%zu times", number);
    return wg_verdict_difference(c->verdict, where, text, "once", c->err);
}

/* <catchup> is for tickpolicy='catchup' alone. */
static int compare_catchup(struct comparison *c, xmlNodePtr have, xmlNodePtr want,
                           const char *where)
{
    const char *tickpolicy = wg_attribute(want, "tickpolicy");
    char place[256];

    if (!tickpolicy || strcmp(tickpolicy, "catchup") == 0 || !wg_child(have, "catchup"))
        return 0;
    snprintf(place, sizeof(place), "%s.catchup", where);
    return wg_verdict_difference(c->verdict, place, "present", "none", c->err);
}

static int compare_children(struct comparison *c, xmlNodePtr have, xmlNodePtr want,
                            const char *where)
{
    for (xmlNodePtr child = want->children; child; child = child->next) {
        const char *name = wg_attribute(child, "name");
        size_t number = 0;
        xmlNodePtr counterpart = find_counterpart(have, child, &number);
        char place[200];

        snprintf(place, sizeof(place), "%s.%s", name ? "timer" : where,
                 name ? name : (const char *)child->name);
        if (compare_count(c, number, place) < 0 ||
            compare_attributes(c, counterpart, child, place) < 0 ||
            (counterpart && name && compare_catchup(c, counterpart, child, place) < 0) ||
            compare_children(c, counterpart, child, place) < 0)
            return -1;
    }
    return 0;
}

static int compare_clock(struct comparison *c, const struct wg_domain *domain, xmlNodePtr want)
{
    xmlNodePtr have = wg_child(domain->root, "clock");
    const char *offset = wg_attribute(want, "offset");
    const char *zone = wg_attribute(want, "timezone");
    const char *basis;
    const char *has = offset_of(have, &basis);
    const char *has_zone = wg_same(has, "timezone") ? wg_attribute(have, "timezone") : NULL;

    if (offset && (!wg_same(has, offset) || (zone && !wg_same(has_zone, zone)))) {
        char from[512];
        char to[512];

        snprintf(from, sizeof(from), "%s%s%s", has, has_zone ? " " : "", has_zone ? has_zone : "");
        snprintf(to, sizeof(to), "%s%s%s", offset, zone ? " " : "", zone ? zone : "");
        if (wg_verdict_difference(c->verdict, "clock.offset", from, to, c->err) < 0)
            return -1;
    }
    return compare_children(c, have, want, "clock");
}

static bool is_guest_agent(xmlNodePtr device)
{
    xmlNodePtr target = xmlStrEqual(device->name, BAD_CAST "channel") ? wg_child(device, "target")
                                                                      : NULL;

    return target && wg_same(wg_attribute(target, "name"), GUEST_AGENT);
}

/* libvirt reads the devices of every <devices>. */
static bool has_guest_agent(const struct wg_domain *domain)
{
    for (xmlNodePtr node = domain->root->children; node; node = node->next) {
        bool devices = xmlStrEqual(node->name, BAD_CAST "devices");

        for (xmlNodePtr device = devices ? node->children : NULL; device; device = device->next) {
            if (is_guest_agent(device))
                return true;
        }
    }
    return false;
}

int wg_plan_compare(const struct wg_domain *domain, const struct wg_target *plan,
                    struct wg_verdict *verdict, struct wg_error *err)
{
    struct comparison c = {verdict, err};
    xmlNodePtr clock = wg_target_part(plan, "clock");
    xmlNodePtr hyperv = wg_target_part(plan, "hyperv");

    if (clock && compare_clock(&c, domain, clock) < 0)
        return -1;
    if (hyperv && compare_children(&c, hyperv_of(domain), hyperv, "hyperv") < 0)
        return -1;
    if (wg_cpu_compare(domain, plan, verdict, err) < 0)
        return -1;
    if (wg_target_part(plan, "guest_agent") && !has_guest_agent(domain))
        return wg_verdict_difference(verdict, "guest_agent", NULL, GUEST_AGENT, err);
    return 0;
}
