/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spare.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *stylesheet;
    const char *part; /* that it looks into; of the others it sees that they are there */
} looks[] = {
    {"clock.xsl", "clock"},
    {"hyperv.xsl", "features"},
    {"guest-agent.xsl", "devices"},
};

#define LOOKS (sizeof(looks) / sizeof(*looks))

static bool are_known(const struct wg_list *stylesheets)
{
    size_t known = 0;

    for (size_t i = 0; i < LOOKS; i++)
        known += wg_list_has(stylesheets, looks[i].stylesheet);
    return known == stylesheets->count;
}

static bool is_seen(const struct wg_list *stylesheets, const xmlNode *node)
{
    for (size_t i = 0; i < LOOKS; i++) {
        if (strcmp((const char *)node->name, looks[i].part) == 0 &&
            wg_list_has(stylesheets, looks[i].stylesheet))
            return true;
    }
    return false;
}

/* Empty ones, too: parts and their twins are told apart by their order. */
static bool is_spared(const struct wg_list *stylesheets, const xmlNode *node)
{
    return node->type == XML_ELEMENT_NODE && !is_seen(stylesheets, node);
}

static size_t count_parts(const struct wg_domain *domain, const struct wg_list *stylesheets)
{
    size_t count = 0;

    for (const xmlNode *node = domain->root->children; node; node = node->next)
        count += is_spared(stylesheets, node);
    return count;
}

int wg_spare(const struct wg_domain *domain, const struct wg_list *stylesheets,
             struct wg_spared *spared, struct wg_error *err)
{
    size_t count = are_known(stylesheets) ? count_parts(domain, stylesheets) : 0;

    *spared = (struct wg_spared){0};
    if (count == 0)
        return 0;
    spared->part = calloc(count, sizeof(*spared->part));
    if (!spared->part)
        return wg_no_memory(err);
    for (xmlNodePtr node = domain->root->children; node; node = node->next) {
        if (!is_spared(stylesheets, node))
            continue;
        spared->part[spared->count++] =
            (struct wg_part){.node = node, .children = node->children, .last = node->last};
        node->children = node->last = NULL;
    }
    return 0;
}

void wg_spare_restore(const struct wg_spared *spared)
{
    for (size_t i = 0; i < spared->count; i++) {
        spared->part[i].node->children = spared->part[i].children;
        spared->part[i].node->last = spared->part[i].last;
    }
}

static bool is_twin(const xmlNode *node, const struct wg_part *part)
{
    return node->type == XML_ELEMENT_NODE && !node->children &&
           xmlStrEqual(node->name, part->node->name);
}

int wg_spare_show(const struct wg_spared *spared, xmlNodePtr root, struct wg_error *err)
{
    struct wg_part *part = spared->part;
    struct wg_part *end = part + spared->count;

    for (xmlNodePtr node = root->children; node && part < end; node = node->next) {
        if (!is_twin(node, part))
            continue;
        node->children = part->children;
        node->last = part->last;
        part++->twin = node;
    }
    return part == end ? 0 : wg_fail(err, "the stylesheets lost <%s>", (const char *)part->node->name);
}

void wg_spare_clear(struct wg_spared *spared)
{
    for (size_t i = 0; i < spared->count; i++) {
        if (spared->part[i].twin)
            spared->part[i].twin->children = spared->part[i].twin->last = NULL;
    }
    free(spared->part);
    *spared = (struct wg_spared){0};
}
