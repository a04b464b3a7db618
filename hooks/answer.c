/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../src/module.h"
#include "act.h"
#include "decision.h"

/* libvirt waits for a hook for ever; no decision takes a hundredth of this. */
#define PATIENCE_SECONDS 10

static const char hangs[] = "the engine hangs";
static const char gave_up[] = "the engine gave up (out of memory?)";
static const char crashes[] = "the engine crashed";

static const int crashes_by[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGSYS};
#define CRASHES (sizeof(crashes_by) / sizeof(*crashes_by))

static void decide(const struct wg_hook_call *call, struct wg_hook_listener *listener)
{
    wg_hook_decide_fn *engine;

    *(void **)&engine = wg_module("engine.so", WG_HOOK_DECIDE, true);
    if (engine) {
        engine(call, true, listener);
        return;
    }
    listener->configured(listener, false);
    listener->decided(listener, &(struct wg_decision){.failed = true, .text = dlerror()});
}

/* In this process: it is confined when it acts. */

static volatile sig_atomic_t deny_here;

static void crashed(int number)
{
    _exit(wg_act_on_crash(number == SIGALRM   ? hangs
                          : number == SIGABRT ? gave_up
                                              : crashes,
                          deny_here));
}

static void expect_the_worst(void)
{
    static char stack[64 << 10];
    stack_t other = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction action = {.sa_handler = crashed, .sa_flags = SA_ONSTACK | SA_RESETHAND};

    sigaltstack(&other, NULL);
    for (size_t i = 0; i < CRASHES; i++)
        sigaction(crashes_by[i], &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    alarm(PATIENCE_SECONDS);
}

struct actor {
    struct wg_hook_listener listener;
    int code;
};

static void remember_deny(struct wg_hook_listener *self, bool deny)
{
    (void)self;
    deny_here = deny;
}

static void act(struct wg_hook_listener *self, const struct wg_decision *decision)
{
    int code = decision->failed ? wg_act_on_fault(decision->text, deny_here) : wg_act(decision);

    ((struct actor *)self)->code = code;
#ifndef WG_INSTRUMENTED
    /* To free all that the engine has made takes a tenth of what it took to make it. */
    _exit(code);
#endif
}

static int answer_here(const struct wg_hook_call *call)
{
    struct actor actor = {.listener = {.configured = remember_deny, .decided = act}};

    expect_the_worst();
    decide(call, &actor.listener);
    return actor.code;
}

/* In a child: what follows needs more than a confined process can do. */

struct teller {
    struct wg_hook_listener listener;
    int to;
};

static void tell_deny(struct wg_hook_listener *self, bool deny)
{
    wg_decision_begin(((struct teller *)self)->to, deny);
}

static void tell(struct wg_hook_listener *self, const struct wg_decision *decision)
{
    wg_decision_write(((struct teller *)self)->to, decision);
}

/* No core: a domain's passwords would be in it. No output: whoever called us reads ours to its
 * end, and must not wait for a child that hangs. */
static void be_the_child(const struct wg_hook_call *call, pid_t parent, int to)
{
    struct teller teller = {.listener = {.configured = tell_deny, .decided = tell}, .to = to};
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    dup2(null, STDOUT_FILENO);
#ifdef WG_INSTRUMENTED
    /* A crash is the parent's to tell of, not the sanitizer's. */
    for (size_t i = 0; i < CRASHES; i++)
        signal(crashes_by[i], SIG_DFL);
    decide(call, &teller.listener);
    exit(0);
#else
    dup2(null, STDERR_FILENO);
    decide(call, &teller.listener);
    _exit(0);
#endif
}

/* How a child ended that has not told its decision. */
static const char *how_it_ended(pid_t child)
{
    const struct timespec pause = {.tv_nsec = 1000 * 1000};
    pid_t ended = 0;
    int status;

    /* Its pipe is closed, so that it is about to end; if not, we end without it. */
    for (int tries = 0; ended == 0 && tries < 1000; tries++) {
        ended = waitpid(child, &status, WNOHANG);
        if (ended == 0)
            nanosleep(&pause, NULL);
    }
    return ended == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? gave_up
                                                                                : crashes;
}

static int act_on_child(pid_t child, int from)
{
    struct wg_decision decision;
    struct timespec now;
    char *bytes;
    bool deny;
    int code;

    clock_gettime(CLOCK_MONOTONIC, &now);
    int rc = wg_decision_read(from, (double)now.tv_sec + PATIENCE_SECONDS, &decision, &deny,
                              &bytes);
    if (rc == 0)
        code = decision.failed ? wg_act_on_fault(decision.text, deny) : wg_act(&decision);
    else
        code = wg_act_on_fault(rc > 0 ? hangs : how_it_ended(child), deny);
    free(bytes);
#ifdef WG_INSTRUMENTED
    if (rc == 0)
        waitpid(child, NULL, 0);
#endif
    return code;
}

static int answer_in_child(const struct wg_hook_call *call)
{
    pid_t self = getpid();
    char what[128];
    int ends[2];

    signal(SIGCHLD, SIG_DFL);
    pid_t child = pipe2(ends, O_CLOEXEC) < 0 ? -1 : fork();
    if (child == 0)
        be_the_child(call, self, ends[1]);
    if (child < 0) {
        snprintf(what, sizeof(what), "the engine cannot be started: %s", strerror(errno));
        return wg_act_on_fault(what, false);
    }
    close(ends[1]);
    return act_on_child(child, ends[0]);
}

int wg_hook_answer(const struct wg_hook_call *call)
{
    signal(SIGPIPE, SIG_IGN);
    wg_act_begin(call);
    return strcmp(call->operation, "started") == 0 ? answer_in_child(call) : answer_here(call);
}
