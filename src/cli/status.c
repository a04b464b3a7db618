/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* winguest status */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "engine/module.h"
#include "options.h"
#include "status.h"

/* For a host of a thousand guests. Chosen. */
#define GUESTS_SECONDS 60

/* libvirt's client library waits for a daemon that hangs for ever. */
static bool in_json;

static void give_up(int number)
{
    static const char json[] = ",\n  {\"check\": \"guests\", \"level\": \"failure\", \"text\": "
                               "\"the daemon does not answer\"}\n]}\n";
    static const char text[] = "failure  guests: the daemon does not answer\n";
    ssize_t written = in_json ? write(STDOUT_FILENO, json, sizeof(json) - 1)
                              : write(STDOUT_FILENO, text, sizeof(text) - 1);

    (void)number;
    (void)written;
    _exit(WG_EXIT_ERROR);
}

/* Only with libvirt's client library, and a daemon that answers. */
static void look_at_guests(struct wg_status *status)
{
    struct wg_status_guests guests = {0};
    wg_status_guests_fn *count;
    struct wg_error err;

    fflush(stdout);
    in_json = status->form == WG_STATUS_JSON;
    signal(SIGALRM, give_up);
    alarm(GUESTS_SECONDS);
    *(void **)&count = wg_module("virt.so", "wg_status_guests", &err);
    if (!count || status->daemons == 0 || count(&guests, &err) < 0) {
        wg_status_say(status, WG_LEVEL_WARNING, "guests", "not counted: %s",
                      count && status->daemons == 0 ? "no daemon runs" : err.text);
        return;
    }
    alarm(0);
    wg_status_say(
        status, guests.violate > 0 ? WG_LEVEL_WARNING : WG_LEVEL_OK, "guests",
        "%zu Windows: %zu right, %zu wait for a cold boot, %zu violate; %zu of unknown OS; %zu could "
        "not be judged%s",
        guests.windows, guests.windows - guests.wait - guests.violate, guests.wait, guests.violate,
        guests.unknown, guests.failed, guests.violate ? "; hint: winguest audit" : "");
}

int wg_cli_status(int argc, char **argv)
{
    static const int codes[] = {WG_EXIT_OK, WG_EXIT_VIOLATIONS, WG_EXIT_ERROR};
    struct wg_status status = {0};
    bool json = false;
    const struct wg_option options[] = {{.name = "format", .letter = 'f', .json = &json}, {0}};
    int code = wg_cli_options(argc, argv, options);

    if (code >= 0)
        return code;
    if (optind < argc)
        return wg_cli_error("status", "'%s': it takes no arguments", argv[optind]);
    status.form = json ? WG_STATUS_JSON : WG_STATUS_TEXT;
    if (status.form == WG_STATUS_JSON)
        fputs("{\"version\": 1, \"checks\": [", stdout);
    wg_status_checks(&status);
    look_at_guests(&status);
    if (status.form == WG_STATUS_JSON)
        puts("\n]}");
    return wg_cli_flush("status", codes[status.worst]);
}
