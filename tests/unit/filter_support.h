/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_FILTER_SUPPORT_H
#define WG_FILTER_SUPPORT_H

#include <stddef.h>

/* What the filter's tests share: a directory to work in, programs in it, and a caught log. */

/* Makes an empty directory and returns its path, which stays valid until tidy_up(). */
const char *work_dir(void);
void tidy_up(void);

/* Writes @text to the file @name in the directory, with @mode. Returns its path, for free(). */
char *put_file(const char *name, const char *text, int mode);

/* Writes an executable shell script. Returns its path, for free(). */
char *put_script(const char *name, const char *commands);

/* What file @name in the directory holds, or "" if there is none. For free(). */
char *get_file(const char *name);

/* Every line that the filter has logged since the last forget_log(), its priority before it. */
const char *logged(void);
void forget_log(void);
size_t lines_logged(void);

long long ms_now(void);

/* Number of descriptors that this process has open. */
int open_fds(void);

#endif
