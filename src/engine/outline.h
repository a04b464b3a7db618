/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a domain is read for: the parts in which signs of an OS are looked for, and those that the
 * policy and the package's own stylesheets are about. libxml2 holds the rest to XML's rules like
 * everything else, but it takes no memory: a big domain is devices, nearly all of it.
 *
 * What it buys (Debian 13, whole processes): without it the rewrite of a Windows guest takes 1.29
 * times as many instructions at 5 KiB and 2.0 times at 20 KiB, prepare of a Linux guest 1.13
 * and 1.53 times; in processor time (medians of 40 rounds, two runs, a busy machine) 1.09 to 1.13
 * and 1.34, 0.98 to 1.06 and 1.14 to 1.16 times.
 */
#ifndef WG_OUTLINE_H
#define WG_OUTLINE_H

#include <libxml/parser.h>
#include <stdbool.h>

#include "common/text.h"

/* For one document after the other; {0} to begin with. */
struct wg_outline {
    xmlParserCtxtPtr parser; /* kept, as the next domain has the same names */
    int depth; /* elements that are open and in the tree */
    int value; /* how many are around the one whose text is a value; 0: none is open */
    bool in_devices; /* the second of them is <devices> */
    size_t below; /* elements open around what is just being passed over */
    size_t passed; /* what was passed over: elements, attributes and bytes of text, in one sum */
};

/* A parser that passes over what is not looked at, and fills outline while it does. It belongs to
 * outline. Returns NULL if there is no memory. */
xmlParserCtxtPtr wg_outline_parser(struct wg_outline *outline);
void wg_outline_clear(struct wg_outline *outline);

/* Whether its attributes and what is in it were passed over. Of copies of it nobody can tell. */
bool wg_outline_passed_over(const xmlNode *element);

/* Whether these stylesheets look at nothing else: none but the package's own. */
bool wg_outline_suffices(const struct wg_list *stylesheets);

#endif
