/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "repair.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "common/counts.h"
#include "common/kept.h"

/* A repair of the boot before gives up, or ends, within that time. Chosen, not measured. */
#define LOCK_SECONDS 60
/* For how long libvirt may be at it with the guests that start with the host. Chosen. */
#define AUTOSTART_SECONDS 600
#define RESTORED "it did not start with its corrected definition; previous definition restored; "

enum what { RESTART, DEFINITION, PREVIOUS, PENDING };

struct options {
    const char *config;
    enum what what;
    int id;
    char uuid[WG_UUID_SIZE];
};

/* Connects and reads the configuration. Returns 0, or -1 with *err filled if there is no
 * connection; close_repair is due either way. */
static int open_repair(struct wg_repair *repair, const char *uuid, const char *config,
                       struct wg_error *err)
{
    *repair = (struct wg_repair){0};
    strcpy(repair->uuid, uuid);
    repair->engine = wg_engine_open(config, &repair->settings, err);
    repair->virt = wg_virt_open(NULL, false, err);
    if (!repair->virt)
        return -1;
    repair->name = wg_virt_name(repair->virt, uuid);
    return 0;
}

static void close_repair(struct wg_repair *repair)
{
    free(repair->name);
    wg_virt_close(repair->virt);
    wg_engine_close(repair->engine);
}

static int cannot_begin(const char *uuid, const struct wg_error *err)
{
    struct wg_repair repair = {.name = NULL};

    strcpy(repair.uuid, uuid);
    wg_repair_say(&repair, LOG_ERR, "left as it is: %s", err->text);
    return WG_EXIT_ERROR;
}

/* The stored definition alone; nothing of the running guest is touched. */
static int correct(struct wg_repair *repair, struct wg_error *err)
{
    const char *what = err->text;
    int rc = wg_virt_settle(repair->virt, repair->uuid, err);

    if (rc == 0)
        rc = wg_repair_correct(repair, &what);
    char *stored = rc > 0 ? wg_virt_stored_xml(repair->virt, repair->uuid, err) : NULL;
    bool nova = stored && wg_repair_is_nova(stored);
    wg_virt_forget(stored);
    wg_repair_say(repair, rc < 0 ? LOG_WARNING : LOG_NOTICE, "%s%s", what,
                  nova
                      ? "; but nova writes it anew at each power-on, where the policy holds by the "
                        "daemon filter only; hint: winguest enable"
                      : "");
    return rc < 0 ? WG_EXIT_VIOLATIONS : WG_EXIT_OK;
}

/* What libvirt writes into a guest's log of its own: the arguments, a line each, and lines that
 * begin with a day and a blank. QEMU's own, if it begins with one, has a T there. */
static bool is_libvirts(const char *line, size_t len, bool *more)
{
    bool arguments = *more;

    *more = len > 0 && line[len - 1] == '\\';
    return arguments || *more || (len > 10 && line[4] == '-' && line[7] == '-' && line[10] == ' ');
}

/*
 * Whether a start may have come to its end by somebody's destroy: that succeeds and leaves nothing
 * behind but a start that has failed (qemuDomainDestroyFlags: `starting`). QEMU then says in its
 * log (virQEMUDriverConfigNew: logDir) that a signal has ended it, or nothing, as it does before it
 * listens to signals, and where libvirt itself gives the start up; what QEMU cannot do, it says.
 * What it only warns of does not end it. What cannot be read tells nothing.
 */
