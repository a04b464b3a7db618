/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The engine: domain XML in, verdict out. It knows no libvirt, no command line and no log.
 *
 * Functions that can fail return -1 or NULL and fill the caller's struct wg_error with one line,
 * "context: cause", without a newline at its end; who calls prints it, once.
 *
 * An engine may be used by one thread at a time; any number of engines may live in a process.
 */
#ifndef WINGUEST_H
#define WINGUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/io.h"
#include "common/text.h"

struct wg_engine;
struct wg_host;

/* What the comment of a line of rules.uuid_file begins with whose guest's agent said that it is
 * Windows: it counts as what tenants can write. */
#define WG_SAID_BY_AGENT "# agent:"

/* A note of a verdict: such a guest's clock may be wrong once the policy is in force. */
#define WG_NOTE_V2V \
    "explicit utc and no timers: may be a guest whose clock is UTC inside (virt-v2v)"

enum wg_os {
    WG_OS_UNKNOWN,
    WG_OS_WINDOWS,
    WG_OS_LINUX,
    WG_OS_OTHER,
};

enum wg_outcome {
    WG_UNKNOWN, /* nothing tells its OS */
    WG_SKIPPED, /* another OS */
    WG_EXEMPT,
    WG_NOT_APPLICABLE,
    WG_COMPLIANT,
    WG_VIOLATES,
};

/* One place where the domain is not what the policy wants, in the words of the configuration:
 * "timer.rtc.tickpolicy" has "none", must have "catchup". */
struct wg_difference {
    char *where;
    char *has;
    char *must;
};

struct wg_verdict {
    enum wg_outcome outcome;
    enum wg_os os;
    char *name; /* NULL if the domain has none */
    char *uuid; /* in libvirt's form, NULL if it has none */
    int id; /* libvirt's of a running guest, -1 if the document has none */
    char *evidence; /* the sign that gave the OS away, "libosinfo: http://…"; or NULL */
    char *reason; /* why it is exempt or not applicable; NULL otherwise */
    /* Whose it is, under WG_OWNER; each NULL where there is none. */
    char *title; /* nova's name of the server, or the guest's own title */
    char *project; /* nova's name of it, or its UUID */
    char *flavor;
    char *image; /* UUID of the image that nova booted it from */
    bool unlisted; /* under WG_OWNER: of unknown OS, and the operator's list of images lacks its */
    bool nova; /* it carries nova's metadata */
    bool localtime; /* its clock is to be the local time of its host */
    bool report; /* it is not to be changed: [enforce] mode, or only.* */
    bool untried; /* a KVM guest, and of what its host gives such guests nothing current is known */
    struct wg_difference *differences;
    size_t n_differences;
    struct wg_list notes; /* what of the policy was left out for this guest, and why */
    struct wg_list faults; /* stylesheets of the site that failed and were left out, and why */
    struct wg_list trail; /* under WG_EXPLAIN: each sign asked for, in order, and what it said */
    char *xml; /* under WG_REWRITE, if the outcome is WG_VIOLATES: the document as it must be */
    size_t xml_len;
};

enum {
    WG_REWRITE = 1,
    WG_EXPLAIN = 2,
    WG_OWNER = 4,
};

/* What the hook does with a guest that was cold booted against the policy. */
enum {
    WG_CORRECT, /* its stored definition is brought in line, for the next cold boot */
    WG_REPAIR, /* that, and it is booted again at once */
    WG_DENY,
    WG_REPORT,
};

/* Guests that a repair never restarts. */
enum {
    WG_DECLINE_OVIRT = 1,
    WG_DECLINE_HOSTDEV = 2,
    WG_DECLINE_FDGROUP = 4,
    WG_DECLINE_VTPM = 8,
};

/* How bad it is what is wrong with a configuration. */
enum wg_gravity {
    WG_WARNING, /* it counts for nothing */
    WG_WRONG, /* the default stands in its place; the rest is in force */
    WG_UNUSABLE, /* whom the policy is about is not clear: nobody is touched */
};

typedef void wg_remark_fn(void *to, enum wg_gravity gravity, const char *text);

/* Tells all that is wrong with a configuration, "FILE:LINE: [SECTION] KEY: …"; config as below. */
void wg_config_check(const char *config, wg_remark_fn *tell, void *to);

/* A key that holds, line 0: by default. */
typedef void wg_setting_fn(void *to, const char *section, const char *key, const char *value,
                           unsigned line);

/* Tells all that holds, section by section. Returns 0, or -1 with *err filled: nothing does. */
int wg_config_show(const char *config, wg_setting_fn *tell, void *to, struct wg_error *err);

