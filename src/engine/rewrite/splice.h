/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Step 4, its end: the new document as the old bytes with only the changed nodes written anew, so
 * that whatever the rewrite did not touch stays as it was to the last byte: quotes, CDATA, line
 * ends, layout. New nodes take the indentation of their neighbours.
 */
#ifndef WG_SPLICE_H
#define WG_SPLICE_H

#include "engine/domain.h"

/*
 * old: the domain as parsed; root: the root element of the document that it became.
 * Returns the new text, *len bytes and a NUL, to be freed by the caller; NULL with *err filled.
 */
char *wg_splice(const struct wg_domain *old, const xmlNode *root, size_t *len,
                struct wg_error *err);

#endif
