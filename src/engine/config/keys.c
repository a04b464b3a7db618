/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keys of the sections that are plain values: [enforce], [detect], [rules]. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/safe.h"
#include "policy.h"

struct key {
    const char *section;
    const char *name;
    int (*set)(void *field, const struct key *key, const char *value, struct wg_error *err);
    size_t field;
    const char *allowed;
    const char *standard; /* its value where the file has none */
    bool whom; /* it decides whom the policy is about */
};

static int set_choice(void *field, const struct key *key, const char *value, struct wg_error *err)
{
    int index = wg_word_index(key->allowed, value);

    if (index < 0)
        return wg_fail(err, "'%s' is not allowed; allowed: %s", value, key->allowed);
    *(int *)field = index;
    return 0;
}

/* key->allowed begins with the bounds: "1 to 60". */
static int set_number(void *field, const struct key *key, const char *value, struct wg_error *err)
{
    unsigned least, most;
    char *end;
    unsigned long number = strtoul(value, &end, 10);

    if (sscanf(key->allowed, "%u to %u", &least, &most) != 2 || *value < '0' || *value > '9' ||
        *end || number < least || number > most)
        return wg_fail(err, "'%s' is not allowed; allowed: %s", value, key->allowed);
    *(unsigned *)field = (unsigned)number;
    return 0;
}

/* Some of the allowed words, or none: a bit for each, in their order. */
static int set_some(void *field, const struct key *key, const char *value, struct wg_error *err)
{
    struct wg_list words = {0};
    int rc = wg_list_add_words(&words, value) < 0 ? wg_no_memory(err) : 0;
    unsigned some = 0;

    for (size_t i = 0; rc == 0 && i < words.count; i++) {
        int index = wg_word_index(key->allowed, words.item[i]);

        if (index < 0)
            rc = wg_fail(err, "'%s' is not allowed; allowed: %s", words.item[i], key->allowed);
        else
            some |= 1u << index;
    }
    wg_list_clear(&words);
    if (rc == 0)
        *(unsigned *)field = some;
    return rc;
}

static bool is_glob(const char *word)
{
    return strpbrk(word, "*?[") != NULL;
}

/* Whom an operator names must be whom we look for. */
static int set_words(void *field, const struct key *key, const char *value, struct wg_error *err)
{
    struct wg_list *list = field;
    size_t name = strlen(key->name);
    bool uuids = name >= 5 && strcmp(key->name + name - 5, "uuids") == 0;

    if (wg_list_add_words(list, value) < 0)
        return wg_no_memory(err);
    for (size_t i = 0; i < list->count; i++) {
        const char *word = list->item[i];

        if (strpbrk(word, ",\""))
            return wg_fail(err, WG_WORDS_HINT, word);
        if (uuids && !is_glob(word) && !wg_is_uuid(word))
            return wg_fail(err, "'%s' is not a UUID; hint: as `virsh domuuid GUEST` prints it",
                           word);
    }
    return 0;
}

static int set_sources(void *field, const struct key *key, const char *value, struct wg_error *err)
{
    struct wg_list *list = field;

    wg_list_clear(list);
    if (set_words(list, key, value, err) < 0)
        return -1;
    for (size_t i = 0; i < list->count; i++) {
        if (!wg_has_word(WG_ALL_SOURCES, list->item[i]))
            return wg_fail(err, "'%s' is not a source; allowed: %s", list->item[i], WG_ALL_SOURCES);
    }
    return 0;
}

/* The list that a line of a file goes into. */
static struct wg_list *list_of(void *field, const struct key *key, const char *line)
{
    struct wg_policy *policy = (struct wg_policy *)((char *)field - key->field);
    const char *comment = strchr(line, '#');

    if (!comment || strncmp(comment, WG_SAID_BY_AGENT, strlen(WG_SAID_BY_AGENT)) != 0)
        return field;
    return field == &policy->windows.uuids  ? &policy->told
           : field == &policy->exempt.uuids ? &policy->cured
                                            : field;
}