/* The [enforce] section of the configuration: how the callers of the engine behave. */
struct wg_settings {
    int report; /* nothing is changed anywhere, and all is told */
    int cold_start; /* WG_CORRECT, WG_REPAIR, WG_DENY, WG_REPORT */
    int deny_on_error; /* whether a fault of ours keeps a guest from starting */
    int rollback; /* whether a guest that cannot start under the policy starts as it was */
    unsigned deadline; /* seconds that the daemon filter waits for the engine */
    unsigned repair_window; /* seconds after a boot in which a repair may restart the guest */
    unsigned repair_parallel; /* repairs at a time */
    unsigned repair_decline; /* WG_DECLINE_… */
};

/*
 * Reads the configuration and prepares an engine.
 * config: a path, which must exist; NULL is the installed one, and if there is none, the defaults.
 * settings: filled, on failure too, as far as the configuration could be read; may be NULL.
 * Returns the engine, to be closed by the caller, or NULL with *err filled.
 */
struct wg_engine *wg_engine_open(const char *config, struct wg_settings *settings,
                                 struct wg_error *err);
void wg_engine_close(struct wg_engine *engine);

/*
 * Which of the operator's globs are about anybody: takes a guest's XML, and tells, when all have
 * been taken, those that fitted none ("names", "exempt.images", …). Returns 0, or -1 with *err
 * filled.
 */
int wg_engine_fit(struct wg_engine *engine, const char *xml, size_t len, struct wg_error *err);
void wg_engine_unfitted(const struct wg_engine *engine,
                        void (*tell)(void *to, const char *key, const char *glob), void *to);

/* Whether this host's libvirt knows all that the configuration demands: a definition that it does
 * not understand it refuses, and does not load from its file. Returns 0, or -1 with *err filled. */
int wg_engine_libvirt_knows(const struct wg_engine *engine, struct wg_error *err);

/* What the configuration says in one number: another number, another policy. The texts of
 * stylesheets do not count. */
uint64_t wg_engine_digest(const struct wg_engine *engine);

/*
 * What a host can give its guests, as `winguest probe` wrote it. path NULL: this host's file.
 * Returns facts to be freed by the caller, or NULL with *err filled and errno kept (ENOENT).
 */
struct wg_host *wg_host_read(const char *path, struct wg_error *err);
void wg_host_free(struct wg_host *host);

/* What has changed since the host was asked, "QEMU's file": a path or "the kernel", which lives
 * as long as host; NULL if nothing has. */
const char *wg_host_stale(const struct wg_host *host);

/* Whether it is no answer at all: a host without KVM has no facts, but an id. */
bool wg_host_is_empty(const struct wg_host *host);

/* Judges guests for that host from now on, not by the facts on this one's disk; NULL: nothing is
 * known of it. The engine frees host. fault: what each guest of type kvm is then told, or NULL. */
void wg_engine_use_host(struct wg_engine *engine, struct wg_host *host, const char *fault);

/*
 * Tells of a sign that the domain does not carry, a label of a container platform say. It is asked
 * with the source "metadata": a value that begins with "win" says Windows.
 * Returns 0, or -1 with *err filled.
 */
int wg_engine_add_sign(struct wg_engine *engine, const char *label, const char *value,
                       struct wg_error *err);

/* Judges a guest of our own that is in each section of demands, wants all that they say, and tells
 * what goes wrong. tell gets WG_WRONG. Returns 0, or -1 with *err filled. */
int wg_engine_try(struct wg_engine *engine, wg_remark_fn *tell, void *to, struct wg_error *err);

/*
 * Reads now what wg_evaluate would later, so that it needs no file any more. What
 * fails is told by the evaluation that needs it.
 */
void wg_engine_take_files(struct wg_engine *engine);

/*
 * Judges one domain, and with WG_REWRITE also makes the document that the policy wants.
 * xml, len: the domain, not terminated, unchanged by the call.
 * Returns a verdict, to be freed by the caller, or NULL with *err filled: the domain cannot be
 * read, or the policy cannot be applied to it. A verdict never carries half a document.
 */
struct wg_verdict *wg_evaluate(struct wg_engine *engine, const char *xml, size_t len,
                               unsigned flags, struct wg_error *err);
void wg_verdict_free(struct wg_verdict *verdict);

/* The words for them in messages: "windows", "violates". */
const char *wg_os_text(enum wg_os os);
const char *wg_outcome_text(enum wg_outcome outcome);

/*
 * Writes "violates (windows, nova os_type: windows): clock.offset: utc → localtime; …" without a
 * newline. What the domain says is escaped: no control or direction-changing character gets out.
 */
void wg_verdict_print(const struct wg_verdict *verdict, FILE *out);

/* Of that, how it comes to the outcome: "windows, nova os_type: windows". */
void wg_verdict_print_why(const struct wg_verdict *verdict, FILE *out);

/* The same without the outcome: "windows, nova os_type: windows: clock.offset: …". */
void wg_verdict_print_details(const struct wg_verdict *verdict, FILE *out);

#endif
