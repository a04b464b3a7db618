/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the policy is in force on this host. It looks at what is, not at what was written. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/counts.h"
#include "common/io.h"
#include "common/kept.h"
#include "common/safe.h"
#include "common/state.h"
#include "dropin.h"
#include "engine/decision.h"
#include "engine/module.h"
#include "engine/plan/cluster.h"
#include "status.h"

#define INSTALLED WG_SYSCONFDIR "/libvirt/winguest.conf"
#define HOOKS WG_SYSCONFDIR "/libvirt/hooks"
#define RECENT 20 /* decisions */
/* As for the hook: see hooks/qemu/answer.c. */
#define PATIENCE_SECONDS 10

struct remarks {
    struct wg_status *status;
    size_t count;
};

static void tell_remark(void *to, enum wg_gravity gravity, const char *text)
{
    struct remarks *remarks = to;

    bool hints = strstr(text, "hint: ") || strstr(text, "allowed: ") ||
                 strstr(text, "did you mean");

    remarks->count++;
    wg_status_say(remarks->status, gravity == WG_UNUSABLE ? WG_LEVEL_FAILURE : WG_LEVEL_WARNING,
                  "configuration", "%s%s", text,
                  hints                    ? ""
                  : gravity == WG_UNUSABLE ? "; hint: put it right, until then no guest is touched"
                                           : "; hint: put it right, or reinstall libvirt-winguest");
}

static void look_at_configuration(struct wg_status *status)
{
    struct remarks remarks = {.status = status};
    struct wg_error err;
    struct wg_engine *engine = wg_engine_open(NULL, &status->settings, &err);

    wg_config_check(NULL, tell_remark, &remarks);
    if (engine && wg_engine_try(engine, tell_remark, &remarks, &err) < 0)
        wg_status_say(status, WG_LEVEL_FAILURE, "configuration", "%s", err.text);
    wg_engine_close(engine);
    if (access(INSTALLED, F_OK) < 0)
        wg_status_say(status, WG_LEVEL_WARNING, "configuration",
                      INSTALLED ": %s: the defaults hold; hint: an empty file, if they are meant",
                      strerror(errno));
    else if (remarks.count == 0)
        wg_status_say(status, WG_LEVEL_OK, "configuration", INSTALLED " is right");
    if (status->settings.report)
        wg_status_say(status, WG_LEVEL_WARNING, "mode",
                      "report: all is told, nothing is changed; hint: mode = enforce");
}

struct profile {
    bool no_hpet;
    bool stimer;
};

static void take_setting(void *to, const char *section, const char *key, const char *value,
                         unsigned line)
{
    struct profile *profile = to;

    (void)line;
    if (strcmp(section, "windows") != 0)
        return;
    profile->no_hpet |= strcmp(key, "timer.hpet.present") == 0 && strcmp(value, "no") == 0;
    profile->stimer |= strcmp(key, "hyperv.stimer.state") == 0 && strcmp(value, "on") == 0;
}

/* Windows then takes its ticks from the RTC, which wakes the host for each. No guest is wrong. */
static void look_at_profile(struct wg_status *status)
{
    struct profile profile = {0};
    struct wg_error ignored;

    if (wg_config_show(NULL, take_setting, &profile, &ignored) == 0 && profile.no_hpet &&
        !profile.stimer)
        wg_status_say(status, WG_LEVEL_OK, "profile",
                      "without stimer an idle Windows guest costs processor time; hint: profile = "
                      "recommended, where winguest probe finds it");
}

/* What the hook and the filter ask, in the way of theirs. Returns a descriptor to read from, or -1.
 */
