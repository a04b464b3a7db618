/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt, for the verbs that need it. Its headers are included in this directory alone; what is
 * handed out are our own types. Nothing here may be called by the hook: libvirt holds the guest's
 * lock while a hook runs.
 */
#ifndef WG_VIRT_H
#define WG_VIRT_H

#include "common/text.h"

struct wg_virt;

/* Connects; uri NULL is qemu:///system. Returns a connection to be closed by the caller, or NULL
 * with *err filled. */
struct wg_virt *wg_virt_open(const char *uri, bool read_only, struct wg_error *err);

/* As that, uri not NULL, but fails after so many seconds; what is still connecting then ends with
 * the process, or by itself. No call of libvirt's bounds a connection. */
struct wg_virt *wg_virt_open_within(const char *uri, bool read_only, unsigned seconds,
                                    struct wg_error *err);

/* For the end of a verb: returns code, or, where something is connecting still, ends the process
 * with it by _exit(2), for libraries that are taken down under a thread of theirs crash. */
int wg_virt_leave(int code);
void wg_virt_close(struct wg_virt *virt);

/* The name of the host at the other end; for the caller to free, NULL with *err filled. */
char *wg_virt_host(struct wg_virt *virt, struct wg_error *err);

/* Whether the host at the other end is this one, as far as its URI tells: no host's name and no
 * socket of its own are in it. */
bool wg_virt_is_local(struct wg_virt *virt);

/* The file of libvirt's library that we use; for the caller to free, NULL if it cannot be told. */
char *wg_virt_library(void);

/* libvirt's capabilities XML, and its domain capabilities for one emulator; machine may be NULL.
 * For the caller to free, NULL with *err filled. */
char *wg_virt_capabilities(struct wg_virt *virt, struct wg_error *err);
char *wg_virt_domain_capabilities(struct wg_virt *virt, const char *emulator, const char *arch,
                                  const char *machine, const char *virttype, struct wg_error *err);

/* A domain of a connection, as the host had it when it was asked for. */
struct wg_virt_guest {
    struct _virDomain *domain; /* libvirt's */
    const char *name;
    char uuid[WG_UUID_SIZE];
    bool active;
    bool persistent;
};

/* All domains, running or not, by name; for wg_virt_guests_free. NULL with *err filled. */
struct wg_virt_guest **wg_virt_guests(struct wg_virt *virt, size_t *count, struct wg_error *err);
void wg_virt_guests_free(struct wg_virt_guest **guests, size_t count);

enum wg_virt_xml {
    WG_VIRT_LIVE,
    WG_VIRT_INACTIVE,
    WG_VIRT_INACTIVE_SECURE, /* with passwords: the only one that may be defined again */
};

/* The XML as it is now; for the caller to free, NULL with *err filled. */
char *wg_virt_guest_xml(const struct wg_virt_guest *guest, enum wg_virt_xml which,
                        struct wg_error *err);

/*
 * The XML of many guests, in their order, with several requests in flight. Those that are not
 * persistent have none. guests must outlive it. NULL if there is no memory.
 */
struct wg_virt_fetch;
struct wg_virt_fetch *wg_virt_fetch_begin(struct wg_virt_guest **guests, size_t count,
                                          enum wg_virt_xml which);

/* Waits for that of guests[place], each later than the last; for the caller to free, NULL with *err
 * filled. */
char *wg_virt_fetch_take(struct wg_virt_fetch *run, size_t place, struct wg_error *err);
void wg_virt_fetch_end(struct wg_virt_fetch *run);

/* Whether the host has it no more: why something failed that was asked of it. */
bool wg_virt_guest_gone(const struct wg_virt_guest *guest);

/* Stores a definition. Returns 0, or -1 with *err filled. */
int wg_virt_define(struct wg_virt *virt, const char *xml, struct wg_error *err);

enum wg_virt_state {
    WG_VIRT_GONE, /* there is no such guest */
    WG_VIRT_OFF,
    WG_VIRT_RUNNING,
    WG_VIRT_PAUSED,
};

/* How a guest that is off came to be so, as far as it matters here. */
enum wg_virt_end {
    WG_VIRT_END_UNKNOWN, /* not since the daemon was started */
    WG_VIRT_END_DESTROYED, /* by somebody's call */
    WG_VIRT_END_FAILED, /* it did not start */
    WG_VIRT_END_CRASHED, /* its QEMU was gone */
    WG_VIRT_END_DAEMON, /* the daemon died while it was being started, and the next one gave it up
                         */
    WG_VIRT_END_OTHER, /* shut down, saved, migrated away, … */
};

struct wg_virt_status {
    enum wg_virt_state state;
    enum wg_virt_end end;
    bool fresh; /* running or paused since its boot as a client that boots it leaves it: not
                   migrated, restored, reverted, crashed, or stopped by its disk */
    int id; /* -1 unless it runs or is paused */
    bool persistent;
    bool autostart; /* libvirt starts it when the host has booted */
    bool saved; /* its next start takes its state from a managed save */
    bool job; /* a migration, save, dump or backup is at work, or it was migrated away */
    int snapshots; /* their number, and that of checkpoints */
};

/* What follows names guests by UUID, returns 0, or -1 with *err filled, and connects anew, for up
 * to a minute, if the connection is lost: the daemon may be restarted at any time. */

int wg_virt_look(struct wg_virt *virt, const char *uuid, struct wg_virt_status *status,
                 struct wg_error *err);

/* Waits until no call of another client changes the guest, its start above all. A migration is not
 * waited for. */
int wg_virt_settle(struct wg_virt *virt, const char *uuid, struct wg_error *err);

/* The guest's name for messages, to be freed by the caller; NULL if there is no such guest. */
char *wg_virt_name(struct wg_virt *virt, const char *uuid);

/* What of a guest: as it runs; as it is defined, or, if it is transient, would be; both with their
 * secrets. To be freed by the caller (wg_virt_forget), NULL with *err filled. */
char *wg_virt_live_xml(struct wg_virt *virt, const char *uuid, struct wg_error *err);
char *wg_virt_stored_xml(struct wg_virt *virt, const char *uuid, struct wg_error *err);

/* Frees a document without leaving the secrets in it in memory. */
void wg_virt_forget(char *xml);

/*
 * Stores xml in place of the definition that was seen, unless the guest has been undefined, or
 * defined otherwise, since: nothing of libvirt's is locked in between, so what was undefined in
 * that moment, and thereby made again, is undefined again. Returns 1 with *stored what libvirt has
 * made of it (for wg_virt_forget), 0: it is somebody else's, or -1 with *err filled.
 */
int wg_virt_replace(struct wg_virt *virt, const char *uuid, const char *seen, const char *xml,
                    char **stored, struct wg_error *err);

/* Ends the boot of that id. Returns 1: we did, 0: somebody else, or it is another boot, or -1 with
 * *err filled: nobody did, yet. */
int wg_virt_destroy(struct wg_virt *virt, const char *uuid, int id, struct wg_error *err);

enum wg_virt_started {
    WG_VIRT_STARTED,
    WG_VIRT_FAILED, /* *err tells why; or it runs already, or is defined no more */
    WG_VIRT_ENDED, /* in the middle of its start, by somebody's destroy for all that is known */
};

/* Boots it from its stored definition. */
enum wg_virt_started wg_virt_start(struct wg_virt *virt, const char *uuid, struct wg_error *err);

#endif