/* A list of one word a line; # begins a comment. */
static int set_file(void *field, const struct key *key, const char *value, struct wg_error *err)
{
    WG_FREED *line = NULL;
    size_t size = 0;
    ssize_t len;
    int rc = 0;

    if (!*value)
        return 0;
    if (*value != '/')
        return wg_fail(err, "'%s' is not an absolute path", value);
    int fd = wg_safe_open(value, err);
    if (fd < 0)
        return -1;
    WG_CLOSED_FILE *file = fdopen(fd, "r");
    if (!file) {
        close(fd);
        return wg_no_memory(err);
    }
    while (rc == 0 && (len = getline(&line, &size, file)) >= 0) {
        for (ssize_t i = 0; i < len; i++) {
            if (line[i] == '\0')
                line[i] = '!'; /* UTF-16 is told of as words that are none */
        }
        struct wg_list *list = list_of(field, key, line);

        line[strcspn(line, "#")] = '\0';
        rc = wg_list_add_words(list, line);
    }
    if (rc < 0)
        wg_no_memory(err);
    else if (!feof(file))
        rc = wg_fail(err, "%s: %s", value, strerror(errno));
    return rc;
}

#define FIELD(member) offsetof(struct wg_policy, member)
#define WORDS(section, name, member) \
    { \
        section, name, set_words, FIELD(member), NULL, "", true \
    }
#define CHOICE(name, member, allowed, standard) \
    { \
        "enforce", name, set_choice, FIELD(settings.member), allowed, standard, false \
    }
#define NUMBER(name, member, allowed, standard) \
    { \
        "enforce", name, set_number, FIELD(settings.member), allowed, standard, false \
    }

/* Words are in the order of the enumerations in winguest.h. The most that deadline may be still
 * ends before a client's own patience does; it and repair's bounds were chosen, not measured. */
static const struct key keys[] = {
    {"enforce", "mode", set_choice, FIELD(settings.report), "enforce report", "enforce", true},
    WORDS("enforce", "only.names", only.names),
    WORDS("enforce", "only.uuids", only.uuids),
    WORDS("enforce", "only.flavors", only.flavors),
    WORDS("enforce", "only.projects", only.projects),
    WORDS("enforce", "only.images", only.images),
    CHOICE("cold_start", cold_start, "correct repair deny report", "correct"),
    CHOICE("on_error", deny_on_error, "allow deny", "allow"),
    CHOICE("rollback", rollback, "no yes", "yes"),
    NUMBER("deadline", deadline, "1 to 60 seconds", "5"),
    NUMBER("repair.window", repair_window, "1 to 600 seconds", "30"),
    NUMBER("repair.parallel", repair_parallel, "1 to 64", "4"),
    {"enforce", "repair.decline", set_some, FIELD(settings.repair_decline),
     "ovirt hostdev fdgroup vtpm", "ovirt hostdev fdgroup vtpm", false},
    {"enforce", "allow_unknown", set_choice, FIELD(allow_unknown), "no yes", "no", false},
    {"detect", "order", set_sources, FIELD(order), NULL, WG_DEFAULT_SOURCES, true},
    {"detect", "trust", set_choice, FIELD(operator_only), "any operator", "any", true},
    WORDS("rules", "names", windows.names),
    WORDS("rules", "titles", titles),
    WORDS("rules", "flavors", windows.flavors),
    WORDS("rules", "uuids", windows.uuids),
    WORDS("rules", "images", windows.images),
    WORDS("rules", "projects", windows.projects),
    {"rules", "uuid_file", set_file, FIELD(windows.uuids), NULL, "", true},
    {"rules", "image_file", set_file, FIELD(windows.images), NULL, "", true},
    WORDS("rules", "exempt.names", exempt.names),
    WORDS("rules", "exempt.uuids", exempt.uuids),
    {"rules", "exempt.uuid_file", set_file, FIELD(exempt.uuids), NULL, "", true},
    WORDS("rules", "exempt.flavors", exempt.flavors),
    WORDS("rules", "exempt.projects", exempt.projects),
    WORDS("rules", "exempt.images", exempt.images),
};
#define KEYS (sizeof(keys) / sizeof(*keys))

static const struct key *find_key(const char *section, const char *name)
{
    for (size_t i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, name) == 0)
            return &keys[i];
    }
    return NULL;
}

static bool known_section(const char *section)
{
    for (size_t i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].section, section) == 0)
            return true;
    }
    return false;
}

bool wg_policy_is_whom(const char *section, const char *key)
{
    static const char words[] = "mode only exempt names titles uuids flavors projects images";

    for (size_t i = 0; i < KEYS; i++) {
        if (keys[i].whom && strcmp(keys[i].name, key) == 0)
            return true;
    }
    return wg_has_word(words, key) || strncmp(key, "only.", 5) == 0 ||
           strncmp(key, "exempt.", 7) == 0 ||
           (strcmp(key, "enforce") == 0 && strcmp(section, "linux") != 0);
}

