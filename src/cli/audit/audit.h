/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an audit finds, and the formats in which it is told. */
#ifndef WG_AUDIT_H
#define WG_AUDIT_H

#include <pthread.h>

#include "common/text.h"
#include "engine/winguest.h"
#include "libvirt/agent.h"

/* One guest, or one file. */
struct wg_finding {
    const char *file; /* NULL for a guest of a host */
    const char *name; /* NULL if it has none, or cannot be read */
    const char *uuid;
    bool active;
    const struct wg_verdict *stored; /* of its definition; NULL if it is transient */
    const struct wg_verdict *live; /* of the machine that runs; NULL if none does */
    bool by_qemu; /* live is of what its QEMU was started with, not of what libvirt says */
    double age; /* seconds since its QEMU was started; negative if that cannot be seen */
    bool waits; /* what runs violates the policy, what is stored does not */
    const char *error; /* why it could not be judged; NULL otherwise */
    const struct wg_discovery *said; /* under --ask-guests, of one that runs; NULL otherwise */
    const char *was; /* under --since: what it was found to be then, or "new"; NULL without */
    bool gone; /* it was there then, and is not any more */
};

enum { WG_OUTCOMES = WG_VIOLATES + 1 };

struct wg_place_count {
    char *where;
    size_t count;
};

struct wg_tally {
    size_t outcome[WG_OUTCOMES];
    struct wg_place_count *places;
    size_t n_places;
};

#define WG_AGES 3
extern const unsigned wg_age_days[WG_AGES];

/* A guest whose clock is wrong. */
struct wg_wrong_clock {
    char *name;
    char uuid[WG_UUID_SIZE];
    double error; /* seconds */
};

/* Those that are told of one by one in the metrics of a host: each is a series. Chosen. */
#define WG_WRONG_CLOCKS_MAX 50

#define WG_CLOCK_BUCKETS 7
extern const unsigned wg_clock_bucket[WG_CLOCK_BUCKETS];

/* What a host's guests have said. */
struct wg_said {
    size_t agents[WG_AGENT_STATES]; /* guests that run, by enum wg_agent_state */
    size_t unmarked; /* Windows that nothing marks */
    size_t clocks; /* guests that told their time */
    double clock_errors; /* the sum of how far they are off, in seconds */
    size_t within[WG_CLOCK_BUCKETS]; /* those that are off by no more than wg_clock_bucket */
    size_t n_wrong;
    struct wg_wrong_clock wrong[WG_WRONG_CLOCKS_MAX]; /* the first of them */
};

/* A host, or the files of the command line. */
struct wg_source {
    const char *uri; /* NULL for files */
    bool local; /* whether it is this host */
    char *host; /* its own name for itself; the URI where it did not answer */
    char error[sizeof(((struct wg_error *)0)->text)]; /* "" unless it failed as a whole */
    size_t guests;
    size_t errors; /* guests that could not be judged */
    size_t waiting;
    size_t waiting_over[WG_AGES]; /* those whose QEMU runs for longer than wg_age_days */
    double waiting_longest; /* seconds */
    bool localtime; /* some guest here is to have the local time of its host */
    size_t shown[WG_OUTCOMES]; /* a guest once: what is stored, or runs of a transient one */
    struct wg_tally stored;
    struct wg_tally live;
    struct wg_said *said; /* NULL: they were not asked */
    char *text; /* what the format wrote of its guests */
    size_t text_len;
};

struct wg_since;
struct wg_discovery;

struct wg_audit {
    struct wg_source *source; /* the first is the files */
    size_t sources;
    bool asks; /* running guests, through their agents */
    bool details; /* all of what differs is told for each guest */
    bool summary; /* no guest is told of by itself */
    const char *since; /* the report to which it is compared; NULL: none */
    bool unusable; /* the configuration is, so no guest could be judged */
};

/* A way to tell it. Each may be NULL. What guest writes for the guests of all sources comes between
 * what begin and end write. */
struct wg_format {
    bool of_host; /* it also tells of this host as such, and may tell that alone */
    bool sums; /* its summary is made of what guest wrote */
    void (*begin)(const struct wg_audit *audit, FILE *out);
    int (*guest)(const struct wg_audit *audit, const struct wg_source *source,
                 const struct wg_finding *finding, FILE *out);
    const char *separator; /* between guests */
    int (*end)(const struct wg_audit *audit, FILE *out, struct wg_error *err);
    /* Instead of writing what guest wrote as it is: the whole document, made of it. */
    int (*document)(const struct wg_audit *audit, const char *guests, size_t len, FILE *out,
                    struct wg_error *err);
};

extern const struct wg_format wg_format_text;
extern const struct wg_format wg_format_json;
extern const struct wg_format wg_format_prometheus;
extern const struct wg_format wg_format_html;
extern const struct wg_format wg_format_csv;

/* An audit under way. */
struct wg_audit_run {
    unsigned jobs; /* WG_JOBS_MAX at most */
    unsigned timeout; /* seconds that a host may take to let us connect */
    struct wg_audit audit;
    const struct wg_format *format;
    const char *config;
    const char *output;
    struct wg_list uris;
    struct wg_list only; /* the verdicts of those that are told of one by one; none: of all */
    char **file;
    int files;
    struct wg_since *since; /* NULL: all is told, not only what has changed */
    bool progress;
    bool written; /* a guest has been written */
    pthread_mutex_t lock; /* of what follows */
    size_t guests;
    size_t hosts_done;
    bool violations;
    bool errors;
};

/* Looks at the hosts: each source's text is what the format wrote, or its error says why not. */
void wg_audit_hosts(struct wg_audit_run *run);

/* Looks at the files and at the *.xml of directories, and writes to out what the format makes of
 * them. Returns 0, or -1 with *err filled; a file that cannot be read is a finding. */
int wg_audit_files(struct wg_audit_run *run, FILE *out, struct wg_error *err);

/* Asks the guests of a host. Returns an answer for each, to be freed, or NULL with *err filled. */
struct wg_agent_answer *wg_said_ask(struct wg_source *source, struct wg_virt *virt,
                                    struct wg_virt_guest **guests, size_t count,
                                    struct wg_error *err);

/* Takes an answer; verdict is of the guest as it runs, and what is taken has its texts. */
void wg_said_take(struct wg_discovery *said, bool local, const struct wg_verdict *verdict,
                  const struct wg_agent_answer *answer);

/* Counts what a guest has said; name and uuid are its own. Returns -1 without memory. */
int wg_said_count(struct wg_said *said, const char *name, const char *uuid,
                  const struct wg_discovery *guest);
void wg_said_free(struct wg_said *said);

/* Whether its clock is wrong, as its agent says. */
bool wg_finding_clock_is_wrong(const struct wg_finding *finding);

/* The verdict by which it is counted: of what is stored, or of what runs of a transient one. NULL
 * if it could not be judged. */
const struct wg_verdict *wg_finding_verdict(const struct wg_finding *finding);

/* How long its QEMU runs, "3 d"; "" if that cannot be seen. */
void wg_finding_age(const struct wg_finding *finding, char text[16]);

/* Whether it is one of those: words of --only; none are all. */
bool wg_finding_is_among(const struct wg_finding *finding, const struct wg_list *only);

/* Returns -1 without memory. */
int wg_tally_add(struct wg_tally *tally, const struct wg_verdict *verdict);

/* A wg_setting_fn to a struct wg_source: a place where no guest differs is told as 0, for what a
 * metric lacks no alert sees. Without memory it is not. */
void wg_tally_demand(void *to, const char *section, const char *key, const char *value,
                     unsigned line);

void wg_tally_clear(struct wg_tally *tally);

#endif
