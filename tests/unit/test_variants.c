/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the policy demands of which guest. */
#include "engine/config/policy.h"
#include "unit.h"

static struct wg_target target_for(const struct wg_policy *policy, enum wg_os os, const char *name,
                                   const char *flavor, const char *osinfo, const char *machine)
{
    struct wg_traits traits = {.value = {
                                   [WG_TRAIT_NAME] = (char *)name,
                                   [WG_TRAIT_FLAVOR] = (char *)flavor,
                                   [WG_TRAIT_OSINFO] = (char *)osinfo,
                                   [WG_TRAIT_MACHINE] = (char *)machine,
                               }};
    struct wg_target target;
    struct wg_error err;

    if (wg_policy_target(policy, os, &traits, &target, &err) < 0)
        fail_msg("%s", err.text);
    return target;
}

/* What the policy demands of a guest of that name, on one line. */
static char *demanded_of(const char *conf, enum wg_os os, const char *name)
{
    struct wg_policy policy = load_policy(conf);
    struct wg_target target = target_for(&policy, os, name, NULL, NULL, NULL);
    char *text = demands(&target);

    wg_target_clear(&target);
    wg_policy_clear(&policy);
    return text;
}

/* Takes the comment signs off the shipped file's keys: it must say what is built in. */
static char *shipped(bool with_variant)
{
    const char *top = getenv("srcdir");
    char path[512];
    char line[256];
    char *text = calloc(1, 16384);

    snprintf(path, sizeof(path), "%s/conf/winguest.conf", top ? top : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        bool key = *line == ';' && strchr("abcdefghijklmnopqrstuvwxyz[", line[1]);

        if (!with_variant && strcmp(line, ";[windows:old]\n") == 0)
            break;
        strcat(text, line + (key ? 1 : 0));
    }
    fclose(file);
    return text;
}

static void the_shipped_file_says_what_is_built_in(void **state)
{
    char *text = shipped(false);
    struct wg_policy said = load_policy(text);
    struct wg_policy built_in = load_policy("");
    char *a = demanded_of(text, WG_OS_WINDOWS, "win");
    char *b = demanded_of("", WG_OS_WINDOWS, "win");

    (void)state;
    assert_true(said.ini.count > 30);
    assert_memory_equal(&said.settings, &built_in.settings, sizeof(said.settings));
    assert_int_equal(said.operator_only, built_in.operator_only);
    assert_int_equal(said.order.count, built_in.order.count);
    for (size_t i = 0; i < said.order.count; i++)
        assert_string_equal(said.order.item[i], built_in.order.item[i]);
    assert_text("windows", a, b);
    wg_policy_clear(&said);
    wg_policy_clear(&built_in);
    free(text);
    free(a);
    free(b);
}

static void the_shipped_file_is_good_whole(void **state)
{
    char *text = shipped(true);
    struct wg_policy policy = load_policy(text);
    char *a = demanded_of(text, WG_OS_LINUX, "lin");
    char *b = demanded_of("", WG_OS_LINUX, "lin");

    (void)state;
    assert_text("linux", a, b);
    assert_contains("the example", text, "\n[windows:old]\n");
    wg_policy_clear(&policy);
    free(text);
    free(a);
    free(b);
}

static void an_empty_value_takes_a_demand_away(void **state)
{
    char *text = demanded_of("[windows]\ntimer.pit.tickpolicy =\ntimer.rtc.tickpolicy = ; none\n"
                             "timer.hpet.present = \"\"\ntimer.hypervclock.present =\n"
                             "clock.offset =\nhyperv.vapic.state =\nhyperv.relaxed.state =\n",
                             WG_OS_WINDOWS, "win");

    (void)state;
    assert_text("few", text,
                "<policy><hyperv><spinlocks state=\"on\" retries=\"8191\"/></hyperv>"
                "</policy>");
    free(text);
}

static void the_profile_counts_wherever_it_stands(void **state)
{
    char *first = demanded_of("[windows]\nprofile = recommended\nhyperv.reset.state = off\n",
                              WG_OS_WINDOWS, "win");
    char *last = demanded_of("[windows]\nhyperv.reset.state = off\nprofile = recommended\n",
                             WG_OS_WINDOWS, "win");

    (void)state;
    assert_contains("first", first, "<reset state=\"off\"/>");
    assert_contains("first", first, "<vpindex state=\"on\"/>");
    assert_text("last", last, first);
    free(first);
    free(last);
}

