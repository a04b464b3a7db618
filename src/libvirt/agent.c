/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent.h"

#include <libvirt/virterror.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/domain.h"
#include "virt_conn.h"

#define CHANNEL "org.qemu.guest_agent.0"

/* The guests that are asked, by several threads. */
struct round {
    const char *uri;
    struct wg_virt_guest *const *guests;
    size_t count;
    struct wg_agent_answer *answer;
    pthread_mutex_t lock; /* of next */
    size_t next;
};

static volatile sig_atomic_t stopped_by;

static void stop(int signal)
{
    stopped_by = signal;
}

void wg_agent_mind_signals(void)
{
    const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = stop, .sa_flags = SA_RESTART | SA_RESETHAND};

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaction(signals[i], &action, NULL);
}

int wg_agent_stopped_by(void)
{
    return stopped_by;
}

static void refuse(struct wg_agent_answer *answer, enum wg_agent_state state)
{
    answer->state = state;
    snprintf(answer->why, sizeof(answer->why), "%s", virGetLastErrorMessage());
}

/* The guest's channel for the agent is opened, in the guest, or not; its absence. */
static enum wg_agent_state read_channel(const char *xml)
{
    enum wg_agent_state state = WG_AGENT_NO_CHANNEL;
    struct wg_domain domain;
    struct wg_error ignored;

    if (wg_domain_parse(xml, strlen(xml), NULL, &domain, &ignored) < 0)
        return WG_AGENT_NOT_ASKED;
    xmlNodePtr devices = wg_child(domain.root, "devices");
    for (xmlNodePtr node = devices ? devices->children : NULL; node; node = node->next) {
        bool channel = node->type == XML_ELEMENT_NODE && !xmlStrcmp(node->name, BAD_CAST "channel");
        xmlNodePtr target = channel ? wg_named_child(node, "target", CHANNEL) : NULL;
        const char *opened = wg_attribute(target, "state");

        if (target)
            state = opened && strcmp(opened, "connected") == 0 ? WG_AGENT_ANSWERS : WG_AGENT_ABSENT;
    }
    wg_domain_clear(&domain);
    return state;
}

static void take_failure(struct wg_agent_answer *answer)
{
    switch (virGetLastErrorCode()) {
    case VIR_ERR_AGENT_UNRESPONSIVE:
    case VIR_ERR_AGENT_UNSYNCED:
    case VIR_ERR_OPERATION_TIMEOUT:
        refuse(answer, WG_AGENT_SILENT);
        break;
    case VIR_ERR_NO_DOMAIN:
    case VIR_ERR_OPERATION_INVALID:
    case VIR_ERR_OPERATION_DENIED:
    case VIR_ERR_ACCESS_DENIED:
    case VIR_ERR_NO_SUPPORT:
    case VIR_ERR_RPC:
        refuse(answer, WG_AGENT_NOT_ASKED);
        break;
    default:
        refuse(answer, WG_AGENT_FAILS);
    }
}

static void take_text(virTypedParameterPtr params, int count, const char *name, char *text,
                      size_t size)
{
    const char *value = NULL;

    if (virTypedParamsGetString(params, count, name, &value) == 1 && value)
        snprintf(text, size, "%s", value);
}

/* One that libvirt gave up waiting for may be no error of libvirt's, but lack what was asked for.
 */
static bool ask_what(virDomainPtr domain, struct wg_agent_answer *answer)
{
    virTypedParameterPtr params = NULL;
    int count = 0;

    if (virDomainGetGuestInfo(domain, VIR_DOMAIN_GUEST_INFO_OS, &params, &count, 0) < 0) {
        take_failure(answer);
        return false;
    }
    take_text(params, count, "os.id", answer->os, sizeof(answer->os));
    take_text(params, count, "os.pretty-name", answer->os_name, sizeof(answer->os_name));
    if (!*answer->os_name)
        take_text(params, count, "os.name", answer->os_name, sizeof(answer->os_name));
    virTypedParamsFree(params, count);
    if (!*answer->os)
        answer->state = WG_AGENT_SILENT;
    return *answer->os != '\0';
}

