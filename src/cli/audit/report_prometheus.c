/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For node_exporter's textfile collector: how many guests of each verdict and difference. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit.h"
#include "cli/status.h"
#include "common/counts.h"

/* With the exposition format's escapes. */
static void put_label(const char *name, const char *value, FILE *out)
{
    char *clean = wg_utf8(value);

    fprintf(out, "%s=\"", name);
    for (const char *c = clean ? clean : ""; *c; c++) {
        if (*c == '\n')
            fputs("\\n", out);
        else if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else
            fputc(*c, out);
    }
    fputc('"', out);
    free(clean);
}

static void family_of(const char *type, const char *name, const char *help, FILE *out)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void family(const char *name, const char *help, FILE *out)
{
    family_of("gauge", name, help, out);
}

/* Two hosts may have the same name; no two have the same URI. */
static void put_source(const char *name, const struct wg_source *source, FILE *out)
{
    fprintf(out, "%s{", name);
    put_label("host", source->host, out);
    fputc(',', out);
    put_label("uri", source->uri ? source->uri : "", out);
}

static void put_tally(const struct wg_source *source, const char *machine,
                      const struct wg_tally *tally, FILE *out)
{
    for (int outcome = 0; outcome < WG_OUTCOMES; outcome++) {
        put_source("winguest_guests", source, out);
        fprintf(out, ",machine=\"%s\",verdict=\"%s\"} %zu\n", machine,
                wg_count_decisions.results[outcome], tally->outcome[outcome]);
    }
}

static void put_places(const struct wg_source *source, const char *machine,
                       const struct wg_tally *tally, FILE *out)
{
    for (size_t i = 0; i < tally->n_places; i++) {
        put_source("winguest_differences", source, out);
        fprintf(out, ",machine=\"%s\",", machine);
        put_label("where", tally->places[i].where, out);
        fprintf(out, "} %zu\n", tally->places[i].count);
    }
}

static void put_guests(const struct wg_source *source, FILE *out)
{
    put_tally(source, "stored", &source->stored, out);
    put_tally(source, "live", &source->live, out);
}

static void put_differences(const struct wg_source *source, FILE *out)
{
    put_places(source, "stored", &source->stored, out);
    put_places(source, "live", &source->live, out);
}

static void put_waiting(const struct wg_source *source, FILE *out)
{
    put_source("winguest_waiting_guests", source, out);
    fprintf(out, "} %zu\n", source->waiting);
}

/* Of guests whose QEMU cannot be seen, on other hosts, no age is known. */
static void put_waiting_over(const struct wg_source *source, FILE *out)
{
    for (size_t i = 0; source->local && i < WG_AGES; i++) {
        put_source("winguest_waiting_over_guests", source, out);
        fprintf(out, ",days=\"%u\"} %zu\n", wg_age_days[i], source->waiting_over[i]);
    }
}

static void put_waiting_longest(const struct wg_source *source, FILE *out)
{
    if (!source->local)
        return;
    put_source("winguest_waiting_longest_seconds", source, out);
    fprintf(out, "} %.0f\n", source->waiting_longest);
}

static void put_unreadable(const struct wg_source *source, FILE *out)
{
    put_source("winguest_unreadable_guests", source, out);
    fprintf(out, "} %zu\n", source->errors);
}

static void put_agents(const struct wg_source *source, FILE *out)
{
    static const char *const states[] = {"not_asked", "answers", "no_channel",
                                         "absent",    "silent",  "fails"};

    for (int state = 0; source->said && state < WG_AGENT_STATES; state++) {
        put_source("winguest_agents", source, out);
        fprintf(out, ",state=\"%s\"} %zu\n", states[state], source->said->agents[state]);
    }
}

static void put_unmarked(const struct wg_source *source, FILE *out)
{
    if (!source->said)
        return;
    put_source("winguest_unmarked_windows_guests", source, out);
    fprintf(out, "} %zu\n", source->said->unmarked);
}

