/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/plan/target.h"

#include <unistd.h>

#include "unit.h"

#define TIMERS \
    "<timer name=\"pit\" tickpolicy=\"delay\"/><timer name=\"rtc\" tickpolicy=\"catchup\"/>" \
    "<timer name=\"hpet\" present=\"no\"/>"
#define HYPERVCLOCK "<timer name=\"hypervclock\" present=\"yes\"/>"
#define TRIO \
    "<relaxed state=\"on\"/><vapic state=\"on\"/><spinlocks state=\"on\" retries=\"8191\"/>"
#define ON(name) "<" name " state=\"on\"/>"

static void is_target(const char *what, const struct wg_target *target, const char *want)
{
    char *text = demands(target);

    assert_text(what, text, want);
    free(text);
}

static struct wg_target make(enum wg_os os, bool recommended)
{
    struct wg_target target;
    struct wg_error err;

    if (wg_target_init(&target, os, recommended, &err) < 0)
        fail_msg("%s", err.text);
    return target;
}

/* A target that demands nothing yet. */
static struct wg_target bare(void)
{
    struct wg_target target = make(WG_OS_LINUX, false);
    static const char *const keys[] = {"clock.offset", "timer.pit.tickpolicy",
                                       "timer.rtc.tickpolicy", "timer.hpet.present"};
    struct wg_error err;

    for (size_t i = 0; i < COUNT(keys); i++)
        assert_int_equal(wg_target_set(&target, keys[i], "", &err), 0);
    is_target("bare", &target, "<policy/>");
    return target;
}

static void set(struct wg_target *target, const char *key, const char *value)
{
    struct wg_error err;

    if (wg_target_set(target, key, value, &err) < 0)
        fail_msg("%s = %s: %s", key, value, err.text);
}

static void the_defaults_are_the_baseline(void **state)
{
    struct wg_target target = make(WG_OS_WINDOWS, false);
    struct wg_error err;

    (void)state;
    assert_int_equal(wg_target_close(&target, &err), 0);
    is_target("windows", &target,
              "<policy><clock offset=\"localtime\">" TIMERS HYPERVCLOCK "</clock><hyperv>" TRIO
              "</hyperv></policy>");
    assert_int_equal(target.keep.count, 0);
    assert_int_equal(target.stylesheets.count, 2);
    assert_string_equal(target.stylesheets.item[0], "clock.xsl");
    assert_string_equal(target.stylesheets.item[1], "hyperv.xsl");
    wg_target_clear(&target);
    assert_null(target.want);
    wg_target_clear(&target);
}

static void recommended_adds_enlightenments(void **state)
{
    struct wg_target target = make(WG_OS_WINDOWS, true);
    struct wg_error err;

    (void)state;
    assert_int_equal(wg_target_close(&target, &err), 0);
    is_target("recommended", &target,
              "<policy><clock offset=\"localtime\">" TIMERS HYPERVCLOCK
              "</clock><hyperv>" TRIO ON("vpindex") ON("runtime")
                  ON("synic") "<stimer state=\"on\"><direct state=\"on\"/></stimer>" ON("reset")
                      ON("frequencies") ON("tlbflush") ON("ipi") "</hyperv></policy>");
    wg_target_clear(&target);
}

static void linux_has_no_enlightenments(void **state)
{
    struct wg_target target = make(WG_OS_LINUX, true);
    struct wg_error err;

    (void)state;
    assert_int_equal(wg_target_close(&target, &err), 0);
    is_target("linux", &target, "<policy><clock offset=\"utc\">" TIMERS "</clock></policy>");
    wg_target_clear(&target);
}

