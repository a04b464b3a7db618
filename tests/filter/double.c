/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "double.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUESTS 4096

struct _virConnect {
    char uri[64];
    bool readonly;
    int references;
};

struct _virDomain {
    struct _virConnect *conn;
    char name[64];
};

struct _virError {
    char text[128];
    int code;
};

struct guest {
    char name[64]; /* "" if the slot is free */
    char *definition; /* NULL if transient */
    char *running;
    bool managed_save;
    struct timespec failed; /* when its last start has */
    bool ended; /* by libvirt, in the middle of a start or after it */
    struct timespec leaves; /* when it is ended after a start */
    int edits;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct guest guests[GUESTS];
static int connections, domains, errors, wrongly_filtered, defines, starts;
static struct _virConnect *spare; /* the next one gets the last one's address, as in malloc() */
static __thread struct _virError last_error;

static void enter(void)
{
    last_error.text[0] = '\0';
    pthread_mutex_lock(&lock);
}

static void leave(void)
{
    pthread_mutex_unlock(&lock);
}

static bool is(const char *name, const char *kind)
{
    return strncmp(name, kind, strlen(kind)) == 0;
}

static void *fail(const char *text)
{
    snprintf(last_error.text, sizeof(last_error.text), "%s", text);
    last_error.code = is(text, "Requested operation is not valid") ? WG_ERR_OPERATION_INVALID
                      : is(text, "Domain not found")               ? WG_ERR_NO_DOMAIN
                                                                   : 1;
    return NULL;
}

static struct guest *find(const char *name)
{
    for (size_t i = 0; i < GUESTS; i++) {
        if (strcmp(guests[i].name, name) == 0)
            return &guests[i];
    }
    return NULL;
}

static struct guest *find_or_make(const char *name)
{
    struct guest *guest = find(name);

    if (guest == NULL) {
        guest = find("");
        snprintf(guest->name, sizeof(guest->name), "%s", name);
    }
    return guest;
}

static void drop(struct guest *guest)
{
    free(guest->definition);
    free(guest->running);
    memset(guest, 0, sizeof(*guest));
}

static void set(char **text, const char *to)
{
    free(*text);
    *text = to == NULL ? NULL : strdup(to);
}

static bool has_policy(const char *xml)
{
    return strstr(xml, "<policy/>") != NULL;
}

static struct _virConnect *make_connection(const char *name, bool readonly)
{
    struct _virConnect *conn;

    enter();
    if (name != NULL && strcmp(name, "fail:///") == 0) {
        leave();
        return fail("no connection");
    }
    conn = spare == NULL ? malloc(sizeof(*conn)) : spare;
    spare = NULL;
    snprintf(conn->uri, sizeof(conn->uri), "%s",
             name == NULL || *name == '\0' ? "qemu:///system" : name);
    conn->readonly = readonly;
    conn->references = 1;
    connections++;
    leave();
    return conn;
}

struct _virConnect *virConnectOpen(const char *name)
{
    return make_connection(name, false);
}

struct _virConnect *virConnectOpenReadOnly(const char *name)
{
    return make_connection(name, true);
}

struct _virConnect *virConnectOpenAuth(const char *name, struct _virConnectAuth *auth,
                                       unsigned int flags)
{
    (void)auth;
    return make_connection(name, (flags & WG_CONNECT_RO) != 0);
}

static int unref(struct _virConnect *conn)
{
    if (--conn->references > 0)
        return 1;
    connections--;
    free(spare);
    spare = conn;
    return 0;
}

int virConnectClose(struct _virConnect *conn)
{
    int left;

    enter();
    left = unref(conn);
    leave();
    return left;
}

char *virConnectGetURI(struct _virConnect *conn)
{
    last_error.text[0] = '\0';
    return strdup(conn->uri);
}

static struct _virDomain *make_domain(struct _virConnect *conn, const char *name)
{
    struct _virDomain *domain = calloc(1, sizeof(*domain));

    snprintf(domain->name, sizeof(domain->name), "%s", name);
    domain->conn = conn;
    conn->references++;
    domains++;
    return domain;
}

static bool may_write(struct _virConnect *conn, const char *xml, char name[64])
{
    const char *start = strstr(xml, "<name>");

    if (has_policy(xml) && (conn->readonly || strncmp(conn->uri, "qemu:///", 8) != 0))
        wrongly_filtered++;
    if (conn->readonly)
        return fail("operation forbidden for read only access") != NULL;
    if (start == NULL)
        return fail("XML error: missing name") != NULL;
    sscanf(start, "<name>%63[^<]", name);
    if (is(name, "refuse") && has_policy(xml))
        return fail("unsupported configuration: policy") != NULL;
    if (is(name, "readonly") && has_policy(xml))
        return fail("access denied") != NULL;
    return true;
}

static struct _virDomain *define(struct _virConnect *conn, const char *xml)
{
    struct _virDomain *domain = NULL;
    char name[64] = "";