static void put_clocks(const struct wg_source *source, FILE *out)
{
    const struct wg_said *said = source->said;

    for (int i = 0; said && i <= WG_CLOCK_BUCKETS; i++) {
        put_source("winguest_clock_error_seconds_bucket", source, out);
        if (i < WG_CLOCK_BUCKETS)
            fprintf(out, ",le=\"%u\"} %zu\n", wg_clock_bucket[i], said->within[i]);
        else
            fprintf(out, ",le=\"+Inf\"} %zu\n", said->clocks);
    }
    if (!said)
        return;
    put_source("winguest_clock_error_seconds_sum", source, out);
    fprintf(out, "} %.3f\n", said->clock_errors);
    put_source("winguest_clock_error_seconds_count", source, out);
    fprintf(out, "} %zu\n", said->clocks);
}

static void put_wrong_clocks(const struct wg_source *source, FILE *out)
{
    if (!source->said)
        return;
    put_source("winguest_wrong_clock_guests", source, out);
    fprintf(out, "} %zu\n", source->said->n_wrong);
}

static void put_wrong_clock(const struct wg_source *source, FILE *out)
{
    const struct wg_said *said = source->said;

    for (size_t i = 0; said && i < said->n_wrong && i < WG_WRONG_CLOCKS_MAX; i++) {
        put_source("winguest_guest_clock_error_seconds", source, out);
        fputc(',', out);
        put_label("guest", said->wrong[i].name, out);
        fprintf(out, ",uuid=\"%s\"} %.3f\n", said->wrong[i].uuid, said->wrong[i].error);
    }
}

static const struct {
    const char *name;
    const char *help;
    void (*put)(const struct wg_source *source, FILE *out);
} families[] = {
    {"winguest_guests", "Guests by verdict, of the stored and of the running machine.", put_guests},
    {"winguest_differences", "Guests that differ from the policy at a place.", put_differences},
    {"winguest_waiting_guests",
     "Running guests whose definition is right and whose machine waits for a cold boot.",
     put_waiting},
    {"winguest_waiting_over_guests", "Those of them that run for longer than so many days.",
     put_waiting_over},
    {"winguest_waiting_longest_seconds", "How long the one of them runs that runs the longest.",
     put_waiting_longest},
    {"winguest_unreadable_guests", "Guests that could not be judged.", put_unreadable},
};

/* Of what running guests say, with --ask-guests. */
static const struct {
    const char *name;
    const char *type;
    const char *help;
    void (*put)(const struct wg_source *source, FILE *out);
} said_families[] = {
    {"winguest_agents", "gauge", "Running guests by how their agent answered.", put_agents},
    {"winguest_unmarked_windows_guests", "gauge",
     "Guests that say that they are Windows, and that nothing marks.", put_unmarked},
    {"winguest_clock_error_seconds", "histogram", "How far the clocks of guests are off.",
     put_clocks},
    {"winguest_wrong_clock_guests", "gauge", "Guests whose clock is wrong.", put_wrong_clocks},
    {"winguest_guest_clock_error_seconds", "gauge",
     "The clock of a guest in error less the host's, of the first 50 of a host.", put_wrong_clock},
};

/* Of a host that did not answer nothing is told: zero violations would be a lie. The files of the
 * command line count as a host only if there were any. */
static bool is_known(const struct wg_source *source)
{
    return source->uri ? !*source->error : source->guests > 0;
}

static void count_wrong(void *to, enum wg_gravity gravity, const char *text)
{
    unsigned *wrong = to;

    (void)text;
    wrong[gravity]++;
}

static void put_counts(const struct wg_counted *counted, const char *name, const char *op,
                       const char *help, FILE *out)
{
    size_t counts[WG_COUNT_MAX][WG_COUNT_MAX] = {0};

    family_of("counter", name, help, out);
    wg_counts(counted, counts);
    for (size_t i = 0; counted->ops[i]; i++) {
        for (size_t j = 0; counted->results[j]; j++)
            fprintf(out, "%s{%s=\"%s\",result=\"%s\"} %zu\n", name, op, counted->ops[i],
                    counted->results[j], counts[i][j]);
    }
}