int wg_policy_misplaced(struct wg_error *err)
{
    return wg_fail(err,
                   "it has no meaning here; hint: guests are spared by exempt.* in [rules] or by "
                   "[windows:NAME] with match.*, and held by mode and only.* in [enforce]");
}

/* Whoever misspells a key that decides whom it touches must not be taken at the rest of his word.
 */
static int unknown_key(const struct wg_entry *entry, enum wg_gravity *gravity, struct wg_error *err)
{
    char words[512] = "", near[64];
    size_t len = 0;

    for (size_t i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].section, entry->section) == 0)
            len += (size_t)snprintf(words + len, sizeof(words) - len, " %s", keys[i].name);
    }
    bool meant = wg_nearest(words, entry->key, near, sizeof(near));
    const struct key *key = meant ? find_key(entry->section, near) : NULL;
    bool whom = strcmp(entry->section, "enforce") != 0 ||
                wg_policy_is_whom(entry->section, entry->key) || (key && key->whom);
    *gravity = whom ? WG_UNUSABLE : WG_WARNING;
    return wg_fail(err, "unknown key;%s%s%s allowed:%s", meant ? " did you mean " : "",
                   meant ? near : "", meant ? "?" : "", words);
}

/* [windws] demands nothing; whom [exmpt] was to spare nobody can know. */
static int unknown_section(const char *section, enum wg_gravity *gravity, struct wg_error *err)
{
    char near[64];
    bool meant = wg_nearest("enforce detect rules windows linux", section, near, sizeof(near));
    bool demands = strncmp(section, "win", 3) == 0 || strncmp(section, "lin", 3) == 0 ||
                   (meant && wg_has_word("windows linux", near));

    *gravity = demands ? WG_WARNING : WG_UNUSABLE;
    return wg_fail(err,
                   "unknown section;%s%s%s allowed: enforce detect rules windows windows:NAME "
                   "linux",
                   meant ? " did you mean " : "", meant ? near : "", meant ? "?" : "");
}

/* What a file holds that was cut off, or is none of ours, fits nobody: the rest of it is in force.
 */
static int check_list(struct wg_policy *policy, const struct wg_entry *entry,
                      const struct wg_list *list, size_t from, struct wg_error *err)
{
    struct wg_error what;
    size_t wrong = 0, first = 0;

    for (size_t i = list->count; i-- > from;) {
        if (wg_is_uuid(list->item[i]) || is_glob(list->item[i]))
            continue;
        wrong++;
        first = i;
    }
    if (wrong == 0)
        return 0;
    wg_fail(&what, "%s: '%s' is not a UUID, %zu of %zu are not; hint: make the list anew",
            entry->value, list->item[first], wrong, list->count - from);
    return wg_policy_remark(policy, WG_WARNING, entry, what.text) < 0 ? wg_no_memory(err) : 0;
}

int wg_policy_set(struct wg_policy *policy, const struct wg_entry *entry, enum wg_gravity *gravity,
                  struct wg_error *err)
{
    bool known = known_section(entry->section);

    if (!*entry->key)
        return known ? 0 : unknown_section(entry->section, gravity, err);
    if (!known && wg_policy_is_whom(entry->section, entry->key)) {
        *gravity = WG_UNUSABLE;
        return wg_policy_misplaced(err);
    }
    if (!known)
        return 0;
    const struct key *key = find_key(entry->section, entry->key);
    if (!key)
        return unknown_key(entry, gravity, err);
    *gravity = key->whom ? WG_UNUSABLE : WG_WRONG;
    char *field = (char *)policy + key->field;
    if (key->set != set_file)
        return key->set(field, key, entry->value, err);
    size_t before = ((struct wg_list *)field)->count;
    if (set_file(field, key, entry->value, err) < 0)
        return -1;
    return check_list(policy, entry, (struct wg_list *)field, before, err);
}

int wg_policy_set_standards(struct wg_policy *policy, struct wg_error *err)
{
    for (size_t i = 0; i < KEYS; i++) {
        if (*keys[i].standard &&
            keys[i].set((char *)policy + keys[i].field, &keys[i], keys[i].standard, err) < 0)
            return -1;
    }
    return 0;
}

void wg_policy_each_key(void (*tell)(void *to, const char *section, const char *key,
                                     const char *standard),
                        void *to)
{
    for (size_t i = 0; i < KEYS; i++)
        tell(to, keys[i].section, keys[i].name, keys[i].standard);
}
