/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "filter_memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct guest {
    char uuid[WG_UUID_SIZE];
    char *xml; /* NULL: nobody is remembered here */
    struct wg_fingerprint stored;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct guest guests[WG_MEMORY_GUESTS];
static size_t oldest;

static struct guest *find(const char *uuid)
{
    for (size_t i = 0; i < WG_MEMORY_GUESTS; i++) {
        if (guests[i].xml != NULL && strcmp(guests[i].uuid, uuid) == 0)
            return &guests[i];
    }
    return NULL;
}

static void forget(struct guest *guest)
{
    free(guest->xml);
    guest->xml = NULL;
}

/* A free place if there is one, else that of whoever came first. */
static struct guest *make_room(void)
{
    struct guest *guest;

    for (size_t i = 0; i < WG_MEMORY_GUESTS; i++) {
        guest = &guests[(oldest + i) % WG_MEMORY_GUESTS];
        if (guest->xml == NULL)
            return guest;
    }
    guest = &guests[oldest];
    oldest = (oldest + 1) % WG_MEMORY_GUESTS;
    return guest;
}

void wg_memory_keep(const char *uuid, const char *xml, const struct wg_fingerprint *stored)
{
    char *copy = strlen(xml) > WG_MEMORY_XML_MAX ? NULL : strdup(xml);
    struct guest *guest;

    pthread_mutex_lock(&lock);
    guest = find(uuid);
    if (guest != NULL)
        forget(guest);
    if (copy != NULL) {
        guest = make_room();
        free(guest->xml);
        strncpy(guest->uuid, uuid, WG_UUID_SIZE - 1);
        guest->stored = *stored;
        guest->xml = copy;
    }
    pthread_mutex_unlock(&lock);
}

bool wg_memory_has(const char *uuid)
{
    bool has;

    pthread_mutex_lock(&lock);
    has = find(uuid) != NULL;
    pthread_mutex_unlock(&lock);
    return has;
}

char *wg_memory_take(const char *uuid, const struct wg_fingerprint *stored)
{
    struct guest *guest;
    char *xml = NULL;

    pthread_mutex_lock(&lock);
    guest = find(uuid);
    if (guest != NULL && wg_fingerprint_same(&guest->stored, stored)) {
        xml = guest->xml;
        guest->xml = NULL;
    } else if (guest != NULL) {
        forget(guest);
    }
    pthread_mutex_unlock(&lock);
    return xml;
}

void wg_memory_forget(const char *uuid)
{
    struct guest *guest;

    pthread_mutex_lock(&lock);
    guest = find(uuid);
    if (guest != NULL)
        forget(guest);
    pthread_mutex_unlock(&lock);
}
