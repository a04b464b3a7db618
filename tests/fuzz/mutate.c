/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mutations of domains that know what a domain is: nodes are doubled, moved, taken away, and values
 * are those that libvirt knows. A quarter of the time, plain bytes. */
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

#include "fuzz.h"

static const char *const values[] = {
    "utc",         "localtime",    "variable", "timezone", "absolute", "reset",       "3600",
    "-1",          "yes",          "no",       "on",       "off",      "delay",       "catchup",
    "merge",       "discard",      "rtc",      "pit",      "hpet",     "hypervclock", "tsc",
    "kvm",         "qemu",         "xen",      "x86_64",   "i686",     "aarch64",     "microvm",
    "passthrough", "host-model",   "custom",   "8191",     "0x1fff",   "4095",        "",
    "'\"<>&\n\t",  "\xe6\xa0\xb8",
};
static const char *const names[] = {
    "clock",     "timer",    "catchup", "features", "hyperv", "relaxed", "vapic",
    "spinlocks", "stimer",   "direct",  "os",       "cpu",    "devices", "channel",
    "target",    "metadata", "name",    "uuid",     "type",
};
static const char *const attributes[] = {
    "offset", "adjustment", "basis",   "timezone", "start", "name", "tickpolicy", "present",
    "track",  "state",      "retries", "mode",     "type",  "arch", "machine",
};

#define ANY(list) list[random_below(sizeof(list) / sizeof(*list))]

static unsigned state;

static unsigned random_below(size_t limit)
{
    state = state * 1103515245 + 12345;
    return (unsigned)((state >> 8) % limit);
}

/* Any element, at some depth. */
static xmlNodePtr pick(xmlNodePtr root)
{
    xmlNodePtr node = root;

    while (random_below(4)) {
        unsigned long count = xmlChildElementCount(node);

        if (!count)
            break;
        xmlNodePtr child = xmlFirstElementChild(node);
        for (unsigned i = random_below(count); i; i--)
            child = xmlNextElementSibling(child);
        node = child;
    }
    return node;
}

static void edit(xmlNodePtr root)
{
    xmlNodePtr node = pick(root);
    xmlNodePtr other = pick(root);

    switch (random_below(8)) {
    case 0:
        if (node != root) {
            xmlUnlinkNode(node);
            xmlFreeNode(node);
        }
        break;
    case 1:
        if (node != root)
            xmlAddNextSibling(node, xmlCopyNode(node, 1));
        break;
    case 2:
        xmlAddChild(other, xmlCopyNode(node, 1));
        break;
    case 3:
        xmlNewChild(node, NULL, BAD_CAST ANY(names), NULL);
        break;
    case 4:
        xmlUnsetProp(node, BAD_CAST ANY(attributes));
        break;
    case 5:
        xmlAddChild(node, random_below(2) ? xmlNewComment(BAD_CAST "<clock/>")
                                          : xmlNewText(BAD_CAST ANY(values)));
        break;
    case 6:
        xmlAddChild(node, xmlNewCDataBlock(NULL, BAD_CAST "]]<x>", 5));
        break;
    default:
        xmlSetProp(node, BAD_CAST ANY(attributes), BAD_CAST ANY(values));
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    state = seed;
    xmlDocPtr doc = random_below(4)
                        ? xmlReadMemory((char *)data, (int)size, NULL, NULL,
                                        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)
                        : NULL;
    xmlNodePtr root = doc ? xmlDocGetRootElement(doc) : NULL;

    if (!root) {
        xmlFreeDoc(doc);
        return LLVMFuzzerMutate(data, size, max_size);
    }
    for (unsigned edits = 1 + random_below(4); edits; edits--)
        edit(root);
    xmlChar *text;
    int len;
    xmlDocDumpFormatMemory(doc, &text, &len, (int)random_below(2));
    xmlFreeDoc(doc);
    if (text && (size_t)len <= max_size)
        memcpy(data, text, size = (size_t)len);
    xmlFree(text);
    return size;
}
