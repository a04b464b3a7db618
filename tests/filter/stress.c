/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Many clients at once, for the eye of ThreadSanitizer or helgrind: stress [THREADS [ROUNDS]].
 * As many threads as the daemon may have workers open connections, define, start, destroy and
 * undefine guests of their own and one that they all share, while some of the engine's runs crash
 * or answer rubbish and the configuration changes from one to the next. Exits 0 if every guest was
 * right, and if no connection, domain, error object, descriptor or child is left.
 */
#include "double.h"
#include "filter_support.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENGINE \
    "#!/bin/sh\n" \
    "read -r xml\n" \
    "name=${xml##*<name>}\n" \
    "say() { " SAY " deadline=$((40 + $$ % 20)) \"name=${name%%</name>*}\"; }\n" \
    "case $2,$xml in\n" \
    "previous,*) printf '%s\\n' \"$xml\" | say ;;\n" \
    "*'<policy/>'*) say </dev/null ;;\n" \
    "*crash*) kill -SEGV $$ ;;\n" \
    "*rubbish*) echo rubbish ;;\n" \
    "*) printf '%s\\n' \"${xml%%</domain>}<policy/></domain>\" | say ;;\n" \
    "esac\n"

static atomic_int wrong;
static int rounds = 30;

static void expect(bool good, const char *what, const char *name)
{
    if (good)
        return;
    fprintf(stderr, "%s: %s (%s)\n", name, what, double_error());
    atomic_fetch_add(&wrong, 1);
}

static bool with_policy(char *xml)
{
    bool has = xml != NULL && strstr(xml, "<policy/>") != NULL;

    free(xml);
    return has;
}

static void live(struct _virConnect *conn, const char *name)
{
    bool faulty = strncmp(name, "crash", 5) == 0 || strncmp(name, "rubbish", 7) == 0;
    bool rolled_back = strncmp(name, "nostart", 7) == 0;
    struct _virDomain *domain;
    char xml[128];

    snprintf(xml, sizeof(xml), "<domain><name>%s</name></domain>\n", name);
    domain = virDomainDefineXML(conn, xml);
    expect(domain != NULL, "not defined", name);
    expect(with_policy(double_definition(name)) == !faulty, "wrongly defined", name);
    if (domain == NULL)
        return;
    expect(virDomainCreateWithFlags(domain, 0) == 0, "not started", name);
    expect(double_error()[0] == '\0', "an error is left", name);
    expect(with_policy(double_running(name)) == (!faulty && !rolled_back), "wrongly started", name);
    virDomainFree(domain);
    double_destroy(name);
    double_undefine(name);
}

/* Several threads start, stop and redefine it: only crashes, races and leaks can be judged. */
static void share(struct _virConnect *conn)
{
    struct _virDomain *domain = virDomainDefineXMLFlags(conn,
                                                        "<domain><name>shared</name></domain>\n",
                                                        0);

    expect(domain != NULL, "not defined", "shared");
    if (domain == NULL)
        return;
    virDomainCreate(domain);
    virDomainFree(domain);
    double_destroy("shared");
}

/* Each takes its turn, and 0.2 s: see wg_start_once_more. */
static void share_what_does_not_start(struct _virConnect *conn)
{
    struct _virDomain *domain = virDomainCreateXML(conn,
                                                   "<domain><name>nostart-shared</name></domain>\n",
                                                   0);

    if (domain != NULL)
        virDomainFree(domain);
    double_destroy("nostart-shared");
}

static void *client(void *number)
{
    static const char *const kinds[] = {"win", "nostart", "crash", "rubbish", "win", "win"};

    for (int round = 0; round < rounds; round++) {
        struct _virConnect *conn = virConnectOpenAuth("qemu:///system", NULL, 0);
        struct _virConnect *reading = virConnectOpenAuth("qemu:///system", NULL, WG_CONNECT_RO);
        char name[64];

        snprintf(name, sizeof(name), "%s-%d-%d", kinds[round % 6], *(int *)number, round);
        live(conn, name);
        share(conn);
        if (round % 10 == 0)
            share_what_does_not_start(conn);
        expect(virDomainDefineXML(reading, "<domain><name>ro</name></domain>\n") == NULL, "defined",
               "read-only");
        virConnectClose(reading);
        virConnectClose(conn);
    }
    return NULL;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");

    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0 || chmod(path, mode) < 0) {
        perror(path);
        exit(99);
    }
}

static void run(int threads)
{
    pthread_t *ids = calloc((size_t)threads, sizeof(*ids));
    int *numbers = calloc((size_t)threads, sizeof(*numbers));

    for (int i = 0; i < threads; i++) {
        numbers[i] = i;
        if (pthread_create(&ids[i], NULL, client, &numbers[i]) != 0)
            exit(99);
    }
    for (int i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    free(numbers);
    free(ids);
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 32;
    int fds;

    if (strcmp(program_invocation_short_name, "libvirtd") != 0) {
        argv[0] = "libvirtd";
        execv("/proc/self/exe", argv);
        return 99;
    }
    if (argc > 2)
        rounds = atoi(argv[2]);
    mkdir(WG_BINDIR, 0755);
    write_file(WG_BINDIR "/winguest", ENGINE, 0755);
    fds = open_fds();
    run(threads);

    double_undefine("shared");
    expect(double_live_connections() == 0, "are left", "connections");
    expect(double_live_domains() == 0, "are left", "domains");
    expect(double_live_errors() == 0, "are left", "error objects");
    expect(double_wrongly_filtered() == 0, "were filtered", "read-only calls");
    expect(open_fds() == fds, "are left", "descriptors");
    expect(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "are left", "children");
    printf("1..1\n%s 1 - %d threads, %d rounds: %d definitions, %d starts, %d wrong\n",
           atomic_load(&wrong) == 0 ? "ok" : "not ok", threads, rounds, double_defines(),
           double_starts(), atomic_load(&wrong));
    return atomic_load(&wrong) != 0;
}
