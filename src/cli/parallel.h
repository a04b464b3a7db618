/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_CLI_PARALLEL_H
#define WG_CLI_PARALLEL_H

#include <stddef.h>

/* One of several things to do; they are done in this order, and several at a time. */
typedef void wg_parallel_fn(void *to, size_t place);

/* Calls do_one for each place below count, up to jobs (WG_JOBS_MAX at most) at a time, and returns
 * when all are done; where no thread can be had, one after the other. */
void wg_parallel(unsigned jobs, size_t count, wg_parallel_fn *do_one, void *to);

#endif
