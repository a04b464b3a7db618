/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What has changed since an earlier audit, of which there is its JSON. */
#ifndef WG_SINCE_H
#define WG_SINCE_H

#include "audit.h"

struct wg_since;

/* Reads `audit --format json`'s report. Returns NULL with *err filled; for wg_since_free. */
struct wg_since *wg_since_read(const char *path, struct wg_error *err);
void wg_since_free(struct wg_since *since);

/* Whether the finding is not as it was. Sets finding->was, which lives as long as since. One thread
 * at a time. */
bool wg_since_changed(struct wg_since *since, const struct wg_source *source,
                      struct wg_finding *finding);

/* Calls tell for each guest that was on a host that has answered now, and is nowhere any more.
 * Returns 0, or what tell returned if that is not 0. */
int wg_since_gone(struct wg_since *since, const struct wg_audit *audit,
                  int (*tell)(void *to, const struct wg_source *source,
                              const struct wg_finding *finding),
                  void *to);

#endif
