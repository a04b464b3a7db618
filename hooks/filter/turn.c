/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "turn.h"
#include "common/kept.h"
#include "common/text.h"
#include "real.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

/* A destroy that has not returned yet. */
struct ending {
    const char *name;
    struct ending *next;
};

#define NAPS (WG_TURN_SECONDS * 100)

/* Of these two lists only; it is never held while anybody waits. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct wg_turn *turns;
static struct ending *endings;

/* Two calls on one guest at once are rare: who waits looks again and again. */
static void nap(void)
{
    const struct timespec hundredth = {.tv_nsec = 10 * 1000 * 1000};
    int saved_errno = errno;

    nanosleep(&hundredth, NULL);
    errno = saved_errno;
}

static struct wg_turn *turn_of(const char *name)
{
    struct wg_turn *turn = turns;

    while (turn != NULL && strcmp(turn->name, name) != 0)
        turn = turn->next;
    return turn;
}

bool wg_turn_take(struct wg_turn *turn, const char *name, bool starts)
{
    *turn = (struct wg_turn){.name = name, .starts = starts};
    for (int naps = 0; naps <= NAPS; naps++) {
        struct wg_turn *other;

        pthread_mutex_lock(&lock);
        other = turn_of(name);
        if (other == NULL) {
            turn->next = turns;
            turns = turn;
        } else if (naps == NAPS) {
            other->lost = true;
        }
        pthread_mutex_unlock(&lock);
        if (other == NULL)
            return true;
        nap();
    }
    return false;
}

void wg_turn_give(struct wg_turn *turn)
{
    struct wg_turn **at = &turns;

    pthread_mutex_lock(&lock);
    while (*at != turn)
        at = &(*at)->next;
    *at = turn->next;
    pthread_mutex_unlock(&lock);
}

static bool is_ending(const char *name)
{
    const struct ending *ending = endings;

    while (ending != NULL && strcmp(ending->name, name) != 0)
        ending = ending->next;
    return ending != NULL;
}

bool wg_turn_lost(struct wg_turn *turn)
{
    for (int naps = 0; naps <= NAPS; naps++) {
        bool lost, ending;

        pthread_mutex_lock(&lock);
        lost = turn->lost;
        ending = is_ending(turn->name);
        pthread_mutex_unlock(&lock);
        if (lost || !ending)
            return lost;
        nap();
    }
    return true;
}

static void begin(struct ending *ending)
{
    pthread_mutex_lock(&lock);
    ending->next = endings;
    endings = ending;
    pthread_mutex_unlock(&lock);
}

/* @counts: a start that has the turn is lost. Returns whether one is. */
static bool end(struct ending *ending, bool counts)
{
    struct ending **at = &endings;
    struct wg_turn *turn;

    pthread_mutex_lock(&lock);
    while (*at != ending)
        at = &(*at)->next;
    *at = ending->next;
    turn = turn_of(ending->name);
    counts = counts && turn != NULL && turn->starts;
    if (counts)
        turn->lost = true;
    pthread_mutex_unlock(&lock);
    return counts;
}

/* Whether a start has the turn, and if so not at once. */
static bool is_starting(const char *name)
{
    const struct wg_turn *turn;
    bool starting;

    pthread_mutex_lock(&lock);
    turn = turn_of(name);
    starting = turn != NULL && turn->starts;
    pthread_mutex_unlock(&lock);
    if (starting)
        nap();
    return starting;
}

/* Returns 0 or the error's code; -1: unknown. */
static int destroy(struct _virDomain *domain, const unsigned int *flags)
{
    int rc = flags == NULL ? WG_CALL(-1, virDomainDestroy, domain)
                           : WG_CALL(-1, virDomainDestroyFlags, domain, *flags);

    if (rc == 0)
        return 0;
    rc = wg_filter_works() ? wg_libvirt()->virGetLastErrorCode() : -1;
    return rc == 0 ? -1 : rc;
}

static bool is_not_there(int code)
{
    return code == WG_ERR_OPERATION_INVALID || code == WG_ERR_NO_DOMAIN;
}

/* One try. *ended: it has met a start, which is lost by it. */
static int try_to_destroy(struct _virDomain *domain, const unsigned int *flags, const char *name,
                          bool *ended)
{
    struct ending ending = {.name = name};
    int code;

    begin(&ending);
    code = destroy(domain, flags);
    if (end(&ending, code == 0 || code == WG_ERR_OPERATION_INVALID))
        *ended = true;
    return code;
}

/* "Not running" is said only to who may destroy it, "no domain" to anybody. */
int wg_turn_destroy(struct _virDomain *domain, const unsigned int *flags, bool ours)
{
    const char *name = ours ? wg_libvirt()->virDomainGetName(domain) : NULL;
    bool starting, ended = false;
    int code;

    if (name == NULL)
        return destroy(domain, flags) == 0 ? 0 : -1;
    code = try_to_destroy(domain, flags, name, &ended);
    starting = is_not_there(code) && is_starting(name);
    while (is_not_there(code) && starting) {
        starting = is_starting(name);
        code = try_to_destroy(domain, flags, name, &ended);
    }
    /* The start that it has met may have come to its end, and the guest run, since that try. */
    if (ended && is_not_there(code))
        code = try_to_destroy(domain, flags, name, &ended);
    if (!ended || !is_not_there(code))
        return code == 0 ? 0 : -1;
    wg_libvirt()->virResetLastError();
    return 0;
}

int wg_turn_undefine(struct _virDomain *domain, const unsigned int *flags, bool ours)
{
    const struct wg_libvirt *libvirt = wg_libvirt();
    const char *name = ours ? libvirt->virDomainGetName(domain) : NULL;
    char uuid[WG_UUID_SIZE] = "";
    struct wg_turn turn;
    bool in_turn;
    int rc;

    if (name != NULL)
        libvirt->virDomainGetUUIDString(domain, uuid);
    in_turn = name != NULL && wg_turn_take(&turn, name, false);
    rc = flags == NULL ? WG_CALL(-1, virDomainUndefine, domain)
                       : WG_CALL(-1, virDomainUndefineFlags, domain, *flags);
    if (rc == 0 && *uuid != '\0')
        wg_kept_forget(uuid);
    if (in_turn)
        wg_turn_give(&turn);
    return rc;
}
