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
enum {
    WG_TRAIT_NAME,
    WG_TRAIT_TITLE,
    WG_TRAIT_FLAVOR,
    WG_TRAIT_PROJECT,
    WG_TRAIT_IMAGE,
    WG_TRAIT_OSINFO,
    WG_TRAIT_MACHINE,
    WG_TRAIT_FIRMWARE,
    WG_TRAITS,
};

struct wg_traits {
    char *value[WG_TRAITS]; /* NULL where the domain does not say */
};

/* Guests by what an operator knows of them. */
struct wg_who {
    struct wg_list names;
    struct wg_list uuids;
    struct wg_list flavors;
    struct wg_list projects;
    struct wg_list images;
};

struct wg_remark {
    enum wg_gravity gravity;
    char *text;
};

/* A format with the word. */
#define WG_WORDS_HINT \
    "'%s': blanks separate the words, and nothing else; a blank in a name is written ?"

struct wg_policy {
    struct wg_settings settings;
    int allow_unknown; /* timers and enlightenments that this version does not know */
    struct wg_list order; /* names of detection sources */
    int operator_only; /* trust = operator: sources that tenants can write are ignored */
    struct wg_who windows; /* [rules] */
    struct wg_list titles;
    struct wg_list told; /* uuid_file's lines with WG_SAID_BY_AGENT: UUIDs as in windows */
    struct wg_who exempt;
    struct wg_list cured; /* exempt.uuid_file's lines with WG_SAID_BY_AGENT */
    struct wg_who only; /* all empty: everybody */
    struct wg_ini ini; /* its [windows] entries are what targets are built from */
    struct wg_remark *remark;
    size_t remarks;
};

/* Reads the configuration at path, NULL for the installed one (the defaults if there is none),
 * and checks all of it. Returns 0, what is wrong being left out and remarked, or -1 with *err
 * filled: there is no memory, or something is WG_UNUSABLE. wg_policy_clear is due either way. */
int wg_policy_load(const char *path, struct wg_policy *policy, struct wg_error *err);
void wg_policy_clear(struct wg_policy *policy);

/* Takes one entry of [enforce], [detect] or [rules]. Returns 0, or -1 with *err filled and *gravity
 * set: unknown section or key, or a value that is not allowed. */
int wg_policy_set(struct wg_policy *policy, const struct wg_entry *entry, enum wg_gravity *gravity,
                  struct wg_error *err);

/* Whether a key is about whom the policy is about, wherever it stands: one that cannot be followed
 * there leaves nobody touched. wg_policy_misplaced: the message. */
bool wg_policy_is_whom(const char *section, const char *key);
int wg_policy_misplaced(struct wg_error *err);

/* What holds without a file, of those sections. Returns 0, or -1 with *err filled. */
int wg_policy_set_standards(struct wg_policy *policy, struct wg_error *err);

/* Tells all keys of those sections, and their values where the file has none. */
void wg_policy_each_key(void (*tell)(void *to, const char *section, const char *key,
                                     const char *standard),
                        void *to);

/* The entry that counts; NULL if there is none. */
const struct wg_entry *wg_policy_entry(const struct wg_policy *policy, const char *section,
                                       const char *key);

/* [windows], [windows:NAME] or [linux]; sections.c. */
bool wg_is_section_of_demands(const char *section);

/* Checks all of them. Returns 0, or -1 if there is no memory for a remark. */
int wg_policy_check_sections(struct wg_policy *policy);

/* remarks.c: remarks "FILE:LINE: [SECTION] KEY: why" of an entry, or of the section of one without
 * a line. Returns 0, or -1 if there is no memory. */
int wg_policy_remark(struct wg_policy *policy, enum wg_gravity gravity,
                     const struct wg_entry *entry, const char *why);

/* The same of what has no line of its own. */
int wg_policy_remark_text(struct wg_policy *policy, enum wg_gravity gravity, const char *text);

/* show.c: adds the names of the sections of demands that are in force. Returns 0, or -1. */
int wg_config_sections(const struct wg_policy *policy, struct wg_list *names);

/* What all entries say in one number: another number, another policy. Stylesheets do not count. */
uint64_t wg_policy_digest(const struct wg_policy *policy);

/* Whether the operator keeps a list of Windows images, if an empty one. */
bool wg_policy_lists_images(const struct wg_policy *policy);

/* Whether a guest's traits count at all: there are [windows:NAME] sections. */
bool wg_policy_has_variants(const struct wg_policy *policy);

/* Whether there is a policy for Linux guests. */
bool wg_policy_linux(const struct wg_policy *policy);

/* What a guest of that OS (Windows or Linux) with these traits must have. Returns 0, or -1 with
 * *err filled; wg_target_clear is due either way. */
int wg_policy_target(const struct wg_policy *policy, enum wg_os os, const struct wg_traits *traits,
                     struct wg_target *target, struct wg_error *err);

/* The same of a guest that is in that section, and in no other that varies it. */
int wg_policy_target_of(const struct wg_policy *policy, const char *section,
                        struct wg_target *target, struct wg_error *err);

#endif