/* As `winguest status` tells it, but for the guests. */
static void put_status(FILE *out)
{
    struct wg_status status = {.form = WG_STATUS_SILENT};

    wg_status_checks(&status);
    family("winguest_in_force", "Whether the policy is in force: winguest status has no failure.",
           out);
    fprintf(out, "winguest_in_force %d\n", status.worst < WG_LEVEL_FAILURE);
    family("winguest_check", "What winguest status says: 0 ok, 1 warning, 2 failure.", out);
    for (const struct wg_status_check *check = status.check; check->what; check++)
        fprintf(out, "winguest_check{check=\"%s\"} %d\n", check->what, check->level);
    family("winguest_daemons", "libvirtd and virtqemud that run.", out);
    fprintf(out, "winguest_daemons %d\n", status.daemons);
    family("winguest_filter_loaded", "Those that have the filter.", out);
    fprintf(out, "winguest_filter_loaded %d\n", status.with_filter);
}

/* Of this host as such. */
static void put_own(FILE *out)
{
    static const char *const gravities[] = {"warning", "error", "unusable"};
    unsigned wrong[3] = {0};

    wg_config_check(NULL, count_wrong, wrong);
    put_status(out);
    family("winguest_build_info", "The version that is installed.", out);
    fputs("winguest_build_info{version=\"" PACKAGE_VERSION "\"} 1\n", out);
    family("winguest_config_valid",
           "Whether the configuration is in force: 0, no guest is touched.", out);
    fprintf(out, "winguest_config_valid %d\n", wrong[WG_UNUSABLE] == 0);
    family("winguest_config_remarks", "What is wrong in the configuration.", out);
    for (int i = 0; i < 3; i++)
        fprintf(out, "winguest_config_remarks{gravity=\"%s\"} %u\n", gravities[i], wrong[i]);
    family("winguest_libvirt_refusals",
           "Definitions in a row that libvirt refused with the policy and took without.", out);
    fprintf(out, "winguest_libvirt_refusals %u\n", wg_refusals());
    put_counts(&wg_count_decisions, "winguest_decisions_total", "op",
               "Decisions of hook and filter since the host's start.", out);
    put_counts(&wg_count_repairs, "winguest_repairs_total", "work",
               "Repair workers that ended since the host's start.", out);
}

/* Whether a source is this host, also if it does not answer. */
static bool has_own(const struct wg_audit *audit)
{
    for (size_t i = 1; i < audit->sources; i++) {
        const char *rest = strstr(audit->source[i].uri, "://");

        if (rest && rest[3] == '/')
            return true;
    }
    return false;
}

static int end(const struct wg_audit *audit, FILE *out, struct wg_error *err)
{
    (void)err;
    if (has_own(audit))
        put_own(out);
    for (size_t f = 0; !audit->unusable && f < sizeof(families) / sizeof(*families); f++) {
        family(families[f].name, families[f].help, out);
        for (size_t i = 0; i < audit->sources; i++) {
            if (is_known(&audit->source[i]))
                families[f].put(&audit->source[i], out);
        }
    }
    for (size_t f = 0; audit->asks && f < sizeof(said_families) / sizeof(*said_families); f++) {
        family_of(said_families[f].type, said_families[f].name, said_families[f].help, out);
        for (size_t i = 0; i < audit->sources; i++) {
            if (is_known(&audit->source[i]))
                said_families[f].put(&audit->source[i], out);
        }
    }
    family("winguest_host_up", "Whether the host answered the audit.", out);
    for (size_t i = 1; i < audit->sources && !audit->unusable; i++) {
        fputs("winguest_host_up{", out);
        put_label("uri", audit->source[i].uri, out);
        fprintf(out, "} %d\n", !*audit->source[i].error);
    }
    family("winguest_audit_timestamp_seconds", "When the audit ended.", out);
    fprintf(out, "winguest_audit_timestamp_seconds %lld\n", (long long)time(NULL));
    return 0;
}

const struct wg_format wg_format_prometheus = {.of_host = true, .end = end};
