/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "detect.h"

#include <fnmatch.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>
#include <stdlib.h>
#include <string.h>

#include "verdict.h"

/* How a value that a sign shows is read. */
enum reading {
    READ_MARK,       /* our own: windows, other */
    READ_GLOB,       /* one of an operator's globs */
    READ_UUID,       /* the same, of a UUID in libvirt's form */
    READ_OSINFO,     /* libosinfo's id of an OS */
    READ_OS,         /* the name of an OS or of a distribution */
    READ_BEGINS_WIN, /* Windows if it begins so, else no answer */
    READ_CLOUDSTACK, /* one of CloudStack's labels */
    READ_PRESENT,    /* that it is there is the answer */
};

struct sign {
    const char *source; /* as in [detect] order */
    const char *label;  /* what the evidence calls it */
    const char *xpath;
    enum reading reading;
    bool tenant; /* a tenant of the cloud can write it */
    size_t globs; /* READ_GLOB, READ_UUID: where the list is in struct wg_policy */
};

#define UNDER_METADATA(name)                                                                      \
    "/domain/metadata//*[local-name()='" name "'] | /domain/metadata//@*[local-name()='" name "']"
#define GLOBS(member) READ_GLOB, false, offsetof(struct wg_policy, member)
#define NOVA "/domain/metadata/*[local-name()='instance' and starts-with(namespace-uri(), $nova)]"
#define NOVA_CHILD(name) NOVA "/*[local-name()='" name "']"
#define NOVA_PROPERTY(name)                                                                       \
    NOVA_CHILD("image") "/*[local-name()='properties']/*[local-name()='property']"                \
                        "[translate(@name, 'OSTYPEDIR', 'ostypedir')='" name "']"

/*
 * The signs, in the order in which a source looks at its own. A new stack is a row here and a word
 * in WG_DEFAULT_SOURCES. Who writes them: nova copies display names and the properties of images,
 * which tenants may upload; flavors, UUIDs and projects are the operator's; CloudStack's label
 * comes with the template that a tenant registers.
 */
static const struct sign signs[] = {
    {"winguest", "own mark", "/domain/metadata/wg:guest/@os", READ_MARK, false, 0},
    {"rules", "rules.names", "/domain/name", GLOBS(names)},
    {"rules", "rules.titles", "/domain/title", GLOBS(titles)},
    {"rules", "rules.titles", NOVA_CHILD("name"), READ_GLOB, true,
     offsetof(struct wg_policy, titles)},
    {"rules", "rules.flavors", NOVA_CHILD("flavor") "/@name", GLOBS(flavors)},
    {"rules", "rules.uuids", "/domain/uuid", READ_UUID, false, offsetof(struct wg_policy, uuids)},
    {"rules", "rules.images", NOVA_CHILD("root") "[@type='image']/@uuid", GLOBS(images)},
    {"rules", "rules.images", NOVA_CHILD("image") "/@uuid", GLOBS(images)},
    {"rules", "rules.projects", NOVA_CHILD("owner") "/*[local-name()='project']/@uuid",
     GLOBS(projects)},
    {"libosinfo", "libosinfo", "/domain/metadata/libosinfo:libosinfo/libosinfo:os/@id",
     READ_OSINFO, false, 0},
    {"nova", "nova os_type", NOVA_PROPERTY("os_type"), READ_OS, true, 0},
    {"nova", "nova os_distro", NOVA_PROPERTY("os_distro"), READ_OS, true, 0},
    {"nova", "nova os", NOVA_PROPERTY("os"), READ_OS, true, 0},
    {"cockpit", "cockpit os_variant",
     "/domain/metadata/cockpit:data/cockpit:os_variant", READ_OS, false, 0},
    {"unraid", "unraid os", "/domain/metadata/unraid:vmtemplate/@os", READ_OS, false, 0},
    {"cloudstack", "cloudstack description", "/domain/description", READ_CLOUDSTACK, true, 0},
    {"metadata", "metadata os_type", UNDER_METADATA("os_type"), READ_BEGINS_WIN, true, 0},
    {"metadata", "metadata os-type", UNDER_METADATA("os-type"), READ_BEGINS_WIN, true, 0},
    {"metadata", "metadata ostype", UNDER_METADATA("ostype"), READ_BEGINS_WIN, true, 0},
    {"metadata", "metadata os_distro", UNDER_METADATA("os_distro"), READ_BEGINS_WIN, true, 0},
    {"metadata", "metadata os", UNDER_METADATA("os"), READ_BEGINS_WIN, true, 0},
    {"looks", "looks like it", "/domain/clock/timer[@name='hypervclock' and @present='yes']/@name",
     READ_PRESENT, false, 0},
    {"looks", "looks like it", "/domain/features/hyperv/*[@state='on'] | "
                               "/domain/features/hyperv/@mode[. != 'custom']",
     READ_PRESENT, false, 0},
    {"looks", "looks like it", "/domain/devices/panic[@model='hyperv']/@model", READ_PRESENT,
     false, 0},
};

