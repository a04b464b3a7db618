/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was found out of a guest, in words. */
#include "discover.h"

static const char *const kind_texts[] = {
    [WG_FOUND_NOTHING] = "",
    [WG_FOUND_AGREEMENT] = "agreement",
    [WG_FOUND_UNMARKED] = "unmarked Windows",
    [WG_FOUND_MARKED_OTHERWISE] = "Windows that is marked as something else",
    [WG_FOUND_NOT_WINDOWS] = "not Windows, but a sign or a rule says so",
};

static const char *const state_texts[] = {
    [WG_AGENT_NOT_ASKED] = "could not be asked",
    [WG_AGENT_ANSWERS] = "answers",
    [WG_AGENT_NO_CHANNEL] = "no channel for an agent (guest_agent = yes adds it)",
    [WG_AGENT_ABSENT] = "a channel, and no agent at its end",
    [WG_AGENT_SILENT] = "its agent did not answer in time",
    [WG_AGENT_FAILS] = "its agent's answer is of no use",
};

const char *wg_discovery_state_word(const struct wg_discovery *guest)
{
    static const char *const words[] = {"not-asked", "answers", "no-channel",
                                        "absent",    "silent",  "fails"};

    return guest->from_disks ? "shut-off" : words[guest->answer.state];
}

const char *wg_discovery_kind_word(const struct wg_discovery *guest)
{
    static const char *const words[] = {"unknown", "agreement", "unmarked", "marked-otherwise",
                                        "not-windows"};

    return words[wg_discovery_kind(guest)];
}

static void print_os(const struct wg_discovery *guest, FILE *out)
{
    const struct wg_agent_answer *answer = &guest->answer;

    fputs(guest->from_disks ? "shut off, has on its disks " : "says ", out);
    wg_print_value(*answer->os ? answer->os : "nothing of its OS", out);
    if (*answer->os_name) {
        fputs(", ", out);
        wg_print_value(answer->os_name, out);
    }
}

static void print_xml(const struct wg_discovery *guest, FILE *out)
{
    fprintf(out, "; its XML: %s", wg_os_text(guest->os));
    if (guest->evidence) {
        fputs(", ", out);
        wg_print_value(guest->evidence, out);
    }
}

void wg_discovery_print(const struct wg_discovery *guest, bool xml, FILE *out)
{
    const struct wg_agent_answer *answer = &guest->answer;
    char clock[200];
    bool wrong;

    if (answer->state == WG_AGENT_ANSWERS || *answer->os) {
        print_os(guest, out);
        if (xml)
            print_xml(guest, out);
        if (*kind_texts[wg_discovery_kind(guest)])
            fprintf(out, "; %s", kind_texts[wg_discovery_kind(guest)]);
        wg_discovery_clock(guest, clock, &wrong);
        if (*clock)
            fprintf(out, "; clock: %s", clock);
    } else {
        fputs(guest->from_disks ? "shut off" : state_texts[answer->state], out);
    }
    if (*answer->why) {
        fputs(" (", out);
        wg_print_value(answer->why, out);
        fputc(')', out);
    }
}
