/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verbs of `winguest`. Each takes its own arguments, argv[0] being the verb, and returns the
 * exit code; --help is answered before they are called. An error is printed once, by wg_cli_error,
 * as "winguest: VERB: context: cause".
 */
#ifndef WG_CLI_H
#define WG_CLI_H

#include "common/text.h"
#include "engine/winguest.h"

/* Exit codes: nothing violates; violations (or a no); errors. */
enum { WG_EXIT_OK = 0, WG_EXIT_VIOLATIONS = 1, WG_EXIT_ERROR = 2 };

/* Exported under these names: main.c seeks them in the module that its table names. */
typedef int wg_cli_verb_fn(int argc, char **argv);
#define WG_CLI_VERB __attribute__((visibility("default"))) wg_cli_verb_fn
WG_CLI_VERB wg_cli_apply, wg_cli_audit, wg_cli_check, wg_cli_config, wg_cli_diff, wg_cli_disable,
    wg_cli_discover, wg_cli_enable, wg_cli_probe, wg_cli_repair, wg_cli_rewrite, wg_cli_status;
wg_cli_verb_fn wg_cli_decide;

/* Prints to standard error; returns WG_EXIT_ERROR. */
int wg_cli_error(const char *verb, const char *format, ...) WG_PRINTF(2, 3);

/* What a verb is to judge: a file, or a guest of the host. */
struct wg_cli_domain {
    const char *name; /* as it was given; "-" is standard input */
    bool is_guest;
    char *xml; /* of a guest, as it is defined; or NULL */
    char *why; /* what stood against it */
};

/* What the verbs that read domains have in common. */
struct wg_cli_input {
    struct wg_engine *engine;
    bool explain;
    bool json;
    struct wg_cli_domain *domain;
    int domains;
};

/* Reads --config, --facts, --sign, --connect, --guest, --file, --explain and --format (if tells)
 * and the names of files and guests, asks the host for these, and opens the engine. Returns -1 to
 * go on, else the exit code to return. */
int wg_cli_open(int argc, char **argv, bool tells, struct wg_cli_input *input);
void wg_cli_close(struct wg_cli_input *input);

/* wg_engine_open, told of under --verbose. */
struct wg_engine *wg_cli_engine(const char *verb, const char *config, struct wg_error *err);

/* guest.c, in the module that has libvirt: the definition of a guest, by its name or UUID, with its
 * secrets if secure. For the caller to free, NULL with *err filled. */
typedef char *wg_cli_guest_fn(const char *uri, const char *name, bool secure, struct wg_error *err);
__attribute__((visibility("default"))) wg_cli_guest_fn wg_cli_guest;

/* As wg_cli_judge, of one of what was read; a guest's text is handed over. */
struct wg_verdict *wg_cli_judge_domain(struct wg_cli_input *input, int number, unsigned flags,
                                       char **xml, size_t *len, struct wg_error *err);

/* Judges one file, whose text is in *xml for the caller to free. Returns NULL with *err filled
 * ("FILE: …") and nothing to free. */
struct wg_verdict *wg_cli_judge(struct wg_engine *engine, const char *file, unsigned flags,
                                char **xml, size_t *len, struct wg_error *err);

/* Prints the faults of a verdict that is not printed itself. */
void wg_cli_show_faults(const char *verb, const struct wg_verdict *verdict);

/* Warns on standard error if the guests that were judged are to have the host's local time, and
 * that is UTC. */
void wg_cli_warn_of_utc(const char *verb, bool localtime);

/* Shows on standard output how new differs from old, as a unified diff. Returns 0, or -1 with *err
 * filled. */
int wg_cli_show_diff(const char *label, const char *old, size_t old_len, const char *new,
                     size_t new_len, struct wg_error *err);

/* Prints a string of JSON, its quotes included. */
void wg_cli_json(const char *text);

/* Prints before, "name": and the text; null if it is NULL or empty. */
void wg_cli_json_member(const char *before, const char *name, const char *text);

/* Ends the process without a word, as shells expect it, if standard output has failed because
 * nobody reads it any more: SIGPIPE is ignored where libvirt is asked. */
void wg_cli_broken_pipe(void);

/* Says that standard output could not be written, if so. Returns code, or WG_EXIT_ERROR. */
int wg_cli_flush(const char *verb, int code);

#endif
