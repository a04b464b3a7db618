/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libwinguest-filter.so, preloaded into libvirtd or virtqemud. The daemon dispatches its clients'
 * calls through libvirt's public functions; those that define or start a guest are defined here
 * once more, in front of libvirt's own, and put the guest's XML to the engine on the way:
 *
 *   client ── RPC ──> daemon ──> virDomainDefineXML and the like, here ──> libvirt's own
 *                                           │     ▲
 *                                       XML ▼     │ XML with the policy
 *                                     winguest decide (a child process)
 *
 * Whatever goes wrong here, libvirt's own function is called as the client called it. Libvirt has
 * an error object a thread, which every public call resets and which the daemon sends to the client
 * after a call that failed: the last libvirt call made here is always the one whose result the
 * client gets, or its error is put back.
 */
#include "again.h"
#include "common/counts.h"
#include "conns.h"
#include "engine.h"
#include "log.h"
#include "real.h"
#include "start.h"
#include "turn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* The library is built with hidden visibility: it exports what libvirt exports and no more. */
#define WG_IN_FRONT __attribute__((visibility("default")))

static struct wg_filter_engine engine = WG_FILTER_INIT(WG_BINDIR "/winguest");

/* A client's call that defines a guest or starts one from XML, in any of its four forms. */
struct request {
    struct _virConnect *conn;
    const char *xml;
    unsigned int flags;
    unsigned int nfiles;
    int *files; /* the caller's, before and after; it closes them */
    enum { DEFINE, DEFINE_FLAGS, CREATE, CREATE_FILES } form;
};

static struct _virDomain *pass_on(const struct request *request, const char *xml)
{
    switch (request->form) {
    case DEFINE:
        return WG_CALL(NULL, virDomainDefineXML, request->conn, xml);
    case DEFINE_FLAGS:
        return WG_CALL(NULL, virDomainDefineXMLFlags, request->conn, xml, request->flags);
    case CREATE:
        return WG_CALL(NULL, virDomainCreateXML, request->conn, xml, request->flags);
    case CREATE_FILES:
        return WG_CALL(NULL, virDomainCreateXMLWithFiles, request->conn, xml, request->nfiles,
                       request->files, request->flags);
    }
    return NULL;
}

static bool defines(const struct request *request)
{
    return request->form == DEFINE || request->form == DEFINE_FLAGS;
}

/* The loudest event there is: if it goes on like that no guest gets the policy. */
static void tell_of_refusal(const char *name, const char *op)
{
    unsigned times = wg_refusals_add();

    wg_filter_log(LOG_ERR, name, op,
                  "libvirt refused it with the policy, and took it without; %u in a row%s", times,
                  times < 3 ? "" : ": the policy itself is at fault; hint: winguest config check");
}

/*
 * A definition that fails twice fails with the client's own XML: that error is the client's, as it
 * would have been without us. A start's is the first one, of the start that it asked for. Never
 * libvirt's error text in our log: where it could not parse the XML it quotes the line, with
 * whatever password stands there. Libvirt's own log has it.
 */
static struct _virDomain *pass_on_as_it_was(const struct request *request, const char *op,
                                            struct wg_turn *turn)
{
    struct _virDomain *domain = NULL;
    struct wg_again again;

    if (!atomic_load(&engine.rollback)) {
        wg_filter_log(LOG_WARNING, turn->name, op, "failed with the policy; rollback is off");
        return NULL;
    }
    if (defines(request)) {
        domain = pass_on(request, request->xml);
    } else {
        wg_again_begin(&again, turn);
        while (domain == NULL && wg_again_try(&again))
            domain = pass_on(request, request->xml);
        wg_again_end(&again, domain == NULL);
    }
    if (domain == NULL)
        wg_filter_log(LOG_NOTICE, turn->name, op,
                      "failed with the policy and without, or was stopped");
    else if (defines(request))
        tell_of_refusal(turn->name, op);
    else
        wg_filter_log(LOG_WARNING, turn->name, op,
                      "failed with the policy, and went through without it");
    return domain;
}

static struct _virDomain *pass_on_in_turn(const struct request *request, const char *op,
                                          const char *rewritten, struct wg_turn *turn)
{
    struct _virDomain *domain = pass_on(request, rewritten == NULL ? request->xml : rewritten);
    bool with_policy = rewritten != NULL && domain != NULL;
    int saved_errno;

    if (domain == NULL && rewritten != NULL)
        domain = pass_on_as_it_was(request, op, turn);
    saved_errno = errno;
    if (defines(request) && with_policy)
        wg_refusals_end();
    if (defines(request) && domain != NULL)
        wg_start_may_follow(domain,
                            with_policy && atomic_load(&engine.rollback) ? request->xml : NULL);
    errno = saved_errno;
    return domain;
}

static struct _virDomain *pass_on_with_policy(const struct request *request)
{
    const char *op = defines(request) ? "define" : "create";
    int saved_errno = errno;
    struct _virDomain *domain;
    struct wg_filter_answer answer;
    struct wg_turn turn;
    bool in_turn;

    if (request->xml == NULL || !wg_filter_works() || !wg_conns_has(request->conn))
        return pass_on(request, request->xml);
    wg_filter_ask(&engine,
                  &(struct wg_filter_question){.op = op, .xml = request->xml, .log_op = op},
                  &answer);
    errno = saved_errno;
    in_turn = answer.name != NULL && wg_turn_take(&turn, answer.name, !defines(request));
    if (answer.xml != NULL && !in_turn)
        wg_filter_log(LOG_ERR, answer.name, op,
                      "another call on it takes too long: it goes through "
                      "unchanged, without the policy");
    if (in_turn && answer.xml != NULL && defines(request) && atomic_load(&engine.rollback) &&
        !wg_start_has_way_back(request->xml, answer.name, op))
        answer.xml = NULL;
    errno = saved_errno;
    domain = in_turn ? pass_on_in_turn(request, op, answer.xml, &turn)
                     : pass_on(request, request->xml);
    if (in_turn)
        wg_turn_give(&turn);
    saved_errno = errno;
    wg_filter_log_fault(&answer, op,
                        domain == NULL ? NULL : wg_libvirt()->virDomainGetName(domain));
    errno = saved_errno;
    wg_filter_answer_free(&answer);
    return domain;
}

