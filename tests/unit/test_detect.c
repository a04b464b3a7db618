/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/detect/detect.h"
#include "unit.h"

#define META(inner) "<domain type='kvm'><metadata>" inner "</metadata></domain>"
#define WG "xmlns:wg='urn:libvirt-winguest:domain:1.0'"
#define NOVA_NS "http://openstack.org/xmlns/libvirt/nova/1.1"
#define NOVA(inner) META("<nova:instance xmlns:nova='" NOVA_NS "'>" inner "</nova:instance>")
#define PROPERTY(name, value) \
    NOVA("<nova:image uuid='img-1'><nova:properties><nova:property name='" name "'>" value \
         "</nova:property></nova:properties></nova:image>")
#define OSINFO(id) \
    META("<l:libosinfo xmlns:l='http://libosinfo.org/xmlns/libvirt/domain/1.0'>" \
         "<l:os id='" id "'/></l:libosinfo>")
#define COCKPIT(variant) \
    META( \
        "<c:data xmlns:c='https://github.com/cockpit-project/cockpit-machines'><c:os_variant>" variant \
        "</c:os_variant></c:data>")
#define UNRAID(os) META("<vmtemplate xmlns='http://unraid' name='x' os='" os "'/>")
#define ABOUT(text) DOMAIN("<description>" text "</description>")

struct row {
    const char *xml;
    enum wg_os os;
    const char *evidence;
};

static void is_detected(const char *conf, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct wg_verdict *verdict = judge(conf, rows[i].xml, 0);

        assert_text(rows[i].xml, wg_os_text(verdict->os), wg_os_text(rows[i].os));
        if (rows[i].evidence)
            assert_text(rows[i].xml, verdict->evidence, rows[i].evidence);
        else
            assert_null(verdict->evidence);
        assert_int_equal(verdict->trail.count, 0);
        wg_verdict_free(verdict);
    }
}

static void our_own_mark_is_read(void **state)
{
    static const struct row rows[] = {
        {META("<wg:guest " WG " os='windows'/>"), WG_OS_WINDOWS, "own mark: windows"},
        {META("<wg:guest " WG " os='Windows'/>"), WG_OS_WINDOWS, "own mark: Windows"},
        {META("<wg:guest " WG " os='other'/>"), WG_OS_OTHER, "own mark: other"},
        {META("<wg:guest " WG " os='solaris'/>"), WG_OS_UNKNOWN, NULL},
        {META("<wg:guest " WG "/>"), WG_OS_UNKNOWN, NULL},
        {META("<wg:guest xmlns:wg='urn:other' mark='windows'/>"), WG_OS_UNKNOWN, NULL},
        {DOMAIN("<wg:guest " WG " os='windows'/>"), WG_OS_UNKNOWN, NULL},
    };

    (void)state;
    is_detected("[detect]\norder = looks\n", rows, COUNT(rows));
}

static void a_mark_that_says_nothing_known_is_told_of(void **state)
{
    struct wg_verdict *verdict = judge("", META("<wg:guest " WG " os='widows'/>"), 0);

    (void)state;
    assert_int_equal(verdict->notes.count, 1);
    assert_string_equal(verdict->notes.item[0],
                        "own mark os='widows' is neither windows nor other");
    wg_verdict_free(verdict);
    verdict = judge("", META("<wg:guest " WG " os='other'/><wg:guest " WG "/>"), 0);
    assert_int_equal(verdict->notes.count, 0);
    wg_verdict_free(verdict);
}

