/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/qemu_process.h"
#include "engine/domain.h"

/* Enlightenments of libvirt whose name QEMU has as hv-NAME, with dashes (libvirt's
 * domain_conf.c, virDomainHyperv). */
#define ENLIGHTENMENTS \
    "relaxed vapic spinlocks vpindex runtime synic stimer reset vendor_id frequencies " \
    "reenlightenment tlbflush ipi evmcs avic emsr_bitmap xmm_input"

/* The arguments that count; of one that is given more than once, QEMU takes the last. */
struct arguments {
    const char *uuid;
    const char *cpu;
    const char *base; /* of the clock: "utc", "localtime", or a date */
    bool slew; /* lost ticks of the RTC are made up for */
    const char *pit; /* what is done with lost ticks; NULL: it does not say */
    bool no_hpet;
};

/* The value of KEY=VALUE in a list that commas separate, up to its end; NULL: it has none. */
static const char *option(const char *list, const char *key, size_t *len)
{
    const char *found = NULL;

    for (const char *item = list; item; item = strchr(item, ',') ? strchr(item, ',') + 1 : NULL) {
        size_t key_len = strlen(key);

        if (strncmp(item, key, key_len) != 0 || item[key_len] != '=')
            continue;
        found = item + key_len + 1;
        *len = strcspn(found, ",");
    }
    return found;
}

static bool option_is(const char *list, const char *key, const char *value)
{
    size_t len;
    const char *found = option(list, key, &len);

    return found && len == strlen(value) && strncmp(found, value, len) == 0;
}

static void take_rtc(const char *value, struct arguments *arguments)
{
    size_t len;
    const char *base = option(value, "base", &len);

    if (base)
        arguments->base = base;
    if (option(value, "driftfix", &len))
        arguments->slew = option_is(value, "driftfix", "slew");
}

/* word NULL: none is behind it. */
static void take(const char *name, const char *word, struct arguments *arguments)
{
    static const char pit[] = "kvm-pit.lost_tick_policy=";

    if (strcmp(name, "-no-hpet") == 0)
        arguments->no_hpet = true;
    if (!word)
        return;
    if (strcmp(name, "-uuid") == 0)
        arguments->uuid = word;
    else if (strcmp(name, "-cpu") == 0)
        arguments->cpu = word;
    else if (strcmp(name, "-rtc") == 0)
        take_rtc(word, arguments);
    else if (strcmp(name, "-global") == 0 && strncmp(word, pit, strlen(pit)) == 0)
        arguments->pit = word + strlen(pit);
    else if (strcmp(name, "-machine") == 0 || strcmp(name, "-M") == 0)
        arguments->no_hpet |= option_is(word, "hpet", "off");
}

static char *read_process(const char *guest, size_t *len)
{
    char path[64];
    struct wg_error ignored;
    long pid = wg_qemu_pid(guest);

    snprintf(path, sizeof(path), "/proc/%ld/cmdline", pid);
    int fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    char *bytes = fd < 0 ? NULL : wg_read_all(fd, len, &ignored);
    if (fd >= 0)
        close(fd);
    return bytes;
}

static struct arguments read_arguments(const char *bytes, size_t len)
{
    struct arguments arguments = {.base = "utc"};

    for (size_t at = 0; at < len; at += strlen(bytes + at) + 1) {
        size_t next = at + strlen(bytes + at) + 1;

        take(bytes + at, next < len ? bytes + next : NULL, &arguments);
    }
    return arguments;
}

/* Whether a feature of -cpu is on. QEMU takes its name with dashes or underscores. Of one that has
 * a value, that is copied to value, if it is not NULL. */
static bool has_feature(const char *cpu, const char *name, char value[32])
{
    bool on = false;

    for (const char *comma = cpu ? strchr(cpu, ',') : NULL; comma; comma = strchr(comma + 1, ',')) {
        const char *item = comma + 1;
        char feature[64];
        size_t len = strcspn(item, ",=");

        snprintf(feature, sizeof(feature), "%.*s", (int)len, item);
        for (char *c = feature; *c; c++)
            *c = *c == '_' ? '-' : *c;
        if (strcmp(feature + (*feature == '+'), name) != 0)
            continue;
        const char *set = item[len] == '=' ? item + len + 1 : "on";
        size_t set_len = strcspn(set, ",");
        on = strncmp(set, "off", set_len) != 0;
        if (value)
            snprintf(value, 32, "%.*s", (int)set_len, set);
    }
    return on;
}

static void set(xmlNodePtr node, const char *attribute, const char *value)
{
    if (node)
        xmlSetProp(node, BAD_CAST attribute, BAD_CAST value);
}

