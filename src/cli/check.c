/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "engine/confine.h"

static void print(const struct wg_cli_domain *domain, const struct wg_verdict *verdict)
{
    if (!domain->is_guest && strcmp(domain->name, "-") != 0) {
        wg_print_escaped(domain->name, stdout);
        fputs(": ", stdout);
    }
    wg_print_escaped(verdict->name ? verdict->name : "(no name)", stdout);
    fputs(": ", stdout);
    wg_verdict_print(verdict, stdout);
    putchar('\n');
    for (size_t i = 0; i < verdict->trail.count; i++) {
        fputs("  ", stdout);
        wg_print_escaped(verdict->trail.item[i], stdout);
        putchar('\n');
    }
}

static void strings(const char *name, const struct wg_list *list)
{
    printf(",\"%s\":[", name);
    for (size_t i = 0; i < list->count; i++) {
        fputs(i > 0 ? "," : "", stdout);
        wg_cli_json(list->item[i]);
    }
    putchar(']');
}

static void judgement(const struct wg_verdict *verdict)
{
    wg_cli_json_member(",\"judgement\":{", "verdict", wg_outcome_text(verdict->outcome));
    wg_cli_json_member(",", "os", wg_os_text(verdict->os));
    wg_cli_json_member(",", "evidence", verdict->evidence);
    wg_cli_json_member(",", "reason", verdict->reason);
    fputs(",\"differences\":[", stdout);
    for (size_t i = 0; i < verdict->n_differences; i++) {
        wg_cli_json_member(i > 0 ? ",{" : "{", "where", verdict->differences[i].where);
        wg_cli_json_member(",", "has", verdict->differences[i].has);
        wg_cli_json_member(",", "must", verdict->differences[i].must);
        putchar('}');
    }
    putchar(']');
    strings("notes", &verdict->notes);
    strings("faults", &verdict->faults);
    strings("trail", &verdict->trail);
    putchar('}');
}

/* why: of no verdict. */
static void print_json(const struct wg_cli_domain *domain, const struct wg_verdict *verdict,
                       const char *why)
{
    wg_cli_json_member("{", "domain", domain->name);
    printf(",\"guest\":%s", domain->is_guest ? "true" : "false");
    wg_cli_json_member(",", "name", verdict ? verdict->name : NULL);
    wg_cli_json_member(",", "uuid", verdict ? verdict->uuid : NULL);
    wg_cli_json_member(",", "error", verdict ? NULL : why);
    if (verdict)
        judgement(verdict);
    else
        fputs(",\"judgement\":null", stdout);
    putchar('}');
}

/* Prints what there is to say of a verdict. Returns the exit code that it makes. */
static int tell(const struct wg_cli_input *input, int number, const struct wg_verdict *verdict,
                const struct wg_error *err)
{
    const struct wg_cli_domain *domain = &input->domain[number];

    if (input->json) {
        fputs(number > 0 ? ",\n" : "\n", stdout);
        print_json(domain, verdict, err->text);
    }
    if (!verdict)
        return wg_cli_error("check", "%s", err->text);
    if (!input->json)
        print(domain, verdict);
    if (verdict->faults.count > 0)
        return WG_EXIT_ERROR;
    return verdict->outcome == WG_VIOLATES ? WG_EXIT_VIOLATIONS : WG_EXIT_OK;
}

int wg_cli_check(int argc, char **argv)
{
    struct wg_cli_input input;
    bool localtime = false;
    int code = wg_cli_open(argc, argv, true, &input);

    if (code >= 0)
        return code;
    code = WG_EXIT_OK;
    wg_confine(WG_CONFINE_READ);
    if (input.json)
        fputs("{\"version\":1,\"domains\":[", stdout);
    for (int i = 0; i < input.domains; i++) {
        char *xml;
        size_t len;
        struct wg_error err;
        struct wg_verdict *verdict = wg_cli_judge_domain(&input, i, input.explain ? WG_EXPLAIN : 0,
                                                         &xml, &len, &err);
        int told = tell(&input, i, verdict, &err);

        if (told > code)
            code = told;
        localtime |= verdict && verdict->localtime;
        wg_verdict_free(verdict);
        free(xml);
    }
    wg_cli_close(&input);
    if (input.json)
        puts("\n]}");
    code = wg_cli_flush("check", code);
    wg_cli_warn_of_utc("check", localtime);
    return code;
}
