/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Paths against libxml2's XPath, and the signs' against the outline of domains that have them. */
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "engine/detect/detect.h"
#include "engine/detect/path.h"
#include "engine/outline.h"
#include "unit.h"

#define ROUNDS 4000
#define FOUND_MAX 1000

#define WG "urn:libvirt-winguest:domain:1.0"
#define LIBOSINFO "http://libosinfo.org/xmlns/libvirt/domain/1.0"
#define NOVA "http://openstack.org/xmlns/libvirt/nova/"
#define COCKPIT "https://github.com/cockpit-project/cockpit-machines"
#define UNRAID "http://unraid"

#define OF_NOVA \
    "/domain/metadata/*[local-name()='instance' and starts-with(namespace-uri(), '" NOVA "')]"
#define ANY(name) "/*[local-name()='" name "']"

static const struct {
    const char *path;
    const char *xpath;
} rows[] = {
    {"name", "/domain/name"},
    {"os/type/@machine", "/domain/os/type/@machine"},
    {"metadata/wg:guest/@os", "/domain/metadata/wg:guest/@os"},
    {"metadata/wg:guest[@policy=none]", "/domain/metadata/wg:guest[@policy='none']"},
    {"metadata/libosinfo:libosinfo/libosinfo:os/@id",
     "/domain/metadata/libosinfo:libosinfo/libosinfo:os/@id"},
    {"metadata/cockpit:data/cockpit:os_variant",
     "/domain/metadata/cockpit:data/cockpit:os_variant"},
    {"metadata/unraid:vmtemplate/@os", "/domain/metadata/unraid:vmtemplate/@os"},
    {"metadata/nova:instance/*:name", OF_NOVA ANY("name")},
    {"metadata/nova:instance/*:root[@type=image]/@uuid",
     OF_NOVA ANY("root") "[@type='image']/@uuid"},
    {"metadata/nova:instance/*:owner/*:project/@uuid",
     OF_NOVA ANY("owner") ANY("project") "/@uuid"},
    {"metadata/nova:instance/*:image/*:properties/*:property[@name~os_type]",
     OF_NOVA ANY("image") ANY("properties")
         ANY("property") "[translate(@name, 'OSTYPEDIR', 'ostypedir')='os_type']"},
    {"metadata//os_type", "/domain/metadata//*[local-name()='os_type'] | "
                          "/domain/metadata//@*[local-name()='os_type']"},
    {"metadata//os", "/domain/metadata//*[local-name()='os'] | "
                     "/domain/metadata//@*[local-name()='os']"},
    {"clock/timer[@name=hypervclock][@present=yes]/@name",
     "/domain/clock/timer[@name='hypervclock' and @present='yes']/@name"},
    {"features/hyperv/*[@state=on]", "/domain/features/hyperv/*[@state='on']"},
    {"features/hyperv/@mode", "/domain/features/hyperv/@mode"},
    {"devices/panic[@model=hyperv]/@model", "/domain/devices/panic[@model='hyperv']/@model"},
};

/* What stands where, so that the paths lead somewhere; now and then something stands elsewhere. */
static const struct {
    const char *parent;
    const char *children[8];
    size_t count;
} grammar[] = {
    {"domain", {"metadata", "metadata", "name", "os", "clock", "features", "devices"}, 7},
    {"metadata",
     {"wg:guest", "libosinfo:libosinfo", "nova:instance", "nova:instance", "old:instance",
      "cockpit:data", "unraid:vmtemplate", "guest"},
     8},
    {"libosinfo:libosinfo", {"libosinfo:os", "os"}, 2},
    {"cockpit:data", {"cockpit:os_variant"}, 1},
    {"nova:instance",
     {"nova:image", "nova:image", "nova:name", "name", "nova:owner", "nova:root"},
     6},
    {"old:instance", {"old:image", "nova:image", "nova:name", "old:root"}, 4},
    {"nova:image", {"nova:properties"}, 1},
    {"old:image", {"properties"}, 1},
    {"nova:properties", {"nova:property", "property"}, 2},
    {"properties", {"old:property"}, 1},
    {"nova:owner", {"nova:project"}, 1},
    {"os", {"type"}, 1},
    {"clock", {"timer"}, 1},
    {"features", {"hyperv"}, 1},
    {"hyperv", {"relaxed", "nova:vapic"}, 2},
    {"devices", {"panic", "channel"}, 2},
};
static const char *const anywhere[] = {"os",       "os_type",  "nova:os", "unraid:os_type",
                                       "metadata", "instance", "name"};
static const char *const attributes[] = {
    "os='windows'",        "nova:os='x'",    "os_type=''",      "policy='none'",
    "policy='nonesuch'",   "id='y'",         "type='image'",    "uuid='z'",
    "name='os_type'",      "name='OS_Type'", "name='os_typed'", "name='os'",
    "name='hypervclock'",  "present='yes'",  "state='on'",      "state='one'",
    "mode='custom'",       "machine='q35'",  "model='hyperv'",  "nova:model='hyperv'",
    "nova:name='os_type'",
};

