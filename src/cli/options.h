/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options of a verb: one table, read by one loop. */
#ifndef WG_CLI_OPTIONS_H
#define WG_CLI_OPTIONS_H

#include <unistd.h>

#include "common/text.h"

/* One has a value or none; an entry without a name ends the table. */
struct wg_option {
    const char *name; /* without its dashes */
    char letter; /* of its short form; 0: it has none */
    bool *given; /* set if the option is there; NULL: it has a value */
    bool *json; /* gets whether the value, text or json, is json */
    const char **value; /* gets the last value; NULL: values gets all of them, each once */
    struct wg_list *values;
};

/* What each verb takes beside its own options. */
struct wg_manner {
    bool quiet; /* nothing but errors: standard output goes nowhere */
    bool verbose;
    const char *color; /* auto, always, never; NULL: auto */
};

const struct wg_manner *wg_cli_manner(void);

/* Under --verbose: prints to standard error what is being done. */
void wg_cli_tell(const char *verb, const char *format, ...) WG_PRINTF(2, 3);

/*
 * Takes its own options and those that each has out of the verb's arguments; --help was answered
 * before. Returns -1 with optind at the first of the arguments that are none, else the exit code to
 * return: the error was printed.
 */
int wg_cli_options(int argc, char **argv, const struct wg_option *verbs);

/* The place of a format, in whatever case, in a list that NULL ends; -1 if it is not there: the
 * error was printed. */
int wg_cli_format(const char *verb, const char *format, const char *const *formats);

/* Hosts that are asked at the same time: each takes a connection, and remote ones a process.
 * Chosen: what is waited for is ssh, of which one takes some 8 MiB. */
#define WG_JOBS 20
#define WG_JOBS_MAX 256

/* In seconds, until a host must have let us connect. Chosen: longer than ssh takes where a name
 * server does not answer. */
#define WG_TIMEOUT 30
#define WG_TIMEOUT_MAX 3600

/* What --jobs and --timeout say; NULL: not given, the default. Returns -1, or the exit code: the
 * error was printed. */
int wg_cli_bounds(const char *verb, const char *jobs_text, const char *timeout_text, unsigned *jobs,
                  unsigned *timeout);

/* Adds the hosts of --hosts' file, or standard input, each once: a URI a line; what begins with #
 * is a comment. Returns -1, or the exit code: the error was printed. */
int wg_cli_hosts(const char *verb, const char *file, struct wg_list *uris);

/* The host to connect to: uri, or what libvirt's own tools take without one. libvirt itself knows
 * the aliases of its configuration. */
const char *wg_cli_host(const char *uri);

#endif
