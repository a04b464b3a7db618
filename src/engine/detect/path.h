/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where something stands in a domain, in the part of XPath that signs of an OS need:
 *
 *   os/type/@machine                       elements of a domain, then one's attribute
 *   clock/timer[@name=rtc][@track=guest]   attributes that an element must have; ~ for = takes
 *                                          capitals and small letters for the same
 *   metadata/wg:guest, *:image, *          elements in a namespace (path.c), in any, of any name
 *   metadata//os_type                      all elements and attributes of that name, in whatever
 *                                          namespace, in whatever depth
 *
 * Not libxml2's own: every check of every guest asks for all signs. For a guest that shows none
 * XPath takes 1.1 million instructions in a process that decides once, compiling included, where
 * the whole prepare of a Linux guest of 5 KiB takes 1.85 million (Debian 13).
 */
#ifndef WG_PATH_H
#define WG_PATH_H

#include <libxml/tree.h>
#include <stdbool.h>

/* What both signs and the operator's lists are looked for in. */
#define WG_PATH_NOVA "metadata/nova:instance/"
#define WG_PATH_NOVA_PROPERTY WG_PATH_NOVA "*:image/*:properties/*:property"
#define WG_PATH_FLAVOR WG_PATH_NOVA "*:flavor/@name"
#define WG_PATH_PROJECT WG_PATH_NOVA "*:owner/*:project/@uuid"
#define WG_PATH_IMAGE_ROOT WG_PATH_NOVA "*:root[@type=image]/@uuid"
#define WG_PATH_IMAGE WG_PATH_NOVA "*:image/@uuid"
#define WG_PATH_LIBOSINFO "metadata/libosinfo:libosinfo/libosinfo:os/@id"

/* Takes an element or an attribute. Other than 0 ends the walk. */
typedef int wg_path_visit(const xmlNode *node, void *context);

/* Visits what the path leads to from parent, in the order of the document. Returns what the last
 * visit returned, 0 if there was none. */
int wg_path_walk(const xmlNode *parent, const char *path, wg_path_visit *visit, void *context);

/* Whether it leads to anything. */
bool wg_path_leads(const xmlNode *parent, const char *path);

#endif