static bool is_ours(struct _virDomain *domain)
{
    return domain != NULL && wg_filter_works() &&
           wg_conns_has(wg_libvirt()->virDomainGetConnect(domain));
}

static int pass_on_start(const struct wg_start *start)
{
    return is_ours(start->domain) ? wg_start_with_policy(start, &engine)
                                  : wg_start_unchanged(start);
}

/*
 * Whether the filter looks at the calls on a new connection. Read-only ones are refused by libvirt
 * only within its own functions, that is behind these: who may open no more than the read-only
 * socket must not be able to have the engine run. "qemu:///" is this daemon's own QEMU driver;
 * virConnectGetType() would say QEMU of a connection that is forwarded to another host too, and
 * asks polkit.
 */
static struct _virConnect *opened(struct _virConnect *conn, unsigned int flags)
{
    const struct wg_libvirt *libvirt = wg_libvirt();
    int saved_errno = errno;
    char *uri;

    if (conn == NULL || !wg_filter_works())
        return conn;
    wg_conns_forget(conn);
    if ((flags & WG_CONNECT_RO) == 0) {
        uri = libvirt->virConnectGetURI(conn);
        if (uri != NULL && strncmp(uri, "qemu:///", 8) == 0)
            wg_conns_add(conn);
        free(uri);
        libvirt->virResetLastError();
    }
    errno = saved_errno;
    return conn;
}

WG_IN_FRONT struct _virConnect *virConnectOpen(const char *name)
{
    return opened(WG_CALL(NULL, virConnectOpen, name), 0);
}

WG_IN_FRONT struct _virConnect *virConnectOpenReadOnly(const char *name)
{
    return opened(WG_CALL(NULL, virConnectOpenReadOnly, name), WG_CONNECT_RO);
}

WG_IN_FRONT struct _virConnect *virConnectOpenAuth(const char *name, struct _virConnectAuth *auth,
                                                   unsigned int flags)
{
    return opened(WG_CALL(NULL, virConnectOpenAuth, name, auth, flags), flags);
}

/*
 * Forgotten before the close and not after: then another thread may already have the same address
 * for a new connection. The daemon closes a client's connection when its last call is done, so
 * it does not matter that other references may remain.
 */
WG_IN_FRONT int virConnectClose(struct _virConnect *conn)
{
    if (wg_filter_works())
        wg_conns_forget(conn);
    return WG_CALL(-1, virConnectClose, conn);
}

WG_IN_FRONT struct _virDomain *virDomainDefineXML(struct _virConnect *conn, const char *xml)
{
    struct request request = {.conn = conn, .xml = xml, .form = DEFINE};

    return pass_on_with_policy(&request);
}

WG_IN_FRONT struct _virDomain *virDomainDefineXMLFlags(struct _virConnect *conn, const char *xml,
                                                       unsigned int flags)
{
    struct request request = {.conn = conn, .xml = xml, .flags = flags, .form = DEFINE_FLAGS};

    return pass_on_with_policy(&request);
}

WG_IN_FRONT struct _virDomain *virDomainCreateXML(struct _virConnect *conn, const char *xml,
                                                  unsigned int flags)
{
    struct request request = {.conn = conn, .xml = xml, .flags = flags, .form = CREATE};

    return pass_on_with_policy(&request);
}

WG_IN_FRONT struct _virDomain *virDomainCreateXMLWithFiles(struct _virConnect *conn,
                                                           const char *xml, unsigned int nfiles,
                                                           int *files, unsigned int flags)
{
    struct request request = {.conn = conn,
                              .xml = xml,
                              .flags = flags,
                              .nfiles = nfiles,
                              .files = files,
                              .form = CREATE_FILES};

    return pass_on_with_policy(&request);
}

WG_IN_FRONT int virDomainCreate(struct _virDomain *domain)
{
    struct wg_start start = {.domain = domain, .form = WG_START_PLAIN};

    return pass_on_start(&start);
}

WG_IN_FRONT int virDomainCreateWithFlags(struct _virDomain *domain, unsigned int flags)
{
    struct wg_start start = {.domain = domain, .flags = flags, .form = WG_START_FLAGS};

    return pass_on_start(&start);
}

WG_IN_FRONT int virDomainCreateWithFiles(struct _virDomain *domain, unsigned int nfiles, int *files,
                                         unsigned int flags)
{
    struct wg_start start = {
        .domain = domain, .flags = flags, .nfiles = nfiles, .files = files, .form = WG_START_FILES};

    return pass_on_start(&start);
}

WG_IN_FRONT int virDomainDestroy(struct _virDomain *domain)
{
    return wg_turn_destroy(domain, NULL, is_ours(domain));
}

WG_IN_FRONT int virDomainDestroyFlags(struct _virDomain *domain, unsigned int flags)
{
    return wg_turn_destroy(domain, &flags, is_ours(domain));
}

WG_IN_FRONT int virDomainUndefine(struct _virDomain *domain)
{
    return wg_turn_undefine(domain, NULL, is_ours(domain));
}

WG_IN_FRONT int virDomainUndefineFlags(struct _virDomain *domain, unsigned int flags)
{
    return wg_turn_undefine(domain, &flags, is_ours(domain));
}