static const struct {
    const char *prefix;
    const char *uri;
} namespaces[] = {
    {"wg", "urn:libvirt-winguest:domain:1.0"},
    {"libosinfo", "http://libosinfo.org/xmlns/libvirt/domain/1.0"},
    {"cockpit", "https://github.com/cockpit-project/cockpit-machines"},
    {"unraid", "http://unraid"},
};

static const char *const trait_paths[WG_TRAITS] = {
    "/domain/name",
    NOVA_CHILD("flavor") "/@name",
    "/domain/metadata/libosinfo:libosinfo/libosinfo:os/@id",
    "/domain/os/type/@machine",
};

/* Linux by the sites that libosinfo's ids begin with (osinfo-db's os directory) and by the names
 * of distributions that glance's os_distro and the others use. */
static const char *const linux_names[] = {
    "almalinux*", "alpine*", "altlinux*", "amazon*", "amzn*", "arch*", "centos*", "cirros*",
    "clearlinux*", "coreos*", "debian*", "elementary*", "endless*", "eurolinux*", "fedora*",
    "flatcar*", "gentoo*", "guix*", "kali*", "libosinfo.org/linux/*", "linux*", "mageia*",
    "mandrake*", "mandriva*", "manjaro*", "mint*", "miraclelinux*", "nixos*", "ol[0-9]*",
    "openeuler*", "opensuse*", "oracle", "oracle.com/ol/*", "oraclelinux*", "photon*", "popos*",
    "pureos*", "redhat*", "rhel*", "rocky*", "scientific*", "silverblue*", "sled*", "sles*",
    "suse*", "trisquel*", "ubuntu*", "voidlinux*", "windriver*",
};

static bool is_linux(const char *value)
{
    for (size_t i = 0; i < sizeof(linux_names) / sizeof(*linux_names); i++) {
        if (fnmatch(linux_names[i], value, FNM_CASEFOLD) == 0)
            return true;
    }
    return false;
}

static enum wg_os read_name(const char *value)
{
    if (!*value)
        return WG_OS_UNKNOWN;
    if (is_linux(value))
        return WG_OS_LINUX;
    return strncasecmp(value, "win", 3) == 0 ? WG_OS_WINDOWS : WG_OS_OTHER;
}

static enum wg_os read_osinfo(const char *value)
{
    if (strncasecmp(value, "http://", 7) == 0)
        value += 7;
    if (!*value)
        return WG_OS_UNKNOWN;
    if (strncasecmp(value, "microsoft.com/win/", 18) == 0 ||
        strncasecmp(value, "microsoft.com/winnt/", 20) == 0)
        return WG_OS_WINDOWS;
    return is_linux(value) ? WG_OS_LINUX : WG_OS_OTHER;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);

    return len >= strlen(end) && strcasecmp(text + len - strlen(end), end) == 0;
}

/* "Windows 10 (64-bit)", "Windows Server 2019 (64-bit)", "Windows PV": a label of CloudStack's
 * guest OS list, not a sentence in which the word occurs. */
static enum wg_os read_cloudstack(const char *value)
{
    if (strcasecmp(value, "Windows PV") == 0)
        return WG_OS_WINDOWS;
    if (!ends_with(value, " (64-bit)") && !ends_with(value, " (32-bit)"))
        return WG_OS_UNKNOWN;
    if (strchr(value, '\n') || strcspn(value, "(") != strlen(value) - strlen("(64-bit)"))
        return WG_OS_UNKNOWN;
    if (strncasecmp(value, "Windows ", 8) == 0)
        return WG_OS_WINDOWS;
    return read_name(value) == WG_OS_LINUX ? WG_OS_LINUX : WG_OS_UNKNOWN;
}

/* READ_GLOB, READ_UUID: the operator's globs that the sign is held against; else NULL. */
static const struct wg_list *globs_of(const struct sign *sign, const struct wg_policy *policy)
{
    if (sign->reading != READ_GLOB && sign->reading != READ_UUID)
        return NULL;
    return (const struct wg_list *)((const char *)policy + sign->globs);
}

static bool has_uuid(const struct wg_list *globs, const char *value)
{
    char *uuid = wg_uuid_text(value);
    bool has = uuid && wg_list_match(globs, uuid);

    free(uuid);
    return has;
}