static int ask(pid_t *child)
{
    static const char
        guest[] = "<domain type='qemu'>\n  <name>winguest-status</name>\n"
                  "  <metadata>\n"
                  "    <winguest:guest xmlns:winguest='urn:libvirt-winguest:domain:1.0'"
                  " os='windows'/>\n  </metadata>\n"
                  "  <os>\n    <type arch='x86_64'>hvm</type>\n  </os>\n"
                  "</domain>\n";
    int in = memfd_create("domain", MFD_CLOEXEC);
    int ends[2] = {-1, -1};

    if (in < 0 || write(in, guest, sizeof(guest) - 1) < 0 || lseek(in, 0, SEEK_SET) < 0 ||
        pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    fflush(stdout);
    *child = fork();
    if (*child == 0) {
        dup2(in, STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        execl(WG_BINDIR "/winguest", "winguest", "decide", "define", "winguest-status", NULL);
        _exit(1);
    }
    close(in);
    close(ends[1]);
    return ends[0];
}

static void look_at_decision(struct wg_status *status)
{
    struct wg_settings settings;
    struct wg_decision decision = {.failed = true};
    struct wg_error err = {0};
    char *bytes = NULL;
    pid_t child = -1;
    int from = ask(&child);
    int rc = from < 0 || child < 0
                 ? -1
                 : wg_decision_read(from, PATIENCE_SECONDS, &decision, &settings, &bytes, &err);

    if (rc == 0 && !decision.failed && (decision.xml || status->settings.report))
        wg_status_say(status, WG_LEVEL_OK, "decision", "a Windows guest gets the policy");
    else
        wg_status_say(status, WG_LEVEL_FAILURE, "decision",
                      "a Windows guest does not get the policy: %s",
                      rc == 0     ? decision.text
                      : rc > 0    ? "the engine hangs"
                      : *err.text ? err.text
                                  : "the engine crashed, or " WG_BINDIR "/winguest cannot be run");
    free(bytes);
    if (from >= 0)
        close(from);
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
}

/* What this process may do the daemon may not be let do. */
static void look_at_decisions(struct wg_status *status)
{
    size_t of;
    size_t failed = wg_counts_failed(&wg_count_decisions, RECENT, &of);

    if (failed > 0)
        wg_status_say(status, failed == of ? WG_LEVEL_FAILURE : WG_LEVEL_WARNING, "decision",
                      "%zu of the last %zu failed; hint: the journal of libvirt's daemon", failed,
                      of);
}

enum whose {
    ANOTHERS,
    OURS,
    OURS_OF_ANOTHER_VERSION,
    CALLS_OURS, /* a script that names the hook that the package has apart
                   (packaging/openstack-helm) */
};

static enum whose whose(const char *path)
{
    static const char identity[] = WG_HOOK_IDENTITY;
    static const char version[] = WG_HOOK_IDENTITY " " PACKAGE_VERSION;
    static const char called[] = "/libvirt-winguest/qemu";
    size_t len;
    struct wg_error ignored;
    WG_CLOSED fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    WG_FREED *bytes = fd < 0 ? NULL : wg_read_all(fd, &len, &ignored);

    if (bytes && len > 4 && memcmp(bytes, "\177ELF", 4) == 0 &&
        memmem(bytes, len, identity, sizeof(identity) - 1))
        return memmem(bytes, len, version, sizeof(version)) ? OURS : OURS_OF_ANOTHER_VERSION;
    if (bytes && len > 2 && memcmp(bytes, "#!", 2) == 0 &&
        memmem(bytes, len, called, sizeof(called) - 1) && access(WG_PKGLIBDIR "/qemu", X_OK) == 0)
        return CALLS_OURS;
    return ANOTHERS;
}

static void tell_hook(struct wg_status *status, enum whose whose)
{
    if (stat(status->hook, &status->hook_file) < 0 || access(status->hook, X_OK) < 0)
        wg_status_say(status, WG_LEVEL_FAILURE, "hook", "%s: %s; hint: chmod 755 '%s'",
                      status->hook, strerror(errno), status->hook);
    else if (whose == OURS_OF_ANOTHER_VERSION)
        wg_status_say(status, WG_LEVEL_FAILURE, "hook",
                      "%s is not of version " PACKAGE_VERSION
                      ", and what it asks is not answered; hint: reinstall libvirt-winguest",
                      status->hook);
    else
        wg_status_say(status, WG_LEVEL_OK, "hook", "%s%s", status->hook,
                      whose == CALLS_OURS ? " calls " WG_PKGLIBDIR "/qemu" : "");
}

static void look_at_hook(struct wg_status *status)
{
    static const char *const places[] = {HOOKS "/qemu", HOOKS "/qemu.d/50-winguest"};
    enum whose first = whose(places[0]);

    for (size_t i = 0; i < 2 && !status->hook; i++) {
        enum whose found = i == 0 ? first : whose(places[i]);

        if (found == ANOTHERS)
            continue;
        status->hook = places[i];
        tell_hook(status, found);
    }
    if (!status->hook)
        wg_status_say(status, WG_LEVEL_WARNING, "hook",
                      "is neither %s nor %s; hint: reinstall libvirt-winguest", places[0],
                      places[1]);
    if (first == ANOTHERS && access(places[0], X_OK) == 0)
        wg_status_say(status, WG_LEVEL_WARNING, "hook", "%s is another program's: both run",
                      places[0]);
}

static void look_at_cluster(struct wg_status *status, const struct wg_host *host)
{
    struct wg_error err;
    struct wg_host *cluster = wg_cluster_read(&err);
    char said[600] = "";

    if (!cluster && errno == ENOENT)
        return;
    if (cluster && host)
        wg_cluster_lacking(cluster, host, said, sizeof(said));
    if (!cluster)
        wg_status_say(status, WG_LEVEL_WARNING, "cluster",
                      "%s; enlightenments but relaxed, vapic and spinlocks are not asked for",
                      err.text);
    else if (*said)
        wg_status_say(status, WG_LEVEL_WARNING, "cluster",
                      "this host lacks%s: guests cannot migrate to it; hint: winguest probe "
                      "--output " WG_CLUSTERFACTS " --hosts FILE",
                      said);
    if (cluster && !*said) {
        wg_cluster_text(cluster, said, sizeof(said));
        wg_status_say(status, WG_LEVEL_OK, "cluster", "%s", said);
    }
    wg_host_free(cluster);
}

static void look_at_facts(struct wg_status *status)
{
    struct wg_error err;
    struct wg_host *host = wg_host_read(NULL, &err);
    const char *stale = host ? wg_host_stale(host) : NULL;

    if (!host)
        wg_status_say(status, WG_LEVEL_WARNING, "host_facts",
                      "%s; KVM guests are not corrected by the hook; hint: "
                      "winguest probe",
                      errno == ENOENT ? WG_HOSTFACTS ": none" : err.text);
    else if (wg_host_is_empty(host))
        wg_status_say(status, WG_LEVEL_WARNING, "host_facts",
                      WG_HOSTFACTS ": it is empty; hint: winguest probe");
    else if (stale)
        wg_status_say(status, WG_LEVEL_WARNING, "host_facts",
                      WG_HOSTFACTS ": older than %s; hint: winguest probe", stale);
    else
        wg_status_say(status, WG_LEVEL_OK, "host_facts", "current");
    look_at_cluster(status, host);
    wg_host_free(host);
}

/* Whether it is there, whole, and nobody else's. */
static bool look_at_file(struct wg_status *status, const char *path)
{
    struct wg_error err;
    int fd = wg_safe_open(path, &err);
    bool safe = fd >= 0;
    bool foreign = !safe && errno == EPERM;

    if (safe)
        close(fd);
    if (safe && !wg_module_is_cut_off(path))
        return true;
    if (safe)
        wg_fail(&err, "%s: it is cut off", path);
    wg_status_say(status, WG_LEVEL_FAILURE, "files", "%s%s", err.text,
                  foreign ? "" : "; hint: reinstall libvirt-winguest");
    return false;
}

/* What root runs, or has loaded. */
static void look_at_files(struct wg_status *status)
{
    const char *const files[] = {WG_BINDIR "/winguest", WG_PKGLIBDIR "/engine.so",
                                 WG_PKGLIBDIR "/virt.so", WG_FILTER_PATH, status->hook};
    bool right = true;

    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
        right &= !files[i] || look_at_file(status, files[i]);
    if (right)
        wg_status_say(status, WG_LEVEL_OK, "files", "all are there, and root's alone");
}

/* Marks and counts; it is made by the first that needs it. */
static void look_at_state(struct wg_status *status)
{
    char domain[16 << 10] = ""; /* more than most have */
    int dir = geteuid() == 0 ? wg_state_open(WG_STATEDIR) : -1;

    if (dir < 0 && geteuid() == 0)
        wg_status_say(
            status, WG_LEVEL_WARNING, "state",
            WG_STATEDIR
            ": %s: a repair may not know what the filter has tried; hint: rm -rf " WG_STATEDIR,
            errno == EPERM ? "it belongs to another user, or others may enter it"
                           : strerror(errno));
    else if (dir >= 0 && faccessat(dir, ".", W_OK, 0) < 0)
        wg_status_say(status, WG_LEVEL_WARNING, "state", WG_STATEDIR ": %s", strerror(errno));
    if (dir >= 0)
        close(dir);
    memset(domain, ' ', sizeof(domain) - 1);
    if (geteuid() == 0 && status->settings.rollback && wg_kept_room(domain) < 0)
        wg_status_say(status, WG_LEVEL_FAILURE, "state",
                      WG_VARDIR "/kept: %s: what a guest was defined as cannot be kept there, so "
                                "that no definition is corrected; hint: make room",
                      strerror(errno));
}

/* By landlock_create_ruleset(2), whose number is the same on all architectures. */
static void look_at_confinement(struct wg_status *status)
{
    long version = syscall(444, NULL, 0, 1);

    if (version > 0)
        wg_status_say(status, WG_LEVEL_OK, "confinement",
                      "who reads a domain runs as nobody, under Landlock (version %ld)", version);
    else
        wg_status_say(status, WG_LEVEL_OK, "confinement",
                      "who reads a domain runs as nobody; this kernel has no Landlock");
}

static void look_at_rest(struct wg_status *status)
{
    unsigned refusals = wg_refusals();

    if (refusals > 0)
        wg_status_say(
            status, WG_LEVEL_FAILURE, "refusals",
            "libvirt refused the last %u definitions with the policy, and took them without; hint: "
            "winguest config check, and libvirt's log",
            refusals);
    if (status->settings.cold_start == WG_REPAIR &&
        (access("/usr/libexec/vdsm", F_OK) == 0 || access("/etc/masakarimonitors", F_OK) == 0))
        wg_status_say(
            status, WG_LEVEL_WARNING, "cold_start",
            "repair, on a host of VDSM or Masakari, which act on a guest's stop; hint: correct");
}

void wg_status_checks(struct wg_status *status)
{
    look_at_configuration(status);
    look_at_profile(status);
    look_at_decision(status);
    look_at_decisions(status);
    look_at_hook(status);
    wg_status_daemons(status);
    look_at_files(status);
    look_at_state(status);
    look_at_facts(status);
    look_at_confinement(status);
    look_at_rest(status);
}
