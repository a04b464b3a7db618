/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt's QEMU hook: the front. libvirt waits for it several times per start with the guest's
 * lock held, so it links libc only and loads the engine when there is something to decide.
 * Whatever happens in the engine, a fault of ours must not keep a guest from starting.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "../src/descriptors.h"
#include "../src/module.h"
#include "hook.h"
#include "marks.h"

/* libvirt waits for a hook for ever; no decision takes a hundredth of this. */
#define PATIENCE_SECONDS 10

/* `make install` tells by this that a file named qemu is ours. */
static const char identity[] __attribute__((used)) = "libvirt-winguest hook";

static const char fault_option[] = "--fault";
static struct wg_hook_call call;
static volatile sig_atomic_t deny;
static volatile sig_atomic_t begun;

/* Nothing can be trusted any more after a crash but execve: the fresh process tells of it. */
static void crashed(int number)
{
    const char *what = number == SIGALRM   ? "the engine hangs"
                       : number == SIGABRT ? "the engine gave up (out of memory?)"
                                           : "the engine crashed";
    const char *argv[] = {"qemu", fault_option, what, deny ? "deny" : "allow",
                          begun ? "begun" : "silent", call.guest, call.operation, NULL};
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv("/proc/self/exe", (char **)argv);
    _exit(strcmp(call.operation, "prepare") == 0 ? deny : begun);
}

static void expect_the_worst(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGSYS, SIGALRM};
    static char stack[64 << 10];
    stack_t other = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction action = {.sa_handler = crashed, .sa_flags = SA_ONSTACK | SA_RESETHAND};

    sigaltstack(&other, NULL);
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        sigaction(signals[i], &action, NULL);
    alarm(PATIENCE_SECONDS);
}

static int decide(void)
{
    wg_hook_answer_fn *answer;

    expect_the_worst();
    *(void **)&answer = wg_module("engine.so", WG_HOOK_ANSWER, true);
    return answer ? answer(&call) : wg_hook_fault(&call, dlerror());
}

static int is(const char *operation)
{
    return strcmp(call.operation, operation) == 0;
}

static int usage(void)
{
    puts("Usage: qemu GUEST OPERATION SUB-OPERATION EXTRA < domain.xml\n\n"
         "libvirt's QEMU hook of libvirt-winguest; libvirt runs it. See winguest --help.");
    return 0;
}

int main(int argc, char **argv)
{
    wg_hold_standard_descriptors();
    signal(SIGPIPE, SIG_IGN);
    openlog("winguest", LOG_PID, LOG_DAEMON);
    call = (struct wg_hook_call){.deny = &deny, .begun = &begun};
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0))
        return usage();
    if (argc == 7 && strcmp(argv[1], fault_option) == 0) {
        deny = strcmp(argv[3], "deny") == 0;
        begun = strcmp(argv[4], "begun") == 0;
        call.guest = argv[5];
        call.operation = argv[6];
        return wg_hook_fault(&call, argv[2]);
    }
    if (argc < 4 || strcmp(argv[3], "begin") != 0) {
        if (argc >= 3 && (strcmp(argv[2], "stopped") == 0 || strcmp(argv[2], "release") == 0))
            wg_take_settled(argv[1]);
        return 0;
    }
    call.guest = argv[1];
    call.operation = argv[2];
    if (is("prepare"))
        wg_take_settled(call.guest);
    else if (is("started") ? wg_take_settled(call.guest)
                           : !is("define") && !is("create") && !is("migrate") && !is("restore"))
        return 0;
    return decide();
}