static enum wg_os read_value(const struct sign *sign, const struct wg_policy *policy,
                             const char *value)
{
    switch (sign->reading) {
    case READ_MARK:
        return strcasecmp(value, "windows") == 0 ? WG_OS_WINDOWS
               : strcasecmp(value, "other") == 0 ? WG_OS_OTHER
                                                 : WG_OS_UNKNOWN;
    case READ_GLOB:
        return wg_list_match(globs_of(sign, policy), value) ? WG_OS_WINDOWS : WG_OS_UNKNOWN;
    case READ_UUID:
        return has_uuid(globs_of(sign, policy), value) ? WG_OS_WINDOWS : WG_OS_UNKNOWN;
    case READ_OSINFO:
        return read_osinfo(value);
    case READ_OS:
        return read_name(value);
    case READ_BEGINS_WIN:
        return strncasecmp(value, "win", 3) == 0 ? WG_OS_WINDOWS : WG_OS_UNKNOWN;
    case READ_CLOUDSTACK:
        return read_cloudstack(value);
    case READ_PRESENT:
        return WG_OS_WINDOWS;
    }
    return WG_OS_UNKNOWN;
}

bool wg_is_source(const char *name)
{
    for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
        if (strcmp(signs[i].source, name) == 0)
            return true;
    }
    return false;
}

static xmlXPathContextPtr open_xpath(const struct wg_domain *domain, struct wg_error *err)
{
    xmlXPathContextPtr xpath = xmlXPathNewContext(domain->doc);
    xmlXPathObjectPtr nova = xmlXPathNewCString("http://openstack.org/xmlns/libvirt/nova/");

    if (!xpath || !nova || xmlXPathRegisterVariable(xpath, BAD_CAST "nova", nova) != 0)
        goto fail;
    nova = NULL;
    for (size_t i = 0; i < sizeof(namespaces) / sizeof(*namespaces); i++) {
        if (xmlXPathRegisterNs(xpath, BAD_CAST namespaces[i].prefix,
                               BAD_CAST namespaces[i].uri) != 0)
            goto fail;
    }
    return xpath;
fail:
    xmlXPathFreeObject(nova);
    xmlXPathFreeContext(xpath);
    wg_no_memory(err);
    return NULL;
}

static xmlXPathObjectPtr find(xmlXPathContextPtr xpath, const char *path, struct wg_error *err)
{
    xmlXPathObjectPtr found = xmlXPathEvalExpression(BAD_CAST path, xpath);

    if (!found)
        wg_fail(err, "detection: %s cannot be evaluated", path);
    return found;
}

static size_t count(xmlXPathObjectPtr found)
{
    return found->nodesetval ? (size_t)found->nodesetval->nodeNr : 0;
}

/* Looks at one sign; *value is the text that gave the answer, for the caller to free. */
static int ask(const struct sign *sign, xmlXPathContextPtr xpath, const struct wg_policy *policy,
               enum wg_os *os, char **value, struct wg_error *err)
{
    xmlXPathObjectPtr found = find(xpath, sign->xpath, err);
    int rc = found ? 0 : -1;

    *os = WG_OS_UNKNOWN;
    *value = NULL;
    for (size_t i = 0; rc == 0 && *os == WG_OS_UNKNOWN && i < count(found); i++) {
        xmlNodePtr node = found->nodesetval->nodeTab[i];

        free(*value);
        *value = sign->reading == READ_PRESENT && node->type == XML_ELEMENT_NODE
                     ? strdup((const char *)node->name)
                     : wg_trimmed_content(node);
        if (!*value)
            rc = wg_no_memory(err);
        else
            *os = read_value(sign, policy, *value);
    }
    xmlXPathFreeObject(found);
    return rc;
}

static int ask_source(const char *source, xmlXPathContextPtr xpath, const struct wg_policy *policy,
                      bool explain, struct wg_verdict *verdict, struct wg_error *err)
{
    for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
        const struct sign *sign = &signs[i];
        char *value = NULL;
        enum wg_os os = WG_OS_UNKNOWN;
        int rc = 0;

        if (strcmp(sign->source, source) != 0)
            continue;
        if (sign->tenant && policy->operator_only) {
            if (explain && wg_verdict_trail(verdict, sign->label, NULL, "a tenant can write it",
                                            err) < 0)
                return -1;
            continue;
        }
        /* XPath is most of the cost of a detection: none for what nothing is held against. */
        const struct wg_list *globs = globs_of(sign, policy);
        if (globs && globs->count == 0 && !explain)
            continue;
        rc = ask(sign, xpath, policy, &os, &value, err);
        if (rc == 0 && explain)
            rc = wg_verdict_trail(verdict, sign->label, value,
                                  os ? wg_os_text(os) : value ? "no answer" : "not there", err);
        if (rc == 0 && os != WG_OS_UNKNOWN)
            rc = wg_verdict_os(verdict, os, sign->label, value, err);
        free(value);
        if (rc < 0 || verdict->os != WG_OS_UNKNOWN)
            return rc;
    }
    return 0;
}

