/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The looking: at the guests of hosts, several hosts at a time, and at files. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audit.h"
#include "cli/cli.h"
#include "cli/discover/discover.h"
#include "cli/options.h"
#include "cli/parallel.h"
#include "common/qemu_process.h"
#include "libvirt/facts.h"
#include "libvirt/machine.h"
#include "libvirt/virt.h"
#include "since.h"

/* How far it is, on a terminal, while hosts answer. The lock is held, or there is one thread. */
static void show_progress(const struct wg_audit_run *run, bool last)
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

const unsigned wg_age_days[WG_AGES] = {1, 7, 30};

static void count_waiting(struct wg_source *source, const struct wg_finding *finding)
{
    source->waiting++;
    for (size_t i = 0; i < WG_AGES; i++)
        source->waiting_over[i] += finding->age > wg_age_days[i] * 86400.0;
    if (finding->age > source->waiting_longest)
        source->waiting_longest = finding->age;
}

static int count(struct wg_source *source, struct wg_finding *finding)
{
    const struct wg_verdict *shown = wg_finding_verdict(finding);

    finding->waits = finding->live && finding->live->outcome == WG_VIOLATES && finding->stored &&
                     finding->stored->outcome != WG_VIOLATES;
    source->guests++;
    source->errors += finding->error != NULL;
    if (finding->waits)
        count_waiting(source, finding);
    if (shown)
        source->shown[shown->outcome]++;
    source->localtime |= shown && shown->localtime;
    if (finding->said &&
        wg_said_count(source->said, finding->name, finding->uuid, finding->said) < 0)
        return -1;
    if (finding->stored && wg_tally_add(&source->stored, finding->stored) < 0)
        return -1;
    return finding->live ? wg_tally_add(&source->live, finding->live) : 0;
}

static bool violates(const struct wg_verdict *verdict)
{
    return verdict && verdict->outcome == WG_VIOLATES;
}

static bool is_wanted(struct wg_audit_run *run, const struct wg_source *source,
                      struct wg_finding *finding)
{
    bool changed = true;

    if (run->since) {
        pthread_mutex_lock(&run->lock);
        changed = wg_since_changed(run->since, source, finding);
        pthread_mutex_unlock(&run->lock);
    }
    return changed && run->format->guest && (!run->audit.summary || run->format->sums) &&
           wg_finding_is_among(finding, &run->only);
}

/* Counts a finding and writes it to out. */
static int record(struct wg_audit_run *run, struct wg_source *source, struct wg_finding *finding,
                  FILE *out, bool *first)
{
    if (count(source, finding) < 0)
        return -1;
    if (is_wanted(run, source, finding)) {
        if (!*first && run->format->separator)
            fputs(run->format->separator, out);
        *first = false;
        if (run->format->guest(&run->audit, source, finding, out) < 0)
            return -1;
    }
    pthread_mutex_lock(&run->lock);
    run->guests++;
    run->errors |= finding->error != NULL;
    run->violations |= violates(finding->stored) || violates(finding->live);
    if (run->guests % 16 == 0)
        show_progress(run, false);
    pthread_mutex_unlock(&run->lock);
    return 0;
}

/* A stylesheet of the site that was left out is a fault of the judgement. */
static const char *fault_of(const struct wg_verdict *verdict)
{
    return verdict && verdict->faults.count > 0 ? verdict->faults.item[0] : NULL;
}

/* Takes xml. */
static struct wg_verdict *judge(struct wg_engine *engine, char *xml, struct wg_error *err)
{
    struct wg_verdict *verdict = xml ? wg_evaluate(engine, xml, strlen(xml), WG_OWNER, err) : NULL;

    free(xml);
    return verdict;
}

/* What runs: by its QEMU, if that is a process of this host. */
static struct wg_verdict *judge_machine(const struct wg_source *source, struct wg_engine *engine,
                                        const struct wg_virt_guest *guest,
                                        struct wg_finding *finding, struct wg_discovery *said,
                                        struct wg_error *err)
{
    const char *name = guest->name;
    char *xml = wg_virt_guest_xml(guest, WG_VIRT_LIVE, err);
    char *real = xml && source->local ? wg_machine_xml(name, guest->uuid, xml) : NULL;
    const char *text = real ? real : xml;
    struct wg_verdict *verdict = text ? wg_evaluate(engine, text, strlen(text), WG_OWNER, err)
                                      : NULL;

