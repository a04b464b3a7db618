/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory runs out at single allocations of a judgement, those of libxml2 and libxslt included: the
 * engine gives an error or the right answer, never half of one, or ends its process where
 * src/engine/memory.h says so, and does not crash. Prints TAP.
 *
 * Every fifth allocation, to be done in time; WINGUEST_EVERY=1 takes each.
 *
 * iniparser's own crashes are told apart, by the innermost frame that is not libc's, and counted:
 * no caller can cure them, and the hook survives a crash.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "engine/winguest.h"

#ifndef __GLIBC__
#error needs the names by which the allocator of glibc can be reached
#endif

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

enum mode {
    ONCE, /* one allocation fails */
    FOR_GOOD, /* it and all behind it */
};

/* What a child leaves for its parent. */
struct report {
    unsigned long allocations;
    bool ended; /* by the guard */
    size_t len; /* of the right answer */
    char xml[64 << 10];
    char where[256]; /* of a crash, the object */
    char what[1024]; /* is wrong */
};

static struct report *report;

static bool armed;
static enum mode mode;
static unsigned long number, failing;

static bool fails(void)
{
    if (!armed)
        return false;
    number++;
    if (failing == 0 || (mode == ONCE ? number != failing : number < failing))
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails() ? NULL : __libc_realloc(old, size);
}

/* The guard calls this one; libc, when it finds its heap broken, its own. */
void abort(void)
{
    report->ended = true;
    _exit(0);
}

static const char config[] = "[rules]\nnames = w*\n[windows]\nprofile = recommended\n"
                             "guest_agent = yes\n[windows:odd]\nmatch.name = w*\n"
                             "clock.offset = localtime\n";
static const char domain[] =
    "<domain type='kvm'>\n  <name>win</name>\n"
    "  <uuid>6f1c3a5e-9d2b-4c8e-8a7f-0b1c2d3e4f50</uuid>\n"
    "  <metadata>\n    <l:libosinfo xmlns:l='http://libosinfo.org/xmlns/libvirt/domain/1.0'>\n"
    "      <l:os id='http://microsoft.com/win/11'/>\n    </l:libosinfo>\n  </metadata>\n"
    "  <os>\n    <type arch='x86_64' machine='q35'>hvm</type>\n  </os>\n"
    "  <features>\n    <acpi/>\n    <hyperv>\n      <relaxed state='off'/>\n    </hyperv>\n"
    "  </features>\n  <clock offset='utc'>\n    <timer name='rtc' tickpolicy='delay'/>\n"
    "    <timer name='rtc' track='guest'/>\n  </clock>\n  <devices/>\n</domain>\n";
/* A directory of our own: a configuration in one that others may write is refused. */
static char directory[] = "/tmp/winguest-memory-XXXXXX";
static char config_path[sizeof(directory) + 16];

static void wrong(const char *what)
{
    snprintf(report->what, sizeof(report->what), "%s", what);
}

static void look(const struct wg_verdict *verdict, bool first)
{
    if (verdict->outcome != WG_VIOLATES || !verdict->xml)
        wrong("an answer without a document");
    else if (first && verdict->xml_len <= sizeof(report->xml))
        memcpy(report->xml, verdict->xml, report->len = verdict->xml_len);
    else if (verdict->xml_len != report->len || memcmp(verdict->xml, report->xml, report->len) != 0)
        wrong("another document than with memory enough");
}

/* One judgement, from the configuration to the document. first: it is the one that must succeed. */
static void judge(bool first)
{
    struct wg_error err = {0};
    struct wg_verdict *verdict = NULL;

    number = 0;
    armed = true;
    struct wg_engine *engine = wg_engine_open(config_path, NULL, &err);
    /* Read here, because an engine that cannot read them goes on without. */
    struct wg_host *host = engine ? wg_host_read(NULL, &err) : NULL;
    if (host)
        wg_engine_use_host(engine, host, NULL);
    if (host)
        verdict = wg_evaluate(engine, domain, sizeof(domain) - 1, WG_REWRITE, &err);
    armed = false;
    if (verdict)
        look(verdict, first);
    else if (!*err.text || first)
        wrong(*err.text ? err.text : "an error without a word");
    wg_verdict_free(verdict);
    wg_engine_close(engine);
    report->allocations = number;
}

