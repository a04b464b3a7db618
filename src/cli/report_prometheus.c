/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For node_exporter's textfile collector: how many guests of each verdict and difference. */
#include <time.h>

#include "audit.h"

/* The exposition format's escapes in label values. */
static void put_label(const char *name, const char *value, FILE *out)
{
    fprintf(out, "%s=\"", name);
    for (; *value; value++) {
        if (*value == '\n')
            fputs("\\n", out);
        else if (*value == '"' || *value == '\\')
            fprintf(out, "\\%c", *value);
        else
            fputc(*value, out);
    }
    fputc('"', out);
}

static void family(const char *name, const char *help, FILE *out)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void put_verdicts(const struct wg_source *source, const char *machine,
                         const struct wg_tally *tally, FILE *out)
{
    for (int outcome = 0; outcome < WG_OUTCOMES; outcome++) {
        fputs("winguest_guests{", out);
        put_label("host", source->host, out);
        fprintf(out, ",machine=\"%s\",verdict=\"%s\"} %zu\n", machine,
                wg_outcome_text((enum wg_outcome)outcome), tally->outcome[outcome]);
    }
}

static void put_places(const struct wg_source *source, const char *machine,
                       const struct wg_tally *tally, FILE *out)
{
    for (size_t i = 0; i < tally->n_places; i++) {
        fputs("winguest_differences{", out);
        put_label("host", source->host, out);
        fprintf(out, ",machine=\"%s\",", machine);
        put_label("where", tally->places[i].where, out);
        fprintf(out, "} %zu\n", tally->places[i].count);
    }
}

static void put_value(const char *name, const struct wg_source *source, size_t value, FILE *out)
{
    fprintf(out, "%s{", name);
    put_label("host", source->host, out);
    fprintf(out, "} %zu\n", value);
}

/* The files of the command line count as a host only if there were any. */
static const struct wg_source *source_at(const struct wg_audit *audit, size_t i)
{
    const struct wg_source *source = &audit->source[i];

    return source->uri || source->guests ? source : NULL;
}

static int end(const struct wg_audit *audit, FILE *out, struct wg_error *err)
{
    const struct wg_source *source;

    (void)err;
    family("winguest_guests", "Guests by verdict, of the stored and of the running machine.", out);
    for (size_t i = 0; i < audit->sources; i++) {
        if (!(source = source_at(audit, i)))
            continue;
        put_verdicts(source, "stored", &source->stored, out);
        put_verdicts(source, "live", &source->live, out);
    }
    family("winguest_differences", "Guests that differ from the policy at a place.", out);
    for (size_t i = 0; i < audit->sources; i++) {
        if (!(source = source_at(audit, i)))
            continue;
        put_places(source, "stored", &source->stored, out);
        put_places(source, "live", &source->live, out);
    }
    family("winguest_waiting_guests",
           "Running guests whose definition is right and whose machine waits for a cold boot.", out);
    for (size_t i = 0; i < audit->sources; i++) {
        if ((source = source_at(audit, i)))
            put_value("winguest_waiting_guests", source, source->waiting, out);
    }
    family("winguest_unreadable_guests", "Guests that could not be judged.", out);
    for (size_t i = 0; i < audit->sources; i++) {
        if ((source = source_at(audit, i)))
            put_value("winguest_unreadable_guests", source, source->errors, out);
    }
    family("winguest_host_up", "Whether the host answered the audit.", out);
    for (size_t i = 1; i < audit->sources; i++)
        put_value("winguest_host_up", &audit->source[i], !*audit->source[i].error, out);
    family("winguest_audit_timestamp_seconds", "When the audit ended.", out);
    fprintf(out, "winguest_audit_timestamp_seconds %lld\n", (long long)time(NULL));
    return 0;
}

const struct wg_format wg_format_prometheus = {.name = "prometheus", .end = end};
