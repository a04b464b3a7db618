/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In front of sources in a coverage build: a repair's worker and the process that decides leave by
 * _exit, and gcov writes down what ran, in each module of a program, only when it exits. */
#ifndef WG_TESTS_COUNTED_H
#define WG_TESTS_COUNTED_H

#include <stdlib.h>
#include <unistd.h>

#define _exit exit

#endif
