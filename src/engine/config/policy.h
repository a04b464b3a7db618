/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The configuration as plain data: what is enforced, on whom, and how. */
#ifndef WG_POLICY_H
#define WG_POLICY_H

#include <stdint.h>

#include "common/text.h"
#include "engine/plan/target.h"
#include "engine/winguest.h"
#include "ini.h"

/* What [detect] order may name, each a source of signs in detect.c; first those that it names by
 * default. */
#define WG_DEFAULT_SOURCES "winguest rules libosinfo nova cockpit unraid cloudstack metadata"
#define WG_ALL_SOURCES WG_DEFAULT_SOURCES " looks"

/* What the match.* keys of [windows:NAME] sections look at. */
enum { WG_TRAIT_NAME, WG_TRAIT_FLAVOR, WG_TRAIT_OSINFO, WG_TRAIT_MACHINE, WG_TRAITS };

struct wg_traits {
    char *value[WG_TRAITS]; /* NULL where the domain does not say */
};

struct wg_policy {
    struct wg_settings settings;
    struct wg_list order; /* names of detection sources */
    int operator_only; /* trust = operator: sources that tenants can write are ignored */
    struct wg_list names;
    struct wg_list titles;
    struct wg_list flavors;
    struct wg_list uuids;
    struct wg_list images;
    struct wg_list projects;
    struct wg_list exempt_names;
    struct wg_list exempt_uuids;
    struct wg_ini ini; /* its [windows] entries are what targets are built from */
};

/* Reads the configuration at path, NULL for the installed one (the defaults if there is none),
 * and checks all of it. Returns 0, or -1 with *err filled; wg_policy_clear is due either way. */
int wg_policy_load(const char *path, struct wg_policy *policy, struct wg_error *err);
void wg_policy_clear(struct wg_policy *policy);

/* The place of word among words that blanks separate, from 0; -1 if it is none of them. */
int wg_word_index(const char *words, const char *word);

/* Takes one entry of [enforce], [detect] or [rules]. Returns 0, or -1 with *err filled: unknown
 * section or key, or a value that is not allowed. */
int wg_policy_set(struct wg_policy *policy, const struct wg_entry *entry, struct wg_error *err);

/* What all entries say in one number: another number, another policy. Stylesheets do not count. */
uint64_t wg_policy_digest(const struct wg_policy *policy);

/* Whether a guest's traits count at all: there are [windows:NAME] sections. */
bool wg_policy_has_variants(const struct wg_policy *policy);

/* Whether there is a policy for Linux guests. */
bool wg_policy_linux(const struct wg_policy *policy);

/* What a guest of that OS (Windows or Linux) with these traits must have. Returns 0, or -1 with
 * *err filled; wg_target_clear is due either way. */
int wg_policy_target(const struct wg_policy *policy, enum wg_os os, const struct wg_traits *traits,
                     struct wg_target *target, struct wg_error *err);

#endif
