/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../virt.h"
#include "cli.h"
#include "output.h"

/* Hosts that are asked at the same time: each takes a connection, and remote ones a process. */
#define HOSTS_AT_ONCE 8

static const struct wg_format *const formats[] = {&wg_format_text, &wg_format_json,
                                                  &wg_format_prometheus, &wg_format_html};

struct run {
    struct wg_audit audit;
    const struct wg_format *format;
    const char *config;
    const char *output;
    char **file;
    int files;
    bool progress;
    bool written; /* a guest has been written */
    pthread_mutex_t lock;
    size_t next_host;
    size_t guests;
    size_t hosts_done;
    bool violations;
    bool errors;
};

int wg_tally_add(struct wg_tally *tally, const struct wg_verdict *verdict)
{
    tally->outcome[verdict->outcome]++;
    for (size_t i = 0; i < verdict->n_differences; i++) {
        const char *where = verdict->differences[i].where;
        size_t at = 0;

        while (at < tally->n_places && strcmp(tally->places[at].where, where) != 0)
            at++;
        if (at == tally->n_places) {
            struct wg_place_count *grown = realloc(tally->places, (at + 1) * sizeof(*grown));

            if (!grown)
                return -1;
            tally->places = grown;
            grown[at] = (struct wg_place_count){strdup(where), 0};
            if (!grown[at].where)
                return -1;
            tally->n_places++;
        }
        tally->places[at].count++;
    }
    return 0;
}

void wg_tally_clear(struct wg_tally *tally)
{
    for (size_t i = 0; i < tally->n_places; i++)
        free(tally->places[i].where);
    free(tally->places);
    *tally = (struct wg_tally){0};
}

/* How far it is, on a terminal, while hosts answer. The lock is held. */
static void show_progress(const struct run *run, bool last)
{
    if (!run->progress)
        return;
    if (last)
        fputs("\r\x1b[K", stderr);
    else
        fprintf(stderr, "\r\x1b[K%zu of %zu hosts, %zu guests", run->hosts_done,
                run->audit.sources - 1, run->guests);
    fflush(stderr);
}

/* Counts a finding and writes it to out. */
static int record(struct run *run, struct wg_source *source, struct wg_finding *finding, FILE *out,
                  bool *first)
{
    const struct wg_verdict *verdicts[] = {finding->stored, finding->live};
    struct wg_tally *tallies[] = {&source->stored, &source->live};
    int rc = 0;

    source->guests++;
    source->errors += finding->error != NULL;
    finding->waits = finding->live && finding->live->outcome == WG_VIOLATES &&
                     finding->stored && finding->stored->outcome != WG_VIOLATES;
    source->waiting += finding->waits;
    for (int i = 0; i < 2 && rc == 0; i++) {
        if (verdicts[i])
            rc = wg_tally_add(tallies[i], verdicts[i]);
    }
    if (rc == 0 && run->format->guest) {
        if (!*first && run->format->separator)
            fputs(run->format->separator, out);
        rc = run->format->guest(&run->audit, source, finding, out);
        *first = false;
    }
    pthread_mutex_lock(&run->lock);
    run->guests++;
    run->errors |= finding->error != NULL;
    for (int i = 0; i < 2; i++)
        run->violations |= verdicts[i] && verdicts[i]->outcome == WG_VIOLATES;
    if (run->guests % 16 == 0)
        show_progress(run, false);
    pthread_mutex_unlock(&run->lock);
    return rc;
}

static struct wg_verdict *judge_guest(struct wg_engine *engine, const struct wg_virt_guest *guest,
                                      enum wg_virt_xml which, struct wg_error *err)
{
    char *xml = wg_virt_guest_xml(guest, which, err);
    struct wg_verdict *verdict = xml ? wg_evaluate(engine, xml, strlen(xml), 0, err) : NULL;

    free(xml);
    return verdict;
}

static int look_at_guest(struct run *run, struct wg_source *source, struct wg_engine *engine,
                         const struct wg_virt_guest *guest, FILE *out, bool *first)
{
    struct wg_error err = {""};
    struct wg_verdict *stored = NULL;
    struct wg_verdict *live = NULL;
    struct wg_finding finding = {
        .name = wg_virt_guest_name(guest),
        .uuid = wg_virt_guest_uuid(guest),
        .active = wg_virt_guest_active(guest),
    };

    if (wg_virt_guest_persistent(guest))
        stored = judge_guest(engine, guest, WG_VIRT_INACTIVE, &err);
    if (finding.active && !*err.text)
        live = judge_guest(engine, guest, WG_VIRT_LIVE, &err);
    finding.stored = stored;
    finding.live = live;
    finding.error = *err.text ? err.text : NULL;
    int rc = record(run, source, &finding, out, first);
    wg_verdict_free(stored);
    wg_verdict_free(live);
    return rc;
}

