/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For people: a line a guest, what guests have in common, and a summary. */
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "cli/discover/discover.h"
#include "cli/terminal.h"

/* What a guest's line is made of. They are written one behind the other, each ended by a tab, which
 * is in none of them: they are escaped. */
enum {
    HOST,
    NAME,
    VERDICT,
    COUNT,
    ABOUT,
    DIFFERENCES,
    NOTES,
    UUID,
    IMAGE, /* that no list has */
    FIELDS,
};

/* The columns in front of what is told about a guest: a longer name moves the rest of its line. */
#define COLUMNS ABOUT
static const int widest[COLUMNS] = {[HOST] = 24, [NAME] = 36, [VERDICT] = 14, [COUNT] = 4};
static const char *const heads[] = {"HOST", "GUEST", "VERDICT", "DIFF", "WHY"};

/* Chosen: who wants to know of more kinds of guests asks for each. */
#define GROUPS_MAX 12

/* In none of them either. */
#define BETWEEN "\x1f"

struct table {
    char **row; /* FIELDS each */
    size_t rows;
    bool hosts; /* there is more than one */
    int width[COLUMNS];
    int terminal; /* its columns; 0: it is none */
};

static void write_differences(const struct wg_verdict *verdict, FILE *out)
{
    for (size_t i = 0; i < verdict->n_differences; i++) {
        const struct wg_difference *difference = &verdict->differences[i];

        fprintf(out, "%s%s: ", i > 0 ? BETWEEN : "", difference->where);
        wg_print_value(difference->has, out);
        fprintf(out, " %s %s", wg_arrow(), difference->must);
    }
    fputc('\t', out);
    for (size_t i = 0; i < verdict->notes.count; i++) {
        fputs(i > 0 ? BETWEEN : "", out);
        wg_print_value(verdict->notes.item[i], out);
    }
}

static void write_owner(const struct wg_verdict *verdict, FILE *out)
{
    const char *const owner[] = {"title",          verdict->title, "project",
                                 verdict->project, "flavor",       verdict->flavor};

    for (size_t i = 0; i < sizeof(owner) / sizeof(*owner); i += 2) {
        if (!owner[i + 1])
            continue;
        fprintf(out, "; %s ", owner[i]);
        wg_print_value(owner[i + 1], out);
    }
}

static void write_about(const struct wg_finding *finding, const struct wg_verdict *shown, FILE *out)
{
    char age[16];

    wg_finding_age(finding, age);
    if (finding->was)
        fprintf(out, "%s%s%s", strcmp(finding->was, "new") == 0 ? "" : "was ", finding->was,
                finding->gone ? "" : "; ");
    if (finding->waits)
        fprintf(out, "for a cold boot%s%s; ", *age ? ", up " : "", age);
    else if (finding->stored && finding->live && finding->live->outcome != finding->stored->outcome)
        fprintf(out, "running%s: %s; ", finding->by_qemu ? "" : ", by libvirt's word",
                wg_outcome_text(finding->live->outcome));
    if (finding->error)
        wg_print_escaped(finding->error, out);
    else if (shown)
        wg_verdict_print_why(shown, out);
    if (shown)
        write_owner(shown, out);
    if (finding->said) {
        fputs("; agent: ", out);
        wg_discovery_print(finding->said, false, out);
    }
}

static int guest(const struct wg_audit *audit, const struct wg_source *source,
                 const struct wg_finding *finding, FILE *out)
{
    const struct wg_verdict *verdict = wg_finding_verdict(finding);
    const struct wg_verdict *shown = finding->waits ? finding->live : verdict;

    (void)audit;
    wg_print_escaped(source->uri ? source->host : "", out);
    fputc('\t', out);
    wg_print_escaped(finding->name   ? finding->name
                     : finding->file ? finding->file
                                     : "(no name)",
                     out);
    fprintf(out, "\t%s\t",
            finding->gone    ? "gone"
            : finding->waits ? "waiting"
            : verdict        ? wg_outcome_text(verdict->outcome)
                             : "error");
    if (shown && shown->n_differences > 0)
        fprintf(out, "%zu", shown->n_differences);
    fputc('\t', out);
    write_about(finding, shown, out);
    fputc('\t', out);
    if (shown)
        write_differences(shown, out);
    else
        fputc('\t', out);
    fprintf(out, "\t%s\t", finding->uuid ? finding->uuid : "");
    if (verdict && verdict->unlisted)
        wg_print_value(verdict->image, out);
    fputs("\t\n", out);
    return 0;
}

