/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "again.h"
#include "common/marks.h"
#include "common/start_error.h"
#include "real.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TRIES 3
#define DIGITS "0123456789"

static void settle(int turns)
{
    const struct timespec turn = {.tv_nsec = 20 * 1000 * 1000};

    while (turns-- > 0)
        nanosleep(&turn, NULL);
}

void wg_again_begin(struct wg_again *again, struct wg_turn *turn)
{
    const struct wg_libvirt *libvirt = wg_libvirt();
    const char *said = libvirt->virGetLastErrorMessage();

    *again = (struct wg_again){.turn = turn, .said = said == NULL ? NULL : strdup(said)};
    again->error = libvirt->virSaveLastError();
}

bool wg_again_is_off(struct _virDomain *domain)
{
    int active = wg_libvirt()->virDomainIsActive(domain);

    for (int turns = 0; active > 0 && turns < 250; turns++) {
        settle(1);
        active = wg_libvirt()->virDomainIsActive(domain);
    }
    return active == 0;
}

/* But for the time and the process id, which QEMU says too. */
static bool same_words(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a += strspn(a + 1, DIGITS) + 1;
        b += strspn(b + 1, DIGITS) + 1;
    }
    return *a == *b;
}

static bool failed_alike(const struct wg_again *again)
{
    const char *said = wg_libvirt()->virGetLastErrorMessage();

    return again->said != NULL && said != NULL && same_words(again->said, said) &&
           !wg_start_was_ended(again->code, said);
}

bool wg_again_try(struct wg_again *again)
{
    again->code = wg_libvirt()->virGetLastErrorCode();
    if (again->tries == TRIES || (again->tries > 0 && failed_alike(again)))
        return false;
    settle(10 << again->tries);
    if (wg_turn_lost(again->turn))
        return false;
    again->tries++;
    wg_mark(WG_ROLLED_BACK, again->turn->name);
    return true;
}

bool wg_again_stays_up(struct _virDomain *domain)
{
    const struct wg_libvirt *libvirt = wg_libvirt();
    int active = libvirt->virDomainIsActive(domain);
    int state = 0, reason = 0;

    for (int turns = 0; active > 0 && turns < 50; turns++) {
        settle(1);
        active = libvirt->virDomainIsActive(domain);
    }
    return active != 0 || libvirt->virDomainGetState(domain, &state, &reason, 0) < 0 ||
           state != WG_DOMAIN_SHUTOFF || reason != WG_DOMAIN_SHUTOFF_CRASHED;
}

void wg_again_end(struct wg_again *again, bool failed)
{
    const struct wg_libvirt *libvirt = wg_libvirt();

    wg_take_recent(WG_ROLLED_BACK, again->turn->name);
    if (failed && again->error != NULL && libvirt->virSetError != NULL)
        libvirt->virSetError(again->error);
    libvirt->virFreeError(again->error);
    free(again->said);
}
