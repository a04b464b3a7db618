/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "libvirt/virt.h"
#include "since.h"

#define VERDICTS \
    "violates waiting compliant unknown-OS skipped exempt not-applicable error wrong-clock"

static const char *const format_names[] = {"text", "json", "prometheus", "html", "csv", NULL};
static const struct wg_format *const formats[] = {&wg_format_text, &wg_format_json,
                                                  &wg_format_prometheus, &wg_format_html,
                                                  &wg_format_csv};

struct telling {
    struct wg_audit_run *run;
    FILE *out;
};

static int tell_of_gone(void *to, const struct wg_source *source, const struct wg_finding *finding)
{
    struct telling *telling = to;
    struct wg_audit_run *run = telling->run;

    if (run->written && run->format->separator)
        fputs(run->format->separator, telling->out);
    run->written = true;
    return run->format->guest(&run->audit, source, finding, telling->out);
}

/* The files come first and, as far as the format allows, are written while they are read. */
static int tell(struct wg_audit_run *run, FILE *out, struct wg_error *err)
{
    const struct wg_format *format = run->format;
    struct wg_audit *audit = &run->audit;

    if (format->begin)
        format->begin(audit, out);
    if (wg_audit_files(run, out, err) < 0) {
        if (!format->of_host || run->config)
            return -1;
        audit->unusable = true;
        run->errors = true;
        wg_cli_error("audit", "%s", err->text);
    } else {
        wg_audit_hosts(run);
    }
    if (audit->asks && wg_agent_stopped_by())
        return wg_fail(err, "ended by a signal");
    for (size_t i = 1; i < audit->sources; i++) {
        struct wg_source *source = &audit->source[i];

        if (source->text_len == 0)
            continue;
        if (run->written && format->separator)
            fputs(format->separator, out);
        fwrite(source->text, 1, source->text_len, out);
        run->written = true;
    }
    if (run->since && run->only.count == 0 && !audit->summary &&
        wg_since_gone(run->since, audit, tell_of_gone, &(struct telling){run, out}) < 0)
        return wg_no_memory(err);
    return format->end ? format->end(audit, out, err) : 0;
}

/* For a format that makes its document of the whole. */
static int tell_whole(struct wg_audit_run *run, FILE *out, struct wg_error *err)
{
    char *text = NULL;
    size_t len;
    FILE *memory = open_memstream(&text, &len);
    int rc = memory ? tell(run, memory, err) : wg_no_memory(err);

    if (memory && fclose(memory) != 0 && rc == 0)
        rc = wg_no_memory(err);
    if (rc == 0) {
        if (run->format == &wg_format_text && out == stdout)
            wg_pager_begin();
        rc = run->format->document(&run->audit, text, len, out, err);
        wg_pager_end();
    }
    free(text);
    return rc;
}

static int finish(struct wg_audit_run *run)
{
    struct wg_output output;
    struct wg_error err;

    if (wg_output_open(&output, run->output, &err) < 0)
        return wg_cli_error("audit", "%s", err.text);
    int rc = run->format->document ? tell_whole(run, output.file, &err)
                                   : tell(run, output.file, &err);
    if (rc == 0)
        rc = wg_output_commit(&output, &err);
    else
        wg_output_abandon(&output);
    bool localtime = false;
    for (size_t i = 0; i < run->audit.sources; i++) {
        const struct wg_source *source = &run->audit.source[i];

        if (*source->error && !wg_agent_stopped_by())
            wg_cli_error("audit", "%s", source->error);
        localtime |= source->local && source->localtime;
    }
    wg_cli_warn_of_utc("audit", localtime);
    if (rc < 0)
        return wg_cli_error("audit", "%s", err.text);
    return run->errors ? WG_EXIT_ERROR : run->violations ? WG_EXIT_VIOLATIONS : WG_EXIT_OK;
}

/* uri NULL: the files. Returns -1, or an exit code. */
static int add_source(struct wg_audit *audit, const char *uri)
{
    struct wg_source *grown = realloc(audit->source, (audit->sources + 1) * sizeof(*grown));

    if (!grown)
        return wg_cli_error("audit", "out of memory");
    audit->source = grown;
    grown[audit->sources] = (struct wg_source){.uri = uri, .host = strdup(uri ? uri : "files")};
    return grown[audit->sources++].host ? -1 : wg_cli_error("audit", "out of memory");
}