static void libosinfo_ids_are_read(void **state)
{
    static const struct row rows[] = {
        {OSINFO("http://microsoft.com/win/10"), WG_OS_WINDOWS,
         "libosinfo: http://microsoft.com/win/10"},
        {OSINFO("HTTP://Microsoft.com/WinNT/4.0"), WG_OS_WINDOWS,
         "libosinfo: HTTP://Microsoft.com/WinNT/4.0"},
        {OSINFO("http://microsoft.com/msdos/6.22"), WG_OS_OTHER,
         "libosinfo: http://microsoft.com/msdos/6.22"},
        {OSINFO("http://debian.org/debian/12"), WG_OS_LINUX,
         "libosinfo: http://debian.org/debian/12"},
        {OSINFO("http://libosinfo.org/linux/2022"), WG_OS_LINUX,
         "libosinfo: http://libosinfo.org/linux/2022"},
        {OSINFO("http://freebsd.org/freebsd/13.1"), WG_OS_OTHER,
         "libosinfo: http://freebsd.org/freebsd/13.1"},
        {OSINFO("http://example.org/microsoft.com/win/10"), WG_OS_OTHER,
         "libosinfo: http://example.org/microsoft.com/win/10"},
        {OSINFO(""), WG_OS_UNKNOWN, NULL},
    };

    (void)state;
    is_detected("", rows, COUNT(rows));
}

static void nova_properties_are_read_without_case(void **state)
{
    static const struct row rows[] = {
        {PROPERTY("os_type", "windows"), WG_OS_WINDOWS, "nova os_type: windows"},
        {PROPERTY("os_type", "  Windows\n"), WG_OS_WINDOWS, "nova os_type: Windows"},
        {PROPERTY("OS_Type", "WINDOWS"), WG_OS_WINDOWS, "nova os_type: WINDOWS"},
        {PROPERTY("os_distro", "win2k19"), WG_OS_WINDOWS, "nova os_distro: win2k19"},
        {PROPERTY("os", "Windows Server"), WG_OS_WINDOWS, "nova os: Windows Server"},
        {PROPERTY("os_type", "linux"), WG_OS_LINUX, "nova os_type: linux"},
        {PROPERTY("os_distro", "Ubuntu"), WG_OS_LINUX, "nova os_distro: Ubuntu"},
        {PROPERTY("os_type", "freebsd"), WG_OS_OTHER, "nova os_type: freebsd"},
        {PROPERTY("os_type", ""), WG_OS_UNKNOWN, NULL},
        {PROPERTY("hw_os_type", "windows"), WG_OS_UNKNOWN, NULL},
        {META("<i:instance xmlns:i='urn:other'><i:image><i:properties><i:property name='os_type'>"
              "windows</i:property></i:properties></i:image></i:instance>"),
         WG_OS_UNKNOWN, NULL},
    };

    (void)state;
    is_detected("[detect]\norder = nova\n", rows, COUNT(rows));
}

static void the_other_stacks_are_read(void **state)
{
    static const struct row rows[] = {
        {COCKPIT("win10"), WG_OS_WINDOWS, "cockpit os_variant: win10"},
        {COCKPIT("fedora38"), WG_OS_LINUX, "cockpit os_variant: fedora38"},
        {COCKPIT(""), WG_OS_UNKNOWN, NULL},
        {UNRAID("windows11"), WG_OS_WINDOWS, "unraid os: windows11"},
        {UNRAID("linux"), WG_OS_LINUX, "unraid os: linux"},
        {ABOUT("Windows Server 2019 (64-bit)"), WG_OS_WINDOWS,
         "cloudstack description: Windows Server 2019 (64-bit)"},
        {ABOUT("windows 7 (32-bit)"), WG_OS_WINDOWS, "cloudstack description: windows 7 (32-bit)"},
        {ABOUT("Windows PV"), WG_OS_WINDOWS, "cloudstack description: Windows PV"},
        {ABOUT("CentOS 7.2 (64-bit)"), WG_OS_LINUX, "cloudstack description: CentOS 7.2 (64-bit)"},
        {ABOUT("Windows guests use this proxy"), WG_OS_UNKNOWN, NULL},
        {ABOUT("Windows (old) (64-bit)"), WG_OS_UNKNOWN, NULL},
        {ABOUT("Windows\n(64-bit)"), WG_OS_UNKNOWN, NULL},
        {ABOUT("not Windows 10 (64-bit)"), WG_OS_UNKNOWN, NULL},
        {ABOUT(" (64-bit)"), WG_OS_UNKNOWN, NULL},
        {ABOUT(""), WG_OS_UNKNOWN, NULL},
    };

    (void)state;
    is_detected("", rows, COUNT(rows));
}

