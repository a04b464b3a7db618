/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conns.h"

#include <pthread.h>
#include <stdlib.h>

/*
 * A plain array: the daemon has a connection a client, some thousands at the very most
 * (max_clients is 5000), and a walk over those costs a few microseconds a definition or start.
 *
 * An entry may outlive its connection, where the daemon drops the last reference by other means
 * than virConnectClose(). That is harmless: whoever gets the same address from malloc() next passes
 * through virConnectOpen*() too, which sets or clears the entry; and since a connection is far
 * larger than a pointer, the array stays a small part of what the connections once took.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const void **conns;
static size_t used;
static size_t room;

static size_t place_of(const void *conn)
{
    size_t i = 0;

    while (i < used && conns[i] != conn)
        i++;
    return i;
}

void wg_conns_add(const void *conn)
{
    pthread_mutex_lock(&lock);
    if (place_of(conn) == used) {
        if (used == room) {
            size_t more = room == 0 ? 32 : room * 2;
            const void **grown = realloc(conns, more * sizeof(*conns));

            if (grown != NULL) {
                conns = grown;
                room = more;
            }
        }
        if (used < room)
            conns[used++] = conn;
    }
    pthread_mutex_unlock(&lock);
}

void wg_conns_forget(const void *conn)
{
    size_t place;

    pthread_mutex_lock(&lock);
    place = place_of(conn);
    if (place < used)
        conns[place] = conns[--used];
    pthread_mutex_unlock(&lock);
}

bool wg_conns_has(const void *conn)
{
    bool has;

    pthread_mutex_lock(&lock);
    has = place_of(conn) < used;
    pthread_mutex_unlock(&lock);
    return has;
}