static int look_at_guests(struct run *run, struct wg_source *source, struct wg_virt *virt,
                          struct wg_engine *engine, FILE *out, struct wg_error *err)
{
    size_t count;
    bool first = true;
    struct wg_virt_guest **guests = wg_virt_guests(virt, &count, err);
    int rc = guests ? 0 : -1;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (look_at_guest(run, source, engine, guests[i], out, &first) < 0)
            rc = wg_no_memory(err);
    }
    wg_virt_guests_free(guests, count);
    return rc;
}

static void look_at_host(struct run *run, struct wg_source *source)
{
    struct wg_error err = {""};
    FILE *out = open_memstream(&source->text, &source->text_len);
    struct wg_engine *engine = out ? wg_engine_open(run->config, NULL, &err) : NULL;
    struct wg_virt *virt = engine ? wg_virt_open(source->uri, true, &err) : NULL;
    int rc = virt ? 0 : -1;

    if (!out)
        wg_no_memory(&err);
    if (rc == 0) {
        char *host = wg_virt_host(virt, &err);

        if (host) {
            free(source->host);
            source->host = host;
        }
        rc = look_at_guests(run, source, virt, engine, out, &err);
    }
    wg_virt_close(virt);
    wg_engine_close(engine);
    if (out && fclose(out) != 0 && rc == 0)
        rc = wg_no_memory(&err);
    if (rc < 0)
        snprintf(source->error, sizeof(source->error), "%s", err.text);
}

static void *work(void *argument)
{
    struct run *run = argument;

    pthread_mutex_lock(&run->lock);
    while (run->next_host < run->audit.sources) {
        struct wg_source *source = &run->audit.source[run->next_host++];

        pthread_mutex_unlock(&run->lock);
        look_at_host(run, source);
        pthread_mutex_lock(&run->lock);
        run->hosts_done++;
        run->errors |= *source->error != '\0';
        show_progress(run, false);
    }
    pthread_mutex_unlock(&run->lock);
    return NULL;
}

static void look_at_hosts(struct run *run)
{
    pthread_t thread[HOSTS_AT_ONCE];
    size_t threads = 0;

    run->next_host = 1;
    while (threads < HOSTS_AT_ONCE && threads + 1 < run->audit.sources &&
           pthread_create(&thread[threads], NULL, work, run) == 0)
        threads++;
    if (threads == 0)
        work(run);
    for (size_t i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    show_progress(run, true);
}

static int look_at_file(struct run *run, struct wg_cli_input *input, const char *file, FILE *out)
{
    struct wg_error err;
    char *xml;
    size_t len;
    struct wg_verdict *verdict = wg_cli_judge(input, file, 0, &xml, &len, &err);
    struct wg_finding finding = {
        .file = file,
        .name = verdict ? verdict->name : NULL,
        .uuid = verdict ? verdict->uuid : NULL,
        .stored = verdict,
        .error = verdict ? NULL : err.text,
    };
    bool first = !run->written;

    int rc = record(run, &run->audit.source[0], &finding, out, &first);
    run->written = !first;
    wg_verdict_free(verdict);
    free(xml);
    return rc;
}

static int ends_in_xml(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 4 && strcmp(entry->d_name + len - 4, ".xml") == 0;
}

static int look_at_directory(struct run *run, struct wg_cli_input *input, const char *directory,
                             FILE *out, struct wg_error *err)
{
    struct dirent **entry;
    int count = scandir(directory, &entry, ends_in_xml, alphasort);
    int rc = 0;

    if (count < 0)
        return wg_fail(err, "%s: %s", directory, strerror(errno));
    for (int i = 0; i < count; i++) {
        char *path;

        if (rc == 0 && asprintf(&path, "%s/%s", directory, entry[i]->d_name) < 0)
            rc = wg_no_memory(err);
        else if (rc == 0) {
            rc = look_at_file(run, input, path, out);
            free(path);
        }
        free(entry[i]);
    }
    free(entry);
    return rc;
}

static int look_at_files(struct run *run, FILE *out, struct wg_error *err)
{
    struct wg_cli_input input = {.engine = wg_engine_open(run->config, NULL, err)};
    int rc = input.engine ? 0 : -1;

    for (int i = 0; rc == 0 && i < run->files; i++) {
        struct stat st;

        if (stat(run->file[i], &st) == 0 && S_ISDIR(st.st_mode))
            rc = look_at_directory(run, &input, run->file[i], out, err);
        else if (look_at_file(run, &input, run->file[i], out) < 0)
            rc = wg_no_memory(err);
    }
    wg_engine_close(input.engine);
    return rc;
}

/* The files come first and, as far as the format allows, are written while they are read. */
static int tell(struct run *run, FILE *out, struct wg_error *err)
{
    const struct wg_format *format = run->format;
    struct wg_audit *audit = &run->audit;

    if (format->begin)
        format->begin(audit, out);
    if (look_at_files(run, out, err) < 0)
        return -1;
    look_at_hosts(run);
    for (size_t i = 1; i < audit->sources; i++) {
        struct wg_source *source = &audit->source[i];

        if (source->text_len == 0)
            continue;
        if (run->written && format->separator)
            fputs(format->separator, out);
        fwrite(source->text, 1, source->text_len, out);
        run->written = true;
    }
    return format->end ? format->end(audit, out, err) : 0;
}

/* For a format that makes its document of the whole. */
static int tell_whole(struct run *run, FILE *out, struct wg_error *err)
{
    char *text = NULL;
    size_t len;
    FILE *memory = open_memstream(&text, &len);
    int rc = memory ? tell(run, memory, err) : wg_no_memory(err);

    if (memory && fclose(memory) != 0 && rc == 0)
        rc = wg_no_memory(err);
    if (rc == 0)
        rc = run->format->document(&run->audit, text, len, out, err);
    free(text);
    return rc;
}

static int finish(struct run *run)
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
    for (size_t i = 1; i < run->audit.sources; i++) {
        if (*run->audit.source[i].error)
            wg_cli_error("audit", "%s", run->audit.source[i].error);
    }
    if (rc < 0)
        return wg_cli_error("audit", "%s", err.text);
    return run->errors ? WG_EXIT_ERROR : run->violations ? WG_EXIT_VIOLATIONS : WG_EXIT_OK;
}