    if (xml && said)
        wg_discovery_read_clock(said, xml);
    finding->by_qemu = real != NULL;
    finding->age = real ? wg_qemu_age(name) : -1;
    free(real);
    free(xml);
    return verdict;
}

static int look_at_guest(struct wg_audit_run *run, struct wg_source *source,
                         struct wg_engine *engine, struct wg_virt_fetch *fetch, size_t place,
                         const struct wg_virt_guest *guest, const struct wg_agent_answer *answer,
                         FILE *out, bool *first)
{
    struct wg_discovery said = {0};
    struct wg_error err = {0};
    struct wg_verdict *stored = NULL;
    struct wg_verdict *live = NULL;
    struct wg_finding finding = {
        .name = guest->name,
        .uuid = guest->uuid,
        .active = guest->active,
        .age = -1,
    };

    if (guest->persistent)
        stored = judge(engine, wg_virt_fetch_take(fetch, place, &err), &err);
    if (finding.active && !*err.text)
        live = judge_machine(source, engine, guest, &finding, answer ? &said : NULL, &err);
    finding.stored = stored;
    finding.live = live;
    if (answer && live) {
        wg_said_take(&said, source->local, live, answer);
        finding.said = &said;
    }
    finding.error = *err.text ? err.text : fault_of(stored) ? fault_of(stored) : fault_of(live);
    /* Guests come and go while a host is looked at. */
    int rc = finding.error && wg_virt_guest_gone(guest) ? 0
                                                        : record(run, source, &finding, out, first);
    wg_verdict_free(stored);
    wg_verdict_free(live);
    return rc;
}

static int look_at_guests(struct wg_audit_run *run, struct wg_source *source, struct wg_virt *virt,
                          struct wg_engine *engine, FILE *out, struct wg_error *err)
{
    size_t count;
    bool first = true;
    struct wg_virt_guest **guests = wg_virt_guests(virt, &count, err);
    struct wg_agent_answer *answer = guests && run->audit.asks
                                         ? wg_said_ask(source, virt, guests, count, err)
                                         : NULL;
    struct wg_virt_fetch *fetch = NULL;
    int rc = guests && (answer || !run->audit.asks) ? 0 : -1;

    if (rc == 0 && !(fetch = wg_virt_fetch_begin(guests, count, WG_VIRT_INACTIVE)))
        rc = wg_no_memory(err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (look_at_guest(run, source, engine, fetch, i, guests[i], answer ? &answer[i] : NULL, out,
                          &first) < 0)
            rc = wg_no_memory(err);
    }
    wg_virt_fetch_end(fetch);
    free(answer);
    wg_virt_guests_free(guests, count);
    return rc;
}

/* An engine that judges for the host at the other end. */
static struct wg_engine *engine_for(struct wg_audit_run *run, const struct wg_source *source,
                                    struct wg_virt *virt, struct wg_error *err)
{
    pthread_mutex_lock(&run->lock);
    struct wg_engine *engine = wg_engine_open(run->config, NULL, err);
    pthread_mutex_unlock(&run->lock);
    /* For this alone libvirt wants a connection that could change something. */
    struct wg_error unused;
    struct wg_virt *asked = engine ? wg_virt_open_within(source->uri, false, run->timeout, &unused)
                                   : NULL;
    if (engine)
        wg_facts_use(engine, asked ? asked : virt);
    wg_virt_close(asked);
    return engine;
}

static int look_at_host(struct wg_audit_run *run, struct wg_source *source, FILE *out,
                        struct wg_error *err)
{
    struct wg_virt *virt = wg_virt_open_within(source->uri, !run->audit.asks, run->timeout, err);
    struct wg_engine *engine = virt ? engine_for(run, source, virt, err) : NULL;
    char *host = engine ? wg_virt_host(virt, err) : NULL;
    int rc = host ? 0 : -1;

