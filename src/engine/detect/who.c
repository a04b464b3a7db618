/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "who.h"

#include <stdlib.h>
#include <string.h>

#include "engine/verdict.h"
#include "path.h"

/* The first that is there counts. */
static const char *const trait_paths[WG_TRAITS][2] = {
    {"name", NULL},          {"title", WG_PATH_NOVA "*:name"},    {WG_PATH_FLAVOR, NULL},
    {WG_PATH_PROJECT, NULL}, {WG_PATH_IMAGE_ROOT, WG_PATH_IMAGE}, {WG_PATH_LIBOSINFO, NULL},
    {"os/type/@machine"},    {"os/@firmware", "os/loader/@type"},
};

const char *wg_who_path(size_t number)
{
    if (number >= 2 * WG_TRAITS)
        return NULL;
    const char *path = trait_paths[number / 2][number % 2];
    return path ? path : "name";
}

static int take_text(const xmlNode *node, void *text)
{
    *(char **)text = wg_trimmed_content(node);
    return *(char **)text ? 1 : -1;
}

/* libvirt may not have been told: then a loader in flash is UEFI's, and none, or another, is not.
 */
static int name_firmware(char **firmware)
{
    const char *name = *firmware &&
                               (strcmp(*firmware, "efi") == 0 || strcmp(*firmware, "pflash") == 0)
                           ? "efi"
                           : "bios";

    free(*firmware);
    *firmware = strdup(name);
    return *firmware ? 0 : -1;
}

int wg_who_traits(const xmlNode *root, struct wg_traits *traits, struct wg_error *err)
{
    for (int i = 0; i < 2 * WG_TRAITS; i++) {
        const char *path = trait_paths[i / 2][i % 2];
        char **value = &traits->value[i / 2];

        if (path && !*value && wg_path_walk(root, path, take_text, value) < 0)
            return wg_no_memory(err);
    }
    return name_firmware(&traits->value[WG_TRAIT_FIRMWARE]) < 0 ? wg_no_memory(err) : 0;
}

static int take_value(const xmlNode *node, void *text)
{
    int rc = take_text(node, text);

    if (rc > 0 && !**(char **)text) {
        free(*(char **)text);
        *(char **)text = NULL;
        rc = 0;
    }
    return rc;
}

int wg_who_owner(const xmlNode *root, struct wg_verdict *verdict, struct wg_error *err)
{
    const struct {
        char **value;
        const char *path[2];
    } owner[] = {
        {&verdict->title, {WG_PATH_NOVA "*:name", "title"}},
        {&verdict->project, {WG_PATH_NOVA "*:owner/*:project", WG_PATH_PROJECT}},
        {&verdict->flavor, {WG_PATH_FLAVOR}},
        {&verdict->image, {WG_PATH_IMAGE_ROOT, WG_PATH_IMAGE}},
    };

    for (size_t i = 0; i < sizeof(owner) / sizeof(*owner); i++) {
        for (int p = 0; p < 2 && owner[i].path[p] && !*owner[i].value; p++) {
            if (wg_path_walk(root, owner[i].path[p], take_value, owner[i].value) < 0)
                return wg_no_memory(err);
        }
    }
    return 0;
}

/* What a list of struct wg_who is held against. */
static const struct {
    const char *name;
    size_t list;
    const char *path[2];
} knowledge[] = {
    {"names", offsetof(struct wg_who, names), {"name"}},
    {"uuids", offsetof(struct wg_who, uuids), {"uuid"}},
    {"flavors", offsetof(struct wg_who, flavors), {WG_PATH_FLAVOR}},
    {"projects", offsetof(struct wg_who, projects), {WG_PATH_PROJECT}},
    {"images", offsetof(struct wg_who, images), {WG_PATH_IMAGE_ROOT, WG_PATH_IMAGE}},
};

struct search {
    const struct wg_list *globs;
    const char *found; /* the glob */
};

static int match(const xmlNode *node, void *context)
{
    struct search *search = context;
    WG_FREED *value = wg_trimmed_content(node);
    WG_FREED *uuid = value ? wg_uuid_text(value) : NULL;

    if (uuid)
        search->found = wg_list_match(search->globs, uuid);
    if (uuid && !search->found)
        search->found = wg_list_match(search->globs, value);
    return !uuid ? -1 : search->found != NULL;
}

/* Seeks the guest among who. Returns 1 with *name and *glob by which it is found, 0, or -1 with
 * *err filled; *any: who names somebody. */
static int seek(const xmlNode *root, const struct wg_who *who, const char **name, const char **glob,
                bool *any, struct wg_error *err)
{
    *any = false;
    for (size_t i = 0; i < sizeof(knowledge) / sizeof(*knowledge); i++) {
        struct search search = {
            .globs = (const struct wg_list *)((const char *)who + knowledge[i].list)};

        if (search.globs->count == 0)
            continue;
        *any = true;
        for (int p = 0; p < 2 && knowledge[i].path[p] && !search.found; p++) {
            if (wg_path_walk(root, knowledge[i].path[p], match, &search) < 0)
                return wg_no_memory(err);
        }
        if (search.found) {
            *name = knowledge[i].name;
            *glob = search.found;
            return 1;
        }
    }
    return 0;
}

