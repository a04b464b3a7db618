/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "places.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

/*
 * What libvirt allows of each place: its schema domaincommon.rng and its QEMU driver's checks, up
 * to libvirt 12. Timers have been there since 0.10, enlightenments since the version behind them
 * (formatdomain.html). Without what the QEMU driver refuses when a guest is started on x86: the
 * timers platform (Xen's) and armvtimer, and track='boot'.
 */
static const struct {
    const char *key;
    const char *allowed;
} places[] = {
    {"timer.pit.present", "yes no"},
    {"timer.pit.tickpolicy", "delay discard"},
    {"timer.rtc.present", "yes no"},
    {"timer.rtc.tickpolicy", "delay catchup"},
    {"timer.rtc.track", "guest wall"},
    {"timer.hpet.present", "yes no"},
    {"timer.tsc.present", "yes no"},
    {"timer.tsc.tickpolicy", "delay catchup merge discard"},
    {"timer.kvmclock.present", "yes no"},
    {"timer.hypervclock.present", "yes no"},
    {"hyperv.relaxed.state", "on off"}, /* 1.0.0 */
    {"hyperv.vapic.state", "on off"}, /* 1.1.0 */
    {"hyperv.spinlocks.state", "on off"}, /* 1.1.0 */
    {"hyperv.spinlocks.retries", "a number of at least 4095"},
    {"hyperv.vpindex.state", "on off"}, /* 1.3.3 */
    {"hyperv.runtime.state", "on off"}, /* 1.3.3 */
    {"hyperv.synic.state", "on off"}, /* 1.3.3 */
    {"hyperv.stimer.state", "on off"}, /* 1.3.3 */
    {"hyperv.stimer.direct.state", "on off"}, /* 5.7.0 */
    {"hyperv.reset.state", "on off"}, /* 1.3.3 */
    {"hyperv.vendor_id.state", "off"}, /* 1.3.3; on needs a value, which is nobody's policy */
    {"hyperv.frequencies.state", "on off"}, /* 4.7.0 */
    {"hyperv.reenlightenment.state", "on off"}, /* 4.7.0 */
    {"hyperv.tlbflush.state", "on off"}, /* 4.7.0 */
    {"hyperv.tlbflush.direct.state", "on off"}, /* 11.0.0 */
    {"hyperv.tlbflush.extended.state", "on off"}, /* 11.0.0 */
    {"hyperv.ipi.state", "on off"}, /* 4.10.0 */
    {"hyperv.evmcs.state", "on off"}, /* 4.10.0 */
    {"hyperv.avic.state", "on off"}, /* 8.10.0 */
    {"hyperv.emsr_bitmap.state", "on off"}, /* 10.7.0 */
    {"hyperv.xmm_input.state", "on off"}, /* 10.7.0 */
};

/* Of what is newer than that. */
static const struct {
    const char *key;
    const char *allowed;
} unknown_places[] = {
    {"timer.*.present", "yes no"},
    {"timer.*.tickpolicy", "delay catchup merge discard"},
    {"timer.*.track", "boot guest wall realtime"},
    {"hyperv.*.state", "on off"},
};

/* libvirt's bounds: qemu refuses fewer than 0xFFF, and the attribute is an unsigned int. */
static bool valid_retries(const char *value)
{
    char *end;
    unsigned long retries = strtoul(value, &end, 10);

    return *value >= '0' && *value <= '9' && !*end && retries >= 4095 && retries <= 0xffffffff;
}

/* The table's stars match dots too; but timers have no elements in them that we could name, and
 * an enlightenment's have none. */
static bool too_deep(const char *key)
{
    size_t dots = 0;

    for (const char *dot = strchr(key, '.'); dot; dot = strchr(dot + 1, '.'))
        dots++;
    return dots > (strncmp(key, "timer.", 6) == 0 ? 2 : 3);
}

/* Each step of a key becomes the name of an element, or of a timer. */
static bool well_formed(const char *key)
{
    if (strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_-.") != strlen(key))
        return false;
    for (const char *dot = strchr(key, '.'); dot; dot = strchr(dot + 1, '.')) {
        if (!islower((unsigned char)dot[1]))
            return false;
    }
    return true;
}

static bool is_place(const char *key)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        if (strcmp(places[i].key, key) == 0)
            return true;
    }
    return false;
}

/* Whether it is of a timer or an enlightenment that is in the table. */
static bool of_known(const char *key)
{
    size_t len = strcspn(key, ".");

    len += 1 + strcspn(key + len + (key[len] != '\0'), ".") + 1;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        if (strncmp(places[i].key, key, len) == 0)
            return true;
    }
    return false;
}

static const char *allowed_at(const char *key)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        if (strcmp(places[i].key, key) == 0)
            return places[i].allowed;
    }
    for (size_t i = 0; i < sizeof(unknown_places) / sizeof(*unknown_places); i++) {
        if (!too_deep(key) && !of_known(key) && fnmatch(unknown_places[i].key, key, 0) == 0)
            return unknown_places[i].allowed;
    }
    return NULL;
}

int wg_place_check(const char *key, const char *value, struct wg_error *err)
{
    const char *allowed = allowed_at(key);

    if (!allowed)
        return wg_fail(err, "unknown key");
    bool fits = strncmp(allowed, "a number", 8) == 0 ? valid_retries(value)
                                                     : wg_has_word(allowed, value);
    return !*value || fits ? 0 : wg_fail(err, "'%s' is not allowed; allowed: %s", value, allowed);
}

bool wg_place_is_known(const char *key, bool unknown)
{
    return is_place(key) || (unknown && well_formed(key) && allowed_at(key));
}

void wg_place_words(char *text, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < sizeof(places) / sizeof(*places) && len < size; i++)
        len += (size_t)snprintf(text + len, size - len, " %s", places[i].key);
}

/* libvirt's list of the features of x86, since 4.5. */
#define FEATURES "/usr/share/libvirt/cpu_map/x86_features.xml"

bool wg_feature_is_key(const char *key)
{
    return strncmp(key, "cpu.", 4) == 0 && key[4] &&
           strspn(key + 4, "abcdefghijklmnopqrstuvwxyz0123456789_-.") == strlen(key + 4);
}

int wg_feature_check(const char *value, struct wg_error *err)
{
    static const char allowed[] = "disable forbid optional require force";

    return !*value || wg_has_word(allowed, value)
               ? 0
               : wg_fail(err, "'%s' is not allowed; allowed: %s", value, allowed);
}

/* As text, for it is asked at every decision: parsing libvirt 9.0's list takes 0.3 ms of the 4 ms
 * that a rewrite with one such key takes, each time. */
static bool names(const char *line, const char *feature)
{
    static const char tag[] = "<feature name=";
    const char *at = strstr(line, tag);
    size_t len = strlen(feature);

    if (!at)
        return false;
    at += sizeof(tag) - 1;
    return (*at == '\'' || *at == '"') && strncmp(at + 1, feature, len) == 0 && at[len + 1] == *at;
}

int wg_feature_known(const char *key, struct wg_error *err)
{
    WG_CLOSED_FILE *from = fopen(FEATURES, "re");
    WG_FREED *line = NULL;
    size_t size = 0;
    bool listed = false, known = false;

    while (from && !known && getline(&line, &size, from) > 0) {
        listed |= strstr(line, "<feature ") != NULL;
        known = names(line, key + 4);
    }
    return listed && !known ? wg_fail(err, "this host's libvirt has no such feature (" FEATURES
                                           "), and would refuse it")
                            : 0;
}
