/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a host can give its guests: facts that `winguest probe` got from libvirt and keeps in a
 * file, so that a decision needs no libvirt. */
#ifndef WG_HOST_H
#define WG_HOST_H

#include "common/text.h"
#include "engine/domain.h"
#include "target.h"

/* The enlightenments that every host is assumed to have. */
#define WG_ASSUMED_HYPERV "relaxed vapic spinlocks"

/* What one QEMU offers. The words are globs: "*" is any, and any machine has its facts in front of
 * the general ones of its emulator. An architecture's first emulator is libvirt's default. */
struct wg_facts {
    char *virttype; /* kvm, qemu */
    char *emulator;
    char *arch;
    char *machine;
    bool known; /* whether the host says anything of Hyper-V */
    bool assumed; /* it does not, and what is here every host has */
    struct wg_list hyperv; /* the enlightenments, in libvirt's words */
    struct wg_list withheld; /* the host has them, and other hosts of its cluster do not */
    struct wg_list machines; /* machine types, without aliases; none: it does not say */
};

/* A file that was there when the host was asked. */
struct wg_stamp {
    char *path;
    long long size; /* bytes */
    long long mtime; /* seconds since 1970 */
};

/* A host of a cluster. */
struct wg_member {
    char *name;
    char *vendor; /* of its CPU; NULL: it does not say */
    struct wg_list beyond; /* what it has and others have not */
};

/* One host, or with members what all hosts of a cluster have. */
struct wg_host {
    char *kernel; /* its release; NULL if it does not count */
    char *vendor; /* of the CPU, in libvirt's word; NULL: it does not say, or they are several */
    char *id; /* another one, other facts; NULL: written by hand */
    struct wg_member *member;
    size_t members;
    struct wg_stamp *stamp;
    size_t stamps;
    struct wg_facts *facts;
    size_t count;
};

/* Appends facts about which nothing is known yet; the words are copied. Returns them, valid until
 * the next call, or NULL if there is no memory. */
struct wg_facts *wg_host_add(struct wg_host *host, const char *virttype, const char *emulator,
                             const char *arch, const char *machine);

/* Appends a host about which nothing is known yet; the name is copied. Returns as wg_host_add. */
struct wg_member *wg_host_add_member(struct wg_host *host, const char *name);

/* Remembers the file as it is now, and the running kernel, so that wg_host_stale notices another.
 * Both return 0, or -1 with *err filled. */
int wg_host_add_stamp(struct wg_host *host, const char *path, struct wg_error *err);
int wg_host_add_kernel(struct wg_host *host, struct wg_error *err);

/* host_write.c: writes what wg_host_read reads. Returns 0, or -1 if the facts cannot be written so.
 */
int wg_host_write(const struct wg_host *host, FILE *out);

/* Gives it the id that its facts make. Returns 0, or -1 with *err filled. */
int wg_host_identify(struct wg_host *host, struct wg_error *err);

/*
 * Takes out of target what the host lacks, and what depends on it, with a note in verdict.
 * host NULL, or one that knows nothing of such a guest: it is assumed to have relaxed, vapic and
 * spinlocks. For a guest that is not of type kvm the host does not count: TCG takes nearly all and
 * ignores it.
 * Returns 0, or -1 with *err filled.
 */
int wg_host_fit(const struct wg_host *host, const struct wg_domain *domain,
                struct wg_target *target, struct wg_verdict *verdict, struct wg_error *err);

/* The facts that count for such a guest; emulator and machine may be NULL. NULL: there are none. */
const struct wg_facts *wg_host_find(const struct wg_host *host, const char *virttype,
                                    const char *emulator, const char *arch, const char *machine);

#endif