static bool ask_zone(virDomainPtr domain, struct wg_agent_answer *answer)
{
    virTypedParameterPtr params = NULL;
    int count = 0, zone = 0;

    if (virDomainGetGuestInfo(domain, VIR_DOMAIN_GUEST_INFO_TIMEZONE, &params, &count, 0) < 0)
        return false;
    answer->has_zone = virTypedParamsGetInt(params, count, "timezone.offset", &zone) == 1;
    answer->zone = zone;
    virTypedParamsFree(params, count);
    return answer->has_zone;
}

static double now(void)
{
    struct timespec at = {0};

    clock_gettime(CLOCK_REALTIME, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static bool ask_time(virDomainPtr domain, struct wg_agent_answer *answer)
{
    long long seconds = 0;
    unsigned nanoseconds = 0;
    double before = now();

    if (virDomainGetTime(domain, &seconds, &nanoseconds, 0) < 0)
        return false;
    double after = now();
    answer->has_time = true;
    answer->within = (after - before) / 2;
    answer->clock_error = (double)seconds + nanoseconds / 1e9 - (before + answer->within);
    return true;
}

static void ask(virDomainPtr domain, struct wg_agent_answer *answer)
{
    char *xml = virDomainGetXMLDesc(domain, 0);

    answer->state = xml ? read_channel(xml) : WG_AGENT_NOT_ASKED;
    free(xml);
    if (answer->state != WG_AGENT_ANSWERS)
        return;
    if (virDomainAgentSetResponseTimeout(domain, WG_AGENT_SECONDS, 0) < 0) {
        take_failure(answer);
        return;
    }
    /* What it has said of itself stands. */
    if (ask_what(domain, answer) && (!ask_zone(domain, answer) || !ask_time(domain, answer)))
        snprintf(answer->why, sizeof(answer->why), "its time: %s", virGetLastErrorMessage());
    virDomainAgentSetResponseTimeout(domain, VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK, 0);
}

static void ask_one(virConnectPtr conn, const struct wg_virt_guest *guest,
                    struct wg_agent_answer *answer)
{
    virDomainPtr domain = virDomainLookupByUUIDString(conn, guest->uuid);

    if (!domain) {
        refuse(answer, WG_AGENT_NOT_ASKED);
        return;
    }
    ask(domain, answer);
    virDomainFree(domain);
}

/* A connection for each thread: a daemon serves but 5 calls of a client at a time
 * (max_client_requests). One that gets none leaves the guests to the others. */
static void *ask_some(void *to)
{
    struct round *round = to;
    struct wg_error ignored;
    struct wg_virt *virt = wg_virt_open(round->uri, false, &ignored);

    while (virt) {
        pthread_mutex_lock(&round->lock);
        size_t i = round->next++;
        pthread_mutex_unlock(&round->lock);
        if (stopped_by || i >= round->count)
            break;
        if (round->guests[i]->active)
            ask_one(virt->conn, round->guests[i], &round->answer[i]);
    }
    wg_virt_close(virt);
    return NULL;
}

int wg_agent_ask(struct wg_virt *virt, struct wg_virt_guest *const *guests, size_t count,
                 struct wg_agent_answer *answer, struct wg_error *err)
{
    struct round round = {virt->uri, guests, count, answer, PTHREAD_MUTEX_INITIALIZER, 0};
    pthread_t thread[WG_AGENT_PARALLEL];
    size_t threads = 0, wanted = count < WG_AGENT_PARALLEL ? count : WG_AGENT_PARALLEL;

    while (threads < wanted && pthread_create(&thread[threads], NULL, ask_some, &round) == 0)
        threads++;
    for (size_t i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    if (stopped_by)
        return wg_fail(err, "stopped by a signal");
    return round.next >= count ? 0 : wg_fail(err, "no connection to ask through");
}
