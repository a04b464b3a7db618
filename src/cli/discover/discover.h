/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `winguest discover` finds out of a guest. */
#ifndef WG_DISCOVER_H
#define WG_DISCOVER_H

#include "engine/winguest.h"
#include "libvirt/agent.h"

enum wg_finding_kind {
    WG_FOUND_NOTHING, /* it does not say what it is */
    WG_FOUND_AGREEMENT,
    WG_FOUND_UNMARKED, /* Windows, of which its XML says nothing */
    WG_FOUND_MARKED_OTHERWISE, /* Windows, and its XML says another OS */
    WG_FOUND_NOT_WINDOWS, /* its XML or a rule says Windows */
};

/* A guest that runs, or is shut off and had its disks looked at. */
struct wg_discovery {
    char *host;
    char *name;
    char uuid[WG_UUID_SIZE];
    enum wg_os os; /* as its XML and the rules have it */
    char *evidence; /* NULL: none */
    char started[16]; /* the offset of its clock, "utc"; "" if its XML cannot be read */
    bool has_host_zone;
    long host_zone; /* seconds east of UTC */
    struct wg_agent_answer answer;
    bool from_disks; /* what answer says is not its agent's, but libguestfs' */
};

struct wg_discoveries {
    struct wg_discovery *item;
    size_t count;
    struct wg_list uuids; /* of all guests there are, running or not */
    bool failed; /* a host did not answer, or not for all its guests */
};

/* A host, and what the agents of its guests answer. */
struct wg_asked_host {
    const char *uri;
    struct wg_virt *virt;
    char *name;
    struct wg_virt_guest **guests;
    size_t count;
    struct wg_agent_answer *answer; /* of each guest; NULL: it failed, and error says why */
    struct wg_error error;
};

/* Asks the guests of hosts whose uri is set, up to jobs of them at a time; a host that has not let
 * us connect within timeout seconds has failed. */
void wg_discovery_ask(struct wg_asked_host *hosts, size_t count, unsigned jobs, unsigned timeout);
void wg_asked_host_clear(struct wg_asked_host *host);

/* Has virt-inspector look what OS is on the disks of a guest that is shut off, and take minutes
 * over it if it must. Returns 0, what it found or why it found nothing being in the guest's answer,
 * or -1 with *err filled: it cannot be run. */
int wg_discovery_inspect(struct wg_discovery *guest, const char *uri, struct wg_error *err);

/* Reads with what its clock was started, of the machine that runs. */
void wg_discovery_read_clock(struct wg_discovery *guest, const char *xml);

/* Its host is this one: its zone is ours. */
void wg_discovery_read_zone(struct wg_discovery *guest);

/* What its agent said, what that means and what of its clock, on one line, escaped; with xml also
 * what its XML and the rules have it for. */
void wg_discovery_print(const struct wg_discovery *guest, bool xml, FILE *out);

/* For programs: of its agent, "answers"; of what it is, "unmarked". */
const char *wg_discovery_state_word(const struct wg_discovery *guest);
const char *wg_discovery_kind_word(const struct wg_discovery *guest);

enum wg_finding_kind wg_discovery_kind(const struct wg_discovery *guest);

/* What the error of a guest's clock means; "" if the guest did not tell its time. Whether it is an
 * error is in *wrong. */
void wg_discovery_clock(const struct wg_discovery *guest, char text[200], bool *wrong);

/* Whether a guest belongs in a list. */
typedef bool wg_discovery_fn(const struct wg_discovery *guest);

/* It says that it is Windows, and nothing marks it: for rules.uuid_file. */
wg_discovery_fn wg_discovery_is_unmarked;

/* Windows that was started with utc and has the right time, in a zone that is not UTC: its clock is
 * UTC inside, or NTP has just corrected it. For exempt.uuid_file. */
wg_discovery_fn wg_discovery_is_cured;

/*
 * Adds to the list at path, which need not be there, those that belong in it, and with prune
 * removes lines of this function's whose guests there are no more; lines of others stay. *added and
 * *removed: their numbers; with neither the file is left as it is. Returns 0, or -1 with *err
 * filled and the file as it was.
 */
int wg_discoveries_merge(const struct wg_discoveries *found, const char *path,
                         wg_discovery_fn *belongs, bool prune, size_t *added, size_t *removed,
                         struct wg_error *err);

#endif