/* What the caller told stands where other stacks' metadata does, and is trusted as much. */
static int ask_told(const struct wg_told *told, size_t count, const struct wg_policy *policy,
                    bool explain, struct wg_verdict *verdict, struct wg_error *err)
{
    for (size_t i = 0; i < count; i++) {
        bool asked = !policy->operator_only;
        bool windows = asked && strncasecmp(told[i].value, "win", 3) == 0;

        if (explain && wg_verdict_trail(verdict, told[i].label, asked ? told[i].value : NULL,
                                        !asked    ? "a tenant can write it"
                                        : windows ? wg_os_text(WG_OS_WINDOWS)
                                                  : "no answer", err) < 0)
            return -1;
        if (windows)
            return wg_verdict_os(verdict, WG_OS_WINDOWS, told[i].label, told[i].value, err);
    }
    return 0;
}

static int read_traits(xmlXPathContextPtr xpath, struct wg_traits *traits, struct wg_error *err)
{
    for (int i = 0; i < WG_TRAITS; i++) {
        xmlXPathObjectPtr found = find(xpath, trait_paths[i], err);
        bool there = found && count(found) > 0;

        if (there)
            traits->value[i] = wg_trimmed_content(found->nodesetval->nodeTab[0]);
        xmlXPathFreeObject(found);
        if (!found)
            return -1;
        if (there && !traits->value[i])
            return wg_no_memory(err);
    }
    return 0;
}

static int exempt_by(const char *key, const struct wg_list *globs, const char *value,
                     struct wg_verdict *verdict, struct wg_error *err)
{
    const char *glob = value ? wg_list_match(globs, value) : NULL;

    return glob ? wg_verdict_reason(verdict, WG_EXEMPT, err, "%s has %s", key, glob) : 0;
}

static int check_exempt(const struct wg_domain *domain, xmlXPathContextPtr xpath,
                        const struct wg_policy *policy, struct wg_verdict *verdict,
                        struct wg_error *err)
{
    xmlXPathObjectPtr mark = find(xpath, "/domain/metadata/wg:guest[@policy='none']", err);
    size_t marks = mark ? count(mark) : 0;

    xmlXPathFreeObject(mark);
    if (!mark)
        return -1;
    if (marks)
        return wg_verdict_reason(verdict, WG_EXEMPT, err, "own mark: policy='none'");
    if (exempt_by("rules.exempt.names", &policy->exempt_names, domain->name, verdict, err) < 0)
        return -1;
    if (verdict->outcome == WG_EXEMPT)
        return 0;
    return exempt_by("rules.exempt.uuids", &policy->exempt_uuids, domain->uuid, verdict, err);
}

int wg_detect(const struct wg_domain *domain, const struct wg_policy *policy,
              const struct wg_told *told, size_t n_told, bool explain, struct wg_verdict *verdict,
              struct wg_traits *traits, struct wg_error *err)
{
    xmlXPathContextPtr xpath = open_xpath(domain, err);

    *traits = (struct wg_traits){0};
    if (!xpath)
        return -1;
    int rc = check_exempt(domain, xpath, policy, verdict, err);
    /* Our own mark is the operator's word and comes first wherever order has it. */
    if (rc == 0)
        rc = ask_source("winguest", xpath, policy, explain, verdict, err);
    for (size_t i = 0; rc == 0 && verdict->os == WG_OS_UNKNOWN && i < policy->order.count; i++) {
        const char *source = policy->order.item[i];

        if (strcmp(source, "metadata") == 0)
            rc = ask_told(told, n_told, policy, explain, verdict, err);
        if (rc == 0 && verdict->os == WG_OS_UNKNOWN && strcmp(source, "winguest") != 0)
            rc = ask_source(source, xpath, policy, explain, verdict, err);
    }
    if (rc == 0 && wg_policy_has_variants(policy))
        rc = read_traits(xpath, traits, err);
    xmlXPathFreeContext(xpath);
    return rc;
}

void wg_traits_clear(struct wg_traits *traits)
{
    for (int i = 0; i < WG_TRAITS; i++)
        free(traits->value[i]);
    *traits = (struct wg_traits){0};
}
