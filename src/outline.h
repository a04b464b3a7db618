/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a domain is read for: the parts in which signs of an OS are looked for, and those that the
 * policy and the package's own stylesheets are about. libxml2 holds the rest to XML's rules like
 * everything else, but it takes no memory: a big domain is devices, nearly all of it.
 */
#ifndef WG_OUTLINE_H
#define WG_OUTLINE_H

#include <libxml/parser.h>
#include <stdbool.h>

#include "text.h"

struct wg_outline {
    size_t below;  /* elements open around what is just being passed over */
    size_t passed; /* what was passed over: elements, attributes and bytes of text, in one sum */
};

/* Makes the parser pass over what is not looked at; outline is filled while it parses. */
void wg_outline_use(xmlParserCtxtPtr parser, struct wg_outline *outline);

/* Whether what is in the element was passed over. Of copies of it nobody can tell. */
bool wg_outline_is_hollow(const xmlNode *element);

/* Whether these stylesheets look at nothing else: none but the package's own. */
bool wg_outline_suffices(const struct wg_list *stylesheets);

#endif