static const char *const texts[] = {"text", " ", "\n  ", "<!-- aside -->", " <![CDATA[ ]]>x",
                                    "&#32;"};

#define ANY_OF(words) words[pick(COUNT(words))]

static unsigned pick(unsigned count)
{
    return (unsigned)random() % count;
}

static const char *child_of(const char *parent)
{
    for (size_t i = 0; pick(8) && i < COUNT(grammar); i++) {
        if (strcmp(grammar[i].parent, parent) == 0)
            return grammar[i].children[pick((unsigned)grammar[i].count)];
    }
    return ANY_OF(anywhere);
}

static void put_attributes(FILE *out)
{
    const char *last = "";

    /* Of one name, which stand together, one at most: twice the same would be no XML. */
    for (size_t i = 0; i < COUNT(attributes); i++) {
        if (pick(5) || strncmp(attributes[i], last, strcspn(last, "=") + 1) == 0)
            continue;
        last = attributes[i];
        fprintf(out, " %s", last);
    }
}

static void put_element(FILE *out, const char *name, unsigned depth)
{
    fprintf(out, "<%s", name);
    if (strcmp(name, "domain") == 0)
        fputs(" xmlns:wg='" WG "' xmlns:libosinfo='" LIBOSINFO "' xmlns:nova='" NOVA "1.1'"
              " xmlns:old='" NOVA "1.0' xmlns:cockpit='" COCKPIT "' xmlns:unraid='" UNRAID "'",
              out);
    put_attributes(out);
    fputc('>', out);
    if (pick(4) == 0)
        fputs(ANY_OF(texts), out);
    for (unsigned children = depth < 6 ? pick(depth < 3 ? 6 : 4) : 0; children > 0; children--) {
        put_element(out, child_of(name), depth + 1);
        if (pick(4) == 0)
            fputs(ANY_OF(texts), out);
    }
    fprintf(out, "</%s>", name);
}

static char *random_domain(void)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    put_element(out, "domain", 1);
    fclose(out);
    return text;
}

struct found {
    const xmlNode *node[FOUND_MAX];
    size_t count;
};

static int collect(const xmlNode *node, void *context)
{
    struct found *found = context;

    assert_true(found->count < FOUND_MAX);
    found->node[found->count++] = node;
    return 0;
}

static xmlXPathContextPtr open_xpath(const struct wg_domain *domain)
{
    xmlXPathContextPtr xpath = xmlXPathNewContext(domain->root->doc);

    assert_non_null(xpath);
    xmlXPathRegisterNs(xpath, BAD_CAST "wg", BAD_CAST WG);
    xmlXPathRegisterNs(xpath, BAD_CAST "libosinfo", BAD_CAST LIBOSINFO);
    xmlXPathRegisterNs(xpath, BAD_CAST "cockpit", BAD_CAST COCKPIT);
    xmlXPathRegisterNs(xpath, BAD_CAST "unraid", BAD_CAST UNRAID);
    return xpath;
}

/* Returns how many nodes both led to. */
static size_t compare(const char *text, const struct wg_domain *domain, xmlXPathContextPtr xpath,
                      size_t row)
{
    struct found found = {.count = 0};
    xmlXPathObjectPtr wanted = xmlXPathEvalExpression(BAD_CAST rows[row].xpath, xpath);
    size_t count = wanted && wanted->nodesetval ? (size_t)wanted->nodesetval->nodeNr : 0;

    assert_non_null(wanted);
    assert_int_equal(wg_path_walk(domain->root, rows[row].path, collect, &found), 0);
    bool same = found.count == count;
    for (size_t i = 0; same && i < count; i++)
        same = found.node[i] == wanted->nodesetval->nodeTab[i];
    if (!same)
        fail_msg("%s: %zu nodes, XPath has %zu others: %s", rows[row].path, found.count, count,
                 text);
    xmlXPathFreeObject(wanted);
    return count;
}

/* As detection reads it: of an enlightenment that it is there. For free(). */
static char *says(const xmlNode *node)
{
    bool enlightenment = xmlStrEqual(node->parent->name, BAD_CAST "hyperv") &&
                         node->type == XML_ELEMENT_NODE;

    return enlightenment ? strdup((const char *)node->name) : wg_trimmed_content(node);
}

/* What a path says of the outline is what it says of the whole. */
static void compare_outline(const char *text, const struct wg_domain *whole)
{
    static struct wg_outline outline;
    struct wg_domain domain;
    struct wg_error err;

    if (wg_domain_parse(text, strlen(text), &outline, &domain, &err) < 0)
        fail_msg("%s: %s", err.text, text);
    assert_text(text, domain.name ? domain.name : "none", whole->name ? whole->name : "none");
    for (size_t i = 0; wg_detect_path(i); i++) {
        struct found has = {.count = 0};
        struct found must = {.count = 0};

        wg_path_walk(domain.root, wg_detect_path(i), collect, &has);
        wg_path_walk(whole->root, wg_detect_path(i), collect, &must);
        assert_int_equal(has.count, must.count);
        for (size_t n = 0; n < has.count; n++) {
            char *got = says(has.node[n]);
            char *wanted = says(must.node[n]);

            assert_text(text, got, wanted);
            free(got);
            free(wanted);
        }
    }
    wg_domain_clear(&domain);
    wg_outline_clear(&outline);
}

