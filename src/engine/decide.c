/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decide.h"

#include <stdlib.h>
#include <string.h>

#include "common/io.h"
#include "confine.h"
#include "decision.h"
#include "previous.h"

static bool rewrites(const char *operation)
{
    return strcmp(operation, "prepare") == 0 || strcmp(operation, "define") == 0 ||
           strcmp(operation, "create") == 0;
}

static void fail(int out, const char *why)
{
    wg_decision_write(out, &(struct wg_decision){.failed = true, .text = why});
}

/* "prepare guest 'x' uuid …: violates (…): …", for the log and for the client. */
static char *describe(const char *operation, const char *guest, const struct wg_verdict *verdict)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    if (!out)
        return NULL;
    fprintf(out, "%s guest '", operation);
    wg_print_value(verdict->name ? verdict->name : guest, out);
    fputs("' uuid ", out);
    wg_print_value(verdict->uuid ? verdict->uuid : "none", out);
    fputs(": ", out);
    wg_verdict_print(verdict, out);
    if (verdict->report && verdict->xml)
        fputs("; would be rewritten", out);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

void wg_decide_domain(struct wg_engine *engine, const struct wg_settings *settings,
                      const char *operation, const char *guest, const char *xml, size_t len,
                      int out)
{
    struct wg_error err;
    struct wg_verdict *verdict = wg_evaluate(engine, xml, len, rewrites(operation) ? WG_REWRITE : 0,
                                             &err);

    if (!verdict) {
        fail(out, err.text);
        return;
    }
    if (verdict->faults.count > 0 && settings->deny_on_error && strcmp(operation, "prepare") == 0) {
        fail(out, verdict->faults.item[0]);
        wg_verdict_free(verdict);
        return;
    }
    char *text = describe(operation, guest, verdict);
    struct wg_decision decision = {
        .faulty = verdict->faults.count > 0,
        .nova = verdict->nova,
        .outcome = verdict->outcome,
        .cold_start = verdict->report ? WG_REPORT : settings->cold_start,
        .id = verdict->id,
        .policy = wg_engine_digest(engine),
        .name = verdict->name,
        .text = text ? text : operation,
        .xml = verdict->report ? NULL : verdict->xml,
        .xml_len = verdict->report ? 0 : verdict->xml_len,
    };
    /* Of something else no guest of libvirt's has the name. */
    if (verdict->uuid && wg_is_uuid(verdict->uuid))
        strcpy(decision.uuid, verdict->uuid);
    wg_decision_write(out, &decision);
    free(text);
    wg_verdict_free(verdict);
}

/* previous, a NUL, and what is stored now. */
static void give_previous(struct wg_engine *engine, const char *operation, const char *both,
                          size_t len, int out)
{
    struct wg_error err;
    size_t first = strnlen(both, len), size;
    char *xml = NULL;

    if (first < len)
        xml = wg_previous(engine, both, both + first + 1, strcmp(operation, WG_EDITED) == 0, &size,
                          &err);
    else
        wg_fail(&err, "there is but one domain");
    if (!xml)
        fail(out, err.text);
    else
        wg_decision_write(
            out, &(struct wg_decision){.id = -1, .text = WG_PREVIOUS, .xml = xml, .xml_len = size});
    free(xml);
}

__attribute__((visibility("default"))) void wg_decide(const char *operation, const char *guest,
                                                      int in, int out)
{
    struct wg_settings settings = {.rollback = true, .deadline = WG_DEADLINE};
    struct wg_error err;
    size_t len;
    struct wg_engine *engine = wg_engine_open(NULL, &settings, &err);

    wg_decision_begin(out, &settings);
    char *xml = engine ? wg_read_all(in, &len, &err) : NULL;
    if (engine && !xml)
        wg_fail_in(&err, "standard input");
    if (!xml) {
        fail(out, err.text);
        return;
    }
    wg_engine_take_files(engine);
    wg_confine(WG_CONFINE_ALL);
    if (strcmp(operation, WG_PREVIOUS) == 0 || strcmp(operation, WG_EDITED) == 0)
        give_previous(engine, operation, xml, len, out);
    else
        wg_decide_domain(engine, &settings, operation, guest, xml, len, out);
}
