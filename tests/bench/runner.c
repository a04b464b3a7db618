/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Times whole processes: runner ROUNDS SEED < PLAN. A line of the plan is a command: its standard
 * input, then the program and its arguments, separated by tabs. One whose line begins with "-" is
 * not timed; it goes before the next. Each round runs every command once, in an order of its own,
 * so that whatever else the machine does falls on all alike.
 * Prints a line a run: the command's number, nanoseconds from before the spawn to behind the wait,
 * nanoseconds of processor time, peak memory in KiB, exit status.
 *
 * In C and small because the kernel counts the parent's memory into the peak of a child that it
 * spawns, and because a big parent's fork takes longer than what is measured here.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS 64
#define ARGUMENTS 32
/* The first runs fill the page cache and wake the clock of a sleeping processor. */
#define WARM_UP 5

struct command {
    const char *input;
    char *argv[ARGUMENTS];
    struct command *before;
};

extern char **environ;

static long long now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static long long nanoseconds(struct timeval time)
{
    return time.tv_sec * 1000000000LL + time.tv_usec * 1000LL;
}

static void run(const struct command *command, int number, int print)
{
    posix_spawn_file_actions_t actions;
    struct rusage usage;
    int status;
    pid_t pid;

    if (command->before)
        run(command->before, 0, 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, command->input, O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    long long begun = now();
    if (posix_spawn(&pid, command->argv[0], &actions, NULL, command->argv, environ) != 0)
        die(command->argv[0]);
    if (wait4(pid, &status, 0, &usage) < 0)
        die("wait4");
    long long took = now() - begun;
    posix_spawn_file_actions_destroy(&actions);
    if (print)
        printf("%d %lld %lld %ld %d\n", number, took,
               nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime), usage.ru_maxrss,
               WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static struct command *read_command(char *line)
{
    struct command *command = calloc(1, sizeof(*command));
    char *rest = strdup(line);
    int argc = 0;

    if (!command || !rest)
        die("calloc");
    rest[strcspn(rest, "\n")] = '\0';
    command->input = strsep(&rest, "\t");
    while (rest && argc < ARGUMENTS - 1)
        command->argv[argc++] = strsep(&rest, "\t");
    return command;
}

static int read_plan(struct command **commands)
{
    struct command *before = NULL;
    char *line = NULL;
    size_t size = 0;
    int count = 0;

    while (getline(&line, &size, stdin) > 0 && count < COMMANDS) {
        if (*line == '-') {
            before = read_command(line + 1);
            continue;
        }
        commands[count] = read_command(line);
        commands[count++]->before = before;
        before = NULL;
    }
    free(line);
    return count;
}

static void shuffle(int *order, int count, unsigned *seed)
{
    for (int i = count - 1; i > 0; i--) {
        int other = rand_r(seed) % (i + 1);
        int kept = order[i];

        order[i] = order[other];
        order[other] = kept;
    }
}

int main(int argc, char **argv)
{
    static struct command *commands[COMMANDS];
    int order[COMMANDS];
    int rounds = argc == 3 ? atoi(argv[1]) : 0;
    unsigned seed = argc == 3 ? (unsigned)atoi(argv[2]) : 0;

    if (rounds < 1) {
        fputs("Usage: runner ROUNDS SEED < PLAN\n", stderr);
        return 2;
    }
    int count = read_plan(commands);
    for (int i = 0; i < count; i++)
        order[i] = i;
    for (int round = -WARM_UP; round < rounds; round++) {
        shuffle(order, count, &seed);
        for (int i = 0; i < count; i++)
            run(commands[order[i]], order[i], round >= 0);
    }
    return fflush(stdout) == 0 ? 0 : 2;
}