static int read_rows(struct table *table, char *text, struct wg_error *err)
{
    for (char *line = text; *line; line = strchr(line, '\n') + 1)
        table->rows++;
    table->row = calloc(table->rows + 1, FIELDS * sizeof(*table->row));
    if (!table->row)
        return wg_no_memory(err);
    for (size_t i = 0; i < table->rows; i++) {
        for (int field = 0; field < FIELDS; field++) {
            table->row[i * FIELDS + (size_t)field] = text;
            text += strcspn(text, "\t");
            *text++ = '\0';
        }
        text++;
    }
    return 0;
}

static void measure(struct table *table)
{
    for (int column = 0; column < COLUMNS; column++) {
        int width = wg_columns(heads[column]);

        for (size_t i = 0; i < table->rows; i++) {
            int this = wg_columns(table->row[i * FIELDS + (size_t)column]);

            if (this > width)
                width = this;
        }
        table->width[column] = width < widest[column] ? width : widest[column];
    }
}

static const char *colour_of(const char *verdict)
{
    return strcmp(verdict, "violates") == 0 || strcmp(verdict, "error") == 0 ? WG_RED
           : strcmp(verdict, "compliant") == 0                               ? WG_GREEN
           : strcmp(verdict, "waiting") == 0                                 ? WG_YELLOW
                                                                             : WG_FAINT;
}

static void print_row(const struct table *table, const char *const *row, FILE *out)
{
    int used = 0;

    for (int column = table->hosts ? HOST : NAME; column < COLUMNS; column++) {
        int width = wg_columns(row[column]);
        int fill = width < table->width[column] ? table->width[column] - width : 0;

        if (column == COUNT)
            fprintf(out, "%*s", fill, "");
        if (column == VERDICT && row != heads)
            wg_print_coloured(colour_of(row[column]), row[column], out);
        else
            fputs(row[column], out);
        fprintf(out, "%*s  ", column == COUNT ? 0 : fill, "");
        used += width + fill + 2;
    }
    /* Where hardly anything is left of the line, what is told of the guest goes on below. */
    wg_print_within(row[ABOUT], table->terminal - used < 20 ? 0 : table->terminal - used, out);
    fputc('\n', out);
}

/* A line each. */
static void print_parts(const char *text, const char *before, const char *behind, FILE *out)
{
    while (*text) {
        const char *end = strstr(text, BETWEEN);
        size_t len = end ? (size_t)(end - text) : strlen(text);

        fprintf(out, "    %s%.*s%s\n", before, (int)len, text, behind);
        text += len + (end ? strlen(BETWEEN) : 0);
    }
}

static void print_rows(const struct table *table, bool details, FILE *out)
{
    if (table->rows > 0)
        print_row(table, heads, out);
    for (size_t i = 0; i < table->rows; i++) {
        char *const *row = &table->row[i * FIELDS];

        print_row(table, (const char *const *)row, out);
        if (!details)
            continue;
        if (*row[UUID])
            fprintf(out, "    uuid %s\n", row[UUID]);
        print_parts(row[DIFFERENCES], "", "", out);
        print_parts(row[NOTES], "[", "]", out);
    }
}

/* Rows that have the same in a field. */
struct group {
    char *const *row; /* one of them */
    const char *same;
    size_t count;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct group *)a)->same, ((const struct group *)b)->same);
}

static int by_count(const void *a, const void *b)
{
    const struct group *left = a;
    const struct group *right = b;

    return left->count != right->count ? (left->count < right->count) - (left->count > right->count)
                                       : by_text(a, b);
}

/* Returns the groups of rows that have something in that field, the largest first, for the caller
 * to free; NULL with *err filled. */
static struct group *make_groups(const struct table *table, int field, size_t *groups,
                                 struct wg_error *err)
{
    struct group *group = calloc(table->rows + 1, sizeof(*group));
    size_t members = 0;

