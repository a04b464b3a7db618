/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/config/policy.h"

#include <sys/stat.h>
#include <unistd.h>

#include "engine/detect/detect.h"
#include "unit.h"

/* The configuration has one thing wrong, which is of that gravity. */
static void is_told(const char *text, enum wg_gravity gravity, const char *where_and_why)
{
    const char *path = put_file("conf", text);
    struct wg_policy policy;
    struct wg_error err = {0};
    char want[1200];
    int rc = wg_policy_load(path, &policy, &err);

    if (rc != (gravity == WG_UNUSABLE ? -1 : 0) || policy.remarks == 0)
        fail_msg("%d, %zu remarks: %s", rc, policy.remarks, text);
    snprintf(want, sizeof(want), "%s%s", path, where_and_why);
    assert_contains(text, policy.remark[0].text, want);
    assert_int_equal(policy.remark[0].gravity, gravity);
    if (rc < 0)
        assert_string_equal(err.text, policy.remark[0].text);
    wg_policy_clear(&policy);
}

static void is_refused(const char *text, const char *where_and_why)
{
    is_told(text, WG_UNUSABLE, where_and_why);
}

static void the_defaults_are_documented(void **state)
{
    struct wg_policy policy = load_policy("");

    (void)state;
    assert_int_equal(policy.settings.cold_start, WG_CORRECT);
    assert_int_equal(policy.settings.deny_on_error, 0);
    assert_int_equal(policy.settings.rollback, 1);
    assert_int_equal(policy.settings.deadline, 5);
    assert_int_equal(policy.operator_only, 0);
    assert_int_equal(policy.order.count, 8);
    assert_string_equal(policy.order.item[0], "winguest");
    assert_string_equal(policy.order.item[7], "metadata");
    assert_int_equal(policy.windows.names.count, 0);
    assert_int_equal(policy.exempt.names.count, 0);
    assert_false(wg_policy_linux(&policy));
    wg_policy_clear(&policy);
}

static void settings_are_read(void **state)
{
    struct wg_policy policy = load_policy(
        "[enforce]\ncold_start = deny\non_error = deny\nrollback = no\ndeadline = 60\n"
        "repair.window = 600\nrepair.parallel = 1\nrepair.decline = vtpm hostdev\n"
        "[detect]\ntrust = operator\norder = looks metadata\n[linux]\nenforce = yes\n");

    (void)state;
    assert_int_equal(policy.settings.cold_start, WG_DENY);
    assert_int_equal(policy.settings.deny_on_error, 1);
    assert_int_equal(policy.settings.rollback, 0);
    assert_int_equal(policy.settings.deadline, 60);
    assert_int_equal(policy.settings.repair_window, 600);
    assert_int_equal(policy.settings.repair_parallel, 1);
    assert_int_equal(policy.settings.repair_decline, WG_DECLINE_VTPM | WG_DECLINE_HOSTDEV);
    assert_int_equal(policy.operator_only, 1);
    assert_int_equal(policy.order.count, 2);
    assert_string_equal(policy.order.item[0], "looks");
    assert_true(wg_policy_linux(&policy));
    wg_policy_clear(&policy);
}

/* Another number, another policy: repairs that wait know by it that theirs is out of date. */
static void the_digest_tells_policies_apart(void **state)
{
    static const char *const texts[] = {
        "",
        "[windows]\nclock.offset = utc\n",
        "[windows]\nclock.offset = localtime\n",
        "[linux]\nclock.offset = utc\n",
        "[rules]\nnames = a\n",
        "[rules]\nnames = b\n",
        "[rules]\ntitles = a\n",
        "[windows:a]\nmatch.name = a\n",
    };
    uint64_t digests[COUNT(texts)];

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct wg_policy policy = load_policy(texts[i]);

        digests[i] = wg_policy_digest(&policy);
        for (size_t j = 0; j < i; j++)
            assert_true(digests[i] != digests[j]);
        wg_policy_clear(&policy);
    }
    struct wg_policy again = load_policy("; comment\n\n[rules]\n\nnames = a ; why\n");
    assert_true(wg_policy_digest(&again) == digests[4]);
    wg_policy_clear(&again);
}