static void a_variant_is_for_guests_that_all_its_keys_fit(void **state)
{
    struct wg_policy policy = load_policy(
        "[windows:old]\nmatch.osinfo = */win/2k3* */win/xp\n"
        "match.machine = pc-i440fx-*\n"
        "match.flavor = W*\nmatch.name = old-*\nhyperv.relaxed.state = off\n");
    static const struct {
        const char *name, *flavor, *osinfo, *machine;
        bool fits;
    } rows[] = {
        {"old-1", "w.small", "http://microsoft.com/win/2k3r2", "pc-i440fx-2.9", true},
        {"OLD-1", "W.small", "http://microsoft.com/win/xp", "pc-i440fx-2.9", true},
        {"new-1", "w.small", "http://microsoft.com/win/2k3r2", "pc-i440fx-2.9", false},
        {"old-1", "small", "http://microsoft.com/win/2k3r2", "pc-i440fx-2.9", false},
        {"old-1", "w.small", "http://microsoft.com/win/10", "pc-i440fx-2.9", false},
        {"old-1", "w.small", "http://microsoft.com/win/2k3r2", "q35", false},
        {"old-1", "w.small", "http://microsoft.com/win/2k3r2", NULL, false},
        {NULL, NULL, NULL, NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct wg_target target = target_for(&policy, WG_OS_WINDOWS, rows[i].name, rows[i].flavor,
                                             rows[i].osinfo, rows[i].machine);
        char *text = demands(&target);

        assert_contains("variant", text,
                        rows[i].fits ? "<relaxed state=\"off\"/>" : "<relaxed state=\"on\"/>");
        free(text);
        wg_target_clear(&target);
    }
    wg_policy_clear(&policy);
}

static void variants_change_single_keys_in_order(void **state)
{
    static const char conf[] = "[windows:a]\nmatch.name = a*\nhyperv.spinlocks.retries = 5000\n"
                               "hyperv.vapic.state = off\n"
                               "[windows]\nhyperv.relaxed.state = off\n"
                               "[windows:b]\nmatch.name = *b\nhyperv.spinlocks.retries = 6000\n"
                               "profile = recommended\n";
    char *text = demanded_of(conf, WG_OS_WINDOWS, "ab");

    (void)state;
    assert_contains("both", text, "<spinlocks state=\"on\" retries=\"6000\"/>");
    assert_contains("first", text, "<vapic state=\"off\"/>");
    assert_contains("all", text, "<relaxed state=\"off\"/>");
    assert_contains("second", text, "<vpindex state=\"on\"/>");
    free(text);
    text = demanded_of(conf, WG_OS_WINDOWS, "other");
    assert_contains("none", text, "<spinlocks state=\"on\" retries=\"8191\"/>");
    assert_null(strstr(text, "vpindex"));
    free(text);
}

static void linux_has_its_own_section(void **state)
{
    char *text = demanded_of("[linux]\nenforce = yes\ntimer.rtc.tickpolicy =\n"
                             "[windows]\nclock.offset =\n[windows:a]\nmatch.name = *\n"
                             "timer.pit.tickpolicy =\n",
                             WG_OS_LINUX, "lin");

    (void)state;
    assert_text("linux", text,
                "<policy><clock offset=\"utc\"><timer name=\"pit\" "
                "tickpolicy=\"delay\"/><timer name=\"hpet\" present=\"no\"/>"
                "</clock></policy>");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_file_says_what_is_built_in),
        cmocka_unit_test(the_shipped_file_is_good_whole),
        cmocka_unit_test(an_empty_value_takes_a_demand_away),
        cmocka_unit_test(the_profile_counts_wherever_it_stands),
        cmocka_unit_test(a_variant_is_for_guests_that_all_its_keys_fit),
        cmocka_unit_test(variants_change_single_keys_in_order),
        cmocka_unit_test(linux_has_its_own_section),
    };

    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