static int check_only(const struct wg_list *only)
{
    char near[32];

    for (size_t i = 0; i < only->count; i++) {
        bool meant = wg_nearest(VERDICTS, only->item[i], near, sizeof(near));

        if (!wg_has_word(VERDICTS, only->item[i]))
            return wg_cli_error("audit", "--only '%s': %s%s%sthere are " VERDICTS, only->item[i],
                                meant ? "did you mean " : "", meant ? near : "", meant ? "? " : "");
    }
    return -1;
}

static int take_arguments(struct wg_audit_run *run, int argc, char **argv)
{
    const char *format = NULL, *hosts = NULL, *jobs = NULL, *timeout = NULL;
    struct wg_error err;
    const struct wg_option options[] = {
        {.name = "ask-guests", .given = &run->audit.asks},
        {.name = "connect", .letter = 'c', .values = &run->uris},
        {.name = "config", .value = &run->config},
        {.name = "details", .given = &run->audit.details},
        {.name = "format", .letter = 'f', .value = &format},
        {.name = "hosts", .value = &hosts},
        {.name = "jobs", .letter = 'j', .value = &jobs},
        {.name = "only", .values = &run->only},
        {.name = "output", .letter = 'o', .value = &run->output},
        {.name = "since", .value = &run->audit.since},
        {.name = "summary", .given = &run->audit.summary},
        {.name = "timeout", .value = &timeout},
        {0},
    };
    int code = wg_cli_options(argc, argv, options);

    if (code < 0)
        code = check_only(&run->only);
    if (code < 0 && wg_list_has(&run->only, "wrong-clock") && !run->audit.asks)
        code = wg_cli_error("audit", "--only wrong-clock goes with --ask-guests");
    if (code < 0)
        code = wg_cli_bounds("audit", jobs, timeout, &run->jobs, &run->timeout);
    if (code < 0 && hosts)
        code = wg_cli_hosts("audit", hosts, &run->uris);
    if (code >= 0)
        return code;
    int place = format ? wg_cli_format("audit", format, format_names) : 0;
    if (place < 0)
        return WG_EXIT_ERROR;
    run->format = formats[place];
    if (run->audit.since && run->format != &wg_format_text && run->format != &wg_format_json)
        return wg_cli_error("audit", "--since goes with --format text and json");
    if (run->audit.since && !(run->since = wg_since_read(run->audit.since, &err)))
        return wg_cli_error("audit", "--since %s", err.text);
    run->file = argv + optind;
    run->files = argc - optind;
    if (run->uris.count == 0 && run->files == 0)
        return add_source(&run->audit, wg_cli_host(NULL));
    for (size_t i = 0; i < run->uris.count && code < 0; i++)
        code = add_source(&run->audit, run->uris.item[i]);
    return code;
}

static void clear(struct wg_audit *audit)
{
    for (size_t i = 0; i < audit->sources; i++) {
        free(audit->source[i].host);
        free(audit->source[i].text);
        wg_said_free(audit->source[i].said);
        wg_tally_clear(&audit->source[i].stored);
        wg_tally_clear(&audit->source[i].live);
    }
    free(audit->source);
}

int wg_cli_audit(int argc, char **argv)
{
    struct wg_audit_run run = {.format = &wg_format_text, .lock = PTHREAD_MUTEX_INITIALIZER};

    int code = add_source(&run.audit, NULL);

    if (code < 0)
        code = take_arguments(&run, argc, argv);
    if (code < 0) {
        run.progress = isatty(STDERR_FILENO) && run.audit.sources > 1 && !wg_cli_manner()->quiet;
        if (run.audit.asks)
            wg_agent_mind_signals();
        code = finish(&run);
        if (wg_agent_stopped_by())
            code = 128 + wg_agent_stopped_by();
    }
    clear(&run.audit);
    wg_since_free(run.since);
    wg_list_clear(&run.uris);
    wg_list_clear(&run.only);
    return wg_virt_leave(code);
}