static void all_that_is_wrong_is_told_and_the_rest_is_in_force(void **state)
{
    const char *path = put_file("conf", "[windows]\nx = y\ntimer.pit.tickpolicy = catchup\n"
                                        "hyperv.vapic.state = off\n[enforce]\non_error = deny\n"
                                        "deadline = 9\ncold_start = wrong\n");
    static const struct {
        enum wg_gravity gravity;
        const char *why;
    } wanted[] = {
        {WG_WRONG, ":8: [enforce] cold_start: 'wrong' is not allowed"},
        {WG_WARNING, ":2: [windows] x: unknown key; "},
        {WG_WRONG, ":3: [windows] timer.pit.tickpolicy: 'catchup' is not allowed"},
    };
    struct wg_policy policy;
    struct wg_target target;
    struct wg_error err;

    (void)state;
    assert_int_equal(wg_policy_load(path, &policy, &err), 0);
    assert_int_equal(policy.settings.deny_on_error, 1);
    assert_int_equal(policy.settings.deadline, 9);
    assert_int_equal(policy.settings.cold_start, WG_CORRECT);
    assert_int_equal(policy.remarks, COUNT(wanted));
    for (size_t i = 0; i < COUNT(wanted); i++) {
        assert_int_equal(policy.remark[i].gravity, wanted[i].gravity);
        assert_contains("remark", policy.remark[i].text, wanted[i].why);
    }
    assert_int_equal(wg_policy_target(&policy, WG_OS_WINDOWS, NULL, &target, &err), 0);
    xmlNodePtr pit = wg_named_child(wg_target_part(&target, "clock"), "timer", "pit");
    assert_string_equal(wg_attribute(pit, "tickpolicy"), "delay");
    xmlNodePtr vapic = wg_child(wg_target_part(&target, "hyperv"), "vapic");
    assert_string_equal(wg_attribute(vapic, "state"), "off");
    wg_target_clear(&target);
    wg_policy_clear(&policy);
}

/* Who misspells whom he means is not taken at the rest of his word. */
static void whom_it_is_about_must_be_right(void **state)
{
    (void)state;
    is_refused("[enforce]\nmode = reprot\n",
               ":2: [enforce] mode: 'reprot' is not allowed; allowed: enforce report");
    is_refused("[enforce]\nmod = report\n", ":2: [enforce] mod: unknown key; did you mean mode?");
    is_refused("[enforce]\nonly.name = a\n",
               ":2: [enforce] only.name: unknown key; did you mean only.names?");
    is_refused("[rules]\nexempt.nmaes = a\n",
               ":2: [rules] exempt.nmaes: unknown key; did you mean exempt.names?");
    is_refused("[rulse]\nnames = a\n", ":1: [rulse]: unknown section; did you mean rules?");
    is_refused("[exempt]\nnames = a\n", ":1: [exempt]: unknown section; allowed:");
    is_told("[windws]\nclock.offset = utc\n", WG_WARNING,
            ":1: [windws]: unknown section; did you mean windows?");
    is_told("[windows:a]\nmatch.nmae = x\nclock.offset = utc\n", WG_WRONG,
            ":2: [windows:a] match.nmae: unknown key; did you mean match.name?");
    is_told("[windows:a]\nmatch.firmware = uefi\n", WG_WRONG,
            ":2: [windows:a] match.firmware: 'uefi' is neither efi nor bios");
    is_told("[windows:a]\nmatch.name = a*,b*\n", WG_WRONG,
            ":2: [windows:a] match.name: 'a*,b*': blanks separate the words");
}

static void timers_and_enlightenments_are_a_closed_set(void **state)
{
    (void)state;
    is_told("[windows]\ntimer.pti.tickpolicy = delay\n", WG_WARNING,
            ":2: [windows] timer.pti.tickpolicy: unknown key; did you mean timer.pit.tickpolicy?");
    is_told("[windows]\nhyperv.relxed.state = on\n", WG_WARNING,
            ":2: [windows] hyperv.relxed.state: unknown key; did you mean hyperv.relaxed.state?");
    struct wg_policy policy = load_policy("[enforce]\nallow_unknown = yes\n[windows]\n"
                                          "hyperv.newest.state = on\n");
    assert_int_equal(policy.remarks, 0);
    wg_policy_clear(&policy);
}

