/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "detect.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "engine/verdict.h"
#include "path.h"
#include "who.h"

/* How a value that a sign shows is read. */
enum reading {
    READ_MARK, /* our own: windows, other */
    READ_GLOB, /* one of an operator's globs */
    READ_UUID, /* the same, of a UUID in libvirt's form */
    READ_OSINFO, /* libosinfo's id of an OS */
    READ_OS, /* the name of an OS or of a distribution */
    READ_WINDOWS, /* the same, of which no other answer is believed */
    READ_CLOUDSTACK, /* one of CloudStack's labels */
    READ_PRESENT, /* that it is there is the answer */
    READ_MODE, /* of <hyperv>: any but custom, which says nothing yet */
};

struct sign {
    const char *source; /* as in [detect] order */
    const char *label; /* what the evidence calls it */
    const char *path;
    enum reading reading;
    bool tenant; /* a tenant of the cloud can write it */
    size_t globs; /* READ_GLOB, READ_UUID: where the list is in struct wg_policy */
};

#define GLOBS(member) READ_GLOB, false, offsetof(struct wg_policy, member)
/*
 * The signs, in the order in which a source looks at its own. A new stack is a row here, a word in
 * WG_DEFAULT_SOURCES, and a namespace in path.c if it has one. Who writes them: nova copies display
 * names and the properties of images, which tenants may upload; flavors, UUIDs and projects are the
 * operator's; CloudStack's label comes with the template that a tenant registers.
 */
static const struct sign signs[] = {
    {"winguest", "own mark", "metadata/wg:guest/@os", READ_MARK, false, 0},
    {"rules", "rules.names", "name", GLOBS(windows.names)},
    {"rules", "rules.titles", "title", GLOBS(titles)},
    {"rules", "rules.titles", WG_PATH_NOVA "*:name", READ_GLOB, true,
     offsetof(struct wg_policy, titles)},
    {"rules", "rules.flavors", WG_PATH_FLAVOR, GLOBS(windows.flavors)},
    {"rules", "rules.uuids", "uuid", READ_UUID, false, offsetof(struct wg_policy, windows.uuids)},
    {"rules", "rules.uuid_file, as its agent said", "uuid", READ_UUID, true,
     offsetof(struct wg_policy, told)},
    {"rules", "rules.images", WG_PATH_IMAGE_ROOT, GLOBS(windows.images)},
    {"rules", "rules.images", WG_PATH_IMAGE, GLOBS(windows.images)},
    {"rules", "rules.projects", WG_PATH_PROJECT, GLOBS(windows.projects)},
    {"libosinfo", "libosinfo", WG_PATH_LIBOSINFO, READ_OSINFO, false, 0},
    {"nova", "nova os_type", WG_PATH_NOVA_PROPERTY "[@name~os_type]", READ_OS, true, 0},
    {"nova", "nova os_distro", WG_PATH_NOVA_PROPERTY "[@name~os_distro]", READ_OS, true, 0},
    {"nova", "nova os", WG_PATH_NOVA_PROPERTY "[@name~os]", READ_OS, true, 0},
    {"cockpit", "cockpit os_variant", "metadata/cockpit:data/cockpit:os_variant", READ_OS, false,
     0},
    {"unraid", "unraid os", "metadata/unraid:vmtemplate/@os", READ_OS, false, 0},
    {"cloudstack", "cloudstack description", "description", READ_CLOUDSTACK, true, 0},
    {"metadata", "metadata os_type", "metadata//os_type", READ_WINDOWS, true, 0},
    {"metadata", "metadata os-type", "metadata//os-type", READ_WINDOWS, true, 0},
    {"metadata", "metadata ostype", "metadata//ostype", READ_WINDOWS, true, 0},
    {"metadata", "metadata osType", "metadata//osType", READ_WINDOWS, true, 0},
    {"metadata", "metadata guestOS", "metadata//guestOS", READ_WINDOWS, true, 0},
    {"metadata", "metadata os_distro", "metadata//os_distro", READ_WINDOWS, true, 0},
    {"metadata", "metadata os", "metadata//os", READ_WINDOWS, true, 0},
    {"looks", "looks like it", "clock/timer[@name=hypervclock][@present=yes]/@name", READ_PRESENT,
     false, 0},
    {"looks", "looks like it", "features/hyperv/*[@state=on]", READ_PRESENT, false, 0},
    {"looks", "looks like it", "features/hyperv/@mode", READ_MODE, false, 0},
    {"looks", "looks like it", "devices/panic[@model=hyperv]/@model", READ_PRESENT, false, 0},
};

const char *wg_detect_path(size_t number)
{
    size_t count = sizeof(signs) / sizeof(*signs);

    if (number < count)
        return signs[number].path;
    return wg_who_path(number - count);
}

/* Linux by the sites that libosinfo's ids begin with (osinfo-db's os directory) and by the names
 * of distributions that glance's os_distro and the others use. */