    enter();
    defines++;
    if (may_write(conn, xml, name)) {
        set(&find_or_make(name)->definition, xml);
        domain = make_domain(conn, name);
    }
    leave();
    return domain;
}

struct _virDomain *virDomainDefineXML(struct _virConnect *conn, const char *xml)
{
    return define(conn, xml);
}

struct _virDomain *virDomainDefineXMLFlags(struct _virConnect *conn, const char *xml,
                                           unsigned int flags)
{
    (void)flags;
    return define(conn, xml);
}

static double milliseconds_since(const struct timespec *then)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - then->tv_sec) * 1e3 + (now.tv_nsec - then->tv_nsec) / 1e6;
}

/* Guests "linger…" are still being ended for a moment after a start has failed, as in libvirt 7.0.
 */
static bool runs(const struct guest *guest)
{
    if (guest->leaves.tv_sec > 0 && milliseconds_since(&guest->leaves) > 100)
        return false;
    return guest->running != NULL || (is(guest->name, "linger") && guest->failed.tv_sec > 0 &&
                                      milliseconds_since(&guest->failed) < 100);
}

static bool refuses(const struct guest *guest, bool policy)
{
    static const char *const picky[] = {"nostart", "meddled", "late",  "twice",
                                        "linger",  "lost",    "moved", "signal"};
    bool is_picky = false;

    for (size_t i = 0; i < sizeof(picky) / sizeof(*picky); i++)
        is_picky |= is(guest->name, picky[i]);
    return is(guest->name, "broken") || is(guest->name, "alike") || (policy && is_picky);
}

/* Ends the next QEMU in place of the failed one: libvirt's own bug. Of guests "late…" when it runs,
 * if it comes too soon; of "twice…" and "signal…" while it starts, once; of "lost…" soon after,
 * once.
 */
static bool launch(struct guest *guest, const char *xml)
{
    bool policy = has_policy(xml);
    char text[128];

    starts++;
    if (runs(guest))
        return fail("Requested operation is not valid: domain is already running") != NULL;
    if (is(guest->name, "signal") && (policy || !guest->ended)) {
        guest->ended = !policy;
        return fail("internal error: process exited while connecting to monitor: QEMU: "
                    "terminating on signal 15 from pid 7") != NULL;
    }
    if (refuses(guest, policy)) {
        clock_gettime(CLOCK_MONOTONIC, &guest->failed);
        if (is(guest->name, "meddled"))
            set(&guest->definition, "<domain><name>meddled</name>edited</domain>");
        if (is(guest->name, "alike"))
            snprintf(text, sizeof(text), "internal error: QEMU %d has no disk", starts);
        else
            snprintf(text, sizeof(text), "internal error: QEMU said no %s the policy",
                     policy ? "with" : "without");
        return fail(text) != NULL;
    }
    if (is(guest->name, "twice") && !guest->ended) {
        guest->ended = true;
        return fail("Fehler bei der Ausführung: Gast läuft nicht mehr") != NULL;
    }
    guest->leaves = (struct timespec){0};
    if ((is(guest->name, "lost") && !guest->ended) || is(guest->name, "moved"))
        clock_gettime(CLOCK_MONOTONIC, &guest->leaves);
    guest->ended = true;
    if (!is(guest->name, "late") || milliseconds_since(&guest->failed) > 100)
        set(&guest->running, xml);
    return true;
}

static struct _virDomain *create(struct _virConnect *conn, const char *xml)
{
    struct _virDomain *domain = NULL;
    char name[64] = "";

    enter();
    if (may_write(conn, xml, name)) {
        struct guest *guest = find_or_make(name);

        if (launch(guest, xml))
            domain = make_domain(conn, name);
        else if (guest->definition == NULL)
            drop(guest);
    }
    leave();
    return domain;
}

struct _virDomain *virDomainCreateXML(struct _virConnect *conn, const char *xml, unsigned int flags)
{
    (void)flags;
    return create(conn, xml);
}