/* Whose code it is that crashed. */
static void crashed(int signal_number, siginfo_t *info, void *context)
{
    void *frames[64];
    int count = backtrace(frames, 64);
    void *handler_frame = NULL;
    Dl_info object;

    (void)info;
    (void)context;
    snprintf(report->what, sizeof(report->what), "signal %d", signal_number);
    /* The first two are this function and the kernel's return from it. */
    for (int i = 2; i < count && !handler_frame; i++) {
        if (dladdr(frames[i], &object) && !strstr(object.dli_fname, "libc.so")) {
            handler_frame = frames[i];
            snprintf(report->where, sizeof(report->where), "%s %s", object.dli_fname,
                     object.dli_sname ? object.dli_sname : "?");
        }
    }
    _exit(1);
}

static void catch_crashes(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
    static char stack[256 << 10];
    stack_t other = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction action = {.sa_sigaction = crashed, .sa_flags = SA_ONSTACK | SA_SIGINFO};

    sigaltstack(&other, NULL);
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        sigaction(signals[i], &action, NULL);
}

/* Runs judge() in a process of its own; at 0 nothing fails. */
static void attempt(enum mode how, unsigned long at)
{
    *report->what = *report->where = '\0';
    report->ended = false;
    pid_t pid = fork();
    if (pid == 0) {
        catch_crashes();
        alarm(20);
        mode = how;
        failing = at;
        judge(at == 0);
        _exit(0);
    }
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        wrong(strerror(errno));
    else if (WIFSIGNALED(status))
        snprintf(report->what, sizeof(report->what), "signal %d", WTERMSIG(status));
}

static int tests, failures;

static void series(const char *name, enum mode how, unsigned long every)
{
    unsigned long tried = 0, bad = 0, ended = 0, theirs = 0, total = report->allocations;

    for (unsigned long at = 1; at <= total; at += every, tried++) {
        attempt(how, at);
        bool library = strstr(report->where, "libiniparser");
        ended += report->ended;
        theirs += library;
        bad += *report->what && !library;
        if (*report->what && !library)
            printf("# %s, allocation %lu of %lu: %s%s%s\n", name, at, total, report->what,
                   *report->where ? " in " : "", report->where);
    }
    /* An allocator that never fails would prove nothing. */
    bool ok = bad == 0 && ended > 0 && ended < tried;
    printf("%s %d - %s: %lu of %lu tried, %lu end the process, %lu crash iniparser\n",
           ok ? "ok" : "not ok", ++tests, name, tried, total, ended, theirs);
    failures += !ok;
    report->allocations = total;
}

static int prepare(void)
{
    void *frame;
    const char *made = mkdtemp(directory);

    snprintf(config_path, sizeof(config_path), "%s/winguest.conf", directory);
    FILE *file = made ? fopen(config_path, "w") : NULL;
    if (!file || fputs(config, file) < 0 || fchmod(fileno(file), 0644) < 0 || fclose(file) != 0)
        return -1;
    report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    /* Its first call loads a library. */
    return report != MAP_FAILED && backtrace(&frame, 1) == 1 ? 0 : -1;
}

int main(void)
{
    const char *given = getenv("WINGUEST_EVERY");
    unsigned long every = given ? strtoul(given, NULL, 10) : 5;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (every == 0 || prepare() < 0) {
        perror("Bail out! cannot prepare");
        return 99;
    }
    attempt(ONCE, 0);
    if (*report->what || report->allocations == 0) {
        printf("Bail out! with memory enough: %s\n", report->what);
        failures++;
    } else {
        series("one allocation fails", ONCE, every);
        series("all fail from one on", FOR_GOOD, 5 * every);
        printf("1..%d\n", tests);
    }
    unlink(config_path);
    rmdir(directory);
    return failures > 0;
}
