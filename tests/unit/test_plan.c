/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Through the engine: what of the policy fits a guest, and where the guest falls short of it. */
#include "engine/winguest.h"

#include <unistd.h>

#include "unit.h"

#define ALL_WINDOWS "[rules]\nnames = *\n"
#define OS "<name>w</name><os><type arch='x86_64' machine='pc'>hvm</type></os>"
#define GUEST(rest) "<domain type='kvm'>" OS rest "</domain>"
#define TIMERS \
    "<timer name='pit' tickpolicy='delay'/><timer name='rtc' tickpolicy='catchup'/>" \
    "<timer name='hpet' present='no'/><timer name='hypervclock' present='yes'/>"
#define TRIO "<relaxed state='on'/><vapic state='on'/><spinlocks state='on' retries='8191'/>"
#define CLOCK "<clock offset='localtime'>" TIMERS "</clock>"
#define HYPERV "<features><hyperv>" TRIO "</hyperv></features>"

/* The differences as the verdict's line has them: "where: has → must; …". */
static char *differences_of(const struct wg_verdict *verdict)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    for (size_t i = 0; i < verdict->n_differences; i++)
        fprintf(out, "%s%s: %s → %s", i ? "; " : "", verdict->differences[i].where,
                verdict->differences[i].has, verdict->differences[i].must);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void differs(const char *conf, const char *xml, const char *want)
{
    struct wg_verdict *verdict = judge(conf, xml, WG_REWRITE);
    char *text = differences_of(verdict);

    assert_text(xml, text, want);
    assert_text(xml, wg_outcome_text(verdict->outcome), *want ? "violates" : "compliant");
    assert_int_equal(verdict->xml != NULL, *want != '\0');
    free(text);
    wg_verdict_free(verdict);
}