static void a_key_names_the_place_in_libvirts_words(void **state)
{
    static const struct {
        const char *key, *value, *want;
    } rows[] = {
        {"clock.offset", "utc", "<policy><clock offset=\"utc\"/></policy>"},
        {"timer.rtc.track", "guest",
         "<policy><clock><timer name=\"rtc\" track=\"guest\"/></clock></policy>"},
        {"timer.tsc.present", "yes",
         "<policy><clock><timer name=\"tsc\" present=\"yes\"/></clock></policy>"},
        {"timer.newer-than-us.tickpolicy", "merge",
         "<policy><clock><timer name=\"newer-than-us\" tickpolicy=\"merge\"/></clock></policy>"},
        {"hyperv.newer.state", "off", "<policy><hyperv><newer state=\"off\"/></hyperv></policy>"},
        {"hyperv.xmm_input.state", "on",
         "<policy><hyperv><xmm_input state=\"on\"/></hyperv></policy>"},
        {"hyperv.stimer.direct.state", "on",
         "<policy><hyperv><stimer><direct state=\"on\"/></stimer></hyperv></policy>"},
        {"cpu.cet-ibt", "disable",
         "<policy><cpu><feature name=\"cet-ibt\" policy=\"disable\"/></cpu></policy>"},
        {"cpu.sse4.1", "require",
         "<policy><cpu><feature name=\"sse4.1\" policy=\"require\"/></cpu></policy>"},
        {"guest_agent", "yes", "<policy><guest_agent/></policy>"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct wg_target target = bare();

        set(&target, rows[i].key, rows[i].value);
        is_target(rows[i].key, &target, rows[i].want);
        set(&target, rows[i].key, strcmp(rows[i].value, "yes") == 0 ? "no" : rows[i].value);
        set(&target, rows[i].key, rows[i].value);
        is_target("set again", &target, rows[i].want);
        if (strcmp(rows[i].key, "guest_agent") != 0)
            set(&target, rows[i].key, "");
        else
            set(&target, rows[i].key, "no");
        is_target("dropped", &target, "<policy/>");
        wg_target_clear(&target);
    }
}

static void dropping_a_demand_leaves_its_neighbours(void **state)
{
    struct wg_target target = bare();

    (void)state;
    set(&target, "hyperv.spinlocks.state", "on");
    set(&target, "hyperv.spinlocks.retries", "8191");
    set(&target, "hyperv.stimer.direct.state", "on");
    set(&target, "hyperv.stimer.state", "on");
    set(&target, "hyperv.spinlocks.retries", "");
    set(&target, "hyperv.stimer.state", "");
    set(&target, "hyperv.vapic.state", "");
    is_target("neighbours", &target,
              "<policy><hyperv><spinlocks state=\"on\"/><stimer><direct state=\"on\"/></stimer>"
              "</hyperv></policy>");
    wg_target_clear(&target);
}

static void a_bad_value_is_told_with_what_is_allowed(void **state)
{
    static const struct {
        const char *key, *value, *why;
    } rows[] = {
        {"clock.offset", "local", "'local' is not allowed; allowed: localtime timezone utc"},
        {"clock.offset", "variable", "'variable' is not allowed; allowed: localtime timezone utc"},
        {"clock.offset", "localtime utc",
         "'localtime utc' is not allowed; allowed: localtime timezone utc"},
        {"clock.keep", "utc localtime",
         "'localtime' is not allowed; allowed: timezone variable absolute utc"},
        {"clock.timezone", "Mars/Olympus",
         "'Mars/Olympus' is not in /usr/share/zoneinfo; a zone is written Asia/Shanghai"},
        {"clock.timezone", "../../../etc/passwd", "'../../../etc/passwd' is not in"},
        {"clock.timezone", "/etc/passwd", "'/etc/passwd' is not in"},
        {"clock.timezone", "Asia", "'Asia' is not in"},
        {"timer.pit.tickpolicy", "catchup", "'catchup' is not allowed; allowed: delay discard"},
        {"timer.rtc.tickpolicy", "discard", "'discard' is not allowed; allowed: delay catchup"},
        {"timer.rtc.tickpolicy", "Catchup", "'Catchup' is not allowed; allowed: delay catchup"},
        {"timer.rtc.track", "realtime", "'realtime' is not allowed; allowed: guest wall"},
        {"timer.hpet.present", "on", "'on' is not allowed; allowed: yes no"},
        {"timer.hypervclock.present", "1", "'1' is not allowed; allowed: yes no"},
        {"hyperv.relaxed.state", "yes", "'yes' is not allowed; allowed: on off"},
        {"hyperv.spinlocks.retries", "4094",
         "'4094' is not allowed; allowed: a number of at least 4095"},
        {"hyperv.spinlocks.retries", "4294967296", "is not allowed; allowed: a number"},
        {"hyperv.spinlocks.retries", "99999999999999999999", "is not allowed; allowed: a number"},
        {"hyperv.spinlocks.retries", "-4096", "is not allowed; allowed: a number"},
        {"hyperv.spinlocks.retries", "+8191", "is not allowed; allowed: a number"},
        {"hyperv.spinlocks.retries", "8191 ", "is not allowed; allowed: a number"},
        {"hyperv.spinlocks.retries", "a number", "is not allowed; allowed: a number"},
        {"cpu.cet-ibt", "off",
         "'off' is not allowed; allowed: disable forbid optional require force"},
        {"guest_agent", "", "'' is not allowed; allowed: yes no"},
        {"guest_agent", "on", "'on' is not allowed; allowed: yes no"},
        {"stylesheets", "../x.xsl",
         "'../x.xsl' is not the name of a file; directories are not allowed"},
        {"stylesheets", "clock.xsl /x.xsl", "'/x.xsl' is not the name of a file"},
    };
    struct wg_target target = bare();

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct wg_error err = {0};

        if (wg_target_set(&target, rows[i].key, rows[i].value, &err) == 0)
            fail_msg("taken: %s = %s", rows[i].key, rows[i].value);
        assert_contains(rows[i].key, err.text, rows[i].why);
    }
    is_target("refused values", &target, "<policy/>");
    wg_target_clear(&target);
}