static void a_bad_setting_is_told_with_file_line_and_key(void **state)
{
    static const struct {
        const char *text;
        enum wg_gravity gravity;
        const char *why;
    } rows[] = {
        {"[enforce]\n\ncold_start = Deny\n", WG_WRONG,
         ":3: [enforce] cold_start: 'Deny' is not allowed; allowed: correct repair deny report"},
        {"[enforce]\ncold_start =\n", WG_WRONG,
         ":2: [enforce] cold_start: '' is not allowed; allowed: correct repair deny report"},
        {"[enforce]\non_error = report\n", WG_WRONG,
         ":2: [enforce] on_error: 'report' is not allowed; allowed: allow deny"},
        {"[enforce]\non_error = allow deny\n", WG_WRONG,
         ":2: [enforce] on_error: 'allow deny' is not allowed; allowed: allow deny"},
        {"[enforce]\nrollback = true\n", WG_WRONG,
         ":2: [enforce] rollback: 'true' is not allowed; allowed: no yes"},
        {"[enforce]\ndeadline = 0\n", WG_WRONG,
         ":2: [enforce] deadline: '0' is not allowed; allowed: 1 to 60 seconds"},
        {"[enforce]\ndeadline = 61\n", WG_WRONG,
         ":2: [enforce] deadline: '61' is not allowed; allowed: 1 to 60 seconds"},
        {"[enforce]\ndeadline = 5s\n", WG_WRONG,
         ":2: [enforce] deadline: '5s' is not allowed; allowed: 1 to 60 seconds"},
        {"[enforce]\ndeadline = -5\n", WG_WRONG,
         ":2: [enforce] deadline: '-5' is not allowed; allowed: 1 to 60 seconds"},
        {"[enforce]\ndeadline = 18446744073709551617\n", WG_WRONG,
         ":2: [enforce] deadline: '18446744073709551617' is not allowed; allowed: 1 to 60 seconds"},
        {"[enforce]\nrepair.window = 601\n", WG_WRONG,
         ":2: [enforce] repair.window: '601' is not allowed; allowed: 1 to 600 seconds"},
        {"[enforce]\nrepair.parallel = 0\n", WG_WRONG,
         ":2: [enforce] repair.parallel: '0' is not allowed; allowed: 1 to 64"},
        {"[enforce]\nrepair.decline = vtpm tpm\n", WG_WRONG,
         ":2: [enforce] repair.decline: 'tpm' is not allowed; allowed: ovirt hostdev fdgroup vtpm"},
        {"[detect]\norder = rules magic\n", WG_UNUSABLE,
         ":2: [detect] order: 'magic' is not a source; allowed: " WG_ALL_SOURCES},
        {"[detect]\ntrust = none\n", WG_UNUSABLE,
         ":2: [detect] trust: 'none' is not allowed; allowed: any operator"},
        {"[linux]\nenforce = on\n", WG_WRONG,
         ":2: [linux] enforce: 'on' is not allowed; allowed: no yes"},
        {"[windows]\nprofile = best\n", WG_WRONG,
         ":2: [windows] profile: 'best' is not allowed; allowed: baseline recommended"},
        {"[windows]\nclock.offset = variable\n", WG_WRONG,
         ":2: [windows] clock.offset: 'variable' is not allowed; allowed: localtime timezone utc"},
        {"[linux]\nhyperv.relaxed.state = on\n", WG_WRONG,
         ":2: [linux] hyperv.relaxed.state: enlightenments are for Windows guests"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        is_told(rows[i].text, rows[i].gravity, rows[i].why);
}

static void an_unknown_section_or_key_is_told(void **state)
{
    static const struct {
        const char *text;
        enum wg_gravity gravity;
        const char *why;
    } rows[] = {
        {"[enforced]\n", WG_UNUSABLE,
         ":1: [enforced]: unknown section; did you mean enforce? allowed: enforce detect rules "
         "windows windows:NAME linux"},
        {"[other]\n", WG_UNUSABLE, ":1: [other]: unknown section; allowed: enforce detect rules "},
        {"[windows:]\n", WG_WARNING, ":1: [windows:]: unknown section; did you mean windows? "},
        {"[linux:old]\nmatch.name = x\n", WG_WARNING,
         ":1: [linux:old]: unknown section; allowed: "},
        {"[enforce]\ncoldstart = deny\n", WG_WARNING,
         ":2: [enforce] coldstart: unknown key; did you mean cold_start? allowed: mode only.names "
         "only.uuids only.flavors only.projects only.images cold_start on_error rollback deadline "
         "repair.window repair.parallel repair.decline allow_unknown"},
        {"[detect]\nsources = nova\n", WG_UNUSABLE,
         ":2: [detect] sources: unknown key; allowed: order trust"},
        {"[rules]\nname = a\n", WG_UNUSABLE,
         ":2: [rules] name: unknown key; did you mean names? allowed: names titles flavors uuids "
         "images projects uuid_file image_file exempt.names exempt.uuids exempt.uuid_file "
         "exempt.flavors exempt.projects exempt.images"},
        {"[windows]\nmatch.name = a\n", WG_WRONG,
         ":2: [windows] match.name: unknown key; allowed: profile " WG_TARGET_KEYS
         " hyperv.NAME.ATTRIBUTE"},
        {"[windows]\nenforce = yes\n", WG_UNUSABLE,
         ":2: [windows] enforce: it has no meaning here; hint: guests are spared by exempt.* in "},
        {"[windows]\nmode = report\n", WG_UNUSABLE, ":2: [windows] mode: it has no meaning here"},
        {"[linux]\nexempt.names = a\n", WG_UNUSABLE, ":2: [linux] exempt.names: it has no meaning"},
        {"[windows:a]\nmatch.name = a\nexempt = b\n", WG_UNUSABLE,
         ":3: [windows:a] exempt: it has no meaning here"},
        {"[enforce]\nexempt.names = a\n", WG_UNUSABLE, ":2: [enforce] exempt.names: unknown key; "},
        {"[enforce]\nonly = a\n", WG_UNUSABLE, ":2: [enforce] only: unknown key; "},
        {"[enforce]\nnames = a\n", WG_UNUSABLE, ":2: [enforce] names: unknown key; "},
        {"[rules]\nexempt.names = a, b\n", WG_UNUSABLE,
         ":2: [rules] exempt.names: 'a,': blanks separate the words"},
        {"[rules]\nexempt.names = a,b\n", WG_UNUSABLE, ":2: [rules] exempt.names: 'a,b': blanks "},
        {"[rules]\nexempt.uuids = 6f0f2c048a3c4b8e9f5e0f7a5d1e6c11\n", WG_UNUSABLE,
         ":2: [rules] exempt.uuids: '6f0f2c048a3c4b8e9f5e0f7a5d1e6c11' is not a UUID; hint: as "},
        {"[enforce]\nonly.uuids = {6f0f2c04-8a3c-4b8e-9f5e-0f7a5d1e6c11}\n", WG_UNUSABLE,
         ":2: [enforce] only.uuids: '{6f0f2c04-8a3c-4b8e-9f5e-0f7a5d1e6c11}' is not a UUID; "},
        {"[linux]\nprofile = baseline\n", WG_WARNING,
         ":2: [linux] profile: unknown key; allowed: enforce " WG_TARGET_KEYS},
        {"[windows:a]\nclock.offset = utc\n", WG_WRONG,
         ": [windows:a]: left out: section matches no guest; set one of match.name match.title "},
        {"[windows:a]\n", WG_WRONG,
         ": [windows:a]: left out: section matches no guest; set one of "},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        is_told(rows[i].text, rows[i].gravity, rows[i].why);
}

/* A section for few guests is checked whether or not one of them ever comes. */
static void a_variant_is_checked_at_once(void **state)
{
    (void)state;
    is_told("[windows:a]\nmatch.name = x\ntimer.rtc.tickpolicy = discard\n", WG_WRONG,
            ":3: [windows:a] timer.rtc.tickpolicy: 'discard' is not allowed; "
            "allowed: delay catchup");
    is_told("[windows:a]\nmatch.name = x\nhyperv.synic.state = on\nhyperv.vpindex.state = off\n",
            WG_WRONG,
            ": [windows:a]: left out: hyperv.synic.state = on needs hyperv.vpindex.state = on");
    is_told(
        "[windows]\nclock.offset = timezone\n", WG_WRONG,
        ": [windows]: left out: clock.offset = timezone needs clock.timezone, Asia/Shanghai say");
    is_told("[windows:a]\nmatch.name = x\n[windows:b]\nprofile = baseline\n", WG_WRONG,
            ": [windows:b]: left out: section matches no guest; set one of match.name ");
}

static void a_missing_file_that_was_named_is_an_error(void **state)
{
    struct wg_policy policy;
    struct wg_error err;

    (void)state;
    assert_int_equal(wg_policy_load(scratch("none"), &policy, &err), -1);
    assert_contains("missing", err.text, "/none: No such file or directory");
    assert_int_equal(policy.settings.rollback, 1);
    wg_policy_clear(&policy);
    /* the tests' own place of installation has none */
    assert_int_equal(access(WG_SYSCONFDIR "/libvirt/winguest.conf", F_OK), -1);
    assert_int_equal(wg_policy_load(NULL, &policy, &err), 0);
    assert_int_equal(policy.settings.deadline, 5);
    wg_policy_clear(&policy);
}

static void a_file_that_others_may_write_is_refused(void **state)
{
    struct wg_policy policy;
    struct wg_error err;

    (void)state;
    chmod(put_file("conf", ""), 0622);
    assert_int_equal(wg_policy_load(scratch("conf"), &policy, &err), -1);
    assert_contains("open", err.text, "/conf: writable by group or others; hint: chmod go-w '");
    wg_policy_clear(&policy);
}

static void rules_are_globs_that_blanks_separate(void **state)
{
    struct wg_policy policy = load_policy(
        "[rules]\nnames = win-* \\\n  db[0-9]\ntitles = *Server*\nflavors = w.*\nuuids = 1* 2? [3]\n"
        "images = i\nprojects = p\nexempt.names = cured-*\nexempt.uuids = u*\n");

    (void)state;
    assert_int_equal(policy.windows.names.count, 2);
    assert_string_equal(policy.windows.names.item[1], "db[0-9]");
    assert_string_equal(policy.titles.item[0], "*Server*");
    assert_string_equal(policy.windows.flavors.item[0], "w.*");
    assert_int_equal(policy.windows.uuids.count, 3);
    assert_string_equal(policy.windows.images.item[0], "i");
    assert_string_equal(policy.windows.projects.item[0], "p");
    assert_string_equal(policy.exempt.names.item[0], "cured-*");
    assert_string_equal(policy.exempt.uuids.item[0], "u*");
    wg_policy_clear(&policy);
}

static void long_lists_come_from_files(void **state)
{
    char *list = calloc(1, 40 * 2000 + 64);
    char conf[1200];

    (void)state;
    strcpy(list, "# guests\n\n  first # the first\n");
    for (int i = 0; i < 2000; i++)
        sprintf(list + strlen(list), "6f0f2c04-8a3c-4b8e-9f5e-%012d\n", i);
    snprintf(conf, sizeof(conf), "[rules]\nuuids = zero*\nuuid_file = %s\nimage_file = %s\n",
             put_file("list", list), put_file("images", "one\ntwo three"));
    struct wg_policy policy = load_policy(conf);
    assert_int_equal(policy.windows.uuids.count, 2002);
    assert_string_equal(policy.windows.uuids.item[0], "zero*");
    assert_string_equal(policy.windows.uuids.item[1], "first");
    assert_string_equal(policy.windows.uuids.item[2001], "6f0f2c04-8a3c-4b8e-9f5e-000000001999");
    assert_int_equal(policy.windows.images.count, 3);
    wg_policy_clear(&policy);
    free(list);
}

static void a_list_file_must_be_there_and_safe(void **state)
{
    char conf[600];
    char why[1200];
    const char *list = put_file("list", "");

    (void)state;
    is_refused("[rules]\nuuid_file = list\n",
               ":2: [rules] uuid_file: 'list' is not an absolute path");
    chmod(list, 0666);
    snprintf(conf, sizeof(conf), "[rules]\n\nimage_file = %s\n", list);
    snprintf(why, sizeof(why),
             ":3: [rules] image_file: %s: writable by group or others; "
             "hint: chmod go-w '%s'",
             list, list);
    is_refused(conf, why);
    unlink(list);
    snprintf(why, sizeof(why), ":3: [rules] image_file: %s: No such file or directory", list);
    is_refused(conf, why);
    wg_policy_clear(&(struct wg_policy){0});
    struct wg_policy policy = load_policy("[rules]\nuuid_file =\n");
    assert_int_equal(policy.windows.uuids.count, 0);
    wg_policy_clear(&policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_documented),
        cmocka_unit_test(settings_are_read),
        cmocka_unit_test(the_digest_tells_policies_apart),
        cmocka_unit_test(all_that_is_wrong_is_told_and_the_rest_is_in_force),
        cmocka_unit_test(whom_it_is_about_must_be_right),
        cmocka_unit_test(timers_and_enlightenments_are_a_closed_set),
        cmocka_unit_test(a_bad_setting_is_told_with_file_line_and_key),
        cmocka_unit_test(an_unknown_section_or_key_is_told),
        cmocka_unit_test(a_variant_is_checked_at_once),
        cmocka_unit_test(a_missing_file_that_was_named_is_an_error),
        cmocka_unit_test(a_file_that_others_may_write_is_refused),
        cmocka_unit_test(rules_are_globs_that_blanks_separate),
        cmocka_unit_test(long_lists_come_from_files),
        cmocka_unit_test(a_list_file_must_be_there_and_safe),
    };

    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
