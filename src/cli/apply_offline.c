/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files of the definitions, while no daemon runs whose memory they would disagree with: above
 * all before its start, where systemd runs this, so that guests that start with it start right.
 *
 * No lock keeps a daemon from starting meanwhile: libvirt tries its own lock once and gives up, so
 * that whoever held it would keep the daemon, and the guests that start with it, from starting.
 * Instead we look for a daemon right before and right behind each file. One that comes in between
 * has read what was there before, which is told. To lose a change of its own it would have to
 * start, read all definitions and store that change between our look and rename(2).
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <syslog.h>
#include <unistd.h>

#include "apply.h"
#include "cli.h"
#include "common/kept.h"
#include "common/state.h"
#include "daemons.h"
#include "stored.h"
#include "undo.h"

/* Seconds for which the daemon's start may be held up, by a disk that hangs, say. Chosen: libvirt's
 * units wait for us without end, and where systemd loses patience the daemon's start has failed. */
#define PATIENCE 60

struct run {
    const char *config;
    struct wg_choice who;
    bool dry;
    json_object *told;
    int dir;
    struct wg_engine *engine;
    bool recording;
    bool stopped; /* the files are a daemon's now */
    size_t changed;
    size_t failed;
};

/* What we print goes there anyway if systemd runs us. */
static bool prints_to_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;

    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
           fstat(STDOUT_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

static void print_line(const struct wg_verdict *verdict, const char *what, FILE *out)
{
    fputs("offline guest '", out);
    wg_print_escaped(verdict->name, out);
    fprintf(out, "' uuid %s: %s: ", verdict->uuid, what);
    wg_verdict_print_details(verdict, out);
}

static void say(const struct run *run, const struct wg_verdict *verdict, const char *what)
{
    char *line = NULL;
    size_t len;
    FILE *out = open_memstream(&line, &len);

    if (!out)
        return;
    print_line(verdict, what, out);
    if (fclose(out) == 0) {
        if (!run->told)
            puts(line);
        fflush(stdout);
        if (!run->dry && !prints_to_journal())
            syslog(LOG_INFO, "%s", line);
    }
    free(line);
}

static void tell(const struct run *run, const struct wg_verdict *verdict, enum wg_applied what)
{
    wg_applied(run->told, verdict->name, verdict->uuid, what, false, verdict, NULL);
}

static void complain(struct run *run, const char *name, const char *cause)
{
    run->failed++;
    wg_applied(run->told, name, NULL, WG_NOT_CHANGED, false, NULL, cause);
    wg_cli_error("apply", "%s: %s", name, cause);
}

static void stop(struct run *run, const char *cause)
{
    run->failed++;
    run->stopped = true;
    wg_cli_error("apply", "%s", cause);
}

/* Why libvirt, or an undo, would take the file for another guest's; NULL if they would not. */
static const char *misfit(const struct wg_verdict *verdict, const char *name)
{
    if (!verdict->name || strcmp(verdict->name, name) != 0)
        return "left as it is: the guest in this file has another name than the file";
    if (!verdict->uuid)
        return "left as it is: the guest in this file has no UUID";
    return NULL;
}

/* Why the new definition must not be stored although the policy wants it; NULL if it may be. */
static const char *hindrance(const struct run *run, const struct wg_verdict *verdict)
{
    if (verdict->untried)
        return "left as it is: what this host can give a KVM guest is not known; hint: "
               "winguest probe, then winguest apply";
    if (wg_kept_refused(verdict->uuid, wg_engine_digest(run->engine)))
        return "left as it is: it did not start under this policy before";
    return NULL;
}

/* For `apply --undo`, and, should it not start so, for the hook or the filter. */
static int keep(struct run *run, const struct wg_stored *old, const struct wg_verdict *verdict,
                const struct stat *fresh, struct wg_error *err)
{
    if (!run->recording && wg_undo_go_on("qemu:///system", err) < 0)
        return -1;
    run->recording = true;
    if (wg_undo_keep(verdict->uuid, old->text, err) < 0)
        return -1;
    if (wg_undo_seal(verdict->uuid, verdict->xml, err) < 0)
        return -1;
    if (wg_kept_put_offline(verdict->uuid, old->text, fresh) < 0)
        return wg_fail(err, "its previous definition is not kept: " WG_VARDIR "/kept: %s",
                       strerror(errno));
    wg_kept_follow(verdict->uuid);
    return 0;
}

static void forget(const struct wg_verdict *verdict)
{
    wg_undo_forget(verdict->uuid);
    wg_kept_forget(verdict->uuid);
}

static void replace(struct run *run, const char *file, const struct wg_stored *old,
                    const struct wg_verdict *verdict)
{
    struct stat fresh;
    struct wg_error err;

    if (wg_stored_prepare(run->dir, old, verdict->xml, verdict->xml_len, &fresh, &err) < 0) {
        complain(run, verdict->name, err.text);
        return;
    }
    if (keep(run, old, verdict, &fresh, &err) < 0) {
        wg_stored_abandon(run->dir);
        forget(verdict);
        complain(run, verdict->name, err.text);
    } else if (wg_daemons_leave(run->dir, &err) < 0) {
        wg_stored_abandon(run->dir);
        forget(verdict);
        stop(run, err.text);
    } else if (wg_stored_commit(run->dir, file, old, &err) < 0) {
        forget(verdict);
        complain(run, verdict->name, err.text);
    } else {
        run->changed++;
        tell(run, verdict, WG_REDEFINED);
        say(run, verdict, "definition corrected");
        if (wg_daemons_leave(run->dir, &err) < 0)
            stop(run, err.text);
    }
}

static void act(struct run *run, const char *file, const char *name, const struct wg_stored *stored,
                const struct wg_verdict *verdict)
{
    const char *cause = misfit(verdict, name);

    if (!cause)
        cause = hindrance(run, verdict);
    if (cause) {
        complain(run, name, cause);
    } else if (verdict->report || run->dry) {
        run->changed += !verdict->report;
        tell(run, verdict, WG_WOULD_CHANGE);
        say(run, verdict, "definition would be corrected");
    } else {
        replace(run, file, stored, verdict);
    }
}

static void judge(struct run *run, const char *file, const char *name,
                  const struct wg_stored *stored)
{
    struct wg_error err;
    struct wg_verdict *verdict = wg_evaluate(run->engine, stored->text, stored->len, WG_REWRITE,
                                             &err);

    if (!verdict) {
        complain(run, name, err.text);
        return;
    }
    if (verdict->faults.count > 0) {
        wg_cli_show_faults("apply", verdict);
        run->failed++;
    }
    if (verdict->xml) {
        act(run, file, name, stored, verdict);
        explicit_bzero(verdict->xml, verdict->xml_len);
    } else {
        tell(run, verdict, WG_IN_LINE);
    }
    wg_verdict_free(verdict);
}

static void look(struct run *run, const char *file)
{
    char name[NAME_MAX + 1];
    struct wg_stored stored;
    struct wg_error err;

    snprintf(name, sizeof(name), "%.*s", (int)(strlen(file) - strlen(".xml")), file);
    if (run->stopped || !wg_choice_has(&run->who, name))
        return;
    if (wg_stored_read(run->dir, file, &stored, &err) < 0) {
        complain(run, name, err.text);
    } else {
        judge(run, file, name, &stored);
        wg_stored_close(&stored);
    }
}

/* As libvirt does, and not what it is just writing, NAME.xml.new, nor what an editor leaves. */
static int is_definition(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 4 && strcmp(entry->d_name + len - 4, ".xml") == 0;
}

static int each_file(struct run *run)
{
    struct dirent **entry;
    int count = scandirat(run->dir, ".", &entry, is_definition, alphasort);

    if (count < 0)
        return wg_cli_error("apply", WG_STORED_DIR ": %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        look(run, entry[i]->d_name);
        free(entry[i]);
    }
    free(entry);
    if (!run->stopped && wg_choice_missed(&run->who))
        run->failed++;
    if (run->changed && !run->dry && fsync(run->dir) < 0)
        return wg_cli_error("apply", WG_STORED_DIR ": %s", strerror(errno));
    if (run->failed)
        return WG_EXIT_ERROR;
    return run->dry && run->changed ? WG_EXIT_VIOLATIONS : WG_EXIT_OK;
}

/* We may be killed at any point, and so may end at any. */
static void give_up(int number)
{
    static const char text[] = "winguest: apply: not all guests were looked at in time, or "
                               "another apply --offline did not end; hint: run it again\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);

    (void)number;
    (void)written;
    _exit(WG_EXIT_ERROR);
}

/* One of us at a time, the next waits: the daemon's start must find the work done. Anybody who may
 * open a directory may hold a lock on it, so it is one that only root may. */
static int in_directory(struct run *run)
{
    struct wg_error err;
    int code = WG_EXIT_ERROR;
    WG_CLOSED alone = wg_state_open(WG_STATEDIR);

    signal(SIGALRM, give_up);
    alarm(PATIENCE);
    if (alone < 0 || flock(alone, LOCK_EX) < 0)
        wg_cli_error("apply", WG_STATEDIR ": %s", strerror(errno));
    else if (wg_daemons_leave(run->dir, &err) < 0)
        wg_cli_error("apply", "%s", err.text);
    else if (!(run->engine = wg_engine_open(run->config, NULL, &err)))
        wg_cli_error("apply", "%s", err.text);
    else if (wg_engine_libvirt_knows(run->engine, &err) < 0) {
        /* It would lose the guest. */
        syslog(LOG_ERR, "offline: %s: no definition is corrected", err.text);
        wg_cli_error("apply", "%s: no definition is corrected", err.text);
    } else
        code = each_file(run);
    wg_engine_close(run->engine);
    return code;
}

int wg_cli_apply_offline(const struct wg_choice *who, const char *config, bool dry,
                         json_object *told)
{
    struct run run = {.dir = -1, .who = *who, .config = config, .dry = dry, .told = told};
    struct wg_error err;
    int code;

    /* What is printed is also logged, and the log is the same in every locale. */
    wg_text_in_ascii(false);
    run.who.all = who->globs == 0;
    if (wg_choice_open(&run.who) < 0)
        return WG_EXIT_ERROR;
    openlog("winguest", LOG_PID, LOG_DAEMON);
    wg_undo_sweep();
    run.dir = wg_stored_open(&err);
    if (run.dir >= 0)
        code = in_directory(&run);
    else if (errno == ENOENT && run.who.all)
        code = WG_EXIT_OK; /* libvirt makes it when it first runs */
    else
        code = wg_cli_error("apply", "%s", err.text);
    if (run.dir >= 0)
        close(run.dir);
    wg_applied_end(told, dry);
    wg_undo_sweep();
    wg_choice_close(&run.who);
    return wg_cli_flush("apply", code);
}