struct _virDomain *virDomainCreateXMLWithFiles(struct _virConnect *conn, const char *xml,
                                               unsigned int nfiles, int *files, unsigned int flags)
{
    (void)flags;
    if (nfiles > 0 && files == NULL)
        abort();
    return create(conn, xml);
}

/* Not one public function by another: those calls would go through the filter. */
static int start(struct _virDomain *domain, unsigned int flags)
{
    struct guest *guest;
    bool good = false;

    enter();
    guest = find(domain->name);
    if (domain->conn->readonly)
        fail("operation forbidden for read only access");
    else if (guest == NULL || guest->definition == NULL)
        fail("Domain not found");
    else
        good = launch(guest, guest->managed_save && (flags & WG_DOMAIN_START_FORCE_BOOT) == 0
                                 ? "saved"
                                 : guest->definition);
    leave();
    return good ? 0 : -1;
}

int virDomainCreate(struct _virDomain *domain)
{
    return start(domain, 0);
}

int virDomainCreateWithFlags(struct _virDomain *domain, unsigned int flags)
{
    return start(domain, flags);
}

int virDomainCreateWithFiles(struct _virDomain *domain, unsigned int nfiles, int *files,
                             unsigned int flags)
{
    if (nfiles > 0 && files == NULL)
        abort();
    return start(domain, flags);
}

struct _virConnect *virDomainGetConnect(struct _virDomain *domain)
{
    last_error.text[0] = '\0';
    return domain->conn;
}

const char *virDomainGetName(struct _virDomain *domain)
{
    last_error.text[0] = '\0';
    return domain->name;
}

int virDomainGetUUIDString(struct _virDomain *domain, char *uuid)
{
    unsigned long sum = 5381;

    last_error.text[0] = '\0';
    for (const char *at = domain->name; *at != '\0'; at++)
        sum = sum * 33 + (unsigned char)*at;
    snprintf(uuid, 37, "00000000-0000-4000-8000-%012lx", sum & 0xffffffffffff);
    return 0;
}

char *virDomainGetXMLDesc(struct _virDomain *domain, unsigned int flags)
{
    struct guest *guest;
    char *xml = NULL;

    enter();
    guest = find(domain->name);
    if (flags != (WG_DOMAIN_XML_SECURE | WG_DOMAIN_XML_INACTIVE) || domain->conn->readonly ||
        is(domain->name, "secret"))
        fail("access denied");
    else if (guest == NULL || guest->definition == NULL)
        fail("Domain not found");
    else
        xml = strdup(guest->definition);
    if (xml != NULL && is(domain->name, "edited") && guest->edits++ == 0)
        set(&guest->definition, "<domain><name>edited</name>by somebody</domain>");
    leave();
    return xml;
}

static int tell(struct _virDomain *domain, bool (*what)(const struct guest *))
{
    struct guest *guest;
    int answer = -1;

    enter();
    guest = find(domain->name);
    if (is(domain->name, "hidden"))
        fail("access denied");
    else if (guest == NULL)
        fail("Domain not found");
    else
        answer = what(guest);
    leave();
    return answer;
}

static bool is_defined(const struct guest *guest)
{
    return guest->definition != NULL;
}

static bool is_saved(const struct guest *guest)
{
    return guest->managed_save;
}

int virDomainIsActive(struct _virDomain *domain)
{
    return tell(domain, runs);
}

static bool has_crashed(const struct guest *guest)
{
    return !runs(guest) && !is(guest->name, "moved");
}

int virDomainGetState(struct _virDomain *domain, int *state, int *reason, unsigned int flags)
{
    int crashed = tell(domain, has_crashed);

    (void)flags;
    *state = WG_DOMAIN_SHUTOFF;
    *reason = crashed == 1 ? WG_DOMAIN_SHUTOFF_CRASHED : 0;
    return crashed < 0 ? -1 : 0;
}

int virDomainIsPersistent(struct _virDomain *domain)
{
    return tell(domain, is_defined);
}

int virDomainHasManagedSaveImage(struct _virDomain *domain, unsigned int flags)
{
    (void)flags;
    return tell(domain, is_saved);
}

static int end(struct _virDomain *domain)
{
    struct guest *guest;
    int rc = -1;

    enter();
    guest = find(domain->name);
    if (domain->conn->readonly || is(domain->name, "hidden"))
        fail("access denied");
    else if (guest == NULL)
        fail("Domain not found");
    else if (guest->running == NULL)
        fail("Requested operation is not valid: domain is not running");
    else
        rc = 0;
    if (rc == 0)
        set(&guest->running, NULL);
    if (rc == 0 && guest->definition == NULL)
        drop(guest);
    leave();
    return rc;
}

