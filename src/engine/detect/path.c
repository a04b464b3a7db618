/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "path.h"

#include <stdbool.h>
#include <string.h>

#include "engine/domain.h"

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

/* Of ASCII's letters only: what a guest is must not go by a locale. */
static bool is_without_case(struct word word, const char *text)
{
    return xmlStrncasecmp(BAD_CAST text, BAD_CAST word.start, (int)word.len) == 0 &&
           !text[word.len];
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

        if (!text || !(*equals == '~' ? is_without_case : is)(value, text))
            return false;
        wanted = value.start + value.len + 1;
    }
    return true;
}

/* One element of a path. */
struct step {
    struct word prefix;
    struct word name;
    const char *tests;
    const char *rest; /* of the path, behind the slash; NULL if this is its end */
};

static struct step step_at(const char *path)
{
    struct step step = {.prefix = {path, 0}, .name = word_at(path, ":[/")};

    if (step.name.start[step.name.len] == ':') {
        step.prefix = step.name;
        step.name = word_at(step.prefix.start + step.prefix.len + 1, "[/");
    }
    step.tests = step.name.start + step.name.len;
    const char *end = step.tests + strcspn(step.tests, "/");
    step.rest = *end ? end + 1 : NULL;
    return step;
}

static bool fits(const xmlNode *node, const struct step *step)
{
    if (node->type != XML_ELEMENT_NODE)
        return false;
    return (is(step->name, "*") ||
            (is(step->name, (const char *)node->name) && in_namespace(node, step->prefix))) &&
           has_attributes(node, step->tests);
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
    const struct step step = step_at(path);
    for (const xmlNode *node = parent->children; rc == 0 && node; node = node->next) {
        if (fits(node, &step))
            rc = step.rest ? wg_path_walk(node, step.rest, visit, context) : visit(node, context);
    }
    return rc;
}

static int stop(const xmlNode *node, void *unused)
{
    (void)node;
    (void)unused;
    return 1;
}

bool wg_path_leads(const xmlNode *parent, const char *path)
{
    return wg_path_walk(parent, path, stop, NULL) != 0;
}