static xmlNodePtr child(xmlNodePtr parent, const char *name)
{
    xmlNodePtr found = wg_child(parent, name);

    return found || !parent ? found : xmlNewChild(parent, NULL, BAD_CAST name, NULL);
}

static bool is(xmlNodePtr node, const char *attribute, const char *value)
{
    return wg_same(wg_attribute(node, attribute), value);
}

/* Sets an attribute of a timer, which is made if need be; unless it has said so before, or says
 * nothing and need not. */
static void correct_timer(xmlNodePtr clock, const char *name, const char *attribute,
                          const char *value, const char *otherwise, bool must)
{
    xmlNodePtr timer = wg_named_child(clock, "timer", name);

    if (is(timer, attribute, value) == must)
        return;
    if (must && !timer) {
        timer = xmlNewChild(clock, NULL, BAD_CAST "timer", NULL);
        set(timer, "name", name);
    }
    set(timer, attribute, must ? value : otherwise);
}

/* The offsets that libvirt hands over as that base (qemuBuildClockArgStr); "" is a date. */
static const char *base_of(xmlNodePtr clock)
{
    const char *offset = wg_attribute(clock, "offset");

    if (!offset || strcmp(offset, "utc") == 0)
        return "utc";
    return strcmp(offset, "localtime") == 0 || strcmp(offset, "timezone") == 0 ? "localtime" : "";
}

static void correct_clock(xmlNodePtr clock, const struct arguments *arguments)
{
    size_t len = strcspn(arguments->base, ",");
    char base[16];

    snprintf(base, sizeof(base), "%.*s", (int)len, arguments->base);
    if (strcmp(base, "utc") != 0 && strcmp(base, "localtime") != 0)
        *base = '\0';
    if (strcmp(base, base_of(clock)) != 0)
        set(clock, "offset", *base ? base : "variable");
    correct_timer(clock, "rtc", "tickpolicy", "catchup", "delay", arguments->slew);
    correct_timer(clock, "hpet", "present", "no", "yes", arguments->no_hpet);
    correct_timer(clock, "hypervclock", "present", "yes", "no",
                  has_feature(arguments->cpu, "hv-time", NULL));
    if (arguments->pit && !is(wg_named_child(clock, "timer", "pit"), "tickpolicy", arguments->pit))
        correct_timer(clock, "pit", "tickpolicy", arguments->pit, NULL, true);
}

static void correct_enlightenment(xmlNodePtr hyperv, const char *name, const char *cpu)
{
    char feature[64], value[32] = "", retries[32];
    xmlNodePtr node = wg_child(hyperv, name);

    snprintf(feature, sizeof(feature), "hv-%s", name);
    for (char *c = feature; *c; c++)
        *c = *c == '_' ? '-' : *c;
    bool on = has_feature(cpu, feature, value);
    if (on != is(node, "state", "on"))
        set(on ? child(hyperv, name) : node, "state", on ? "on" : "off");
    if (!on || strcmp(name, "spinlocks") != 0)
        return;
    snprintf(retries, sizeof(retries), "%lu", strtoul(value, NULL, 0));
    set(wg_child(hyperv, name), "retries", retries);
}

static void correct_hyperv(xmlNodePtr features, const char *cpu)
{
    xmlNodePtr hyperv = child(features, "hyperv");
    struct wg_list names = {0};

    if (!hyperv || wg_list_add_words(&names, ENLIGHTENMENTS) < 0)
        return;
    if (has_feature(cpu, "hv-passthrough", NULL)) {
        set(hyperv, "mode", "passthrough");
    } else if (is(hyperv, "mode", "passthrough")) {
        set(hyperv, "mode", "custom");
    }
    for (size_t i = 0; i < names.count && !is(hyperv, "mode", "passthrough"); i++)
        correct_enlightenment(hyperv, names.item[i], cpu);
    if (!hyperv->children && !hyperv->properties)
        wg_drop(hyperv);
    wg_list_clear(&names);
}

char *wg_machine_xml(const char *name, const char *uuid, const char *xml)
{
    struct wg_domain domain;
    struct wg_error ignored;
    size_t len;
    char *bytes = read_process(name, &len), *text = NULL;
    struct arguments arguments = read_arguments(bytes, bytes ? len : 0);

    /* In another process namespace the number is somebody else's. */
    if (arguments.uuid && strcmp(arguments.uuid, uuid) == 0 &&
        wg_domain_parse(xml, strlen(xml), NULL, &domain, &ignored) == 0) {
        correct_clock(child(domain.root, "clock"), &arguments);
        correct_hyperv(child(domain.root, "features"), arguments.cpu);
        text = wg_document_text(domain.root->doc, &len, &ignored);
        wg_domain_clear(&domain);
    }
    free(bytes);
    return text;
}
