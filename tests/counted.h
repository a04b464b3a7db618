/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In front of the sources of virt.so in a coverage build: a repair's worker leaves by _exit, and gcov
 * writes down what ran only when a program exits. */
#ifndef WG_TESTS_COUNTED_H
#define WG_TESTS_COUNTED_H

#include <unistd.h>

void __gcov_dump(void);

static inline void __attribute__((noreturn)) wg_counted_exit(int code)
{
    __gcov_dump();
    _exit(code);
}
#define _exit wg_counted_exit

#endif
