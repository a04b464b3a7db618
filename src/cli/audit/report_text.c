/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For people: a line a guest, and a summary. */
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "audit.h"

/* The columns that most names fit; the rest of a longer one's line moves to the right. */
enum { HOST_COLUMNS = 16, NAME_COLUMNS = 24, VERDICT_COLUMNS = 15 };

static const char *colour_of(enum wg_outcome outcome)
{
    return outcome == WG_VIOLATES ? "\x1b[31m" : outcome == WG_COMPLIANT ? "\x1b[32m" : "\x1b[2m";
}

/* How wide a terminal shows it; bytes where the locale cannot tell. */
static int width(const char *text)
{
    wchar_t wide[256];
    size_t len = mbstowcs(wide, text, sizeof(wide) / sizeof(*wide));
    int columns = len < sizeof(wide) / sizeof(*wide) ? wcswidth(wide, len) : -1;

    return columns < 0 ? (int)strlen(text) : columns;
}

static void column(const char *text, int columns, FILE *out)
{
    wg_print_escaped(text, out);
    fprintf(out, "%*s ", width(text) < columns ? columns - width(text) : 0, "");
}

static void verdict_column(const struct wg_audit *audit, const struct wg_verdict *verdict,
                           const char *text, FILE *out)
{
    if (audit->colour)
        fputs(verdict ? colour_of(verdict->outcome) : "\x1b[31m", out);
    column(text, VERDICT_COLUMNS, out);
    if (audit->colour)
        fputs("\x1b[0m", out);
}

static int guest(const struct wg_audit *audit, const struct wg_source *source,
                 const struct wg_finding *finding, FILE *out)
{
    const struct wg_verdict *verdict = wg_finding_verdict(finding);

    if (audit->sources > 2)
        column(source->host, HOST_COLUMNS, out);
    column(finding->name   ? finding->name
           : finding->file ? finding->file
                           : "(no name)",
           NAME_COLUMNS, out);
    verdict_column(audit, verdict, verdict ? wg_outcome_text(verdict->outcome) : "error", out);
    char age[16];
    wg_finding_age(finding, age);
    if (finding->waits)
        fprintf(out, "waits for a cold boot%s%s; ", *age ? ", up " : "", age);
    else if (finding->stored && finding->live && finding->live->outcome != finding->stored->outcome)
        fprintf(out, "running%s: %s; ", finding->by_qemu ? "" : ", by libvirt's word",
                wg_outcome_text(finding->live->outcome));
    if (finding->error)
        wg_print_escaped(finding->error, out);
    else
        wg_verdict_print_details(finding->waits ? finding->live : verdict, out);
    fputc('\n', out);
    return 0;
}

static int end(const struct wg_audit *audit, FILE *out, struct wg_error *err)
{
    size_t total[WG_OUTCOMES] = {0};
    size_t guests = 0;
    size_t errors = 0;
    size_t waiting = 0;
    size_t failed = 0;

    (void)err;
    for (size_t i = 0; i < audit->sources; i++) {
        const struct wg_source *source = &audit->source[i];

        for (int outcome = 0; outcome < WG_OUTCOMES; outcome++)
            total[outcome] += source->shown[outcome];
        guests += source->guests;
        errors += source->errors;
        waiting += source->waiting;
        failed += *source->error != '\0';
    }
    if (failed > 0)
        fprintf(out, "%zu of %zu hosts could not be asked\n", failed, audit->sources - 1);
    fprintf(out, "%zu guests:", guests);
    for (int outcome = WG_OUTCOMES - 1; outcome >= 0; outcome--)
        fprintf(out, " %s %zu,", wg_outcome_text((enum wg_outcome)outcome), total[outcome]);
    fprintf(out, " errors %zu; %zu wait for a cold boot\n", errors, waiting);
    return 0;
}

const struct wg_format wg_format_text = {.guest = guest, .end = end};