    if (host) {
        struct wg_error ignored;

        wg_config_show(run->config, wg_tally_demand, source, &ignored);
        free(source->host);
        source->host = host;
        source->local = wg_virt_is_local(virt);
        rc = look_at_guests(run, source, virt, engine, out, err);
    }
    if (virt && rc < 0)
        wg_fail_in(err, "%s", source->uri);
    wg_engine_close(engine);
    wg_virt_close(virt);
    return rc;
}

static void look_at_source(struct wg_audit_run *run, struct wg_source *source)
{
    struct wg_error err;
    long long begun = wg_now_us();
    FILE *out = open_memstream(&source->text, &source->text_len);
    int rc = out ? look_at_host(run, source, out, &err) : wg_no_memory(&err);

    if (out && fclose(out) != 0 && rc == 0)
        rc = wg_no_memory(&err);
    if (rc < 0)
        snprintf(source->error, sizeof(source->error), "%s", err.text);
    double seconds = (double)(wg_now_us() - begun) / 1e6;
    if (rc == 0)
        wg_cli_tell("audit", "%s: %zu guests, %.1f s", source->uri, source->guests, seconds);
    else
        wg_cli_tell("audit", "%s: failed after %.1f s", source->uri, seconds);
}

static void look_at_one(void *to, size_t place)
{
    struct wg_audit_run *run = to;
    struct wg_source *source = &run->audit.source[place + 1];

    if (wg_agent_stopped_by())
        return;
    look_at_source(run, source);
    pthread_mutex_lock(&run->lock);
    run->hosts_done++;
    run->errors |= *source->error != '\0';
    show_progress(run, false);
    pthread_mutex_unlock(&run->lock);
}

void wg_audit_hosts(struct wg_audit_run *run)
{
    wg_parallel(run->jobs, run->audit.sources - 1, look_at_one, run);
    show_progress(run, true);
}

/* At files. */
static int look_at_file(struct wg_audit_run *run, struct wg_engine *engine, const char *file,
                        FILE *out, bool *first)
{
    struct wg_error err;
    char *xml;
    size_t len;
    struct wg_verdict *verdict = wg_cli_judge(engine, file, WG_OWNER, &xml, &len, &err);
    struct wg_finding finding = {
        .file = file,
        .name = verdict ? verdict->name : NULL,
        .uuid = verdict ? verdict->uuid : NULL,
        .stored = verdict,
        .age = -1,
        .error = verdict ? fault_of(verdict) : err.text,
    };
    int rc = record(run, &run->audit.source[0], &finding, out, first);

    wg_verdict_free(verdict);
    free(xml);
    return rc;
}

static int ends_in_xml(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 4 && strcmp(entry->d_name + len - 4, ".xml") == 0;
}

/* One that cannot be read is looked at like a file, which says why: the others are told of. */
static int add_directory(struct wg_list *files, const char *directory)
{
    struct dirent **entry;
    int count = scandir(directory, &entry, ends_in_xml, alphasort);
    int rc = 0;

    if (count < 0)
        return wg_list_add(files, directory, strlen(directory));
    for (int i = 0; i < count; i++) {
        char *path;

        if (rc == 0 && asprintf(&path, "%s/%s", directory, entry[i]->d_name) >= 0) {
            rc = wg_list_add(files, path, strlen(path));
            free(path);
        } else {
            rc = -1;
        }
        free(entry[i]);
    }
    free(entry);
    return rc;
}

static int find_files(const struct wg_audit_run *run, struct wg_list *files)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < run->files; i++) {
        struct stat st;

        rc = stat(run->file[i], &st) == 0 && S_ISDIR(st.st_mode)
                 ? add_directory(files, run->file[i])
                 : wg_list_add(files, run->file[i], strlen(run->file[i]));
    }
    return rc;
}

int wg_audit_files(struct wg_audit_run *run, FILE *out, struct wg_error *err)
{
    struct wg_list files = {0};
    struct wg_engine *engine = wg_cli_engine("audit", run->config, err);
    bool first = true;

    if (!engine)
        return -1;
    int rc = find_files(run, &files);
    for (size_t i = 0; rc == 0 && i < files.count; i++)
        rc = look_at_file(run, engine, files.item[i], out, &first);
    run->written = !first;
    wg_list_clear(&files);
    wg_engine_close(engine);
    return rc < 0 ? wg_no_memory(err) : 0;
}
