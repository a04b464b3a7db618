/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a wrong clock means. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "discover.h"
#include "engine/domain.h"

/* Chosen, in seconds: an error below the first is none, as NTP over a slow line or a busy agent
 * make one; one that is nearer to a number of half hours than the second is a zone's. */
#define TOLERANCE 10
#define NEAR 120
#define HALF_HOUR 1800L

void wg_discovery_read_clock(struct wg_discovery *guest, const char *xml)
{
    struct wg_domain domain;
    struct wg_error ignored;

    if (wg_domain_parse(xml, strlen(xml), NULL, &domain, &ignored) < 0)
        return;
    const char *offset = wg_attribute(wg_child(domain.root, "clock"), "offset");
    snprintf(guest->started, sizeof(guest->started), "%s", offset ? offset : "utc");
    wg_domain_clear(&domain);
}

void wg_discovery_read_zone(struct wg_discovery *guest)
{
    time_t now = time(NULL);
    struct tm local;

    guest->has_host_zone = localtime_r(&now, &local) != NULL;
    guest->host_zone = guest->has_host_zone ? local.tm_gmtoff : 0;
}

static double size_of(double error)
{
    return error < 0 ? -error : error;
}

static const char *of_zone(const struct wg_discovery *guest, long error)
{
    bool utc = strcmp(guest->started, "utc") == 0;
    bool local = strcmp(guest->started, "localtime") == 0;
    long zone = guest->answer.zone;

    if (utc && guest->answer.has_zone && error == -zone)
        return ", keeps local time";
    if (local && guest->has_host_zone && error == guest->host_zone)
        return ", keeps UTC";
    if (local && guest->has_host_zone && guest->answer.has_zone && error == guest->host_zone - zone)
        return ", and its zone is not the host's";
    return "";
}

static bool is_wrong(const struct wg_agent_answer *answer)
{
    return answer->has_time && size_of(answer->clock_error) > TOLERANCE + answer->within;
}

bool wg_discovery_is_cured(const struct wg_discovery *guest)
{
    const struct wg_agent_answer *answer = &guest->answer;

    return answer->has_time && !is_wrong(answer) && strcmp(answer->os, WG_AGENT_WINDOWS) == 0 &&
           strcmp(guest->started, "utc") == 0 && answer->has_zone && answer->zone != 0;
}

bool wg_discovery_is_unmarked(const struct wg_discovery *guest)
{
    return wg_discovery_kind(guest) == WG_FOUND_UNMARKED;
}

void wg_discovery_clock(const struct wg_discovery *guest, char text[200], bool *wrong)
{
    const struct wg_agent_answer *answer = &guest->answer;
    double error = answer->clock_error;
    /* What a guest says may be any number; libvirt hands on 64 bits of it. */
    long zoned = size_of(error) < 48 * 3600
                     ? (long)(error / HALF_HOUR + (error < 0 ? -0.5 : 0.5)) * HALF_HOUR
                     : 0;

    *text = '\0';
    *wrong = is_wrong(answer);
    if (!answer->has_time)
        return;
    if (wg_discovery_is_cured(guest)) {
        snprintf(
            text, 200,
            "right, although started with utc: cured inside (RealTimeIsUniversal) or corrected "
            "by NTP since");
    } else if (!*wrong) {
        snprintf(text, 200, "right");
    } else if (zoned != 0 && size_of(error - (double)zoned) <= NEAR + answer->within) {
        snprintf(text, 200, "%g h %s: started with %s%s", size_of((double)zoned) / 3600,
                 zoned < 0 ? "behind" : "ahead",
                 *guest->started ? guest->started : "an unknown offset", of_zone(guest, zoned));
    } else {
        snprintf(text, 200, "%.0f s %s: no zone's error, it drifts or was set so", size_of(error),
                 error < 0 ? "behind" : "ahead");
    }
}

enum wg_finding_kind wg_discovery_kind(const struct wg_discovery *guest)
{
    bool windows = strcmp(guest->answer.os, WG_AGENT_WINDOWS) == 0;

    if (!*guest->answer.os)
        return WG_FOUND_NOTHING;
    if (windows && guest->os == WG_OS_UNKNOWN)
        return WG_FOUND_UNMARKED;
    if (windows && guest->os != WG_OS_WINDOWS)
        return WG_FOUND_MARKED_OTHERWISE;
    return !windows && guest->os == WG_OS_WINDOWS ? WG_FOUND_NOT_WINDOWS : WG_FOUND_AGREEMENT;
}
