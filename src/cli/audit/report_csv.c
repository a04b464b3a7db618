/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For spreadsheets, as RFC 4180 has it: a line a guest. */
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "cli/discover/discover.h"

/* A guest's owner chooses names, and a spreadsheet takes what begins like that for a formula. */
static void field(const char *text, FILE *out)
{
    char *clean = text ? wg_utf8(text) : NULL;

    fputc('"', out);
    if (clean && *clean && strchr("=+-@\t\r", *clean))
        fputc('\'', out);
    for (const char *at = clean ? clean : ""; *at; at++) {
        if (*at == '"')
            fputc('"', out);
        fputc(*at, out);
    }
    fputc('"', out);
    free(clean);
}

static void begin(const struct wg_audit *audit, FILE *out)
{
    (void)audit;
    fputs("host,file,name,uuid,title,project,flavor,active,verdict,running,waits_for_cold_boot,"
          "differences,os,evidence,reason,error,agent,says,finding,clock\r\n",
          out);
}

static const char *outcome(const struct wg_verdict *verdict)
{
    return verdict ? wg_outcome_text(verdict->outcome) : NULL;
}

static int guest(const struct wg_audit *audit, const struct wg_source *source,
                 const struct wg_finding *finding, FILE *out)
{
    static const struct wg_verdict none;
    const struct wg_verdict *judged = wg_finding_verdict(finding);
    const struct wg_verdict *verdict = judged ? judged : &none;
    const struct wg_discovery *said = finding->said;
    char differences[16];
    char clock[200] = "";
    bool wrong;

    (void)audit;
    if (said)
        wg_discovery_clock(said, clock, &wrong);
    snprintf(differences, sizeof(differences), "%zu", verdict->n_differences);
    const char *const values[] = {
        source->uri ? source->host : NULL,
        finding->file,
        finding->name,
        finding->uuid,
        verdict->title,
        verdict->project,
        verdict->flavor,
        finding->active ? "yes" : "no",
        outcome(judged),
        outcome(finding->live),
        finding->waits ? "yes" : "no",
        judged ? differences : NULL,
        judged ? wg_os_text(judged->os) : NULL,
        verdict->evidence,
        verdict->reason,
        finding->error,
        said ? wg_discovery_state_word(said) : NULL,
        said ? (*said->answer.os_name ? said->answer.os_name : said->answer.os) : NULL,
        said ? wg_discovery_kind_word(said) : NULL,
        clock,
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        if (i > 0)
            fputc(',', out);
        field(values[i], out);
    }
    fputs("\r\n", out);
    return 0;
}

const struct wg_format wg_format_csv = {.begin = begin, .guest = guest};
