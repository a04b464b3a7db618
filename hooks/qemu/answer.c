/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/module.h"
#include "hook.h"

/* libvirt waits for a hook for ever; no decision takes a hundredth of this. */
#define PATIENCE_SECONDS 10

/* No core: a domain's passwords would be in it. No output: whoever called us reads ours to its
 * end, and must not wait for a child that hangs; to write into our input fails. */
static void be_the_child(const struct wg_hook_call *call, pid_t parent, int to)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    dup2(STDIN_FILENO, STDOUT_FILENO);
    dup2(STDIN_FILENO, STDERR_FILENO);
    wg_module_decide(call->operation, call->guest, STDIN_FILENO, to);
    _exit(0);
}

/* Ends the child, whose message has come or is broken off, and returns how it has ended by itself.
 * Not waited for if it does not: a dead disk may hold it. */
static int end(pid_t child, int from)
{
    struct pollfd fd = {.fd = from, .events = POLLIN};
    int status = 0;
    char more;
    bool ended = poll(&fd, 1, 1000) > 0 && read(from, &more, 1) == 0;

    kill(child, SIGKILL);
    if (ended)
        waitpid(child, &status, 0);
    close(from);
    return status;
}

/* libvirt writes a large domain in pieces; a child that cannot even be killed holds the pipe. */
static void drain(int in)
{
    struct pollfd fd = {.fd = in, .events = POLLIN};
    char bytes[4096];

    while (poll(&fd, 1, 1000) > 0 && read(in, bytes, sizeof(bytes)) > 0)
        ;
}

static int act_on_child(const struct wg_hook_call *call, pid_t child, int from)
{
    struct wg_settings settings = {0};
    struct wg_decision decision;
    struct wg_error err;
    char *bytes;
    int code;

    int rc = wg_decision_read(from, PATIENCE_SECONDS, &decision, &settings, &bytes, &err);
    if (rc == 0 && !decision.failed) {
        code = wg_act(call, &decision);
        end(child, from);
    } else {
        int status = end(child, from);
        const char *what = rc == 0     ? decision.text
                           : rc > 0    ? "the engine hangs"
                           : *err.text ? err.text
                           : WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT
                               ? "the engine gave up (out of memory?)"
                               : "the engine crashed";
        code = wg_act_on_fault(call, what, settings.deny_on_error);
        if (rc > 0)
            drain(STDIN_FILENO);
    }
    free(bytes);
    return code;
}

int wg_hook_answer(struct wg_hook_call *call)
{
    pid_t self = getpid();
    char what[128];
    int ends[2];

    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    wg_act_begin(call);
    pid_t child = pipe2(ends, O_CLOEXEC) < 0 ? -1 : fork();
    if (child < 0) {
        snprintf(what, sizeof(what), "the engine cannot be started: %s", strerror(errno));
        return wg_act_on_fault(call, what, false);
    }
    if (child == 0)
        be_the_child(call, self, ends[1]);
    close(ends[1]);
    return act_on_child(call, child, ends[0]);
}
