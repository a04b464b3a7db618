/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A domain as libvirt reads it, where it has something more than once. */
#ifndef WG_MERGE_H
#define WG_MERGE_H

#include <libxml/tree.h>
#include <stdbool.h>

/*
 * Whether the domain repeats its clock, its enlightenments or one of them, or has a part of them in
 * a namespace, which libvirt does not look at.
 */
bool wg_merge_needed(const xmlNode *root);

/*
 * A copy with one <clock> and one <hyperv> where the first ones are. libvirt takes each attribute
 * of the clock from the first that has it, the timers of all, the enlightenments of all <hyperv> of
 * all <features>, each attribute of them and the mode from the last (virDomainDefParseXML and
 * virDomainFeaturesHyperVDefParse of libvirt 9.0; tests/e2e/test_reads_as_libvirt.py asks whichever
 * is there). Returns a document for xmlFreeDoc, or NULL if there is no memory.
 */
xmlDocPtr wg_merged(xmlDocPtr doc);

#endif
