/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For programs: doc/audit.schema.json describes it. */
#include "report_json.h"

#include "cli/cli_json.h"
#include "cli/discover/discover.h"

static json_object *judgement(const struct wg_verdict *verdict)
{
    if (!verdict)
        return NULL;
    json_object *object = json_object_new_object();
    json_object_object_add(object, "verdict",
                           json_object_new_string(wg_outcome_text(verdict->outcome)));
    json_object_object_add(object, "os", json_object_new_string(wg_os_text(verdict->os)));
    json_object_object_add(object, "evidence", wg_json_text(verdict->evidence));
    json_object_object_add(object, "reason", wg_json_text(verdict->reason));
    json_object_object_add(object, "differences", wg_json_differences(verdict));
    json_object_object_add(object, "notes", wg_json_words(&verdict->notes));
    return object;
}

static void begin(const struct wg_audit *audit, FILE *out)
{
    (void)audit;
    fputs("{\"version\":2,\"guests\":[\n", out);
}

static json_object *said(const struct wg_discovery *guest)
{
    json_object *object = guest ? json_object_new_object() : NULL;
    char clock[200];
    bool wrong;

    if (!object)
        return NULL;
    wg_discovery_clock(guest, clock, &wrong);
    json_object_object_add(object, "agent", wg_json_text(wg_discovery_state_word(guest)));
    json_object_object_add(object, "why", wg_json_text(guest->answer.why));
    json_object_object_add(object, "os", wg_json_text(guest->answer.os));
    json_object_object_add(object, "os_name", wg_json_text(guest->answer.os_name));
    json_object_object_add(object, "finding", wg_json_text(wg_discovery_kind_word(guest)));
    json_object_object_add(object, "clock", wg_json_text(clock));
    if (guest->answer.has_time) {
        json_object_object_add(object, "clock_error",
                               json_object_new_double(guest->answer.clock_error));
        json_object_object_add(object, "clock_within",
                               json_object_new_double(guest->answer.within));
        json_object_object_add(object, "clock_wrong", json_object_new_boolean(wrong));
    }
    return object;
}

json_object *wg_finding_json(const struct wg_source *source, const struct wg_finding *finding)
{
    const struct wg_verdict *verdict = wg_finding_verdict(finding);
    json_object *object = json_object_new_object();

    if (!object)
        return NULL;
    json_object_object_add(object, "host", source->uri ? wg_json_text(source->host) : NULL);
    json_object_object_add(object, "file", wg_json_text(finding->file));
    json_object_object_add(object, "name", wg_json_text(finding->name));
    json_object_object_add(object, "uuid", wg_json_text(finding->uuid));
    json_object_object_add(object, "title", wg_json_text(verdict ? verdict->title : NULL));
    json_object_object_add(object, "project", wg_json_text(verdict ? verdict->project : NULL));
    json_object_object_add(object, "image", wg_json_text(verdict ? verdict->image : NULL));
    json_object_object_add(object, "image_unlisted",
                           json_object_new_boolean(verdict && verdict->unlisted));
    json_object_object_add(object, "flavor", wg_json_text(verdict ? verdict->flavor : NULL));
    json_object_object_add(object, "active", json_object_new_boolean(finding->active));
    json_object_object_add(object, "waits_for_cold_boot", json_object_new_boolean(finding->waits));
    json_object_object_add(object, "error", wg_json_text(finding->error));
    json_object_object_add(object, "live_by",
                           finding->live ? wg_json_text(finding->by_qemu ? "qemu" : "libvirt")
                                         : NULL);
    json_object_object_add(object, "running_seconds",
                           finding->age < 0 ? NULL : json_object_new_int64((int64_t)finding->age));
    json_object_object_add(object, "stored", judgement(finding->stored));
    json_object_object_add(object, "live", judgement(finding->live));
    json_object_object_add(object, "said", said(finding->said));
    if (finding->was) {
        json_object_object_add(object, "was", json_object_new_string(finding->was));
        json_object_object_add(object, "gone", json_object_new_boolean(finding->gone));
    }
    return object;
}

static int guest(const struct wg_audit *audit, const struct wg_source *source,
                 const struct wg_finding *finding, FILE *out)
{
    (void)audit;
    return wg_json_print(wg_finding_json(source, finding), out);
}

static int end(const struct wg_audit *audit, FILE *out, struct wg_error *err)
{
    json_object *hosts = json_object_new_array();

    for (size_t i = 1; i < audit->sources; i++) {
        const struct wg_source *source = &audit->source[i];
        json_object *object = json_object_new_object();

        json_object_object_add(object, "uri", wg_json_text(source->uri));
        json_object_object_add(object, "host", wg_json_text(source->host));
        json_object_object_add(object, "guests", json_object_new_int64((int64_t)source->guests));
        json_object_object_add(object, "error", wg_json_text(source->error));
        json_object_array_add(hosts, object);
    }
    fputs("\n],\"hosts\":", out);
    if (wg_json_print(hosts, out) < 0)
        return wg_no_memory(err);
    fputs("}\n", out);
    return 0;
}

const struct wg_format wg_format_json = {.begin = begin,
                                         .guest = guest,
                                         .separator = ",\n",
                                         .end = end};
