/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/winguest.h"

#include <pthread.h>

#include "unit.h"

#define ALL_WINDOWS "[rules]\nnames = win*\n"
#define OS "<os><type arch='x86_64' machine='pc'>hvm</type></os>"
#define WRONG \
    "<domain type='qemu' id='7'>\n  <name>win1</name>\n  <uuid>6f0f2c04-8a3c-4b8e-9f5e-0f7a5d1e" \
    "6c11</uuid>\n  " OS "\n  <clock offset='utc'/>\n</domain>\n"
#define OTHER "<domain type='qemu'><name>lin1</name>" OS "</domain>"

static struct wg_engine *open_engine(const char *conf)
{
    struct wg_error err;
    struct wg_engine *engine = wg_engine_open(put_file("conf", conf), NULL, &err);

    if (!engine)
        fail_msg("%s\n%s", conf, err.text);
    return engine;
}

static struct wg_verdict *evaluate(struct wg_engine *engine, const char *xml, unsigned flags)
{
    struct wg_error err;
    struct wg_verdict *verdict = wg_evaluate(engine, xml, strlen(xml), flags, &err);

    if (!verdict)
        fail_msg("%s\n%s", xml, err.text);
    return verdict;
}

static void the_settings_come_with_the_engine(void **state)
{
    const char *conf = put_file("conf", "[enforce]\ndeadline = 7\non_error = deny\n");
    struct wg_settings settings;
    struct wg_error err;
    struct wg_engine *engine = wg_engine_open(conf, &settings, &err);

    (void)state;
    assert_non_null(engine);
    assert_int_equal(settings.deadline, 7);
    assert_int_equal(settings.deny_on_error, 1);
    wg_engine_close(engine);
    wg_engine_close(NULL);
}

static void the_settings_come_with_an_error_too(void **state)
{
    const char *conf = put_file("conf", "[enforce]\non_error = deny\n[rules]\nnone = 1\n");
    struct wg_settings settings = {0};
    struct wg_error err;

    (void)state;
    assert_null(wg_engine_open(conf, &settings, &err));
    assert_int_equal(settings.deny_on_error, 1);
    assert_contains("config", err.text, "/conf:4: [rules] none: unknown key");
    assert_null(wg_engine_open(scratch("missing"), &settings, &err));
    assert_int_equal(settings.deny_on_error, 0);
    assert_int_equal(settings.deadline, 5);
    assert_contains("missing", err.text, "/missing: No such file or directory");
}

static void a_verdict_says_whose_it_is(void **state)
{
    struct wg_engine *engine = open_engine(ALL_WINDOWS);
    struct wg_verdict *verdict = evaluate(engine, WRONG, 0);

    (void)state;
    assert_string_equal(verdict->name, "win1");
    assert_string_equal(verdict->uuid, "6f0f2c04-8a3c-4b8e-9f5e-0f7a5d1e6c11");
    assert_int_equal(verdict->id, 7);
    assert_int_equal(verdict->os, WG_OS_WINDOWS);
    assert_int_equal(verdict->outcome, WG_VIOLATES);
    assert_true(verdict->n_differences > 0);
    wg_verdict_free(verdict);
    verdict = evaluate(engine, "<domain/>", 0);
    assert_null(verdict->name);
    assert_null(verdict->uuid);
    assert_int_equal(verdict->id, -1);
    assert_int_equal(verdict->outcome, WG_UNKNOWN);
    wg_verdict_free(verdict);
    wg_engine_close(engine);
}

static void flags_ask_for_more(void **state)
{
    struct wg_engine *engine = open_engine(ALL_WINDOWS);
    struct wg_verdict *verdict = evaluate(engine, WRONG, 0);

    (void)state;
    assert_null(verdict->xml);
    assert_int_equal(verdict->trail.count, 0);
    wg_verdict_free(verdict);
    verdict = evaluate(engine, WRONG, WG_REWRITE | WG_EXPLAIN);
    assert_non_null(verdict->xml);
    assert_int_equal(verdict->xml_len, strlen(verdict->xml));
    assert_true(verdict->trail.count > 0);
    wg_verdict_free(verdict);
    verdict = evaluate(engine, OTHER, WG_REWRITE);
    assert_null(verdict->xml);
    assert_int_equal(verdict->xml_len, 0);
    wg_verdict_free(verdict);
    wg_engine_close(engine);
}

