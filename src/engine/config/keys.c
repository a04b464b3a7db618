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
};

int wg_word_index(const char *words, const char *word)
{
    size_t len = strlen(word);
    int index = 0;

    while (*words) {
        size_t this = strcspn(words, " ");

        if (this == len && strncmp(words, word, len) == 0)
            return index;
        words += this + strspn(words + this, " ");
        index++;
    }
    return -1;
}

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

    *(unsigned *)field = 0;
    for (size_t i = 0; rc == 0 && i < words.count; i++) {
        int index = wg_word_index(key->allowed, words.item[i]);

        if (index < 0)
            rc = wg_fail(err, "'%s' is not allowed; allowed: %s", words.item[i], key->allowed);
        else
            *(unsigned *)field |= 1u << index;
    }
    wg_list_clear(&words);
    return rc;
}

static int set_words(void *field, const struct key *key, const char *value, struct wg_error *err)
{
    (void)key;
    return wg_list_add_words(field, value) < 0 ? wg_no_memory(err) : 0;
}

static int set_sources(void *field, const struct key *key, const char *value, struct wg_error *err)
{
    struct wg_list *list = field;

    wg_list_clear(list);
    if (set_words(list, key, value, err) < 0)
        return -1;
    for (size_t i = 0; i < list->count; i++) {
        if (wg_word_index(WG_ALL_SOURCES, list->item[i]) < 0)
            return wg_fail(err, "'%s' is not a source; allowed: %s", list->item[i], WG_ALL_SOURCES);
    }
    return 0;
}

/* A list of one word a line; # begins a comment. */
static int set_file(void *field, const struct key *key, const char *value, struct wg_error *err)
{
    char *line = NULL;
    size_t size = 0;
    int rc = 0;

    (void)key;
    if (!*value)
        return 0;
    if (*value != '/')
        return wg_fail(err, "'%s' is not an absolute path", value);
    int fd = wg_safe_open(value, err);
    if (fd < 0)
        return -1;
    FILE *file = fdopen(fd, "r");
    if (!file) {
        close(fd);
        return wg_no_memory(err);
    }
    while (rc == 0 && getline(&line, &size, file) >= 0) {
        line[strcspn(line, "#")] = '\0';
        rc = wg_list_add_words(field, line);
    }
    if (rc < 0)
        wg_no_memory(err);
    else if (!feof(file))
        rc = wg_fail(err, "%s: %s", value, strerror(errno));
    free(line);
    fclose(file);
    return rc;
}

#define FIELD(member) offsetof(struct wg_policy, member)

/* Words are in the order of the enumerations in winguest.h. The most that deadline may be still
 * ends before a client's own patience does; it and repair's bounds were chosen, not measured. */
static const struct key keys[] = {
    {"enforce", "cold_start", set_choice, FIELD(settings.cold_start), "correct repair deny report"},
    {"enforce", "on_error", set_choice, FIELD(settings.deny_on_error), "allow deny"},
    {"enforce", "rollback", set_choice, FIELD(settings.rollback), "no yes"},
    {"enforce", "deadline", set_number, FIELD(settings.deadline), "1 to 60 seconds"},
    {"enforce", "repair.window", set_number, FIELD(settings.repair_window), "1 to 600 seconds"},
    {"enforce", "repair.parallel", set_number, FIELD(settings.repair_parallel), "1 to 64"},
    {"enforce", "repair.decline", set_some, FIELD(settings.repair_decline),
     "ovirt hostdev fdgroup vtpm"},
    {"detect", "order", set_sources, FIELD(order), NULL},
    {"detect", "trust", set_choice, FIELD(operator_only), "any operator"},
    {"rules", "names", set_words, FIELD(names), NULL},
    {"rules", "titles", set_words, FIELD(titles), NULL},
    {"rules", "flavors", set_words, FIELD(flavors), NULL},
    {"rules", "uuids", set_words, FIELD(uuids), NULL},
    {"rules", "images", set_words, FIELD(images), NULL},
    {"rules", "projects", set_words, FIELD(projects), NULL},
    {"rules", "uuid_file", set_file, FIELD(uuids), NULL},
    {"rules", "image_file", set_file, FIELD(images), NULL},
    {"rules", "exempt.names", set_words, FIELD(exempt_names), NULL},
    {"rules", "exempt.uuids", set_words, FIELD(exempt_uuids), NULL},
};

static const struct key *find_key(const char *section, const char *name)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        if (strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, name) == 0)
            return &keys[i];
    }
    return NULL;
}

static bool known_section(const char *section)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        if (strcmp(keys[i].section, section) == 0)
            return true;
    }
    return false;
}

static int unknown_key(const char *section, struct wg_error *err)
{
    size_t len = (size_t)snprintf(err->text, sizeof(err->text), "unknown key; allowed:");

    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        if (strcmp(keys[i].section, section) == 0 && len < sizeof(err->text))
            len += (size_t)snprintf(err->text + len, sizeof(err->text) - len, " %s", keys[i].name);
    }
    return -1;
}

int wg_policy_set(struct wg_policy *policy, const struct wg_entry *entry, struct wg_error *err)
{
    if (!known_section(entry->section))
        return wg_fail(err, "unknown section; allowed: enforce detect rules windows windows:NAME "
                            "linux");
    if (!*entry->key)
        return 0;
    const struct key *key = find_key(entry->section, entry->key);
    if (!key)
        return unknown_key(entry->section, err);
    return key->set((char *)policy + key->field, key, entry->value, err);
}