    *groups = 0;
    if (!group) {
        wg_no_memory(err);
        return NULL;
    }
    for (size_t i = 0; i < table->rows; i++) {
        char *const *row = &table->row[i * FIELDS];

        if (*row[field])
            group[members++] = (struct group){row, row[field], 1};
    }
    qsort(group, members, sizeof(*group), by_text);
    for (size_t i = 0; i < members; i++) {
        if (*groups > 0 && strcmp(group[*groups - 1].same, group[i].same) == 0)
            group[*groups - 1].count++;
        else
            group[(*groups)++] = group[i];
    }
    qsort(group, *groups, sizeof(*group), by_count);
    return group;
}

static int print_groups(const struct table *table, FILE *out, struct wg_error *err)
{
    size_t groups;
    struct group *group = make_groups(table, DIFFERENCES, &groups, err);

    for (size_t i = 0; i < groups && i < GROUPS_MAX; i++) {
        const char *places = group[i].row[COUNT];
        const char *s = strcmp(places, "1") == 0 ? "" : "s";

        if (group[i].count == 1)
            fprintf(out, "\n%s differs in %s place%s:\n", group[i].row[NAME], places, s);
        else
            fprintf(out, "\n%zu guests differ in the same %s place%s:\n", group[i].count, places,
                    s);
        print_parts(group[i].same, "", "", out);
    }
    if (groups > GROUPS_MAX)
        fprintf(out, "\nand %zu more kinds; hint: --details\n", groups - GROUPS_MAX);
    if (groups > 0)
        fputc('\n', out);
    free(group);
    return group ? 0 : -1;
}

/* What an operator's list of images has left out. */
static int print_images(const struct table *table, FILE *out, struct wg_error *err)
{
    size_t groups;
    struct group *group = make_groups(table, IMAGE, &groups, err);

    for (size_t i = 0; i < groups && i < GROUPS_MAX; i++)
        fprintf(out, "image %s is in no list: %zu guest%s of unknown OS\n", group[i].same,
                group[i].count, group[i].count == 1 ? "" : "s");
    if (groups > GROUPS_MAX)
        fprintf(out, "and %zu more images\n", groups - GROUPS_MAX);
    free(group);
    return group ? 0 : -1;
}

static void print_said(const struct wg_audit *audit, FILE *out)
{
    size_t asked = 0, answered = 0, unmarked = 0, clocks = 0, wrong = 0;

    for (size_t i = 0; i < audit->sources; i++) {
        const struct wg_said *said = audit->source[i].said;

        for (int state = 0; said && state < WG_AGENT_STATES; state++)
            asked += said->agents[state];
        answered += said ? said->agents[WG_AGENT_ANSWERS] : 0;
        unmarked += said ? said->unmarked : 0;
        clocks += said ? said->clocks : 0;
        wrong += said ? said->n_wrong : 0;
    }
    fprintf(out, "%zu of %zu that run answered: %zu unmarked Windows, %zu of %zu clocks wrong\n",
            answered, asked, unmarked, wrong, clocks);
}

static void print_summary(const struct wg_audit *audit, FILE *out)
{
    size_t total[WG_OUTCOMES] = {0};
    size_t guests = 0;
    size_t errors = 0;
    size_t waiting = 0;
    size_t failed = 0;

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
    fprintf(out, "%zu guest%s:", guests, guests == 1 ? "" : "s");
    for (int outcome = WG_OUTCOMES - 1; outcome >= 0; outcome--)
        fprintf(out, " %s %zu,", wg_outcome_text((enum wg_outcome)outcome), total[outcome]);
    fprintf(out, " errors %zu; %zu wait for a cold boot\n", errors, waiting);
}

static int document(const struct wg_audit *audit, const char *guests, size_t len, FILE *out,
                    struct wg_error *err)
{
    struct table table = {.hosts = audit->sources > 2, .terminal = wg_terminal_columns(out)};
    char *text = strndup(guests, len);
    int rc = text ? read_rows(&table, text, err) : wg_no_memory(err);

    if (rc == 0) {
        measure(&table);
        if (!audit->summary)
            print_rows(&table, audit->details, out);
        if (!audit->details)
            rc = print_groups(&table, out, err);
    }
    if (rc == 0)
        rc = print_images(&table, out, err);
    if (rc == 0 && audit->since)
        fprintf(out, "%zu are not as in %s\n", table.rows, audit->since);
    if (rc == 0 && audit->asks)
        print_said(audit, out);
    if (rc == 0)
        print_summary(audit, out);
    free(table.row);
    free(text);
    return rc;
}

const struct wg_format wg_format_text = {.guest = guest, .sums = true, .document = document};
