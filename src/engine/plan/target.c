/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "target.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/domain.h"
#include "places.h"

#define GUEST_AGENT_SHEET "guest-agent.xsl"
#define CPU_SHEET "cpu.xsl"
#define ZONEINFO "/usr/share/zoneinfo"

enum { WINDOWS = 1, LINUX = 2, RECOMMENDED = 4 };

static const struct {
    const char *key;
    const char *value;
    unsigned whose;
} defaults[] = {
    {"stylesheets", WG_OUR_STYLESHEETS, WINDOWS | LINUX},
    {"clock.offset", "localtime", WINDOWS},
    {"clock.offset", "utc", LINUX},
    {"timer.pit.tickpolicy", "delay", WINDOWS | LINUX},
    {"timer.rtc.tickpolicy", "catchup", WINDOWS | LINUX},
    {"timer.hpet.present", "no", WINDOWS | LINUX},
    {"timer.hypervclock.present", "yes", WINDOWS},
    {"hyperv.relaxed.state", "on", WINDOWS},
    {"hyperv.vapic.state", "on", WINDOWS},
    {"hyperv.spinlocks.state", "on", WINDOWS},
    {"hyperv.spinlocks.retries", "8191", WINDOWS},
    {"hyperv.vpindex.state", "on", RECOMMENDED},
    {"hyperv.runtime.state", "on", RECOMMENDED},
    {"hyperv.synic.state", "on", RECOMMENDED},
    {"hyperv.stimer.state", "on", RECOMMENDED},
    {"hyperv.stimer.direct.state", "on", RECOMMENDED},
    {"hyperv.reset.state", "on", RECOMMENDED},
    {"hyperv.frequencies.state", "on", RECOMMENDED},
    {"hyperv.tlbflush.state", "on", RECOMMENDED},
    {"hyperv.ipi.state", "on", RECOMMENDED},
};

/* Who needs whom: QEMU's docs/system/i386/hyperv.rst. Ordered so that one pass closes it. */
static const struct {
    const char *key;
    const char *needs;
    const char *value;
} dependencies[] = {
    {"hyperv.stimer.direct.state", "hyperv.stimer.state", "on"},
    {"hyperv.stimer.state", "hyperv.synic.state", "on"},
    {"hyperv.stimer.state", "timer.hypervclock.present", "yes"},
    {"hyperv.synic.state", "hyperv.vpindex.state", "on"},
    {"hyperv.tlbflush.state", "hyperv.vpindex.state", "on"},
    {"hyperv.ipi.state", "hyperv.vpindex.state", "on"},
    {"hyperv.evmcs.state", "hyperv.vapic.state", "on"},
    {"hyperv.reenlightenment.state", "hyperv.frequencies.state", "on"},
};

void wg_target_clear(struct wg_target *target)
{
    xmlFreeDoc(target->want);
    wg_list_clear(&target->keep);
    wg_list_clear(&target->stylesheets);
    *target = (struct wg_target){0};
}

xmlNodePtr wg_target_part(const struct wg_target *target, const char *name)
{
    return wg_child(xmlDocGetRootElement(target->want), name);
}

/* The child element of that name, for a timer of that name attribute; made if it is missing. */
static xmlNodePtr demand(xmlNodePtr parent, const char *element, const char *name)
{
    xmlNodePtr node = name ? wg_named_child(parent, element, name) : wg_child(parent, element);

    if (node)
        return node;
    node = xmlNewChild(parent, NULL, BAD_CAST element, NULL);
    if (node && name && !xmlNewProp(node, BAD_CAST "name", BAD_CAST name))
        return NULL;
    return node;
}

/* An element that demands nothing any more must not create anything either. */
static void prune(xmlNodePtr node)
{
    while (node->parent && node->parent->type == XML_ELEMENT_NODE && !node->children) {
        xmlNodePtr parent = node->parent;
        const xmlAttr *left = node->properties;

        if (left && (left->next || strcmp((const char *)left->name, "name") != 0))
            return;
        wg_drop(node);
        node = parent;
    }
}

static int set_place(struct wg_target *target, const char *key, const char *value,
                     struct wg_error *err)
{
    char *path = strdup(key);
    xmlNodePtr node = xmlDocGetRootElement(target->want);
    char *save;
    int rc = -1;

