/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all hosts of a cluster can give their guests: a guest that got more could not migrate. */
#ifndef WG_CLUSTER_H
#define WG_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

struct wg_host;

/* What all of the hosts, one at least, have; names are theirs. Returns a host with members for
 * wg_host_free, or NULL with *err filled. */
struct wg_host *wg_cluster_of(struct wg_host *const *hosts, char *const *names, size_t count,
                              struct wg_error *err);

/* Whether a host of that name is one of them. */
bool wg_cluster_has(const struct wg_host *cluster, const char *name);

/* Reads this host's file of a cluster. Returns it for wg_host_free, or NULL with *err filled and
 * errno: ENOENT where there is none; one that is empty is no answer. */
struct wg_host *wg_cluster_read(struct wg_error *err);

/*
 * Takes out of the host's facts what the cluster in this host's file does not have; nothing where
 * there is no such file, or none of its hosts has that name. name NULL: this host. *host NULL, or
 * one that says nothing of Hyper-V: it becomes one that is assumed to have relaxed, vapic and
 * spinlocks. Returns 0, or -1 with *err filled: what the cluster has cannot be read, and *host is
 * left no more than these three; or there is no memory.
 */
int wg_cluster_limit(struct wg_host **host, const char *name, struct wg_error *err);

/* Writes what the cluster has and the host lacks, in words, into text, of size bytes; "" if that is
 * nothing. */
void wg_cluster_lacking(const struct wg_host *cluster, const struct wg_host *host, char *text,
                        size_t size);

/* Who they are, in words. */
void wg_cluster_text(const struct wg_host *cluster, char *text, size_t size);

#endif
