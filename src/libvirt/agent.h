/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What running guests say of themselves through QEMU's guest agent. All of it is the word of
 * whoever rules the guest: texts are cut, and must be escaped where they are shown. Nothing is
 * written in the guest, and libvirt does not call it tainted for this.
 */
#ifndef WG_AGENT_H
#define WG_AGENT_H

#include "virt.h"

enum wg_agent_state {
    WG_AGENT_NOT_ASKED, /* the host could not be asked: why says the reason */
    WG_AGENT_ANSWERS,
    WG_AGENT_NO_CHANNEL, /* the guest has no channel for it */
    WG_AGENT_ABSENT, /* there is a channel, and nobody has opened it in the guest */
    WG_AGENT_SILENT, /* it did not answer in time */
    WG_AGENT_FAILS, /* what it answered is of no use: why has libvirt's words for it */
    WG_AGENT_STATES,
};

/* What Windows' agent says of its OS. */
#define WG_AGENT_WINDOWS "mswindows"

/* Times are in seconds. */
struct wg_agent_answer {
    enum wg_agent_state state;
    char os[64]; /* "mswindows", "debian", …; "" if it does not say */
    char os_name[128]; /* "Microsoft Windows Server 2019", … */
    bool has_zone;
    long zone; /* east of UTC */
    bool has_time;
    double clock_error; /* the guest's clock less ours */
    double within; /* how far that may be off: half of the time that the answer took */
    char why[256];
};

/* How many guests of a host are asked at a time. Chosen: each may hold one of the 20 workers that
 * a daemon has by default (max_workers), and others need theirs meanwhile. */
#define WG_AGENT_PARALLEL 16

/* How long each question may take. Chosen: well above what a busy guest needs, and one that hangs
 * holds a worker of the daemon as long. */
#define WG_AGENT_SECONDS 3

/*
 * Asks each of the guests of virt, which must not be read-only, that runs: answer[i] is what
 * guests[i] says. One that has not answered a question is not asked another. libvirt's time-out for
 * the agent of a guest is set for that, and set back to none, libvirt's default, when it was asked:
 * no call of libvirt's tells what it was. Returns 0, or -1 with *err filled: nobody was asked.
 */
int wg_agent_ask(struct wg_virt *virt, struct wg_virt_guest *const *guests, size_t count,
                 struct wg_agent_answer *answer, struct wg_error *err);

/* Has SIGINT, SIGTERM and SIGHUP stop it: no guest is asked any more, and those that are being
 * asked get their time-out back first. A second one ends the process at once. */
void wg_agent_mind_signals(void);

/* The signal, or 0. */
int wg_agent_stopped_by(void);

#endif