int wg_who_exempt(const struct wg_domain *domain, const struct wg_policy *policy,
                  struct wg_verdict *verdict, struct wg_error *err)
{
    const char *name, *glob;
    bool any;

    if (wg_path_leads(domain->root, "metadata/wg:guest[@policy=none]"))
        return wg_verdict_reason(verdict, WG_EXEMPT, err, "own mark: policy='none'");
    int rc = seek(domain->root, &policy->exempt, &name, &glob, &any, err);
    if (rc != 0)
        return rc < 0 ? -1
                      : wg_verdict_reason(verdict, WG_EXEMPT, err, "rules.exempt.%s has %s", name,
                                          glob);
    struct search cured = {.globs = &policy->cured};
    if (policy->operator_only || cured.globs->count == 0)
        return 0;
    if (wg_path_walk(domain->root, "uuid", match, &cured) < 0)
        return wg_no_memory(err);
    return cured.found ? wg_verdict_reason(verdict, WG_EXEMPT, err,
                                           "rules.exempt.uuid_file has it: its agent showed that "
                                           "its clock is UTC inside")
                       : 0;
}

int wg_who_report(const struct wg_domain *domain, const struct wg_policy *policy,
                  struct wg_verdict *verdict, struct wg_error *err)
{
    const char *name, *glob;
    bool any;
    int rc = seek(domain->root, &policy->only, &name, &glob, &any, err);

    verdict->report = policy->settings.report || (rc == 0 && any);
    return rc < 0 ? -1 : 0;
}

/* The lists of globs, one after the other: key as in [rules] or [enforce]. */
struct globs {
    char key[32];
    const struct wg_list *list;
    const char *const *path; /* two */
};

static bool next_globs(const struct wg_policy *policy, size_t number, struct globs *globs)
{
    static const char *const title_paths[2] = {"title", WG_PATH_NOVA "*:name"};
    static const size_t count = sizeof(knowledge) / sizeof(*knowledge);
    const struct wg_who *whose[] = {&policy->windows, &policy->exempt, &policy->only};
    static const char *const prefix[] = {"", "exempt.", "only."};

    if (number == 3 * count) {
        *globs = (struct globs){"titles", &policy->titles, title_paths};
        return true;
    }
    if (number > 3 * count)
        return false;
    const char *who = (const char *)whose[number / count];
    snprintf(globs->key, sizeof(globs->key), "%s%s", prefix[number / count],
             knowledge[number % count].name);
    globs->list = (const struct wg_list *)(who + knowledge[number % count].list);
    globs->path = knowledge[number % count].path;
    return true;
}

struct fitting {
    const struct globs *globs;
    struct wg_list *fits;
};

static int add_fitting(const xmlNode *node, void *context)
{
    const struct fitting *fitting = context;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < fitting->globs->list->count; i++) {
        const struct wg_list one = {.item = &fitting->globs->list->item[i], .count = 1};
        struct search search = {.globs = &one};
        char *what;

        rc = match(node, &search);
        if (rc <= 0)
            continue;
        int len = asprintf(&what, "%s %s", fitting->globs->key, search.found);
        rc = len < 0 ? -1 : 0;
        if (rc == 0 && !wg_list_has(fitting->fits, what))
            rc = wg_list_add(fitting->fits, what, (size_t)len);
        if (len >= 0)
            free(what);
    }
    return rc;
}

int wg_who_fits(const xmlNode *root, const struct wg_policy *policy, struct wg_list *fits)
{
    struct globs globs;

    for (size_t i = 0; next_globs(policy, i, &globs); i++) {
        struct fitting fitting = {&globs, fits};

        for (int p = 0; p < 2 && globs.path[p] && globs.list->count; p++) {
            if (wg_path_walk(root, globs.path[p], add_fitting, &fitting) < 0)
                return -1;
        }
    }
    return 0;
}

void wg_who_fits_none(const struct wg_policy *policy, const struct wg_list *fits,
                      void (*tell)(void *to, const char *key, const char *glob), void *to)
{
    struct globs globs;
    char *what;

    for (size_t i = 0; next_globs(policy, i, &globs); i++) {
        for (size_t g = 0; g < globs.list->count; g++) {
            if (asprintf(&what, "%s %s", globs.key, globs.list->item[g]) < 0)
                return;
            if (!wg_list_has(fits, what))
                tell(to, globs.key, globs.list->item[g]);
            free(what);
        }
    }
}

void wg_traits_clear(struct wg_traits *traits)
{
    for (int i = 0; i < WG_TRAITS; i++)
        free(traits->value[i]);
    *traits = (struct wg_traits){0};
}