static void the_last_resort_is_any_metadata_that_begins_with_win(void **state)
{
    static const struct row rows[] = {
        {META("<a os_type='Windows'/>"), WG_OS_WINDOWS, "metadata os_type: Windows"},
        {META("<a><x:b xmlns:x='urn:x'><x:os-type>win2k</x:os-type></x:b></a>"), WG_OS_WINDOWS,
         "metadata os-type: win2k"},
        {META("<a ostype='WIN'/>"), WG_OS_WINDOWS, "metadata ostype: WIN"},
        {META("<a><os_distro> windows </os_distro></a>"), WG_OS_WINDOWS,
         "metadata os_distro: windows"},
        {META("<a os='win'/>"), WG_OS_WINDOWS, "metadata os: win"},
        {META("<a os='linux'/><b os='win'/>"), WG_OS_WINDOWS, "metadata os: win"},
        {META("<a os='windows'/><b os_type='win'/>"), WG_OS_WINDOWS, "metadata os_type: win"},
        {META("<a os='linux'/>"), WG_OS_UNKNOWN, NULL},
        {META("<a os='darwin'/>"), WG_OS_UNKNOWN, NULL},
        {META("<a osname='windows'/>"), WG_OS_UNKNOWN, NULL},
        {META("<!-- <a os='windows'/> -->"), WG_OS_UNKNOWN, NULL},
        {DOMAIN("<os os='windows'><os_type>windows</os_type></os>"), WG_OS_UNKNOWN, NULL},
        {"<domain/>", WG_OS_UNKNOWN, NULL},
    };

    (void)state;
    is_detected("", rows, COUNT(rows));
}

static void looks_are_asked_only_if_ordered(void **state)
{
    static const struct row rows[] = {
        {DOMAIN("<features><hyperv><vapic state='on'/></hyperv></features>"), WG_OS_WINDOWS,
         "looks like it: vapic"},
        {DOMAIN("<features><hyperv mode='passthrough'/></features>"), WG_OS_WINDOWS,
         "looks like it: passthrough"},
        {DOMAIN("<clock><timer name='hypervclock' present='yes'/></clock>"), WG_OS_WINDOWS,
         "looks like it: hypervclock"},
        {DOMAIN("<features><hyperv><vapic state='off'/></hyperv></features>"), WG_OS_UNKNOWN, NULL},
        {DOMAIN("<features><hyperv mode='custom'/></features>"), WG_OS_UNKNOWN, NULL},
        {DOMAIN("<clock><timer name='hypervclock' present='no'/></clock>"), WG_OS_UNKNOWN, NULL},
    };
    const struct row not_asked = {rows[0].xml, WG_OS_UNKNOWN, NULL};

    (void)state;
    is_detected("[detect]\norder = looks\n", rows, COUNT(rows));
    is_detected("", &not_asked, 1);
}

