/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * XML through the whole engine, every guest taken for Windows. What comes out must be a domain,
 * the same guest, compliant, and outside of the policy's places what went in. What is passed over
 * while it is read has no sign in it.
 */
#include "engine/domain.h"
#include "engine/detect/detect.h"
#include "engine/detect/path.h"
#include "engine/outline.h"
#include "engine/rewrite/write.h"

#include <string.h>

#include "fuzz.h"

static const char baseline[] = "[rules]\nnames = *\n[detect]\norder = rules\n";
static const char recommended[] =
    "[rules]\nnames = *\n[detect]\norder = rules\n[windows]\nprofile = recommended\n"
    "guest_agent = yes\nclock.offset = utc\nclock.keep = timezone\n";

static struct wg_engine *open_engine(const char *name, const char *config)
{
    struct wg_error err;
    struct wg_engine *engine = wg_engine_open(fuzz_file(name, config, strlen(config)), NULL, &err);

    PROMISE(err.text, engine);
    return engine;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : !a && !b;
}

static void drop_children(xmlNodePtr parent, const char *name)
{
    for (xmlNodePtr child = wg_child(parent, name); child; child = wg_child(parent, name)) {
        xmlUnlinkNode(child);
        xmlFreeNode(child);
    }
}

static bool is_blank_text(const xmlNode *node)
{
    return node->type == XML_TEXT_NODE && xmlIsBlankNode(node);
}

/* The layout around new nodes, of the root and of the containers that the policy may fill. */
static void drop_blanks(xmlNodePtr parent)
{
    xmlNodePtr next;

    for (xmlNodePtr child = parent ? parent->children : NULL; child; child = next) {
        next = child->next;
        if (is_blank_text(child)) {
            xmlUnlinkNode(child);
            xmlFreeNode(child);
        }
    }
}

static void drop_agent(xmlNodePtr devices)
{
    xmlNodePtr next;

    for (xmlNodePtr child = devices ? devices->children : NULL; child; child = next) {
        xmlNodePtr target = wg_child(child, "target");
        const char *name = target ? wg_attribute(target, "name") : NULL;

        next = child->next;
        if (name && strcmp(name, "org.qemu.guest_agent.0") == 0) {
            xmlUnlinkNode(child);
            xmlFreeNode(child);
        }
    }
}

static bool is_container(const xmlNode *node)
{
    return node->type == XML_ELEMENT_NODE && !node->ns &&
           (xmlStrEqual(node->name, BAD_CAST "features") ||
            xmlStrEqual(node->name, BAD_CAST "devices"));
}

/* Takes the places out that the policy names, and what was made to hold them. */
static void strip(struct wg_domain *domain)
{
    xmlNodePtr next;

    drop_children(domain->root, "clock");
    for (xmlNodePtr node = domain->root->children; node; node = next) {
        next = node->next;
        if (!is_container(node))
            continue;
        drop_children(node, "hyperv");
        drop_agent(node);
        drop_blanks(node);
        if (!node->children && !node->properties) {
            xmlUnlinkNode(node);
            xmlFreeNode(node);
        }
    }
    drop_blanks(domain->root);
}

static bool has_stray_text(const struct wg_domain *domain)
{
    if (wg_has_text(domain->root))
        return true;
    for (xmlNodePtr node = xmlFirstElementChild(domain->root); node;
         node = xmlNextElementSibling(node)) {
        if (is_container(node) && wg_has_text(node))
            return true;
    }
    return false;
}

static void check_elsewhere(const char *before, size_t before_len, const char *after,
                            size_t after_len)
{
    struct wg_domain old;
    struct wg_domain new;
    struct wg_error err;

    PROMISE("the input parses", wg_domain_parse(before, before_len, NULL, &old, &err) == 0);
    PROMISE("the output parses", wg_domain_parse(after, after_len, NULL, &new, &err) == 0);
    /* Beside text where no domain has any, the blanks of layout cannot be told from it. */
    if (!has_stray_text(&old)) {
        strip(&old);
        strip(&new);
        PROMISE("nothing else changes", wg_same_node(old.root, new.root));
    }
    wg_domain_clear(&old);
    wg_domain_clear(&new);
}

static void check_rewrite(struct wg_engine *engine, const struct wg_verdict *verdict,
                          const char *data, size_t size)
{
    struct wg_error err;
    struct wg_verdict *again = wg_evaluate(engine, verdict->xml, verdict->xml_len, WG_REWRITE,
                                           &err);

    PROMISE("the output can be judged", again);
    PROMISE("a second run changes nothing", again->outcome == WG_COMPLIANT && !again->xml);
    PROMISE("name and UUID stay",
            same_text(verdict->name, again->name) && same_text(verdict->uuid, again->uuid));
    wg_verdict_free(again);
    check_elsewhere(data, size, verdict->xml, verdict->xml_len);
}

static void run(struct wg_engine *engine, const char *data, size_t size)
{
    struct wg_error err = {0};
    struct wg_verdict *verdict = wg_evaluate(engine, data, size, WG_REWRITE | WG_EXPLAIN, &err);

    if (!verdict) {
        PROMISE("an error is one line", *err.text && !strchr(err.text, '\n'));
        return;
    }
    PROMISE("a violation is mended", (verdict->outcome == WG_VIOLATES) == (verdict->xml != NULL));
    if (verdict->xml)
        check_rewrite(engine, verdict, data, size);
    wg_verdict_free(verdict);
}

/* What a path says of a domain, all of its texts in one; of an enlightenment that it is there. */
static int say(const xmlNode *node, void *said)
{
    bool enlightenment = xmlStrEqual(node->parent->name, BAD_CAST "hyperv") &&
                         node->type == XML_ELEMENT_NODE;
    char *text = enlightenment ? strdup((const char *)node->name) : wg_trimmed_content(node);

    xmlBufferCat(said, BAD_CAST text);
    xmlBufferCat(said, BAD_CAST "\n");
    free(text);
    return 0;
}

static bool say_the_same(const struct wg_domain *a, const struct wg_domain *b, const char *path)
{
    xmlBufferPtr said[] = {xmlBufferCreate(), xmlBufferCreate()};

    wg_path_walk(a->root, path, say, said[0]);
    wg_path_walk(b->root, path, say, said[1]);
    bool same = xmlStrEqual(xmlBufferContent(said[0]), xmlBufferContent(said[1]));
    xmlBufferFree(said[0]);
    xmlBufferFree(said[1]);
    return same;
}

/* The outline of what can be read says the same wherever signs are sought. */
static void check_outline(const char *data, size_t size)
{
    static struct wg_outline outline;
    struct wg_domain whole;
    struct wg_domain looked_at;
    struct wg_error err;

    if (wg_domain_parse(data, size, NULL, &whole, &err) < 0)
        return;
    PROMISE("the outline is read", wg_domain_parse(data, size, &outline, &looked_at, &err) == 0);
    PROMISE("the outline has the name and the UUID",
            same_text(looked_at.name, whole.name) && same_text(looked_at.uuid, whole.uuid));
    for (size_t i = 0; wg_detect_path(i); i++)
        PROMISE("the outline has the signs", say_the_same(&looked_at, &whole, wg_detect_path(i)));
    wg_domain_clear(&looked_at);
    wg_domain_clear(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wg_engine *engine[2];

    if (!engine[0]) {
        engine[0] = open_engine("baseline.conf", baseline);
        engine[1] = open_engine("recommended.conf", recommended);
    }
    check_outline((const char *)data, size);
    for (int i = 0; i < 2; i++)
        run(engine[i], (const char *)data, size);
    return 0;
}
