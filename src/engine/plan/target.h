/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest must have, in libvirt's own vocabulary. */
#ifndef WG_TARGET_H
#define WG_TARGET_H

#include <libxml/tree.h>

#include "common/text.h"
#include "engine/winguest.h"

/*
 * want is a document
 *   <policy><clock offset='localtime'><timer name='rtc' tickpolicy='catchup'/>…</clock>
 *           <hyperv><relaxed state='on'/>…</hyperv>
 *           <cpu><feature name='hypervisor' policy='require'/>…</cpu>
 *           <guest_agent/></policy>
 * in which every attribute, but for a name, and the element guest_agent is a demand.
 */
struct wg_target {
    xmlDocPtr want;
    struct wg_list keep; /* clock offsets that are left as they are */
    bool keep_v2v; /* the offset of a guest as virt-v2v defines a cured one is left as it is */
    struct wg_list stylesheets; /* file names, in the order in which they run */
};

/* Starts a target with the built-in defaults for guests of that OS, Windows or Linux. Returns 0, or
 * -1 with *err filled; wg_target_clear is due either way. */
int wg_target_init(struct wg_target *target, enum wg_os os, bool recommended, struct wg_error *err);
void wg_target_clear(struct wg_target *target);

/* They make all that the other keys demand. */
#define WG_OUR_STYLESHEETS "clock.xsl hyperv.xsl"

/* The keys there are, for messages; any timer and enlightenment that libvirt knows has its own. */
#define WG_TARGET_WORDS "stylesheets guest_agent"
#define WG_TARGET_KEYS \
    WG_TARGET_WORDS \
    " clock.offset clock.timezone clock.keep clock.v2v timer.NAME.ATTRIBUTE cpu.NAME"

/* Whether there is such a key; unknown: also one for what may be a timer or an enlightenment. */
bool wg_target_knows(const char *key, bool unknown);

/* Sets one key of a [windows] or [linux] section, "timer.rtc.tickpolicy"; an empty value drops the
 * demand; wg_target_knows has said yes to the key. Returns 0, or -1 with *err filled: a value that
 * is not allowed. */
int wg_target_set(struct wg_target *target, const char *key, const char *value,
                  struct wg_error *err);

/* Adds what the demands depend on (stimer needs synic needs vpindex), to be called after the last
 * wg_target_set. Returns 0, or -1 with *err filled: the demands contradict each other. */
int wg_target_close(struct wg_target *target, struct wg_error *err);

/* Takes out one demand that depends on another which is not there any more. Returns its key, and in
 * *needs that of the other; NULL if there is none. */
const char *wg_target_drop_unmet(struct wg_target *target, const char **needs);

/* The <clock>, <hyperv> or <cpu> of target's demands; NULL if there are none. */
xmlNodePtr wg_target_part(const struct wg_target *target, const char *name);

#endif