    if (!path)
        return wg_no_memory(err);
    char *attribute = strrchr(path, '.');
    *attribute++ = '\0';
    char *step = strtok_r(path, ".", &save);
    bool timer = strcmp(step, "timer") == 0;
    node = demand(node, timer ? "clock" : step, NULL);
    while (node && (step = strtok_r(NULL, ".", &save)))
        node = demand(node, timer ? "timer" : step, timer ? step : NULL);
    if (!node)
        goto out;
    xmlUnsetProp(node, BAD_CAST attribute);
    if (!*value)
        prune(node);
    else if (!xmlNewProp(node, BAD_CAST attribute, BAD_CAST value))
        goto out;
    rc = 0;
out:
    free(path);
    return rc < 0 ? wg_no_memory(err) : 0;
}

static int set_words(struct wg_list *list, const char *value, const char *allowed,
                     struct wg_error *err)
{
    wg_list_clear(list);
    if (wg_list_add_words(list, value) < 0)
        return wg_no_memory(err);
    for (size_t i = 0; i < list->count; i++) {
        if (allowed && !wg_has_word(allowed, list->item[i]))
            return wg_fail(err, "'%s' is not allowed; allowed: %s", list->item[i], allowed);
        if (!allowed && strchr(list->item[i], '/'))
            return wg_fail(err, "'%s' is not the name of a file; directories are not allowed",
                           list->item[i]);
    }
    return 0;
}

/* libvirt and QEMU take any zone's name and fall back to UTC in silence if there is none. */
static int check_zone(const char *value, struct wg_error *err)
{
    char path[512];
    struct stat st;

    if (!*value)
        return 0;
    int len = snprintf(path, sizeof(path), ZONEINFO "/%s", value);
    if (*value == '/' || strstr(value, "..") || len >= (int)sizeof(path) || stat(path, &st) < 0 ||
        !S_ISREG(st.st_mode))
        return access(ZONEINFO, X_OK) < 0
                   ? wg_fail(err, "'%s': there is no " ZONEINFO "; hint: install tzdata", value)
                   : wg_fail(err, "'%s' is not in " ZONEINFO "; a zone is written Asia/Shanghai",
                             value);
    return 0;
}

static int set_clock(struct wg_target *target, const char *key, const char *value,
                     struct wg_error *err)
{
    if (strcmp(key, "clock.keep") == 0)
        return set_words(&target->keep, value, "timezone variable absolute utc", err);
    if (strcmp(key, "clock.v2v") == 0) {
        target->keep_v2v = strcmp(value, "keep") == 0;
        return !*value || wg_has_word("enforce keep", value)
                   ? 0
                   : wg_fail(err, "'%s' is not allowed; allowed: enforce keep", value);
    }
    if (strcmp(key, "clock.timezone") == 0)
        return check_zone(value, err) < 0 ? -1 : set_place(target, key, value, err);
    if (*value && !wg_has_word("localtime timezone utc", value))
        return wg_fail(err, "'%s' is not allowed; allowed: localtime timezone utc", value);
    return set_place(target, key, value, err);
}

static int set_guest_agent(struct wg_target *target, const char *value, struct wg_error *err)
{
    xmlNodePtr root = xmlDocGetRootElement(target->want);
    xmlNodePtr node = wg_child(root, "guest_agent");

    if (!wg_has_word("yes no", value))
        return wg_fail(err, "'%s' is not allowed; allowed: yes no", value);
    if (strcmp(value, "yes") == 0)
        return node || xmlNewChild(root, NULL, BAD_CAST "guest_agent", NULL) ? 0
                                                                             : wg_no_memory(err);
    if (node)
        wg_drop(node);
    return 0;
}

static int set_cpu(struct wg_target *target, const char *key, const char *value,
                   struct wg_error *err)
{
    if (wg_feature_check(value, err) < 0)
        return -1;
    xmlNodePtr cpu = demand(xmlDocGetRootElement(target->want), "cpu", NULL);
    xmlNodePtr feature = cpu ? demand(cpu, "feature", key + 4) : NULL;
    if (!feature)
        return wg_no_memory(err);
    xmlUnsetProp(feature, BAD_CAST "policy");
    if (!*value)
        prune(feature);
    else if (!xmlNewProp(feature, BAD_CAST "policy", BAD_CAST value))
        return wg_no_memory(err);
    return 0;
}

bool wg_target_knows(const char *key, bool unknown)
{
    static const char words[] = WG_TARGET_WORDS " clock.offset clock.timezone clock.keep clock.v2v";

    return wg_has_word(words, key) || wg_feature_is_key(key) || wg_place_is_known(key, unknown);
}

