/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verdict.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *wg_os_text(enum wg_os os)
{
    static const char *const text[] = {"unknown OS", "windows", "linux", "not windows"};

    return text[os];
}

const char *wg_outcome_text(enum wg_outcome outcome)
{
    static const char *const text[] = {"unknown OS",     "skipped",   "exempt",
                                       "not applicable", "compliant", "violates"};

    return text[outcome];
}

int wg_verdict_os(struct wg_verdict *verdict, enum wg_os os, const char *label, const char *value,
                  struct wg_error *err)
{
    char *evidence;

    if (asprintf(&evidence, "%s: %s", label, value) < 0)
        return wg_no_memory(err);
    free(verdict->evidence);
    verdict->evidence = evidence;
    verdict->os = os;
    return 0;
}

int wg_verdict_reason(struct wg_verdict *verdict, enum wg_outcome outcome, struct wg_error *err,
                      const char *format, ...)
{
    char *reason;
    va_list args;

    va_start(args, format);
    int rc = vasprintf(&reason, format, args);
    va_end(args);
    if (rc < 0)
        return wg_no_memory(err);
    free(verdict->reason);
    verdict->reason = reason;
    verdict->outcome = outcome;
    return 0;
}

int wg_verdict_difference(struct wg_verdict *verdict, const char *where, const char *has,
                          const char *must, struct wg_error *err)
{
    size_t count = verdict->n_differences;
    struct wg_difference *grown = realloc(verdict->differences, (count + 1) * sizeof(*grown));

    if (!grown)
        return wg_no_memory(err);
    verdict->differences = grown;
    grown[count] = (struct wg_difference){strdup(where), strdup(has ? has : "none"), strdup(must)};
    verdict->n_differences++;
    return grown[count].where && grown[count].has && grown[count].must ? 0 : wg_no_memory(err);
}

void wg_verdict_differences_keep(struct wg_verdict *verdict, size_t count)
{
    while (verdict->n_differences > count) {
        struct wg_difference *last = &verdict->differences[--verdict->n_differences];

        free(last->where);
        free(last->has);
        free(last->must);
    }
}

static int add_line(struct wg_list *lines, char *line, struct wg_error *err)
{
    int rc = line ? wg_list_add(lines, line, strlen(line)) : -1;

    free(line);
    return rc < 0 ? wg_no_memory(err) : 0;
}

int wg_verdict_note(struct wg_verdict *verdict, struct wg_error *err, const char *format, ...)
{
    char *note;
    va_list args;

    va_start(args, format);
    int rc = vasprintf(&note, format, args);
    va_end(args);
    return add_line(&verdict->notes, rc < 0 ? NULL : note, err);
}

int wg_verdict_fault(struct wg_verdict *verdict, const char *text, struct wg_error *err)
{
    return add_line(&verdict->faults, strdup(text), err);
}

int wg_verdict_trail(struct wg_verdict *verdict, const char *label, const char *value,
                     const char *answer, struct wg_error *err)
{
    char *line;
    int rc = asprintf(&line, "%s: %s%s%s", label, value ? value : "", value ? ": " : "", answer);

    return add_line(&verdict->trail, rc < 0 ? NULL : line, err);
}

void wg_verdict_free(struct wg_verdict *verdict)
{
    if (!verdict)
        return;
    wg_verdict_differences_keep(verdict, 0);
    free(verdict->differences);
    wg_list_clear(&verdict->notes);
    wg_list_clear(&verdict->faults);
    wg_list_clear(&verdict->trail);
    free(verdict->name);
    free(verdict->uuid);
    free(verdict->title);
    free(verdict->project);
    free(verdict->flavor);
    free(verdict->image);
    free(verdict->evidence);
    free(verdict->reason);
    free(verdict->xml);
    free(verdict);
}

static void print_os(const struct wg_verdict *verdict, FILE *out)
{
    fputs(wg_os_text(verdict->os), out);
    if (verdict->evidence) {
        fputs(", ", out);
        wg_print_value(verdict->evidence, out);
    }
}

static void print_reason(const struct wg_verdict *verdict, FILE *out)
{
    if (!verdict->reason)
        return;
    fputs(": ", out);
    wg_print_value(verdict->reason, out);
}

static void print_findings(const struct wg_verdict *verdict, FILE *out)
{
    for (size_t i = 0; i < verdict->n_differences; i++) {
        const struct wg_difference *difference = &verdict->differences[i];

        fprintf(out, "%s %s: ", i == 0 ? ":" : ";", difference->where);
        wg_print_value(difference->has, out);
        fprintf(out, " %s %s", wg_arrow(), difference->must);
    }
    for (size_t i = 0; i < verdict->notes.count; i++) {
        fputs(" [", out);
        wg_print_value(verdict->notes.item[i], out);
        fputc(']', out);
    }
    for (size_t i = 0; i < verdict->faults.count; i++) {
        fputs(" [error: ", out);
        wg_print_escaped(verdict->faults.item[i], out);
        fputc(']', out);
    }
}

void wg_verdict_print_why(const struct wg_verdict *verdict, FILE *out)
{
    if (verdict->outcome == WG_UNKNOWN)
        fputs("nothing tells it; hint: [rules] of winguest.conf", out);
    else
        print_os(verdict, out);
    print_reason(verdict, out);
}

void wg_verdict_print_details(const struct wg_verdict *verdict, FILE *out)
{
    wg_verdict_print_why(verdict, out);
    print_findings(verdict, out);
}

void wg_verdict_print(const struct wg_verdict *verdict, FILE *out)
{
    fputs(wg_outcome_text(verdict->outcome), out);
    if (verdict->outcome != WG_UNKNOWN) {
        fputs(" (", out);
        print_os(verdict, out);
        fputc(')', out);
    }
    print_reason(verdict, out);
    print_findings(verdict, out);
}