static void the_policy_is_for_x86_under_kvm_and_qemu(void **state)
{
    static const struct {
        const char *xml, *reason;
    } rows[] = {
        {"<domain type='xen'>" OS "</domain>", "domain type xen, not kvm or qemu"},
        {"<domain>" OS "</domain>", "domain type missing, not kvm or qemu"},
        {"<domain type='kvm'><name>w</name></domain>", "os type is not hvm"},
        {"<domain type='kvm'><name>w</name><os><type>linux</type></os></domain>",
         "os type is not hvm"},
        {"<domain type='kvm'><name>w</name><os><type arch='aarch64'>hvm</type></os></domain>",
         "architecture aarch64, not x86"},
        {"<domain type='qemu'><name>w</name><os><type arch='ppc64'>hvm</type></os></domain>",
         "architecture ppc64, not x86"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct wg_verdict *verdict = judge(ALL_WINDOWS, rows[i].xml, WG_REWRITE);

        assert_text(rows[i].xml, wg_outcome_text(verdict->outcome), "not applicable");
        assert_text(rows[i].xml, verdict->reason, rows[i].reason);
        assert_int_equal(verdict->n_differences, 0);
        assert_null(verdict->xml);
        wg_verdict_free(verdict);
    }
    differs(ALL_WINDOWS,
            "<domain type='qemu'><name>w</name><os><type arch='i686'> hvm </type></os>" CLOCK HYPERV
            "</domain>",
            "");
}

static void a_guest_that_has_it_all_is_compliant(void **state)
{
    (void)state;
    differs(ALL_WINDOWS, GUEST(CLOCK HYPERV), "");
    differs(ALL_WINDOWS,
            GUEST("<features><hyperv>" TRIO "<vendor_id state='on' value='x'/>"
                  "</hyperv><kvm><hidden state='on'/></kvm></features>"
                  "<clock offset='localtime' adjustment='reset'>"
                  "<timer name='tsc' present='yes'/>" TIMERS "</clock>"),
            "");
}

static void a_guest_that_has_nothing_lacks_everything(void **state)
{
    (void)state;
    differs(ALL_WINDOWS, GUEST(""),
            "clock.offset: utc → localtime; timer.pit.tickpolicy: none → delay; "
            "timer.rtc.tickpolicy: none → catchup; timer.hpet.present: none → no; "
            "timer.hypervclock.present: none → yes; hyperv.relaxed.state: none → on; "
            "hyperv.vapic.state: none → on; hyperv.spinlocks.state: none → on; "
            "hyperv.spinlocks.retries: none → 8191");
}

#define WITH_CLOCK(attributes) GUEST("<clock " attributes ">" TIMERS "</clock>" HYPERV)

static void every_kind_of_clock_is_compared(void **state)
{
    static const struct {
        const char *xml, *want;
    } rows[] = {
        {WITH_CLOCK("offset='utc'"), "clock.offset: utc → localtime"},
        {WITH_CLOCK(""), "clock.offset: utc → localtime"},
        {WITH_CLOCK("offset='absolute' start='1'"), "clock.offset: absolute → localtime"},
        {WITH_CLOCK("offset='timezone' timezone='CET'"), "clock.offset: timezone CET → localtime"},
        {WITH_CLOCK("offset='variable' adjustment='3600'"), "clock.offset: variable → localtime"},
        {WITH_CLOCK("offset='variable' adjustment='3600' basis='utc'"),
         "clock.offset: variable → localtime"},
        {WITH_CLOCK("offset='variable' adjustment='3600' basis='localtime'"), ""},
        {WITH_CLOCK("offset='localtime' adjustment='reset'"), ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        differs(ALL_WINDOWS, rows[i].xml, rows[i].want);
}

static void offsets_to_keep_are_kept(void **state)
{
    static const struct {
        const char *xml, *want;
    } rows[] = {
        {WITH_CLOCK("offset='utc'"), ""},
        {WITH_CLOCK(""), ""},
        {WITH_CLOCK("offset='timezone' timezone='CET'"), ""},
        {WITH_CLOCK("offset='absolute' start='1'"), "clock.offset: absolute → localtime"},
        {GUEST(HYPERV), "timer.pit.tickpolicy: none → delay; timer.rtc.tickpolicy: none → catchup; "
                        "timer.hpet.present: none → no; timer.hypervclock.present: none → yes"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        differs(ALL_WINDOWS "[windows]\nclock.keep = utc timezone\n", rows[i].xml, rows[i].want);
}

static void a_timezone_can_be_demanded(void **state)
{
    static const char conf[] = ALL_WINDOWS
        "[windows]\nclock.offset = timezone\nclock.timezone = Asia/Shanghai\n";

    (void)state;
    require(access("/usr/share/zoneinfo/Asia/Shanghai", R_OK) == 0, "no tzdata on this machine");
    differs(conf, WITH_CLOCK("offset='timezone' timezone='Asia/Shanghai'"), "");
    differs(conf, WITH_CLOCK("offset='timezone' timezone='CET'"),
            "clock.offset: timezone CET → timezone Asia/Shanghai");
    differs(conf, WITH_CLOCK("offset='localtime'"),
            "clock.offset: localtime → timezone Asia/Shanghai");
}

#define WITH_TIMERS(timers) GUEST("<clock offset='localtime'>" timers "</clock>" HYPERV)
#define OTHER_TIMERS "<timer name='hpet' present='no'/><timer name='hypervclock' present='yes'/>"

static void timers_are_compared_by_name(void **state)
{
    static const struct {
        const char *xml, *want;
    } rows[] = {
        {WITH_TIMERS("<timer name='rtc' tickpolicy='delay' track='guest'/>"
                     "<timer name='pit' tickpolicy='delay'/>" OTHER_TIMERS),
         "timer.rtc.tickpolicy: delay → catchup"},
        {WITH_TIMERS(TIMERS "<timer name='rtc' tickpolicy='delay'/>"), "timer.rtc: 2 times → once"},
        {WITH_TIMERS("<timer name='pit' tickpolicy='discard'/>"
                     "<timer name='rtc' tickpolicy='delay'/>" TIMERS),
         "timer.pit: 2 times → once; timer.pit.tickpolicy: discard → delay; "
         "timer.rtc: 2 times → once; timer.rtc.tickpolicy: delay → catchup"},
        {WITH_TIMERS(
             "<timer name='pit' tickpolicy='delay'><catchup slew='1'/></timer>"
             "<timer name='rtc' tickpolicy='catchup'><catchup slew='1'/></timer>" OTHER_TIMERS),
         "timer.pit.catchup: present → none"},
        {WITH_TIMERS("<x:timer xmlns:x='urn:x' name='pit' tickpolicy='delay'/>"
                     "<timer name='rtc' tickpolicy='catchup'/>" OTHER_TIMERS),
         "timer.pit.tickpolicy: none → delay"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        differs(ALL_WINDOWS, rows[i].xml, rows[i].want);
}

static void enlightenments_are_compared_by_the_last_word(void **state)
{
    static const struct {
        const char *xml, *want;
    } rows[] = {
        {GUEST(CLOCK "<features><hyperv>" TRIO "<vapic state='off'/></hyperv></features>"),
         "hyperv.vapic.state: off → on"},
        {GUEST(CLOCK "<features><hyperv><relaxed state='on'/><vapic state='on'/>"
                     "<spinlocks state='on' retries='0x1fff'/></hyperv></features>"),
         ""},
        {GUEST(CLOCK "<features><hyperv><relaxed state='on'/><vapic state='on'/>"
                     "<spinlocks state='on' retries='8096'/></hyperv></features>"),
         "hyperv.spinlocks.retries: 8096 → 8191"},
        {GUEST(CLOCK "<features><hyperv mode='custom'>" TRIO "</hyperv></features>"), ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        differs(ALL_WINDOWS, rows[i].xml, rows[i].want);
}

static void is_noted(const char *xml, const char *note, const char *want)
{
    struct wg_verdict *verdict = judge(ALL_WINDOWS, xml, WG_REWRITE);
    char *text = differences_of(verdict);

    assert_text(xml, text, want);
    assert_int_equal(verdict->notes.count, 1);
    assert_text(xml, verdict->notes.item[0], note);
    free(text);
    wg_verdict_free(verdict);
}

static void a_mode_that_gives_all_is_left_alone(void **state)
{
    (void)state;
    is_noted(GUEST(CLOCK "<features><hyperv mode='passthrough'/></features>"),
             "hyperv mode='passthrough' gives all the host has", "");
    is_noted(GUEST("<features><hyperv mode='host-model'/></features>"
                   "<clock offset='utc'>" TIMERS "</clock>"),
             "hyperv mode='host-model' gives all the host has", "clock.offset: utc → localtime");
}

static void microvm_has_no_hpet(void **state)
{
    (void)state;
    is_noted("<domain type='kvm'><name>w</name><os><type arch='x86_64' machine='microvm'>hvm"
             "</type></os><features><hyperv>" TRIO "</hyperv></features>"
             "<clock offset='utc'><timer name='pit' tickpolicy='delay'/>"
             "<timer name='rtc' tickpolicy='catchup'/><timer name='hypervclock' present='yes'/>"
             "</clock></domain>",
             "timer.hpet left alone: machine microvm has none", "clock.offset: utc → localtime");
}

static void the_guest_agent_is_sought_in_the_channels(void **state)
{
    static const char conf[] = ALL_WINDOWS "[windows]\nguest_agent = yes\n";

    (void)state;
    differs(conf, GUEST(CLOCK HYPERV), "guest_agent: none → org.qemu.guest_agent.0");
    differs(conf,
            GUEST(CLOCK HYPERV "<devices><channel type='unix'><target type='virtio' "
                               "name='com.redhat.spice.0'/></channel></devices>"),
            "guest_agent: none → org.qemu.guest_agent.0");
    differs(conf,
            GUEST(CLOCK HYPERV "<devices><channel type='unix'><target type='virtio' "
                               "name='org.qemu.guest_agent.0'/></channel></devices>"),
            "");
}

static void linux_has_its_policy_only_if_enforced(void **state)
{
    static const char guest[] =
        "<domain type='kvm'><os><type arch='x86_64'>hvm</type></os><metadata>"
        "<nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'><nova:image>"
        "<nova:properties><nova:property name='os_type'>linux</nova:property></nova:properties>"
        "</nova:image></nova:instance></metadata><clock offset='localtime'/></domain>";
    struct wg_verdict *verdict = judge("", guest, WG_REWRITE);

    (void)state;
    assert_int_equal(verdict->outcome, WG_SKIPPED);
    assert_int_equal(verdict->os, WG_OS_LINUX);
    wg_verdict_free(verdict);
    differs("[linux]\nenforce = yes\n", guest,
            "clock.offset: localtime → utc; timer.pit.tickpolicy: none → delay; "
            "timer.rtc.tickpolicy: none → catchup; timer.hpet.present: none → no");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_policy_is_for_x86_under_kvm_and_qemu),
        cmocka_unit_test(a_guest_that_has_it_all_is_compliant),
        cmocka_unit_test(a_guest_that_has_nothing_lacks_everything),
        cmocka_unit_test(every_kind_of_clock_is_compared),
        cmocka_unit_test(offsets_to_keep_are_kept),
        cmocka_unit_test(a_timezone_can_be_demanded),
        cmocka_unit_test(timers_are_compared_by_name),
        cmocka_unit_test(enlightenments_are_compared_by_the_last_word),
        cmocka_unit_test(a_mode_that_gives_all_is_left_alone),
        cmocka_unit_test(microvm_has_no_hpet),
        cmocka_unit_test(the_guest_agent_is_sought_in_the_channels),
        cmocka_unit_test(linux_has_its_policy_only_if_enforced),
    };

    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
