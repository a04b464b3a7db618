/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "child.h"
#include "common/io.h"
#include "spawn.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How long a killed child may take to go, in the kernel's hands (a dead disk or NFS server). */
#define KILL_GRACE_MS 1000
/* Where the kernel has no pidfd (before 5.3) the end of the child is looked for this often. */
#define NAP_MS 2
/* Most guests' XML and its answer fit at once. */
#define FIRST_ROOM (64 * 1024)

struct talk {
    const struct wg_child_call *call;
    struct wg_child_reply *reply;
    pid_t pid;
    int pidfd;
    int in; /* our end of its stdin, -1 when closed */
    int out; /* our end of its stdout, -1 when closed */
    size_t sent;
    size_t room;
    long long begun;
    long long deadline;
    bool failed; /* reply->end and ->code say why */
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void fail(struct talk *talk, enum wg_child_end end, int code)
{
    talk->failed = true;
    talk->reply->end = end;
    talk->reply->code = code;
}

/*
 * Children that did not go within their grace, to be reaped when the filter next runs one: never
 * a thread of the daemon stuck in the kernel, never a zombie for good.
 */
static pthread_mutex_t leftover_lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t leftovers[64];

static void leave_for_later(pid_t pid)
{
    size_t i = 0;

    pthread_mutex_lock(&leftover_lock);
    while (i < sizeof(leftovers) / sizeof(*leftovers) && leftovers[i] != 0)
        i++;
    if (i < sizeof(leftovers) / sizeof(*leftovers))
        leftovers[i] = pid;
    pthread_mutex_unlock(&leftover_lock);
}

static void reap_leftovers(void)
{
    pthread_mutex_lock(&leftover_lock);
    for (size_t i = 0; i < sizeof(leftovers) / sizeof(*leftovers); i++) {
        if (leftovers[i] != 0 && waitpid(leftovers[i], NULL, WNOHANG) != 0)
            leftovers[i] = 0;
    }
    pthread_mutex_unlock(&leftover_lock);
}

static bool start(struct talk *talk)
{
    struct wg_spawned child;
    int error = wg_spawn(talk->call->path, talk->call->argv, &child);

    if (error != 0) {
        fail(talk, WG_CHILD_FAULT, error);
        return false;
    }
    talk->pid = child.pid;
    talk->in = child.in;
    talk->out = child.out;
#ifdef SYS_pidfd_open
    talk->pidfd = (int)syscall(SYS_pidfd_open, talk->pid, 0);
#endif
    return true;
}

/* A child may leave some of its input unread: whether it understood is for its answer to say. */
static void send_input(struct talk *talk)
{
    const struct wg_child_call *call = talk->call;

    while (talk->in >= 0) {
        ssize_t n = 0;

        if (talk->sent < call->input_len)
            n = write(talk->in, call->input + talk->sent, call->input_len - talk->sent);
        if (n > 0)
            talk->sent += n;
        if (n < 0 && errno == EAGAIN)
            return;
        if (talk->sent == call->input_len || (n < 0 && errno != EINTR))
            close_fd(&talk->in);
    }
}

static bool make_room(struct talk *talk)
{
    struct wg_child_reply *reply = talk->reply;
    size_t more = talk->room == 0 ? FIRST_ROOM : talk->room * 2;
    char *grown;

    /* one byte for what is too much, one for the NUL */
    if (more > talk->call->output_max + 2)
        more = talk->call->output_max + 2;
    if (reply->output_len + 1 < talk->room)
        return true;
    grown = realloc(reply->output, more);
    if (grown == NULL) {
        fail(talk, WG_CHILD_FAULT, ENOMEM);
        return false;
    }
    reply->output = grown;
    talk->room = more;
    return true;
}

static void take_output(struct talk *talk)
{
    struct wg_child_reply *reply = talk->reply;

    while (talk->out >= 0 && make_room(talk)) {
        ssize_t n = read(talk->out, reply->output + reply->output_len,
                         talk->room - reply->output_len - 1);

        if (n > 0)
            reply->output_len += n;
        if (n > 0 && talk->call->heard != NULL)
            talk->deadline = talk->begun +
                             talk->call->heard(talk->call->to, reply->output, reply->output_len);
        if (reply->output_len > talk->call->output_max) {
            fail(talk, WG_CHILD_FLOOD, 0);
            return;
        }
        if (n < 0 && errno == EAGAIN)
            return;
        if (n == 0 || (n < 0 && errno != EINTR))
            close_fd(&talk->out);
    }
}

/* Whether the child has ended; it stays a zombie, and so its number its own, until reap(). */
static bool has_ended(struct talk *talk)
{
    siginfo_t info = {0};
    int rc;

    do {
        rc = waitid(P_PID, talk->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    } while (rc < 0 && errno == EINTR);
    if (rc < 0) {
        fail(talk, WG_CHILD_LOST, errno);
        return true;
    }
    return info.si_pid == talk->pid;
}

static void wait_for_something(const struct talk *talk, long long until)
{
    struct pollfd fds[3] = {
        {.fd = talk->in, .events = POLLOUT},
        {.fd = talk->out, .events = POLLIN},
        {.fd = talk->pidfd, .events = POLLIN},
    };
    long long left = until - wg_now_us() / 1000;

    if (left < 0)
        left = 0;
    if (talk->pidfd < 0 && left > NAP_MS)
        left = NAP_MS;
    poll(fds, 3, (int)left);
}

static void converse(struct talk *talk)
{
    while (!talk->failed) {
        bool ended = has_ended(talk);

        if (talk->failed)
            return;
        send_input(talk);
        take_output(talk);
        if (ended || talk->failed)
            return;
        if (wg_now_us() / 1000 >= talk->deadline) {
            fail(talk, WG_CHILD_LATE, 0);
            return;
        }
        wait_for_something(talk, talk->deadline);
    }
}

/*
 * The child has ended or is to end now. Its process group goes with it; while it is a zombie no
 * other process can get its number, so the kill cannot hit a stranger.
 */
static void reap(struct talk *talk)
{
    long long until = wg_now_us() / 1000 + KILL_GRACE_MS;
    int status = 0;
    pid_t rc;

    if (talk->failed && talk->reply->end == WG_CHILD_LOST)
        return;
    kill(-talk->pid, SIGKILL);
    close_fd(&talk->in);
    close_fd(&talk->out);
    while ((rc = waitpid(talk->pid, &status, WNOHANG)) == 0 || (rc < 0 && errno == EINTR)) {
        if (wg_now_us() / 1000 >= until) {
            leave_for_later(talk->pid);
            return;
        }
        wait_for_something(talk, until);
    }
    if (talk->failed)
        return;
    talk->reply->end = WG_CHILD_EXITED;
    talk->reply->code = WEXITSTATUS(status);
    if (rc < 0) {
        fail(talk, WG_CHILD_LOST, errno);
    } else if (WIFSIGNALED(status)) {
        fail(talk, WG_CHILD_KILLED, WTERMSIG(status));
    }
}

/*
 * The daemon ignores SIGPIPE, but that is its business: blocked in this thread, and taken back if
 * writing to a child that is gone has raised it, it reaches nobody.
 */
static bool hold_sigpipe(sigset_t *old)
{
    sigset_t sigpipe, pending;

    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe, old);
    sigpending(&pending);
    return sigismember(&pending, SIGPIPE);
}

static void release_sigpipe(const sigset_t *old, bool was_pending)
{
    struct timespec at_once = {0};
    sigset_t sigpipe;

    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    if (!was_pending) {
        while (sigtimedwait(&sigpipe, NULL, &at_once) < 0 && errno == EINTR)
            ;
    }
    pthread_sigmask(SIG_SETMASK, old, NULL);
}

void wg_child_run(const struct wg_child_call *call, struct wg_child_reply *reply)
{
    struct talk talk = {.call = call, .reply = reply, .pidfd = -1, .in = -1, .out = -1};
    int saved_errno = errno;
    bool was_pending;
    sigset_t old;

    memset(reply, 0, sizeof(*reply));
    talk.begun = wg_now_us() / 1000;
    talk.deadline = talk.begun + call->deadline_ms;
    reap_leftovers();
    was_pending = hold_sigpipe(&old);
    if (start(&talk)) {
        converse(&talk);
        reap(&talk);
    }
    close_fd(&talk.in);
    close_fd(&talk.out);
    close_fd(&talk.pidfd);
    release_sigpipe(&old, was_pending);

    if (!talk.failed && reply->output != NULL) {
        reply->output[reply->output_len] = '\0';
    } else if (talk.failed) {
        free(reply->output);
        reply->output = NULL;
        reply->output_len = 0;
    }
    errno = saved_errno;
}
