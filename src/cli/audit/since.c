/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "since.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "report_json.h"

/* The version of the JSON that is understood. */
#define UNDERSTOOD 2

struct earlier {
    json_object *guest;
    bool seen;
};

struct wg_since {
    json_object *report;
    struct earlier *guest; /* ordered by key_of */
    size_t guests;
};

static const char *member(json_object *object, const char *name)
{
    json_object *value = NULL;
    const char *text = json_object_object_get_ex(object, name, &value)
                           ? json_object_get_string(value)
                           : NULL;

    return text ? text : "";
}

/* A guest that was moved to another host is the same; a file's UUID may be in other files. */
static const char *key_of(json_object *guest)
{
    const char *file = member(guest, "file");

    return *file ? file : member(guest, "uuid");
}

static int by_key(const void *a, const void *b)
{
    return strcmp(key_of(((const struct earlier *)a)->guest),
                  key_of(((const struct earlier *)b)->guest));
}

static int take_guests(struct wg_since *since, const char *path, struct wg_error *err)
{
    json_object *version = NULL, *guests = NULL;

    if (!json_object_object_get_ex(since->report, "version", &version) ||
        json_object_get_int(version) != UNDERSTOOD ||
        !json_object_object_get_ex(since->report, "guests", &guests) ||
        !json_object_is_type(guests, json_type_array))
        return wg_fail(err, "%s: it is no report of `winguest audit --format json` of version %d",
                       path, UNDERSTOOD);
    size_t count = json_object_array_length(guests);
    since->guest = calloc(count + 1, sizeof(*since->guest));
    if (!since->guest)
        return wg_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        json_object *guest = json_object_array_get_idx(guests, i);

        if (json_object_is_type(guest, json_type_object))
            since->guest[since->guests++].guest = guest;
    }
    qsort(since->guest, since->guests, sizeof(*since->guest), by_key);
    return 0;
}

struct wg_since *wg_since_read(const char *path, struct wg_error *err)
{
    struct wg_since *since = calloc(1, sizeof(*since));

    if (!since) {
        wg_no_memory(err);
        return NULL;
    }
    since->report = json_object_from_file(path);
    if (!since->report)
        wg_fail(err, "%s: it cannot be read, or is no JSON", path);
    else if (take_guests(since, path, err) == 0)
        return since;
    wg_since_free(since);
    return NULL;
}

void wg_since_free(struct wg_since *since)
{
    if (!since)
        return;
    json_object_put(since->report);
    free(since->guest);
    free(since);
}

/* In the words of --only. */
static const char *word_of(json_object *guest)
{
    json_object *waits = NULL, *judged = NULL;

    if (*member(guest, "error"))
        return "error";
    if (json_object_object_get_ex(guest, "waits_for_cold_boot", &waits) &&
        json_object_get_boolean(waits))
        return "waiting";
    if (!json_object_object_get_ex(guest, "stored", &judged) || !judged)
        json_object_object_get_ex(guest, "live", &judged);
    const char *verdict = judged ? member(judged, "verdict") : "";
    return *verdict ? verdict : "error";
}

static bool same(json_object *a, json_object *b, const char *judgement, const char *name)
{
    json_object *left = NULL, *right = NULL;

    json_object_object_get_ex(a, judgement, &left);
    json_object_object_get_ex(b, judgement, &right);
    json_object_object_get_ex(left, name, &left);
    json_object_object_get_ex(right, name, &right);
    return json_object_equal(left, right);
}

bool wg_since_changed(struct wg_since *since, const struct wg_source *source,
                      struct wg_finding *finding)
{
    struct earlier now = {.guest = wg_finding_json(source, finding)};
    struct earlier *was = now.guest
                              ? bsearch(&now, since->guest, since->guests, sizeof(now), by_key)
                              : NULL;
    bool changed = !was || !same(now.guest, was->guest, "stored", "verdict") ||
                   !same(now.guest, was->guest, "stored", "differences") ||
                   !same(now.guest, was->guest, "live", "verdict") ||
                   !same(now.guest, was->guest, "live", "differences") ||
                   strcmp(member(now.guest, "error"), member(was->guest, "error")) != 0;

    if (was)
        was->seen = true;
    finding->was = was ? word_of(was->guest) : "new";
    json_object_put(now.guest);
    return changed;
}

/* NULL: it was not asked this time, or did not answer. */
static const struct wg_source *source_of(const struct wg_audit *audit, json_object *guest)
{
    const char *host = member(guest, "host");

    if (!*host)
        return audit->source[0].guests > 0 ? &audit->source[0] : NULL;
    for (size_t i = 1; i < audit->sources; i++) {
        const struct wg_source *source = &audit->source[i];

        if (!*source->error && strcmp(source->host, host) == 0)
            return source;
    }
    return NULL;
}

int wg_since_gone(struct wg_since *since, const struct wg_audit *audit,
                  int (*tell)(void *to, const struct wg_source *source,
                              const struct wg_finding *finding),
                  void *to)
{
    int rc = 0;

    for (size_t i = 0; i < since->guests && rc == 0; i++) {
        json_object *guest = since->guest[i].guest;
        const struct wg_source *source = since->guest[i].seen ? NULL : source_of(audit, guest);
        const char *file = member(guest, "file");

        if (!source)
            continue;
        rc = tell(to, source,
                  &(struct wg_finding){.file = *file ? file : NULL,
                                       .name = member(guest, "name"),
                                       .uuid = member(guest, "uuid"),
                                       .age = -1,
                                       .gone = true,
                                       .was = word_of(guest)});
    }
    return rc;
}