static bool may_be_owners(const char *name)
{
    static char text[64 << 10];
    char path[4096];
    const char *from = text;
    bool more = false, explained = false;

    snprintf(path, sizeof(path), "/var/log/libvirt/qemu/%s.log", name);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    if (fseek(file, -(long)(sizeof(text) - 1), SEEK_END) < 0)
        rewind(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    for (const char *begin = text; (begin = strstr(begin, ": starting up ")); begin++)
        from = begin;
    for (from += strcspn(from, "\n"); *from; from += strcspn(from, "\n")) {
        size_t len = strcspn(++from, "\n");

        if (len == 0 || is_libvirts(from, len, &more))
            continue;
        if (memmem(from, len, "terminating on signal", 21))
            return true;
        explained |= !memmem(from, len, ": warning: ", 11) && !memmem(from, len, ": info: ", 8);
    }
    return !explained;
}

/*
 * Whether it was libvirt that tried to start it: nobody is told that it does not start, or starts
 * it again. libvirt starts such guests once a boot of the host, and notes that by a file
 * (virDriverShouldAutostart); a guest that was set to start so, and had its definition corrected in
 * its file, before that, and has not been tried since, was tried then. A client's start, which
 * fails or succeeds as the client is told, comes behind it.
 */
static bool started_with_host(const struct wg_repair *repair, const struct wg_virt_status *status,
                              bool first)
{
    char link[4096];
    struct stat noted, set;
    time_t corrected;

    snprintf(link, sizeof(link), WG_SYSCONFDIR "/libvirt/qemu/autostart/%s.xml", repair->name);
    return status->autostart && first && wg_kept_offline_since(repair->uuid, &corrected) &&
           stat("/run/libvirt/qemu/autostarted", &noted) == 0 && lstat(link, &set) == 0 &&
           set.st_mtime <= noted.st_mtime && corrected <= noted.st_mtime &&
           time(NULL) - noted.st_mtime < AUTOSTART_SECONDS;
}

static int start_as_libvirt_would(struct wg_repair *repair)
{
    struct wg_error err;

    /* As in repair_finish.c: libvirt may not be through with the end of the last start. */
    sleep(1);
    if (wg_virt_start(repair->virt, repair->uuid, &err) == WG_VIRT_STARTED) {
        wg_repair_say(repair, LOG_ERR,
                      RESTORED "it starts with the host, and was started as it was");
        return WG_EXIT_OK;
    }
    wg_repair_say(repair, LOG_ERR,
                  RESTORED "it starts with the host, and was not started again: %s", err.text);
    return WG_EXIT_ERROR;
}

/* After a start that has failed. */
static int restore(struct wg_repair *repair, struct wg_error *err)
{
    struct wg_virt_status status;
    bool first = !wg_kept_doubted(repair->uuid);

    if (wg_virt_settle(repair->virt, repair->uuid, err) < 0 ||
        wg_virt_look(repair->virt, repair->uuid, &status, err) < 0)
        return cannot_begin(repair->uuid, err);
    if (status.state != WG_VIRT_OFF || status.end == WG_VIRT_END_DESTROYED)
        return WG_EXIT_OK;
    if (may_be_owners(repair->name) && !wg_kept_doubt(repair->uuid)) {
        wg_repair_say(repair, LOG_NOTICE,
                      "its start with the corrected definition was ended, perhaps "
                      "by its owner; the next one that ends gives it its previous definition back");
        return WG_EXIT_OK;
    }
    bool with_host = started_with_host(repair, &status, first);
    int rc = wg_repair_restore(repair, err);
    if (rc < 0)
        return cannot_begin(repair->uuid, err);
    if (rc > 0 && with_host)
        return start_as_libvirt_would(repair);
    if (rc > 0)
        wg_repair_say(repair, LOG_ERR, RESTORED "its next start is as it was%s",
                      rc > 1 ? "; what was edited since stays" : "");
    else if (wg_kept_has(repair->uuid))
        wg_repair_say(
            repair, LOG_ERR,
            "it did not start with its corrected definition, which somebody has changed "
            "since: the previous one is not restored; hint: virsh edit, it is in " WG_VARDIR
            "/kept/definition.%s",
            repair->uuid);
    return WG_EXIT_OK;
}

static int work(const struct options *options)
{
    struct wg_repair repair;
    struct wg_error err = {0};
    int code;

    if (open_repair(&repair, options->uuid, options->config, &err) < 0)
        code = cannot_begin(options->uuid, &err);
    else if (!repair.name)
        code = wg_cli_error("repair", "%s: there is no such guest", options->uuid);
    else if (options->what == PREVIOUS)
        code = restore(&repair, &err);
    else if (!repair.engine)
        code = cannot_begin(options->uuid, &err);
    else
        code = options->what == DEFINITION ? correct(&repair, &err)
                                           : wg_repair_restart(&repair, options->id);
    close_repair(&repair);
    return code;
}

/* Completes what somebody who is no more began with the guest; -1: nothing was begun. */
static int finish(const char *uuid, const char *config, bool at_once)
{
    struct wg_repair repair;
    struct wg_intent intent;
    struct wg_error err = {0};
    char whose[WG_UUID_SIZE];
    int code = -1;

    if (open_repair(&repair, uuid, config, &err) < 0)
        code = cannot_begin(uuid, &err);
    else if (repair.name && wg_intent_read(repair.name, &intent, whose) && strcmp(whose, uuid) == 0)
        code = wg_repair_finish(&repair, &intent, at_once);
    close_repair(&repair);
    return code;
}

/* The worker may be killed, or its libraries may crash, while a guest of somebody is down because
 * of it. So the process that was started does nothing but wait for one that works. */
static int guard(const struct options *options, pid_t worker)
{
    static const int signals[] = {SIGHUP, SIGINT, SIGTERM};
    struct wg_error err;
    int status;

    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        signal(signals[i], SIG_IGN);
    while (waitpid(worker, &status, 0) < 0) {
        if (errno != EINTR)
            return WG_EXIT_ERROR;
    }
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    int code = finish(options->uuid, options->config, true);
    if (code >= 0)
        return code;
    wg_fail(&err, "the repair worker died of signal %d, in no restart", WTERMSIG(status));
    return cannot_begin(options->uuid, &err);
}

static int repair_one(const struct options *options)
{
    struct wg_error err;

    if (wg_repair_lock(options->uuid, LOCK_SECONDS, &err) < 0)
        return cannot_begin(options->uuid, &err);
    fflush(NULL);
    pid_t worker = options->what == RESTART ? fork() : 0;
    if (worker < 0) {
        wg_fail(&err, "fork: %s", strerror(errno));
        return cannot_begin(options->uuid, &err);
    }
    int code = worker == 0 ? work(options) : guard(options, worker);
    fflush(NULL);
    if (worker == 0 && options->what == RESTART)
        _exit(code);
    wg_repair_unlock(options->uuid);
    return code;
}

/* Those that have a live worker or guard are in its hands. */
static int repair_pending(const struct options *options)
{
    struct wg_list uuids = {0};
    struct wg_error err;
    int code = WG_EXIT_OK;

    if (wg_intents(&uuids, &err) < 0)
        code = wg_cli_error("repair", "%s", err.text);
    for (size_t i = 0; i < uuids.count; i++) {
        if (wg_repair_lock(uuids.item[i], 0, &err) < 0)
            continue;
        int one = finish(uuids.item[i], options->config, false);
        code = one > code ? one : code;
        wg_repair_unlock(uuids.item[i]);
    }
    wg_list_clear(&uuids);
    return code;
}

/* It becomes part of file names, and libvirt's own spelling is the one that others look for. */
static bool take_uuid(const char *text, char uuid[WG_UUID_SIZE])
{
    if (!wg_is_uuid(text))
        return false;
    for (int i = 0; i < WG_UUID_SIZE; i++)
        uuid[i] = (char)tolower((unsigned char)text[i]);
    return true;
}

static bool take_id(const char *text, int *id)
{
    char *end;
    long number = strtol(text, &end, 10);

    *id = (int)number;
    return *text >= '0' && *text <= '9' && !*end && number == *id;
}

static int take_options(int argc, char **argv, struct options *options)
{
    bool definition = false, pending = false, previous = false, restart = false;
    const char *id = NULL;
    const struct wg_option known[] = {
        {.name = "config", .value = &options->config},
        {.name = "definition", .given = &definition},
        {.name = "id", .value = &id},
        {.name = "pending", .given = &pending},
        {.name = "previous", .given = &previous},
        {.name = "restart", .given = &restart},
        {0},
    };
    int code = wg_cli_options(argc, argv, known);

    if (code >= 0)
        return code;
    /* The hook knows no id of a guest that does not run: -1. */
    if (id && strcmp(id, "-1") != 0 && !take_id(id, &options->id))
        return wg_cli_error("repair", "--id: '%s' is not a number", id);
    if (definition + pending + previous + restart > 1)
        return wg_cli_error("repair", "--definition, --pending, --previous and --restart exclude "
                                      "each other");
    options->what = definition ? DEFINITION : pending ? PENDING : previous ? PREVIOUS : RESTART;
    if (pending ? optind != argc : optind + 1 != argc)
        return wg_cli_error("repair", "expects a UUID or --pending; see winguest repair --help");
    if (!pending && !take_uuid(argv[optind], options->uuid))
        return wg_cli_error("repair", "'%s' is not a UUID; `virsh domuuid GUEST` tells it",
                            argv[optind]);
    return -1;
}

int wg_cli_repair(int argc, char **argv)
{
    struct options options = {.id = -1};
    int code = take_options(argc, argv, &options);

    if (code >= 0)
        return code;
    if (geteuid() != 0)
        return wg_cli_error("repair", "only root may");
    openlog("winguest", LOG_PID, LOG_DAEMON);
    /* Guests' secrets go through here: a crash must not leave them in a file. */
    prctl(PR_SET_DUMPABLE, 0);
    /* A daemon that ends must not end us. */
    signal(SIGPIPE, SIG_IGN);
    if (options.what == PENDING)
        return repair_pending(&options);
    code = repair_one(&options);
    wg_count(&wg_count_repairs,
             options.what == DEFINITION ? "definition"
             : options.what == PREVIOUS ? "previous"
                                        : "restart",
             wg_count_repairs.results[code >= 0 && code < WG_EXIT_ERROR ? code : WG_EXIT_ERROR]);
    return code;
}
