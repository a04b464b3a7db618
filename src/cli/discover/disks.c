/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libguestfs finds on the disks of a guest that is shut off. It reads them without a lock, so
 * that the guest can be started meanwhile, in a machine of its own. */
#include <errno.h>
#include <fcntl.h>
#include <libxml/parser.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "discover.h"
#include "engine/domain.h"

extern char **environ;

/* Chosen: ten times what it takes without KVM; a file system may be made to take forever. */
#define SECONDS "300"

/* Chosen: without applications and icons it writes some KiB. */
#define LONGEST (1 << 20)

/* Exit codes of timeout(1). */
enum { TIMED_OUT = 124, NOT_FOUND = 127 };

static pid_t begin(const char *uri, const char *uuid, int *out)
{
    const char *argv[] = {"timeout",
                          "--foreground",
                          "--kill-after=10",
                          SECONDS,
                          "virt-inspector",
                          "--no-applications",
                          "--no-icon",
                          "-c",
                          uri,
                          "-d",
                          uuid,
                          NULL};
    posix_spawn_file_actions_t actions;
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    int error = posix_spawnp(&pid, argv[0], &actions, NULL, (char **)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    *out = ends[0];
    if (error == 0)
        return pid;
    close(ends[0]);
    errno = error;
    return -1;
}

/* One that writes more than LONGEST ends by SIGPIPE. */
static size_t read_all(int fd, char *text)
{
    size_t len = 0;
    ssize_t got = 1;

    while (len < LONGEST && got != 0) {
        got = read(fd, text + len, LONGEST - len);
        if (got < 0 && errno != EINTR)
            break;
        len += got > 0 ? (size_t)got : 0;
    }
    return len;
}

static void take_text(xmlNodePtr system, const char *name, char *text, size_t size)
{
    xmlNodePtr child = wg_child(system, name);
    xmlChar *content = child ? xmlNodeGetContent(child) : NULL;

    snprintf(text, size, "%s", content ? (const char *)content : "");
    xmlFree(content);
}

static void take_system(struct wg_discovery *guest, xmlNodePtr system)
{
    struct wg_agent_answer *answer = &guest->answer;

    take_text(system, "distro", answer->os, sizeof(answer->os));
    if (strcmp(answer->os, "windows") == 0)
        snprintf(answer->os, sizeof(answer->os), WG_AGENT_WINDOWS);
    take_text(system, "product_name", answer->os_name, sizeof(answer->os_name));
}

static void read_systems(struct wg_discovery *guest, const char *text, size_t len)
{
    xmlDocPtr doc = xmlReadMemory(text, (int)len, "virt-inspector", NULL,
                                  XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    xmlNodePtr root = doc ? xmlDocGetRootElement(doc) : NULL;
    unsigned long count = root ? xmlChildElementCount(root) : 0;

    if (count == 1)
        take_system(guest, xmlFirstElementChild(root));
    else
        snprintf(guest->answer.why, sizeof(guest->answer.why), "%s on its disks",
                 !root   ? "virt-inspector tells nothing of what is"
                 : count ? "more than one OS is"
                         : "no OS is known");
    xmlFreeDoc(doc);
}

int wg_discovery_inspect(struct wg_discovery *guest, const char *uri, struct wg_error *err)
{
    char *text = malloc(LONGEST);
    int fd, status = 0;
    pid_t pid = text ? begin(uri, guest->uuid, &fd) : -1;

    if (pid < 0) {
        free(text);
        return text ? wg_fail(err, "timeout(1) cannot be run: %s", strerror(errno))
                    : wg_no_memory(err);
    }
    size_t len = read_all(fd, text);
    close(fd);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    guest->from_disks = true;
    if (code == 0)
        read_systems(guest, text, len);
    else
        snprintf(
            guest->answer.why, sizeof(guest->answer.why), "%s",
            code == TIMED_OUT
                ? "virt-inspector did not end within " SECONDS " s"
                : "virt-inspector found no OS, or failed: run it with -d and the guest's name");
    free(text);
    return code == NOT_FOUND ? wg_fail(err, "--disks: virt-inspector is not installed; hint: it is "
                                            "in guestfs-tools or libguestfs-tools")
                             : 0;
}
