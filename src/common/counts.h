/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How often what was done on this host since its start, for the metrics and for status. Whoever did
 * it appends a byte to a file below WG_STATEDIR, so that many may at once and none waits; that it
 * cannot be written is no reason not to do it. libc only. */
#ifndef WG_COUNTS_H
#define WG_COUNTS_H

#include <stddef.h>

#define WG_COUNT_MAX 16 /* of words in each list */

/* Lists of words, NULL behind the last. */
struct wg_counted {
    const char *file;
    const char *const *ops;
    const char *const *results;
};

/* Decisions of hook and filter: in what call, and the outcome, in the order of enum wg_outcome, or
 * what came of it: "rewritten", "refused" (left alone, as it did not start so before), "failed". */
extern const struct wg_counted wg_count_decisions;
/* Repair workers: "definition", "restart" or "previous", and "done", "not_done" or "failed". */
extern const struct wg_counted wg_count_repairs;

/* Once more; a word that is not in its list is not counted. */
void wg_count(const struct wg_counted *counted, const char *op, const char *result);

/* Sums up: counts[op][result] by the places of the words. A file of over a mebibyte was begun anew.
 */
void wg_counts(const struct wg_counted *counted, size_t counts[WG_COUNT_MAX][WG_COUNT_MAX]);

/* How many of the last `most`, 64 at the most, failed; *of: how many of these there are. */
size_t wg_counts_failed(const struct wg_counted *counted, size_t most, size_t *of);

/* libvirt has refused a definition with the policy, and taken it without. Returns how often in a
 * row, as wg_refusals does. */
unsigned wg_refusals_add(void);
unsigned wg_refusals(void);

/* It has taken one with the policy. */
void wg_refusals_end(void);

#endif