static const char *const linux_names[] = {
    "almalinux*",  "alpine*",       "altlinux*",       "amazon*",      "amzn*",
    "arch*",       "centos*",       "cirros*",         "clearlinux*",  "coreos*",
    "debian*",     "elementary*",   "endless*",        "eurolinux*",   "fedora*",
    "flatcar*",    "gentoo*",       "guix*",           "kali*",        "libosinfo.org/linux/*",
    "linux*",      "mageia*",       "mandrake*",       "mandriva*",    "manjaro*",
    "mint*",       "miraclelinux*", "nixos*",          "ol[0-9]*",     "openeuler*",
    "opensuse*",   "oracle",        "oracle.com/ol/*", "oraclelinux*", "photon*",
    "popos*",      "pureos*",       "redhat*",         "rhel*",        "rocky*",
    "scientific*", "silverblue*",   "sled*",           "sles*",        "suse*",
    "trisquel*",   "ubuntu*",       "voidlinux*",      "wind river*",  "windriver*",
    "winlinux*",
};

/* libosinfo's short ids (win2k22, winnt4.0), VMware's (winNetEnterpriseGuest), what QEMU's guest
 * agent says (mswindows), and what people write. */
static const char *const windows_names[] = {
    "ms win*",    "ms-win*",    "ms_win*",        "mswin*",
    "w10",        "w11",        "w2k*",           "win",
    "win[-_ .]*", "win[0-9]*",  "winclient*",     "windesktop*",
    "windows*",   "winme",      "winnet*",        "winnt*",
    "winpe*",     "winserver*", "winsrv*",        "winsvr*",
    "winvista*",  "winxp*",     "microsoft win*", "microsoft-win*",
};

/* Neither. What is in no list is not understood, which is no answer. */
static const char *const other_names[] = {
    "aix*",     "android*", "beos*",        "chromeos*",    "darwin*",   "dragonfly*", "esx*",
    "freebsd*", "freedos*", "freenas*",     "haiku*",       "hurd*",     "illumos*",   "ios*",
    "junos*",   "macos*",   "mac os*",      "minix*",       "msdos*",    "ms-dos*",    "netbsd*",
    "netware*", "openbsd*", "openindiana*", "opensolaris*", "opnsense*", "os/2*",      "os2*",
    "pfsense*", "plan9*",   "qnx*",         "reactos*",     "smartos*",  "solaris*",   "truenas*",
    "vmware*",  "vxworks*",
};

#define IS_ONE_OF(names, value) is_one_of(names, sizeof(names) / sizeof(*(names)), value)
static bool is_one_of(const char *const *names, size_t count, const char *value)
{
    for (size_t i = 0; i < count; i++) {
        /* fnmatch() turns both into wide characters first. */
        if (*names[i] == tolower((unsigned char)*value) &&
            fnmatch(names[i], value, FNM_CASEFOLD) == 0)
            return true;
    }
    return false;
}

static enum wg_os read_osinfo(const char *value)
{
    value += strncasecmp(value, "https://", 8) == 0  ? 8
             : strncasecmp(value, "http://", 7) == 0 ? 7
                                                     : 0;
    if (!*value || strncasecmp(value, "libosinfo.org/unknown", 21) == 0)
        return WG_OS_UNKNOWN;
    if (strncasecmp(value, "microsoft.com/win/", 18) == 0 ||
        strncasecmp(value, "microsoft.com/winnt/", 20) == 0)
        return WG_OS_WINDOWS;
    return IS_ONE_OF(linux_names, value) ? WG_OS_LINUX : WG_OS_OTHER;
}

static enum wg_os read_name(const char *value)
{
    /* Some write libosinfo's id of it. */
    if (strncasecmp(value, "http://", 7) == 0 || strncasecmp(value, "https://", 8) == 0)
        return read_osinfo(value);
    return IS_ONE_OF(linux_names, value)     ? WG_OS_LINUX
           : IS_ONE_OF(windows_names, value) ? WG_OS_WINDOWS
           : IS_ONE_OF(other_names, value)   ? WG_OS_OTHER
                                             : WG_OS_UNKNOWN;
}

static enum wg_os read_windows(const char *value)
{
    return read_name(value) == WG_OS_WINDOWS ? WG_OS_WINDOWS : WG_OS_UNKNOWN;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);

    return len >= strlen(end) && strcasecmp(text + len - strlen(end), end) == 0;
}

/* "Windows 10 (64-bit)", "Windows Server 2003 Standard Edition(32-bit)", "Windows PV": a label of
 * CloudStack's guest OS list, not a sentence in which the word occurs. */
static enum wg_os read_cloudstack(const char *value)
{
    if (strcasecmp(value, "Windows PV") == 0)
        return WG_OS_WINDOWS;
    if (!ends_with(value, "(64-bit)") && !ends_with(value, "(32-bit)"))
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
    WG_FREED *uuid = wg_uuid_text(value);

