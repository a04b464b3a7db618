/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For programs: doc/audit.schema.json describes it. */
#include <json-c/json.h>
#include <stdlib.h>

#include "audit.h"

#define COMPACT (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

/* File names and the configuration may be in any encoding; JSON is not. */
static json_object *string(const char *text)
{
    char *clean = wg_utf8(text);
    json_object *object = clean ? json_object_new_string(clean) : NULL;

    free(clean);
    return object;
}

static json_object *text_or_null(const char *text)
{
    return text && *text ? string(text) : NULL;
}

static json_object *differences(const struct wg_verdict *verdict)
{
    json_object *list = json_object_new_array();

    for (size_t i = 0; i < verdict->n_differences; i++) {
        const struct wg_difference *difference = &verdict->differences[i];
        json_object *object = json_object_new_object();

        json_object_object_add(object, "where", string(difference->where));
        json_object_object_add(object, "has", string(difference->has));
        json_object_object_add(object, "must", string(difference->must));
        json_object_array_add(list, object);
    }
    return list;
}

static json_object *notes(const struct wg_verdict *verdict)
{
    json_object *list = json_object_new_array();

    for (size_t i = 0; i < verdict->n_notes; i++)
        json_object_array_add(list, string(verdict->notes[i]));
    return list;
}

static json_object *judgement(const struct wg_verdict *verdict)
{
    if (!verdict)
        return NULL;
    json_object *object = json_object_new_object();
    json_object_object_add(object, "verdict",
                           json_object_new_string(wg_outcome_text(verdict->outcome)));
    json_object_object_add(object, "os", json_object_new_string(wg_os_text(verdict->os)));
    json_object_object_add(object, "evidence", text_or_null(verdict->evidence));
    json_object_object_add(object, "reason", text_or_null(verdict->reason));
    json_object_object_add(object, "differences", differences(verdict));
    json_object_object_add(object, "notes", notes(verdict));
    return object;
}

static int print(json_object *object, FILE *out)
{
    const char *text = object ? json_object_to_json_string_ext(object, COMPACT) : NULL;

    if (text)
        fputs(text, out);
    json_object_put(object);
    return text ? 0 : -1;
}

static void begin(const struct wg_audit *audit, FILE *out)
{
    (void)audit;
    fputs("{\"version\":2,\"guests\":[\n", out);
}

static int guest(const struct wg_audit *audit, const struct wg_source *source,
                 const struct wg_finding *finding, FILE *out)
{
    const struct wg_verdict *verdict = wg_finding_verdict(finding);
    json_object *object = json_object_new_object();

    (void)audit;
    if (!object)
        return -1;
    json_object_object_add(object, "host", source->uri ? text_or_null(source->host) : NULL);
    json_object_object_add(object, "file", text_or_null(finding->file));
    json_object_object_add(object, "name", text_or_null(finding->name));
    json_object_object_add(object, "uuid", text_or_null(finding->uuid));
    json_object_object_add(object, "title", text_or_null(verdict ? verdict->title : NULL));
    json_object_object_add(object, "project", text_or_null(verdict ? verdict->project : NULL));
    json_object_object_add(object, "flavor", text_or_null(verdict ? verdict->flavor : NULL));
    json_object_object_add(object, "active", json_object_new_boolean(finding->active));
    json_object_object_add(object, "waits_for_cold_boot", json_object_new_boolean(finding->waits));
    json_object_object_add(object, "error", text_or_null(finding->error));
    json_object_object_add(object, "live_by",
                           finding->live ? string(finding->by_qemu ? "qemu" : "libvirt") : NULL);
    json_object_object_add(object, "running_seconds",
                           finding->age < 0 ? NULL : json_object_new_int64((int64_t)finding->age));
    json_object_object_add(object, "stored", judgement(finding->stored));
    json_object_object_add(object, "live", judgement(finding->live));
    return print(object, out);
}

static int end(const struct wg_audit *audit, FILE *out, struct wg_error *err)
{
    json_object *hosts = json_object_new_array();

    for (size_t i = 1; i < audit->sources; i++) {
        const struct wg_source *source = &audit->source[i];
        json_object *object = json_object_new_object();

        json_object_object_add(object, "uri", string(source->uri));
        json_object_object_add(object, "host", string(source->host));
        json_object_object_add(object, "guests", json_object_new_int64((int64_t)source->guests));
        json_object_object_add(object, "error", text_or_null(source->error));
        json_object_array_add(hosts, object);
    }
    fputs("\n],\"hosts\":", out);
    if (print(hosts, out) < 0)
        return wg_no_memory(err);
    fputs("}\n", out);
    return 0;
}

const struct wg_format wg_format_json = {.begin = begin,
                                         .guest = guest,
                                         .separator = ",\n",
                                         .end = end};