static int add_source(struct wg_audit *audit, const char *uri)
{
    struct wg_source *grown = realloc(audit->source, (audit->sources + 1) * sizeof(*grown));

    if (!grown)
        return -1;
    audit->source = grown;
    grown[audit->sources] = (struct wg_source){.uri = uri, .host = strdup(uri ? uri : "files")};
    return grown[audit->sources++].host ? 0 : -1;
}

static const struct wg_format *find_format(const char *name)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    }
    return NULL;
}

static int take_option(struct run *run, int c, char **argv)
{
    switch (c) {
    case 'c':
        return add_source(&run->audit, optarg) < 0 ? wg_cli_error("audit", "out of memory") : -1;
    case 'C':
        run->config = optarg;
        return -1;
    case 'o':
        run->output = optarg;
        return -1;
    case 'f':
        run->format = find_format(optarg);
        return run->format ? -1 : wg_cli_error("audit", "'%s' is not a format; there are text json "
                                               "prometheus html", optarg);
    case ':':
        return wg_cli_error("audit", "%s needs a value", argv[optind - 1]);
    default:
        return wg_cli_error("audit", "'%s' is not an option here; see winguest audit --help",
                            argv[optind - 1]);
    }
}

static int take_arguments(struct run *run, int argc, char **argv)
{
    static const struct option options[] = {
        {"connect", required_argument, NULL, 'c'},
        {"config", required_argument, NULL, 'C'},
        {"format", required_argument, NULL, 'f'},
        {"output", required_argument, NULL, 'o'},
        {0},
    };
    int c;

    opterr = 0;
    while ((c = getopt_long(argc, argv, "+:c:", options, NULL)) != -1) {
        int code = take_option(run, c, argv);

        if (code >= 0)
            return code;
    }
    run->file = argv + optind;
    run->files = argc - optind;
    if (run->audit.sources == 1 && run->files == 0 &&
        add_source(&run->audit, "qemu:///system") < 0)
        return wg_cli_error("audit", "out of memory");
    return -1;
}

static void clear(struct wg_audit *audit)
{
    for (size_t i = 0; i < audit->sources; i++) {
        free(audit->source[i].host);
        free(audit->source[i].text);
        wg_tally_clear(&audit->source[i].stored);
        wg_tally_clear(&audit->source[i].live);
    }
    free(audit->source);
}

int wg_cli_audit(int argc, char **argv)
{
    struct run run = {.format = &wg_format_text, .lock = PTHREAD_MUTEX_INITIALIZER};

    int code = add_source(&run.audit, NULL) < 0 ? wg_cli_error("audit", "out of memory")
                                                : take_arguments(&run, argc, argv);
    if (code < 0) {
        const char *term = getenv("TERM");

        run.audit.colour = !run.output && isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && term &&
                           strcmp(term, "dumb") != 0;
        run.progress = isatty(STDERR_FILENO) && run.audit.sources > 1;
        code = finish(&run);
    }
    clear(&run.audit);
    return code;
}
