/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of a guest the operator's lists and sections are held against. */
#ifndef WG_WHO_H
#define WG_WHO_H

#include "engine/config/policy.h"
#include "engine/domain.h"

/* Sets the outcome WG_EXEMPT, and why, if the guest is spared. Returns 0, or -1 with *err filled.
 */
int wg_who_exempt(const struct wg_domain *domain, const struct wg_policy *policy,
                  struct wg_verdict *verdict, struct wg_error *err);

/* Sets whether the guest is only to be told of. Returns 0, or -1 with *err filled. */
int wg_who_report(const struct wg_domain *domain, const struct wg_policy *policy,
                  struct wg_verdict *verdict, struct wg_error *err);

/* Reads the traits of a domain, for wg_traits_clear. Returns 0, or -1 with *err filled. */
int wg_who_traits(const xmlNode *root, struct wg_traits *traits, struct wg_error *err);

/* Adds to fits, as "names win*", "exempt.images …" or "only.uuids …", each glob that fits the guest
 * and is not among them yet. Returns 0, or -1 if there is no memory. */
int wg_who_fits(const xmlNode *root, const struct wg_policy *policy, struct wg_list *fits);

/* Tells each glob that is not among fits. */
void wg_who_fits_none(const struct wg_policy *policy, const struct wg_list *fits,
                      void (*tell)(void *to, const char *key, const char *glob), void *to);

/* Reads whose guest it is. Returns 0, or -1 with *err filled. */
int wg_who_owner(const xmlNode *root, struct wg_verdict *verdict, struct wg_error *err);

void wg_traits_clear(struct wg_traits *traits);

/* Where it looks for traits, path by path from number 0 on; NULL behind the last. */
const char *wg_who_path(size_t number);

#endif