int wg_target_set(struct wg_target *target, const char *key, const char *value,
                  struct wg_error *err)
{
    if (strcmp(key, "stylesheets") == 0)
        return set_words(&target->stylesheets, value, NULL, err);
    if (strcmp(key, "guest_agent") == 0)
        return set_guest_agent(target, value, err);
    if (strncmp(key, "clock.", 6) == 0)
        return set_clock(target, key, value, err);
    if (strncmp(key, "cpu.", 4) == 0)
        return set_cpu(target, key, value, err);
    return wg_place_check(key, value, err) < 0 ? -1 : set_place(target, key, value, err);
}

/* Unchecked, as our own table is: every start of a guest would pay for it. */
static int set_default(struct wg_target *target, const char *key, const char *value,
                       struct wg_error *err)
{
    return strcmp(key, "stylesheets") == 0 ? set_words(&target->stylesheets, value, NULL, err)
                                           : set_place(target, key, value, err);
}

int wg_target_init(struct wg_target *target, enum wg_os os, bool recommended, struct wg_error *err)
{
    unsigned whose = os == WG_OS_LINUX ? LINUX : recommended ? WINDOWS | RECOMMENDED : WINDOWS;

    *target = (struct wg_target){.want = xmlNewDoc(BAD_CAST "1.0")};
    xmlNodePtr root = target->want ? xmlNewNode(NULL, BAD_CAST "policy") : NULL;
    if (!root)
        return wg_no_memory(err);
    xmlDocSetRootElement(target->want, root);
    for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++) {
        if (defaults[i].whose & whose &&
            set_default(target, defaults[i].key, defaults[i].value, err) < 0)
            return -1;
    }
    return 0;
}

/* The value that is demanded at a place; NULL if none is. */
static const char *demanded(const struct wg_target *target, const char *key)
{
    char path[128];
    char *save;

    snprintf(path, sizeof(path), "%s", key);
    char *attribute = strrchr(path, '.');
    *attribute++ = '\0';
    char *step = strtok_r(path, ".", &save);
    bool timer = strcmp(step, "timer") == 0;
    xmlNodePtr node = wg_target_part(target, timer ? "clock" : step);
    while (node && (step = strtok_r(NULL, ".", &save)))
        node = timer ? wg_named_child(node, "timer", step) : wg_child(node, step);
    return wg_attribute(node, attribute);
}

static int check_zone_keys(const struct wg_target *target, struct wg_error *err)
{
    const char *offset = demanded(target, "clock.offset");
    const char *zone = demanded(target, "clock.timezone");
    bool zoned = offset && strcmp(offset, "timezone") == 0;

    if (zoned && !zone)
        return wg_fail(err, "clock.offset = timezone needs clock.timezone, Asia/Shanghai say");
    if (zone && !zoned)
        return wg_fail(err, "clock.timezone needs clock.offset = timezone");
    return 0;
}

const char *wg_target_drop_unmet(struct wg_target *target, const char **needs)
{
    struct wg_error unused;

    for (size_t i = 0; i < sizeof(dependencies) / sizeof(*dependencies); i++) {
        const char *value = demanded(target, dependencies[i].key);

        if (!value || strcmp(value, "on") != 0)
            continue;
        const char *has = demanded(target, dependencies[i].needs);
        if (has && strcmp(has, dependencies[i].value) == 0)
            continue;
        *needs = dependencies[i].needs;
        /* taking out allocates nothing but a copy of the key */
        return set_place(target, dependencies[i].key, "", &unused) == 0 ? dependencies[i].key
                                                                        : NULL;
    }
    return NULL;
}

/* What makes a part that hardly anyone asks for need not be named. */
static int add_sheet(struct wg_target *target, const char *part, const char *sheet)
{
    return !wg_target_part(target, part) || wg_list_has(&target->stylesheets, sheet)
               ? 0
               : wg_list_add(&target->stylesheets, sheet, strlen(sheet));
}

int wg_target_close(struct wg_target *target, struct wg_error *err)
{
    for (size_t i = 0; i < sizeof(dependencies) / sizeof(*dependencies); i++) {
        const char *value = demanded(target, dependencies[i].key);

        if (!value || strcmp(value, "on") != 0)
            continue;
        const char *has = demanded(target, dependencies[i].needs);
        if (has && strcmp(has, dependencies[i].value) != 0)
            return wg_fail(err, "%s = on needs %s = %s", dependencies[i].key, dependencies[i].needs,
                           dependencies[i].value);
        if (!has && set_place(target, dependencies[i].needs, dependencies[i].value, err) < 0)
            return -1;
    }
    if (add_sheet(target, "guest_agent", GUEST_AGENT_SHEET) < 0 ||
        add_sheet(target, "cpu", CPU_SHEET) < 0)
        return wg_no_memory(err);
    return check_zone_keys(target, err);
}