int virDomainDestroy(struct _virDomain *domain)
{
    return end(domain);
}

int virDomainDestroyFlags(struct _virDomain *domain, unsigned int flags)
{
    (void)flags;
    return end(domain);
}

static int remove_definition(struct _virDomain *domain)
{
    struct guest *guest;
    int rc = -1;

    enter();
    guest = find(domain->name);
    if (domain->conn->readonly)
        fail("access denied");
    else if (guest == NULL || guest->definition == NULL)
        fail("Domain not found");
    else
        rc = 0;
    if (rc == 0)
        set(&guest->definition, NULL);
    if (rc == 0 && guest->running == NULL)
        drop(guest);
    leave();
    return rc;
}

int virDomainUndefine(struct _virDomain *domain)
{
    return remove_definition(domain);
}

int virDomainUndefineFlags(struct _virDomain *domain, unsigned int flags)
{
    (void)flags;
    return remove_definition(domain);
}

int virDomainFree(struct _virDomain *domain)
{
    enter();
    domains--;
    unref(domain->conn);
    free(domain);
    leave();
    return 0;
}

struct _virError *virSaveLastError(void)
{
    struct _virError *copy = malloc(sizeof(*copy));

    *copy = last_error;
    __atomic_add_fetch(&errors, 1, __ATOMIC_RELAXED);
    return copy;
}

int virSetError(struct _virError *error)
{
    last_error = *error;
    return 0;
}

void virResetLastError(void)
{
    last_error.text[0] = '\0';
}

int virGetLastErrorCode(void)
{
    return last_error.text[0] == '\0' ? 0 : last_error.code;
}

const char *virGetLastErrorMessage(void)
{
    return last_error.text[0] == '\0' ? "no error" : last_error.text;
}

void virFreeError(struct _virError *error)
{
    __atomic_sub_fetch(&errors, 1, __ATOMIC_RELAXED);
    free(error);
}

static char *copy_of(const char *name, char *(*which)(struct guest *))
{
    struct guest *guest;
    char *text = NULL;

    pthread_mutex_lock(&lock);
    guest = find(name);
    if (guest != NULL && which(guest) != NULL)
        text = strdup(which(guest));
    pthread_mutex_unlock(&lock);
    return text;
}

static char *definition_of(struct guest *guest)
{
    return guest->definition;
}

static char *running_of(struct guest *guest)
{
    return guest->running;
}

char *double_definition(const char *name)
{
    return copy_of(name, definition_of);
}

char *double_running(const char *name)
{
    return copy_of(name, running_of);
}

static void change(const char *name, void (*how)(struct guest *))
{
    struct guest *guest;

    pthread_mutex_lock(&lock);
    guest = find(name);
    if (guest != NULL)
        how(guest);
    if (guest != NULL && guest->definition == NULL && guest->running == NULL)
        drop(guest);
    pthread_mutex_unlock(&lock);
}

static void destroy(struct guest *guest)
{
    set(&guest->running, NULL);
}

static void undefine(struct guest *guest)
{
    set(&guest->definition, NULL);
}

static void save(struct guest *guest)
{
    guest->managed_save = true;
}

static void unsave(struct guest *guest)
{
    guest->managed_save = false;
}

void double_destroy(const char *name)
{
    change(name, destroy);
}

void double_undefine(const char *name)
{
    change(name, undefine);
}

void double_edit(const char *name, const char *definition)
{
    pthread_mutex_lock(&lock);
    set(&find(name)->definition, definition);
    pthread_mutex_unlock(&lock);
}

void double_set_managed_save(const char *name, bool saved)
{
    change(name, saved ? save : unsave);
}

const char *double_error(void)
{
    return last_error.text;
}

static int read_counter(const int *counter)
{
    int value;

    pthread_mutex_lock(&lock);
    value = *counter;
    pthread_mutex_unlock(&lock);
    return value;
}

int double_live_connections(void)
{
    return read_counter(&connections);
}

int double_live_domains(void)
{
    return read_counter(&domains);
}

int double_live_errors(void)
{
    return __atomic_load_n(&errors, __ATOMIC_RELAXED);
}

int double_wrongly_filtered(void)
{
    return read_counter(&wrongly_filtered);
}

int double_defines(void)
{
    return read_counter(&defines);
}

int double_starts(void)
{
    return read_counter(&starts);
}