static void the_second_run_changes_nothing(void **state)
{
    static const char *const confs[] = {
        ALL_WINDOWS,
        ALL_WINDOWS "[windows]\nprofile = recommended\n",
        ALL_WINDOWS "[windows]\nclock.offset = utc\nguest_agent = yes\n",
        ALL_WINDOWS "[windows]\nhyperv.stimer.direct.state = on\ntimer.tsc.present = yes\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(confs); i++) {
        struct wg_engine *engine = open_engine(confs[i]);
        struct wg_verdict *first = evaluate(engine, WRONG, WG_REWRITE);
        struct wg_verdict *second = evaluate(engine, first->xml, WG_REWRITE);

        assert_int_equal(second->outcome, WG_COMPLIANT);
        assert_null(second->xml);
        wg_verdict_free(first);
        wg_verdict_free(second);
        wg_engine_close(engine);
    }
}

/* The bytes are the caller's, without a NUL behind them; AddressSanitizer watches their end. */
static void the_callers_bytes_stay_as_they_are(void **state)
{
    struct wg_engine *engine = open_engine(ALL_WINDOWS);
    size_t len = strlen(WRONG);
    char *bytes = malloc(len);
    struct wg_error err;

    (void)state;
    memcpy(bytes, WRONG, len);
    struct wg_verdict *verdict = wg_evaluate(engine, bytes, len, WG_REWRITE, &err);
    assert_non_null(verdict);
    assert_memory_equal(bytes, WRONG, len);
    wg_verdict_free(verdict);
    for (size_t cut = 0; cut < len - 1; cut++) {
        char *less = malloc(cut ? cut : 1);

        memcpy(less, WRONG, cut);
        assert_null(wg_evaluate(engine, less, cut, WG_REWRITE, &err));
        assert_contains("cut", err.text, "domain XML: ");
        free(less);
    }
    free(bytes);
    wg_engine_close(engine);
}

/* Text that no domain of libvirt's has stands beside what was passed over, and is made new. */
static void stray_text_keeps_nothing_from_being_mended(void **state)
{
    static const char *const rows[] = {
        "<cpu mode='x'><feature name='y'/></cpu> a<![CDATA[ ]]>b",
        "<cpu mode='x'/>a<![CDATA[ ]]>",
        "<devices>a<![CDATA[ ]]>b<disk type='file'><source file='z'/></disk></devices>",
        "<![CDATA[win]]>\n\n<cpu mode='x'/>",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *xml = NULL;

        assert_true(asprintf(&xml,
                             "<domain type='kvm'><name>a</name><os><type arch='x86_64'>hvm"
                             "</type></os>%s</domain>",
                             rows[i]) > 0);
        struct wg_verdict *verdict = judge("[rules]\nnames = *\n", xml, WG_REWRITE);
        if (!verdict->xml)
            fail_msg("%s is not mended", rows[i]);
        assert_int_equal(strstr(rows[i], "cpu") != NULL,
                         strstr(verdict->xml, "<cpu mode=") != NULL);
        assert_int_equal(strstr(rows[i], "'z'") != NULL, strpbrk(verdict->xml, "z") != NULL);
        wg_verdict_free(verdict);
        free(xml);
    }
}

static void an_engine_goes_on_after_an_error(void **state)
{
    struct wg_engine *engine = open_engine(ALL_WINDOWS);
    struct wg_verdict *before = evaluate(engine, WRONG, WG_REWRITE);
    struct wg_error err;

    (void)state;
    assert_null(wg_evaluate(engine, "<domain>", 8, WG_REWRITE, &err));
    assert_null(wg_evaluate(engine, "", 0, WG_REWRITE, &err));
    struct wg_verdict *other = evaluate(engine, OTHER, WG_REWRITE);
    assert_int_equal(other->outcome, WG_UNKNOWN);
    struct wg_verdict *after = evaluate(engine, WRONG, WG_REWRITE);
    assert_string_equal(after->xml, before->xml);
    assert_int_equal(after->n_differences, before->n_differences);
    wg_verdict_free(before);
    wg_verdict_free(other);
    wg_verdict_free(after);
    wg_engine_close(engine);
}

