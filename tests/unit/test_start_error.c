/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/start_error.h"
#include "unit.h"

#define EXITED "internal error: process exited while connecting to monitor"
#define WARNING "2026-11-26T10:00:00.000000Z qemu-system-x86_64: warning: TCG doesn't support it\n"

static void by_a_signal_or_without_a_word(void **state)
{
    (void)state;
    assert_true(wg_start_was_ended(1, EXITED));
    assert_true(wg_start_was_ended(1, EXITED ": "));
    assert_true(wg_start_was_ended(1, EXITED ": " WARNING WARNING));
    assert_true(
        wg_start_was_ended(1, EXITED ": " WARNING "qemu: terminating on signal 15 from pid 7\n"));
    assert_true(wg_start_was_ended(55, "Requested operation is not valid: domain is not running"));
    assert_true(wg_start_was_ended(1, "internal error: qemu unexpectedly closed the monitor"));
    assert_true(wg_start_was_ended(9, "operation failed: guest unexpectedly quit"));
    assert_true(wg_start_was_ended(9, "operation failed: domain is no longer running"));
    assert_true(wg_start_was_ended(38, "Unable to read from monitor: Connection reset by peer"));
    assert_true(wg_start_was_ended(38, "Unable to write to monitor: Broken pipe"));
}

static void with_a_reason(void **state)
{
    (void)state;
    assert_false(wg_start_was_ended(1, NULL));
    assert_false(wg_start_was_ended(1, ""));
    assert_false(wg_start_was_ended(1, EXITED ": " WARNING "qemu: no local time\n"));
    assert_false(wg_start_was_ended(1, EXITED ": qemu: no local time"));
    assert_false(wg_start_was_ended(38, "cannot open the monitor"));
    assert_false(wg_start_was_ended(67, "unsupported configuration: hyperv"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_a_signal_or_without_a_word),
        cmocka_unit_test(with_a_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
