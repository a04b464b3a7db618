/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../src/confine.h"
#include "../src/input.h"
#include "../src/text.h"
#include "../src/winguest.h"
#include "hook.h"

static bool is(const struct wg_hook_call *call, const char *operation)
{
    return strcmp(call->operation, operation) == 0;
}

/* "prepare guest 'x' uuid …: violates (…): …", for the log and for the client. */
static char *describe(const struct wg_hook_call *call, const struct wg_verdict *verdict)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    if (!out)
        return NULL;
    fprintf(out, "%s guest '", call->operation);
    wg_print_value(verdict->name ? verdict->name : call->guest, out);
    fputs("' uuid ", out);
    wg_print_value(verdict->uuid ? verdict->uuid : "none", out);
    fputs(": ", out);
    wg_verdict_print(verdict, out);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static void tell_verdict(const struct wg_hook_call *call, const struct wg_settings *settings,
                         const struct wg_verdict *verdict, struct wg_hook_listener *listener)
{
    char *text = describe(call, verdict);
    struct wg_decision decision = {
        .faulty = verdict->n_faults > 0,
        .outcome = verdict->outcome,
        .cold_start = settings->cold_start,
        .id = verdict->id,
        .text = text ? text : call->operation,
        .xml = verdict->xml,
        .xml_len = verdict->xml_len,
    };

    /* Of something else no guest of libvirt's has the name. */
    if (verdict->uuid && wg_is_uuid(verdict->uuid))
        strcpy(decision.uuid, verdict->uuid);
    if (decision.faulty && settings->deny_on_error && is(call, "prepare")) {
        decision.failed = true;
        decision.text = verdict->faults[0];
    }
    listener->decided(listener, &decision);
    free(text);
}

static bool rewrites(const struct wg_hook_call *call)
{
    return is(call, "prepare") || is(call, "define") || is(call, "create");
}

__attribute__((visibility("default"))) void
wg_hook_decide(const struct wg_hook_call *call, bool confined, struct wg_hook_listener *listener)
{
    struct wg_settings settings;
    struct wg_verdict *verdict = NULL;
    struct wg_error err;
    size_t len;
    struct wg_engine *engine = wg_engine_open(NULL, &settings, &err);

    listener->configured(listener, settings.deny_on_error);
    char *xml = engine ? wg_read_all(STDIN_FILENO, &len, &err) : NULL;
    if (engine && !xml)
        wg_fail_in(&err, "standard input");
    if (xml && confined) {
        wg_engine_take_files(engine);
        wg_confine(WG_CONFINE_ALL);
    }
    if (xml)
        verdict = wg_evaluate(engine, xml, len, rewrites(call) ? WG_REWRITE : 0, &err);
    if (verdict)
        tell_verdict(call, &settings, verdict, listener);
    else
        listener->decided(listener, &(struct wg_decision){.failed = true, .text = err.text});
    wg_verdict_free(verdict);
    free(xml);
    wg_engine_close(engine);
}