static void rules_are_globs_of_the_operator(void **state)
{
    static const struct row rows[] = {
        {DOMAIN("<name>WIN-7</name>"), WG_OS_WINDOWS, "rules.names: WIN-7"},
        {DOMAIN("<name>xwin-7</name>"), WG_OS_UNKNOWN, NULL},
        {DOMAIN("<title>my Server 1</title>"), WG_OS_WINDOWS, "rules.titles: my Server 1"},
        {NOVA("<nova:name>the Server</nova:name>"), WG_OS_WINDOWS, "rules.titles: the Server"},
        {NOVA("<nova:flavor name='w.big'/>"), WG_OS_WINDOWS, "rules.flavors: w.big"},
        {DOMAIN("<uuid>6F0F-1</uuid>"), WG_OS_WINDOWS, "rules.uuids: 6F0F-1"},
        {NOVA("<nova:root type='image' uuid='img-9'/>"), WG_OS_WINDOWS, "rules.images: img-9"},
        {NOVA("<nova:root type='volume' uuid='img-9'/>"), WG_OS_UNKNOWN, NULL},
        {NOVA("<nova:image uuid='img-9'/>"), WG_OS_WINDOWS, "rules.images: img-9"},
        {NOVA("<nova:owner><nova:user uuid='u'/><nova:project uuid='p-1'/></nova:owner>"),
         WG_OS_WINDOWS, "rules.projects: p-1"},
        {NOVA("<nova:owner><nova:user uuid='p-1'/></nova:owner>"), WG_OS_UNKNOWN, NULL},
    };

    (void)state;
    is_detected("[rules]\nnames = win-*\ntitles = \"*server*\"\nflavors = w.*\nuuids = 6f0f-*\n"
                "images = img-9\nprojects = p-?\n",
                rows, COUNT(rows));
}

#define NOVA_SAYS(name, type) \
    "<domain type='kvm'><name>" name "</name><metadata><nova:instance xmlns:nova='" NOVA_NS "'>" \
    "<nova:image><nova:properties><nova:property name='os_type'>" type "</nova:property>" \
    "</nova:properties></nova:image></nova:instance></metadata></domain>"

static void the_first_answer_in_order_counts(void **state)
{
    static const struct row usual[] = {
        {NOVA_SAYS("win-1", "linux"), WG_OS_WINDOWS, "rules.names: win-1"},
        {NOVA_SAYS("lin-1", "linux"), WG_OS_LINUX, "nova os_type: linux"},
        {META("<wg:guest " WG " os='other'/><a os='windows'/>"), WG_OS_OTHER, "own mark: other"},
        {META("<l:libosinfo xmlns:l='http://libosinfo.org/xmlns/libvirt/domain/1.0'>"
              "<l:os id='http://debian.org/debian/12'/></l:libosinfo><a os='windows'/>"),
         WG_OS_LINUX, "libosinfo: http://debian.org/debian/12"},
    };
    static const struct row turned[] = {
        {NOVA_SAYS("win-1", "linux"), WG_OS_LINUX, "nova os_type: linux"},
        {META("<wg:guest " WG " os='other'/>"), WG_OS_OTHER, "own mark: other"},
    };
    static const struct row none[] = {{NOVA_SAYS("win-1", "windows"), WG_OS_UNKNOWN, NULL}};

    (void)state;
    is_detected("[rules]\nnames = win-*\n", usual, COUNT(usual));
    is_detected("[rules]\nnames = win-*\n[detect]\norder = nova rules\n", turned, COUNT(turned));
    is_detected("[rules]\nnames = win-*\n[detect]\norder =\n", none, COUNT(none));
}

static void under_trust_operator_no_tenant_decides(void **state)
{
    static const struct row rows[] = {
        {PROPERTY("os_type", "windows"), WG_OS_UNKNOWN, NULL},
        {NOVA("<nova:name>the Server</nova:name>"), WG_OS_UNKNOWN, NULL},
        {ABOUT("Windows 10 (64-bit)"), WG_OS_UNKNOWN, NULL},
        {META("<a os='windows'/>"), WG_OS_UNKNOWN, NULL},
        {DOMAIN("<title>my Server 1</title>"), WG_OS_WINDOWS, "rules.titles: my Server 1"},
        {NOVA("<nova:flavor name='w.big'/>"), WG_OS_WINDOWS, "rules.flavors: w.big"},
        {OSINFO("http://microsoft.com/win/10"), WG_OS_WINDOWS,
         "libosinfo: http://microsoft.com/win/10"},
        {META("<wg:guest " WG " os='windows'/>"), WG_OS_WINDOWS, "own mark: windows"},
    };

    (void)state;
    is_detected("[detect]\ntrust = operator\n[rules]\ntitles = *server*\nflavors = w.*\n", rows,
                COUNT(rows));
}

