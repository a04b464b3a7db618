/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "audit.h"

const struct wg_verdict *wg_finding_verdict(const struct wg_finding *finding)
{
    return finding->stored ? finding->stored : finding->live;
}

void wg_finding_age(const struct wg_finding *finding, char text[16])
{
    double minutes = finding->age / 60;

    if (finding->age < 0)
        *text = '\0';
    else if (minutes < 120)
        snprintf(text, 16, "%.0f min", minutes);
    else if (minutes < 2 * 24 * 60)
        snprintf(text, 16, "%.0f h", minutes / 60);
    else
        snprintf(text, 16, "%.0f d", minutes / 24 / 60);
}

bool wg_finding_is_among(const struct wg_finding *finding, const struct wg_list *only)
{
    const struct wg_verdict *verdict = wg_finding_verdict(finding);
    /* What could not be judged has no verdict. */
    const char *text = verdict && !finding->error ? wg_outcome_text(verdict->outcome) : "error";
    char word[32];

    snprintf(word, sizeof(word), "%s", text);
    char *blank = strchr(word, ' ');
    if (blank)
        *blank = '-';
    return only->count == 0 || wg_list_has(only, word) ||
           (finding->waits && wg_list_has(only, "waiting")) ||
           (wg_list_has(only, "wrong-clock") && wg_finding_clock_is_wrong(finding));
}