static void an_unknown_key_is_refused(void **state)
{
    static const char *const keys[] = {
        "",
        "x",
        ".",
        "timer",
        "timer.",
        "timer..",
        "timer.rtc",
        "timer.rtc.",
        "timer..present",
        "timer.hpet.tickpolicy",
        "timer.hypervclock.tickpolicy",
        "timer.kvmclock.track",
        "timer.rtc.frequency",
        "timer.rtc.catchup.threshold",
        "hyperv",
        "hyperv.relaxed",
        "hyperv.vapic.retries",
        "hyperv.state",
        "hyperv.mode",
        "hyperv..state",
        "features.acpi.state",
        "hyperv.vendor_id.value",
        "timer.a b.present",
        "timer.rtc'.present",
        "hyperv.<x>.state",
        "clock",
        "clocks.offset",
        "guest_agent.state",
        "timer.1.present",
        "HYPERV.relaxed.state",
        "timer.rtc.x.present",
        "hyperv.stimer.direct.x.state",
        ".hyperv.relaxed.state",
        "hyperv.relaxed.state.",
        "guest-agent",
        "cpu.",
        "cpu.a/b",
        "cpu",
    };
    struct wg_target target = bare();

    (void)state;
    for (size_t i = 0; i < COUNT(keys); i++) {
        if (wg_target_knows(keys[i], true))
            fail_msg("known: %s", keys[i]);
    }
    is_target("unknown keys", &target, "<policy/>");
    wg_target_clear(&target);
}

