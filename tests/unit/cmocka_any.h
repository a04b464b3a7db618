/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cmocka 1.1 and 2 alike. */
#ifndef WG_CMOCKA_ANY_H
#define WG_CMOCKA_ANY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A macro of cmocka 2. */
#undef stop

/* assert_in_range() is deprecated in 2, and what stands in its place is not in 1.1. */
#define assert_between(value, least, most) \
    do { \
        long long between = (long long)(value); \
        if (between < (long long)(least) || between > (long long)(most)) \
            fail_msg("%s is %lld, not %s … %s", #value, between, #least, #most); \
    } while (0)

#endif
