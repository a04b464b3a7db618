/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest whose clock is UTC inside (RealTimeIsUniversal) as virt-v2v defines it from 2.4 on:
 * libosinfo's mark, an explicit utc and no timers. Who writes definitions by hand may write the
 * same.
 */
#ifndef WG_V2V_H
#define WG_V2V_H

#include "engine/domain.h"

enum wg_v2v {
    WG_V2V_NOT,
    WG_V2V_LIKE, /* as virt-v2v defines it */
    WG_V2V_TIMED, /* the same, with no timers but those that want has, as want has them */
};

/* want: the <clock> that is asked for. */
enum wg_v2v wg_v2v_shape(const struct wg_domain *domain, xmlNodePtr want);

#endif