static void engines_do_not_share_a_policy(void **state)
{
    struct wg_engine *windows = open_engine(ALL_WINDOWS);
    struct wg_engine *none = open_engine("");
    struct wg_engine *utc = open_engine(ALL_WINDOWS "[windows]\nclock.keep = utc\n");
    struct wg_verdict *verdict = evaluate(windows, WRONG, WG_REWRITE);

    (void)state;
    assert_non_null(strstr(verdict->xml, "<clock offset='localtime'>"));
    wg_verdict_free(verdict);
    verdict = evaluate(none, WRONG, WG_REWRITE);
    assert_int_equal(verdict->outcome, WG_UNKNOWN);
    wg_verdict_free(verdict);
    verdict = evaluate(utc, WRONG, WG_REWRITE);
    assert_non_null(strstr(verdict->xml, "<clock offset='utc'>"));
    wg_verdict_free(verdict);
    assert_true(wg_engine_digest(windows) != wg_engine_digest(utc));
    wg_engine_close(windows);
    wg_engine_close(none);
    wg_engine_close(utc);
}

/* cmocka's assertions belong to the thread that runs the test. */
static void *work(void *conf)
{
    struct wg_error err;
    long wrong = 0;

    for (int round = 0; round < 10; round++) {
        struct wg_engine *engine = wg_engine_open(conf, NULL, &err);

        for (int i = 0; engine && i < 10; i++) {
            struct wg_verdict *verdict = wg_evaluate(engine, WRONG, strlen(WRONG), WG_REWRITE,
                                                     &err);

            wrong += !verdict || !verdict->xml || !strstr(verdict->xml, "offset='localtime'");
            wg_verdict_free(verdict);
            wrong += wg_evaluate(engine, "<domain>", 8, WG_REWRITE, &err) != NULL;
        }
        wrong += !engine;
        wg_engine_close(engine);
    }
    return (void *)wrong;
}

static void any_number_of_engines_work_at_a_time(void **state)
{
    char conf[512];
    pthread_t thread[8];

    (void)state;
    strcpy(conf, put_file("conf", ALL_WINDOWS));
    for (size_t i = 0; i < COUNT(thread); i++)
        assert_int_equal(pthread_create(&thread[i], NULL, work, conf), 0);
    for (size_t i = 0; i < COUNT(thread); i++) {
        void *wrong;

        assert_int_equal(pthread_join(thread[i], &wrong), 0);
        assert_null(wrong);
    }
}

static void five_thousand_disks_are_no_burden(void **state)
{
    struct wg_engine *engine = open_engine(ALL_WINDOWS);
    char *xml = NULL;
    size_t len;
    FILE *out = open_memstream(&xml, &len);

    (void)state;
    fputs("<domain type='qemu'>\n  <name>win1</name>\n  " OS "\n  <devices>\n", out);
    for (int i = 0; i < 5000; i++)
        fprintf(out,
                "    <disk type='file' device='disk'>\n      <source file='/images/%d'/>\n"
                "      <target dev='sd%d' bus='scsi'/>\n      <serial>%0500d</serial>\n"
                "    </disk>\n",
                i, i, i);
    fputs("  </devices>\n</domain>\n", out);
    fclose(out);
    struct wg_verdict *verdict = evaluate(engine, xml, WG_REWRITE);
    assert_int_equal(verdict->outcome, WG_VIOLATES);
    assert_non_null(strstr(verdict->xml, "localtime"));
    assert_string_equal(strstr(verdict->xml, "  <devices>"), strstr(xml, "  <devices>"));
    wg_verdict_free(verdict);
    free(xml);
    wg_engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_settings_come_with_the_engine),
        cmocka_unit_test(the_settings_come_with_an_error_too),
        cmocka_unit_test(a_verdict_says_whose_it_is),
        cmocka_unit_test(flags_ask_for_more),
        cmocka_unit_test(the_second_run_changes_nothing),
        cmocka_unit_test(the_callers_bytes_stay_as_they_are),
        cmocka_unit_test(stray_text_keeps_nothing_from_being_mended),
        cmocka_unit_test(an_engine_goes_on_after_an_error),
        cmocka_unit_test(engines_do_not_share_a_policy),
        cmocka_unit_test(any_number_of_engines_work_at_a_time),
        cmocka_unit_test(five_thousand_disks_are_no_burden),
    };

    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
