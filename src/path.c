/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "path.h"

#include <stdbool.h>
#include <string.h>

#include "domain.h"

static const struct {
    const char *prefix;
    const char *uri; /* nova's is followed by a version */
    bool versioned;
} namespaces[] = {
    {"wg", "urn:libvirt-winguest:domain:1.0", false},
    {"libosinfo", "http://libosinfo.org/xmlns/libvirt/domain/1.0", false},
    {"nova", "http://openstack.org/xmlns/libvirt/nova/", true},
    {"cockpit", "https://github.com/cockpit-project/cockpit-machines", false},
    {"unraid", "http://unraid", false},
};

/* A piece of a path. */
struct word {
    const char *start;
    size_t len;
};

static struct word word_at(const char *start, const char *ends)
{
    return (struct word){start, strcspn(start, ends)};
}

static bool is(struct word word, const char *text)
{
    return strncmp(text, word.start, word.len) == 0 && !text[word.len];
}

static const xmlAttr *find_attribute(const xmlNode *element, struct word name)
{
    const xmlAttr *attribute = element->properties;

    while (attribute && (attribute->ns || !is(name, (const char *)attribute->name)))
        attribute = attribute->next;
    return attribute;
}

static bool in_namespace(const xmlNode *element, struct word prefix)
{
    if (is(prefix, "*"))
        return true;
    if (!element->ns || prefix.len == 0)
        return !element->ns && prefix.len == 0;
    const char *uri = (const char *)element->ns->href;
    for (size_t i = 0; uri && i < sizeof(namespaces) / sizeof(*namespaces); i++) {
        if (is(prefix, namespaces[i].prefix))
            return namespaces[i].versioned
                       ? strncmp(uri, namespaces[i].uri, strlen(namespaces[i].uri)) == 0
                       : strcmp(uri, namespaces[i].uri) == 0;
    }
    return false;
}

/* [@name=value], as many as there are */
static bool has_attributes(const xmlNode *element, const char *wanted)
{
    while (*wanted == '[') {
        struct word name = word_at(wanted + 2, "=~");
        const char *equals = name.start + name.len;
        struct word value = word_at(equals + 1, "]");
        const xmlAttr *attribute = find_attribute(element, name);
        const char *text = attribute ? wg_attribute_text(attribute) : NULL;

        if (!text || (*equals == '~' ? strncasecmp(text, value.start, value.len) != 0 ||
                                           text[value.len]
                                     : !is(value, text)))
            return false;
        wanted = value.start + value.len + 1;
    }
    return true;
}

static bool fits(const xmlNode *node, struct word step)
{
    if (node->type != XML_ELEMENT_NODE)
        return false;
    struct word prefix = word_at(step.start, ":[/");
    bool prefixed = prefix.start[prefix.len] == ':';
    struct word name = word_at(prefixed ? prefix.start + prefix.len + 1 : prefix.start, "[/");
    if (!prefixed)
        prefix.len = 0;
    if (is(name, "*"))
        return has_attributes(node, name.start + name.len);
    return is(name, (const char *)node->name) && in_namespace(node, prefix) &&
           has_attributes(node, name.start + name.len);
}

static int walk_below(const xmlNode *element, const char *name, wg_path_visit *visit, void *context)
{
    int rc = 0;

    for (const xmlAttr *at = element->properties; rc == 0 && at; at = at->next) {
        if (strcmp((const char *)at->name, name) == 0)
            rc = visit((const xmlNode *)at, context);
    }
    for (const xmlNode *node = element->children; rc == 0 && node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE)
            continue;
        if (strcmp((const char *)node->name, name) == 0)
            rc = visit(node, context);
        if (rc == 0)
            rc = walk_below(node, name, visit, context);
    }
    return rc;
}

int wg_path_walk(const xmlNode *parent, const char *path, wg_path_visit *visit, void *context)
{
    int rc = 0;

    if (*path == '/')
        return walk_below(parent, path + 1, visit, context);
    if (*path == '@') {
        const xmlAttr *attribute = find_attribute(parent, word_at(path + 1, ""));

        return attribute ? visit((const xmlNode *)attribute, context) : 0;
    }
    struct word step = word_at(path, "/");
    const char *rest = step.start + step.len;
    for (const xmlNode *node = parent->children; rc == 0 && node; node = node->next) {
        if (fits(node, step))
            rc = *rest ? wg_path_walk(node, rest + 1, visit, context) : visit(node, context);
    }
    return rc;
}
