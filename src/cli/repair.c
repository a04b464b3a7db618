/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "repair.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "cli.h"

/* A repair of the boot before gives up, or ends, within that time. Chosen, not measured. */
#define LOCK_SECONDS 60

struct options {
    const char *config;
    bool pending;
    int id;
    char uuid[WG_UUID_SIZE];
};

int wg_repair_open(struct wg_repair *repair, const char *uuid, const char *config,
                   bool may_lack_engine, struct wg_error *err)
{
    *repair = (struct wg_repair){0};
    snprintf(repair->uuid, sizeof(repair->uuid), "%s", uuid);
    repair->engine = wg_engine_open(config, &repair->settings, err);
    if (!repair->engine && !may_lack_engine)
        return -1;
    repair->virt = wg_virt_open(NULL, false, err);
    if (!repair->virt)
        return -1;
    repair->name = wg_virt_name(repair->virt, uuid);
    return 0;
}

void wg_repair_close(struct wg_repair *repair)
{
    free(repair->name);
    wg_virt_close(repair->virt);
    wg_engine_close(repair->engine);
}

static void print_line(const struct wg_repair *repair, const char *what, FILE *out)
{
    fputs("repair guest ", out);
    if (repair->name) {
        fputc('\'', out);
        wg_print_escaped(repair->name, out);
        fputs("' ", out);
    }
    fprintf(out, "uuid %s: ", repair->uuid);
    wg_print_escaped(what, out);
}

void wg_repair_say(const struct wg_repair *repair, int level, const char *format, ...)
{
    char what[sizeof(struct wg_error) + 512];
    char *line = NULL;
    size_t len;
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    FILE *out = open_memstream(&line, &len);
    if (!out)
        return;
    print_line(repair, what, out);
    if (fclose(out) == 0) {
        syslog(level, "%s", line);
        fprintf(level <= LOG_ERR ? stderr : stdout, "winguest: %s\n", line);
        fflush(NULL);
    }
    free(line);
}

static int cannot_begin(const char *uuid, const struct wg_error *err)
{
    struct wg_repair repair = {.name = NULL};

    snprintf(repair.uuid, sizeof(repair.uuid), "%s", uuid);
    wg_repair_say(&repair, LOG_ERR, "left as it is: %s", err->text);
    return WG_EXIT_ERROR;
}

static int work(const struct options *options)
{
    struct wg_repair repair;
    struct wg_error err;
    int code;

    if (wg_repair_open(&repair, options->uuid, options->config, false, &err) < 0)
        code = cannot_begin(options->uuid, &err);
    else if (!repair.name)
        code = wg_cli_error("repair", "%s: there is no such guest", options->uuid);
    else
        code = wg_repair_boot(&repair, options->id);
    wg_repair_close(&repair);
    return code;
}

/* Ends what somebody who is no more began with the guest. */
static int finish(const char *uuid, const char *config)
{
    struct wg_repair repair;
    struct wg_intent intent;
    struct wg_error err;
    int code;

    if (!wg_intent_read(uuid, &intent)) {
        wg_fail(&err, "%s/intent.%s cannot be read", WG_STATEDIR, uuid);
        return cannot_begin(uuid, &err);
    }
    if (wg_repair_open(&repair, uuid, config, true, &err) < 0) {
        wg_fail_in(&err, "left in the middle of a repair");
        code = cannot_begin(uuid, &err);
    } else {
        wg_repair_say(&repair, LOG_WARNING, "its worker is gone; what it began is ended now");
        code = wg_repair_finish(&repair, &intent);
    }
    wg_repair_close(&repair);
    return code;
}

/* The worker may be killed, or its libraries may crash, while a guest of somebody is down because
 * of it. So the process that was started does nothing but wait for one that works. */
static int guard(const struct options *options, pid_t worker)
{
    static const int signals[] = {SIGHUP, SIGINT, SIGTERM};
    struct wg_intent intent;
    struct wg_error err;
    int status;

    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        signal(signals[i], SIG_IGN);
    while (waitpid(worker, &status, 0) < 0) {
        if (errno != EINTR)
            return WG_EXIT_ERROR;
    }
    if (wg_intent_read(options->uuid, &intent))
        return finish(options->uuid, options->config);
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    wg_fail(&err, "the worker died of signal %d before it changed anything", WTERMSIG(status));
    return cannot_begin(options->uuid, &err);
}

static int repair_one(const struct options *options)
{
    struct wg_error err;

    if (wg_repair_lock(options->uuid, LOCK_SECONDS, &err) < 0)
        return cannot_begin(options->uuid, &err);
    fflush(NULL);
    pid_t worker = fork();
    if (worker == 0) {
        int code = work(options);

        fflush(NULL);
        _exit(code);
    }
    if (worker < 0)
        wg_fail(&err, "fork: %s", strerror(errno));
    int code = worker < 0 ? cannot_begin(options->uuid, &err) : guard(options, worker);
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
        struct wg_intent intent;

        if (wg_repair_lock(uuids.item[i], 0, &err) < 0 ||
            !wg_intent_read(uuids.item[i], &intent))
            continue;
        int one = finish(uuids.item[i], options->config);
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

static int take_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'},
        {"id", required_argument, NULL, 'i'},
        {"pending", no_argument, NULL, 'p'},
        {0},
    };
    int c;

    opterr = 0;
    while ((c = getopt_long(argc, argv, "+:", known, NULL)) != -1) {
        if (c == ':')
            return wg_cli_error("repair", "%s needs a value", argv[optind - 1]);
        if (c == '?')
            return wg_cli_error("repair", "'%s' is not an option here; see winguest repair --help",
                                argv[optind - 1]);
        if (c == 'c')
            options->config = optarg;
        if (c == 'i')
            options->id = atoi(optarg);
        options->pending |= c == 'p';
    }
    if (options->pending ? optind != argc : optind + 1 != argc)
        return wg_cli_error("repair", "expects a UUID or --pending; see winguest repair --help");
    if (!options->pending && !take_uuid(argv[optind], options->uuid))
        return wg_cli_error("repair", "'%s' is not a UUID; `virsh domuuid GUEST` tells it",
                            argv[optind]);
    return WG_EXIT_OK;
}

int wg_cli_repair(int argc, char **argv)
{
    struct options options = {.id = -1};
    int code = take_options(argc, argv, &options);

    if (code != WG_EXIT_OK)
        return code;
    if (geteuid() != 0)
        return wg_cli_error("repair", "only root may");
    openlog("winguest", LOG_PID, LOG_DAEMON);
    /* Guests' secrets go through here: a crash must not leave them in a file. */
    prctl(PR_SET_DUMPABLE, 0);
    return options.pending ? repair_pending(&options) : repair_one(&options);
}
