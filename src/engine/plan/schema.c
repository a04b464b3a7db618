/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <string.h>
#include <unistd.h>

#include "engine/domain.h"

/* Where virt-xml-validate(1) looks, too. */
#define GRAMMAR "/usr/share/libvirt/schemas/domain.rng"

static void say_nothing(void *context, const char *format, ...)
{
    (void)context;
    (void)format;
}

static xmlRelaxNGPtr read_grammar(void)
{
    xmlRelaxNGParserCtxtPtr parser = access(GRAMMAR, R_OK) == 0 ? xmlRelaxNGNewParserCtxt(GRAMMAR)
                                                                : NULL;
    if (!parser)
        return NULL;
    xmlRelaxNGSetParserErrors(parser, say_nothing, say_nothing, NULL);
    xmlRelaxNGPtr grammar = xmlRelaxNGParse(parser);
    xmlRelaxNGFreeParserCtxt(parser);
    return grammar;
}

/* A guest that has but that element, a timer or an enlightenment; none if it is NULL. NULL without
 * memory. */
static xmlDocPtr sample(const xmlNode *element)
{
    static const char guest[] = "<domain type='qemu'><name>sample</name><memory>65536</memory>"
                                "<os><type arch='x86_64' machine='q35'>hvm</type></os>"
                                "<features><hyperv/></features><clock offset='utc'/></domain>";
    xmlDocPtr doc = xmlReadMemory(guest, sizeof(guest) - 1, NULL, NULL, XML_PARSE_NONET);
    xmlNodePtr root = doc ? xmlDocGetRootElement(doc) : NULL;
    xmlNodePtr copy = root && element ? xmlDocCopyNode((xmlNode *)element, doc, 1) : NULL;

    if (!root || (element && !copy)) {
        xmlFreeDoc(doc);
        return NULL;
    }
    if (copy && strcmp((const char *)copy->name, "timer") == 0)
        xmlAddChild(wg_child(root, "clock"), copy);
    else if (copy)
        xmlAddChild(wg_child(wg_child(root, "features"), "hyperv"), copy);
    return doc;
}

static bool knows(xmlRelaxNGPtr grammar, const xmlNode *element)
{
    xmlDocPtr doc = sample(element);
    xmlRelaxNGValidCtxtPtr valid = doc ? xmlRelaxNGNewValidCtxt(grammar) : NULL;
    int rc = 0;

    if (valid) {
        xmlRelaxNGSetValidErrors(valid, say_nothing, say_nothing, NULL);
        rc = xmlRelaxNGValidateDoc(valid, doc);
        xmlRelaxNGFreeValidCtxt(valid);
    }
    xmlFreeDoc(doc);
    /* below 0 it could not be asked */
    return rc <= 0;
}

static bool is_old(const xmlNode *element)
{
    const char *name = (const char *)element->name;

    if (strcmp(name, "timer") == 0)
        return wg_has_word("pit rtc hpet tsc kvmclock hypervclock",
                           wg_attribute((xmlNode *)element, "name"));
    return wg_has_word("relaxed vapic spinlocks vpindex runtime synic stimer reset vendor_id "
                       "frequencies reenlightenment tlbflush ipi evmcs",
                       name) &&
           (strcmp(name, "stimer") == 0 || !element->children);
}

/* grammar NULL: that is not there. */
static int check_children(xmlRelaxNGPtr grammar, xmlNodePtr parent, const char *key,
                          struct wg_error *err)
{
    for (xmlNodePtr node = parent ? parent->children : NULL; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE || (grammar ? knows(grammar, node) : is_old(node)))
            continue;
        const char *name = wg_attribute(node, "name");
        return wg_fail(err,
                       "%s.%s: this host's libvirt %s know it (" GRAMMAR "%s), and will refuse it",
                       key, name ? name : (const char *)node->name,
                       grammar ? "does not" : "may not", grammar ? "" : " is not there");
    }
    return 0;
}

int wg_schema_check(const struct wg_target *target, bool must, struct wg_error *err)
{
    xmlRelaxNGPtr grammar = read_grammar();
    int rc = 0;

    if (grammar ? knows(grammar, NULL) : must) {
        rc = check_children(grammar, wg_target_part(target, "clock"), "timer", err);
        if (rc == 0)
            rc = check_children(grammar, wg_target_part(target, "hyperv"), "hyperv", err);
    }
    xmlRelaxNGFree(grammar);
    return rc;
}