static void paths_lead_where_xpath_leads(void **state)
{
    size_t hits[COUNT(rows)] = {0};

    (void)state;
    srandom(7);
    for (int round = 0; round < ROUNDS; round++) {
        char *text = random_domain();
        struct wg_domain domain = parse(text);
        xmlXPathContextPtr xpath = open_xpath(&domain);

        for (size_t row = 0; row < COUNT(rows); row++)
            hits[row] += compare(text, &domain, xpath, row);
        compare_outline(text, &domain);
        xmlXPathFreeContext(xpath);
        wg_domain_clear(&domain);
        free(text);
    }
    for (size_t row = 0; row < COUNT(rows); row++) {
        if (hits[row] < 5)
            fail_msg("%s: hardly ever in a document", rows[row].path);
    }
}

static int stop(const xmlNode *node, void *context)
{
    *(const xmlNode **)context = node;
    return 7;
}

static void a_walk_ends_when_it_is_told(void **state)
{
    struct wg_domain domain = parse(DOMAIN("<name>a</name><name>b</name>"));
    const xmlNode *node = NULL;

    (void)state;
    assert_int_equal(wg_path_walk(domain.root, "name", stop, &node), 7);
    assert_ptr_equal(node, domain.root->children);
    wg_domain_clear(&domain);
}

/* The start tag of a path's step, with the attributes that it wants; and of what it leads to. */
static void put_step(FILE *out, const char *step, const char *attribute)
{
    static const char other[] = "other";
    const char *tests = strchr(step, '[');
    int len = (int)strcspn(step, "[");

    if (strncmp(step, "*:", 2) == 0)
        fprintf(out, "<%.*s", len - 2, step + 2);
    else
        fprintf(out, "<%.*s", *step == '*' ? (int)strlen(other) : len, *step == '*' ? other : step);
    for (; tests; tests = strchr(tests + 1, '[')) {
        int name = (int)strcspn(tests + 2, "=~");

        fprintf(out, " %.*s='%.*s'", name, tests + 2, (int)strcspn(tests + 3 + name, "]"),
                tests + 3 + name);
    }
    if (attribute && !strstr(step, attribute))
        fprintf(out, " %s='x'", attribute);
    fputc('>', out);
}

/* A domain in which the path leads to one thing: an attribute that says x or what is wanted of it,
 * or an element that says "x y". */
static char *domain_with(const char *path)
{
    char *text = NULL;
    char *rest = strdup(path);
    char *steps = rest;
    char *attribute = strchr(rest, '@');
    const char *ends[8];
    size_t depth = 0;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    attribute = attribute && attribute[-1] == '/' ? attribute : strstr(rest, "/@");
    if (attribute) {
        attribute += *attribute == '/';
        *attribute++ = '\0';
    }
    fputs("<domain xmlns:wg='" WG "' xmlns:libosinfo='" LIBOSINFO "' xmlns:nova='" NOVA "1.1'"
          " xmlns:cockpit='" COCKPIT "' xmlns:unraid='" UNRAID "'>",
          out);
    for (char *step; (step = strsep(&steps, "/"));) {
        if (!*step)
            continue;
        bool last = !steps || !*steps;
        put_step(out, step, last ? attribute : NULL);
        ends[depth++] = step;
    }
    if (!attribute)
        fputs("<i>x</i> <i>y</i>", out);
    while (depth-- > 0) {
        const char *name = strncmp(ends[depth], "*:", 2) == 0 ? ends[depth] + 2 : ends[depth];

        if (*name == '*')
            name = "other";
        fprintf(out, "</%.*s>", (int)strcspn(name, "["), name);
    }
    fputs("</domain>", out);
    fclose(out);
    free(rest);
    return text;
}

static void what_signs_are_sought_in_is_read(void **state)
{
    struct wg_outline outline = {0};
    const char *path;
    size_t count = 0;

    (void)state;
    for (; (path = wg_detect_path(count)); count++) {
        char *text = domain_with(path);
        struct wg_domain domain;
        struct wg_error err;
        struct found found = {.count = 0};

        if (wg_domain_parse(text, strlen(text), &outline, &domain, &err) < 0)
            fail_msg("%s: %s: %s", path, err.text, text);
        wg_path_walk(domain.root, path, collect, &found);
        if (found.count != 1)
            fail_msg("%s: leads to %zu places of the outline of %s", path, found.count, text);
        char *got = says(found.node[0]);
        if (found.node[0]->type == XML_ELEMENT_NODE && strcmp(got, "x y") != 0 &&
            strcmp(got, "other") != 0)
            fail_msg("%s: what it says is not read, or without its blank: %s: %s", path, got, text);
        free(got);
        wg_domain_clear(&domain);
        free(text);
    }
    wg_outline_clear(&outline);
    assert_true(count > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_lead_where_xpath_leads),
        cmocka_unit_test(a_walk_ends_when_it_is_told),
        cmocka_unit_test(what_signs_are_sought_in_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