    return uuid && wg_list_match(globs, uuid);
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
    case READ_WINDOWS:
        return read_windows(value);
    case READ_CLOUDSTACK:
        return read_cloudstack(value);
    case READ_PRESENT:
        return WG_OS_WINDOWS;
    case READ_MODE:
        return strcmp(value, "custom") == 0 ? WG_OS_UNKNOWN : WG_OS_WINDOWS;
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

struct question {
    const struct sign *sign;
    const struct wg_policy *policy;
    enum wg_os os;
    char *value; /* the text that gave the answer, or the last one that did not */
};

/* Ends the walk with 1 when there is an answer. */
static int ask_node(const xmlNode *node, void *context)
{
    struct question *question = context;

    free(question->value);
    question->value = question->sign->reading == READ_PRESENT && node->type == XML_ELEMENT_NODE
                          ? strdup((const char *)node->name)
                          : wg_trimmed_content(node);
    if (!question->value)
        return -1;
    question->os = read_value(question->sign, question->policy, question->value);
    return question->os != WG_OS_UNKNOWN;
}

/* Looks at one sign; *value is for the caller to free. */
static int ask(const struct sign *sign, const xmlNode *root, const struct wg_policy *policy,
               enum wg_os *os, char **value, struct wg_error *err)
{
    struct question question = {.sign = sign, .policy = policy, .os = WG_OS_UNKNOWN};
    int rc = wg_path_walk(root, sign->path, ask_node, &question);

    *os = question.os;
    *value = question.value;
    return rc < 0 ? wg_no_memory(err) : 0;
}

static int ask_source(const char *source, const xmlNode *root, const struct wg_policy *policy,
                      bool explain, struct wg_verdict *verdict, struct wg_error *err)
{
    for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
        const struct sign *sign = &signs[i];
        WG_FREED *value = NULL;
        enum wg_os os = WG_OS_UNKNOWN;
        int rc = 0;

        if (strcmp(sign->source, source) != 0)
            continue;
        const struct wg_list *globs = globs_of(sign, policy);
        /* What agents have said is a list that few have: it is no step of their trail. */
        if (globs && globs->count == 0 && (!explain || globs == &policy->told))
            continue;
        if (sign->tenant && policy->operator_only) {
            if (explain &&
                wg_verdict_trail(verdict, sign->label, NULL, "a tenant can write it", err) < 0)
                return -1;
            continue;
        }
        rc = ask(sign, root, policy, &os, &value, err);
        if (rc == 0 && explain)
            rc = wg_verdict_trail(verdict, sign->label, value,
                                  os      ? wg_os_text(os)
                                  : value ? "no answer"
                                          : "not there",
                                  err);
        if (rc == 0 && os != WG_OS_UNKNOWN)
            rc = wg_verdict_os(verdict, os, sign->label, value, err);
        else if (rc == 0 && value && sign->reading == READ_MARK)
            rc = wg_verdict_note(verdict, err, "own mark os='%s' is neither windows nor other",
                                 value);
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
        bool windows = asked && read_windows(told[i].value) == WG_OS_WINDOWS;

        if (explain && wg_verdict_trail(verdict, told[i].label, asked ? told[i].value : NULL,
                                        !asked    ? "a tenant can write it"
                                        : windows ? wg_os_text(WG_OS_WINDOWS)
                                                  : "no answer",
                                        err) < 0)
            return -1;
        if (windows)
            return wg_verdict_os(verdict, WG_OS_WINDOWS, told[i].label, told[i].value, err);
    }
    return 0;
}

int wg_detect(const struct wg_domain *domain, const struct wg_policy *policy,
              const struct wg_told *told, size_t n_told, bool explain, struct wg_verdict *verdict,
              struct wg_traits *traits, struct wg_error *err)
{
    int rc = wg_who_exempt(domain, policy, verdict, err);

    *traits = (struct wg_traits){0};
    if (rc == 0)
        rc = wg_who_report(domain, policy, verdict, err);
    verdict->nova = wg_path_leads(domain->root, "metadata/nova:instance");
    /* Our own mark is the operator's word and comes first wherever order has it. */
    if (rc == 0)
        rc = ask_source("winguest", domain->root, policy, explain, verdict, err);
    for (size_t i = 0; rc == 0 && verdict->os == WG_OS_UNKNOWN && i < policy->order.count; i++) {
        const char *source = policy->order.item[i];

        if (strcmp(source, "metadata") == 0)
            rc = ask_told(told, n_told, policy, explain, verdict, err);
        if (rc == 0 && verdict->os == WG_OS_UNKNOWN && strcmp(source, "winguest") != 0)
            rc = ask_source(source, domain->root, policy, explain, verdict, err);
    }
    if (rc == 0 && wg_policy_has_variants(policy))
        rc = wg_who_traits(domain->root, traits, err);
    return rc;
}
