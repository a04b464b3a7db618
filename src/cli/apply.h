/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_CLI_APPLY_H
#define WG_CLI_APPLY_H

#include "choice.h"

/* apply_offline.c: brings the definitions in libvirt's files in line, of all guests unless some are
 * named. dry: says what it would do. Returns an exit code. */
int wg_cli_apply_offline(const struct wg_choice *who, const char *config, bool dry);

#endif