static void an_exemption_comes_before_everything(void **state)
{
    static const struct {
        const char *xml, *reason;
    } rows[] = {
        {META("<wg:guest " WG " os='windows' policy='none'/>"), "own mark: policy='none'"},
        {META("<wg:guest " WG " policy='none'/>"), "own mark: policy='none'"},
        {NOVA_SAYS("CURED-1", "windows"), "rules.exempt.names has cured-*"},
        {DOMAIN("<uuid>AB-1</uuid><title>server</title>"), "rules.exempt.uuids has ab-?"},
        {META("<wg:guest " WG " os='windows' policy='default'/>"), NULL},
        {DOMAIN("<title>cured-1</title>"), NULL},
        {"<domain/>", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct wg_verdict *verdict = judge(
            "[rules]\nexempt.names = cured-*\nexempt.uuids = ab-?\nnames = *\n", rows[i].xml, 0);

        assert_int_equal(verdict->outcome == WG_EXEMPT, rows[i].reason != NULL);
        if (rows[i].reason)
            assert_text(rows[i].xml, verdict->reason, rows[i].reason);
        wg_verdict_free(verdict);
    }
}

static void the_trail_tells_every_sign_up_to_the_answer(void **state)
{
    static const char *const trail[] = {
        "own mark: not there",     "rules.names: a: no answer",      "rules.titles: not there",
        "rules.titles: not there", "rules.flavors: not there",       "rules.uuids: not there",
        "rules.images: not there", "rules.images: not there",        "rules.projects: not there",
        "libosinfo: not there",    "nova os_type: windows: windows",
    };
    struct wg_verdict *verdict = judge("", NOVA_SAYS("a", "windows"), WG_EXPLAIN);

    (void)state;
    assert_int_equal(verdict->trail.count, COUNT(trail));
    for (size_t i = 0; i < COUNT(trail); i++)
        assert_text("trail", verdict->trail.item[i], trail[i]);
    wg_verdict_free(verdict);
    verdict = judge("[detect]\ntrust = operator\norder = nova\n", NOVA_SAYS("a", "windows"),
                    WG_EXPLAIN);
    assert_int_equal(verdict->trail.count, 4);
    assert_string_equal(verdict->trail.item[1], "nova os_type: a tenant can write it");
    wg_verdict_free(verdict);
}

static void the_sources_have_names(void **state)
{
    struct wg_list names = {0};

    (void)state;
    assert_int_equal(wg_list_add_words(&names, WG_ALL_SOURCES), 0);
    for (size_t i = 0; i < names.count; i++)
        assert_true(wg_is_source(names.item[i]));
    assert_false(wg_is_source(""));
    assert_false(wg_is_source("Nova"));
    assert_false(wg_is_source("rule"));
    wg_list_clear(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_own_mark_is_read),
        cmocka_unit_test(a_mark_that_says_nothing_known_is_told_of),
        cmocka_unit_test(libosinfo_ids_are_read),
        cmocka_unit_test(nova_properties_are_read_without_case),
        cmocka_unit_test(the_other_stacks_are_read),
        cmocka_unit_test(the_last_resort_is_any_metadata_that_begins_with_win),
        cmocka_unit_test(looks_are_asked_only_if_ordered),
        cmocka_unit_test(rules_are_globs_of_the_operator),
        cmocka_unit_test(the_first_answer_in_order_counts),
        cmocka_unit_test(under_trust_operator_no_tenant_decides),
        cmocka_unit_test(an_exemption_comes_before_everything),
        cmocka_unit_test(the_trail_tells_every_sign_up_to_the_answer),
        cmocka_unit_test(the_sources_have_names),
    };

    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
