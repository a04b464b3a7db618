/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit.h"

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
