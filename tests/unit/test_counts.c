/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/counts.h"

#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#define DECISIONS WG_STATEDIR "/decisions"

static int no_state(void **state)
{
    (void)state;
    unlink(DECISIONS);
    unlink(WG_STATEDIR "/repairs");
    unlink(WG_STATEDIR "/refusals");
    rmdir(WG_STATEDIR);
    return access(WG_STATEDIR, F_OK) < 0 ? 0 : -1;
}

static size_t sum(size_t counts[WG_COUNT_MAX][WG_COUNT_MAX])
{
    size_t all = 0;

    for (size_t i = 0; i < WG_COUNT_MAX; i++) {
        for (size_t j = 0; j < WG_COUNT_MAX; j++)
            all += counts[i][j];
    }
    return all;
}

static void each_is_summed_up(void **state)
{
    size_t decisions[WG_COUNT_MAX][WG_COUNT_MAX] = {0};
    size_t repairs[WG_COUNT_MAX][WG_COUNT_MAX] = {0};

    (void)state;
    for (int i = 0; i < 3; i++)
        wg_count(&wg_count_decisions, "restore", "failed");
    wg_count(&wg_count_decisions, "define", "unknown");
    wg_count(&wg_count_repairs, "previous", "done");
    wg_counts(&wg_count_decisions, decisions);
    wg_counts(&wg_count_repairs, repairs);
    assert_int_equal(decisions[6][8], 3);
    assert_int_equal(decisions[0][0], 1);
    assert_int_equal(sum(decisions), 4);
    assert_int_equal(repairs[2][0], 1);
    assert_int_equal(sum(repairs), 1);
}

static void other_words_are_not_counted(void **state)
{
    size_t counts[WG_COUNT_MAX][WG_COUNT_MAX] = {0};

    (void)state;
    wg_count(&wg_count_decisions, "reconnect", "failed");
    wg_count(&wg_count_decisions, "define", "done");
    wg_counts(&wg_count_decisions, counts);
    assert_int_equal(sum(counts), 0);
}

static void lists_fit(void **state)
{
    const struct wg_counted *all[] = {&wg_count_decisions, &wg_count_repairs};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t ops = 0, results = 0;

        while (all[i]->ops[ops])
            ops++;
        while (all[i]->results[results])
            results++;
        assert_in_range(ops, 1, WG_COUNT_MAX);
        assert_in_range(results, 1, WG_COUNT_MAX);
    }
}

/* So that it cannot fill the memory that it is in. */
static void a_large_file_is_begun_anew(void **state)
{
    struct stat st;

    (void)state;
    wg_count(&wg_count_decisions, "define", "skipped");
    assert_int_equal(truncate(DECISIONS, 1024 * 1024), 0);
    wg_count(&wg_count_decisions, "define", "skipped");
    assert_int_equal(stat(DECISIONS, &st), 0);
    assert_int_equal(st.st_size, 0);
}

static void what_cannot_be_written_is_not_counted(void **state)
{
    size_t counts[WG_COUNT_MAX][WG_COUNT_MAX] = {0};

    (void)state;
    assert_int_equal(mkdir(WG_STATEDIR, 0777), 0);
    assert_int_equal(chmod(WG_STATEDIR, 0777), 0);
    wg_count(&wg_count_decisions, "define", "skipped");
    wg_counts(&wg_count_decisions, counts);
    assert_int_equal(sum(counts), 0);
    assert_true(access(DECISIONS, F_OK) < 0);
    assert_int_equal(wg_refusals_add(), 1);
}

static void the_last_that_failed_are_told(void **state)
{
    size_t of = 1;

    (void)state;
    assert_int_equal(wg_counts_failed(&wg_count_decisions, 20, &of), 0);
    assert_int_equal(of, 0);
    wg_count(&wg_count_decisions, "define", "failed");
    wg_count(&wg_count_decisions, "prepare", "violates");
    assert_int_equal(wg_counts_failed(&wg_count_decisions, 20, &of), 1);
    assert_int_equal(of, 2);
    for (int i = 0; i < 19; i++)
        wg_count(&wg_count_decisions, "start", "compliant");
    assert_int_equal(wg_counts_failed(&wg_count_decisions, 20, &of), 0);
    assert_int_equal(of, 20);
}

static void refusals_are_in_a_row(void **state)
{
    (void)state;
    assert_int_equal(wg_refusals(), 0);
    assert_int_equal(wg_refusals_add(), 1);
    assert_int_equal(wg_refusals_add(), 2);
    assert_int_equal(wg_refusals(), 2);
    wg_refusals_end();
    assert_int_equal(wg_refusals(), 0);
    assert_int_equal(wg_refusals_add(), 1);
}

#define AFRESH(test) cmocka_unit_test_setup_teardown(test, no_state, no_state)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AFRESH(each_is_summed_up),
        AFRESH(other_words_are_not_counted),
        AFRESH(lists_fit),
        AFRESH(a_large_file_is_begun_anew),
        AFRESH(what_cannot_be_written_is_not_counted),
        AFRESH(the_last_that_failed_are_told),
        AFRESH(refusals_are_in_a_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