static void what_is_needed_is_demanded_too(void **state)
{
    static const struct {
        const char *key, *want;
    } rows[] = {
        {"hyperv.synic.state", "<policy><hyperv>" ON("synic") ON("vpindex") "</hyperv></policy>"},
        {"hyperv.stimer.state", "<policy><hyperv>" ON("stimer") ON("synic") ON(
                                    "vpindex") "</hyperv><clock>" HYPERVCLOCK "</clock></policy>"},
        {"hyperv.stimer.direct.state",
         "<policy><hyperv><stimer state=\"on\"><direct state=\"on\"/></stimer>" ON("synic")
             ON("vpindex") "</hyperv><clock>" HYPERVCLOCK "</clock></policy>"},
        {"hyperv.tlbflush.state",
         "<policy><hyperv>" ON("tlbflush") ON("vpindex") "</hyperv></policy>"},
        {"hyperv.ipi.state", "<policy><hyperv>" ON("ipi") ON("vpindex") "</hyperv></policy>"},
        {"hyperv.evmcs.state", "<policy><hyperv>" ON("evmcs") ON("vapic") "</hyperv></policy>"},
        {"hyperv.reenlightenment.state",
         "<policy><hyperv>" ON("reenlightenment") ON("frequencies") "</hyperv></policy>"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct wg_target target = bare();
        struct wg_error err;

        set(&target, rows[i].key, "on");
        assert_int_equal(wg_target_close(&target, &err), 0);
        is_target(rows[i].key, &target, rows[i].want);
        set(&target, rows[i].key, "off");
        wg_target_clear(&target);
    }
}

static void off_needs_nothing(void **state)
{
    struct wg_target target = bare();
    struct wg_error err;

    (void)state;
    set(&target, "hyperv.stimer.state", "off");
    assert_int_equal(wg_target_close(&target, &err), 0);
    is_target("off", &target, "<policy><hyperv><stimer state=\"off\"/></hyperv></policy>");
    wg_target_clear(&target);
}

static void demands_that_contradict_each_other_are_refused(void **state)
{
    static const struct {
        const char *keys[2][2], *why;
    } rows[] = {
        {{{"hyperv.synic.state", "on"}, {"hyperv.vpindex.state", "off"}},
         "hyperv.synic.state = on needs hyperv.vpindex.state = on"},
        {{{"hyperv.stimer.direct.state", "on"}, {"hyperv.vpindex.state", "off"}},
         "hyperv.synic.state = on needs hyperv.vpindex.state = on"},
        {{{"hyperv.stimer.state", "on"}, {"timer.hypervclock.present", "no"}},
         "hyperv.stimer.state = on needs timer.hypervclock.present = yes"},
        {{{"hyperv.evmcs.state", "on"}, {"hyperv.vapic.state", "off"}},
         "hyperv.evmcs.state = on needs hyperv.vapic.state = on"},
        {{{"clock.offset", "timezone"}, {"clock.timezone", ""}},
         "clock.offset = timezone needs clock.timezone, Asia/Shanghai say"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct wg_target target = bare();
        struct wg_error err = {0};

        set(&target, rows[i].keys[0][0], rows[i].keys[0][1]);
        set(&target, rows[i].keys[1][0], rows[i].keys[1][1]);
        assert_int_equal(wg_target_close(&target, &err), -1);
        assert_text(rows[i].why, err.text, rows[i].why);
        wg_target_clear(&target);
    }
}

static void a_timezone_needs_its_offset(void **state)
{
    struct wg_target target = bare();
    struct wg_error err = {0};

    (void)state;
    require(access("/usr/share/zoneinfo/Asia/Shanghai", R_OK) == 0, "no tzdata on this machine");
    set(&target, "clock.timezone", "Asia/Shanghai");
    assert_int_equal(wg_target_close(&target, &err), -1);
    assert_string_equal(err.text, "clock.timezone needs clock.offset = timezone");
    set(&target, "clock.offset", "timezone");
    assert_int_equal(wg_target_close(&target, &err), 0);
    is_target("zone", &target,
              "<policy><clock timezone=\"Asia/Shanghai\" offset=\"timezone\"/></policy>");
    wg_target_clear(&target);
}

static void the_guest_agent_brings_its_stylesheet_once(void **state)
{
    struct wg_target target = bare();
    struct wg_error err;

    (void)state;
    set(&target, "stylesheets", "site.xsl");
    set(&target, "guest_agent", "yes");
    assert_int_equal(wg_target_close(&target, &err), 0);
    assert_int_equal(wg_target_close(&target, &err), 0);
    assert_int_equal(target.stylesheets.count, 2);
    assert_string_equal(target.stylesheets.item[0], "site.xsl");
    assert_string_equal(target.stylesheets.item[1], "guest-agent.xsl");
    wg_target_clear(&target);
}

static void the_parts_are_found_by_name(void **state)
{
    struct wg_target target = make(WG_OS_LINUX, false);

    (void)state;
    assert_string_equal((const char *)wg_target_part(&target, "clock")->name, "clock");
    assert_null(wg_target_part(&target, "hyperv"));
    wg_target_clear(&target);
}

static void offsets_to_keep_are_replaced_not_added(void **state)
{
    struct wg_target target = bare();

    (void)state;
    set(&target, "clock.keep", "timezone variable");
    set(&target, "clock.keep", "utc absolute");
    assert_int_equal(target.keep.count, 2);
    assert_string_equal(target.keep.item[0], "utc");
    set(&target, "clock.keep", "");
    assert_int_equal(target.keep.count, 0);
    set(&target, "stylesheets", "");
    assert_int_equal(target.stylesheets.count, 0);
    wg_target_clear(&target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_the_baseline),
        cmocka_unit_test(recommended_adds_enlightenments),
        cmocka_unit_test(linux_has_no_enlightenments),
        cmocka_unit_test(a_key_names_the_place_in_libvirts_words),
        cmocka_unit_test(dropping_a_demand_leaves_its_neighbours),
        cmocka_unit_test(a_bad_value_is_told_with_what_is_allowed),
        cmocka_unit_test(an_unknown_key_is_refused),
        cmocka_unit_test(what_is_needed_is_demanded_too),
        cmocka_unit_test(off_needs_nothing),
        cmocka_unit_test(demands_that_contradict_each_other_are_refused),
        cmocka_unit_test(a_timezone_needs_its_offset),
        cmocka_unit_test(the_guest_agent_brings_its_stylesheet_once),
        cmocka_unit_test(the_parts_are_found_by_name),
        cmocka_unit_test(offsets_to_keep_are_replaced_not_added),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
