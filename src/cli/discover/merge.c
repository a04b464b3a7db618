/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of guests that say that they are Windows, for rules.uuid_file. */
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/output.h"
#include "common/safe.h"
#include "common/state.h"
#include "discover.h"

struct merging {
    const struct wg_discoveries *found;
    wg_discovery_fn *belongs;
    bool prune;
    struct wg_list listed; /* UUIDs, in small letters */
    size_t added;
    size_t removed;
};

/* The UUID that a line begins with; false: it has none, but a glob or nothing. */
static bool read_uuid(const char *line, char uuid[WG_UUID_SIZE])
{
    line += strspn(line, " \t");
    size_t len = strcspn(line, " \t\r\n#");

    if (len != WG_UUID_SIZE - 1)
        return false;
    for (size_t i = 0; i < len; i++)
        uuid[i] = (char)(line[i] >= 'A' && line[i] <= 'Z' ? line[i] - 'A' + 'a' : line[i]);
    uuid[len] = '\0';
    return wg_is_uuid(uuid);
}

static bool is_agents(const char *line)
{
    const char *comment = strchr(line, '#');

    return comment && strncmp(comment, WG_SAID_BY_AGENT, strlen(WG_SAID_BY_AGENT)) == 0;
}

static int take_line(struct merging *merging, const char *line, size_t len, FILE *out)
{
    char uuid[WG_UUID_SIZE];

    if (read_uuid(line, uuid)) {
        if (merging->prune && is_agents(line) && !wg_list_has(&merging->found->uuids, uuid)) {
            merging->removed++;
            return 0;
        }
        if (wg_list_add(&merging->listed, uuid, strlen(uuid)) < 0)
            return -1;
    }
    fwrite(line, 1, len, out);
    if (line[len - 1] != '\n')
        putc('\n', out);
    return 0;
}

static int copy(struct merging *merging, const char *path, FILE *out, struct wg_error *err)
{
    int fd = wg_safe_open(path, err);
    WG_FREED *line = NULL;
    size_t size = 0;
    ssize_t len;
    int rc = 0;

    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    WG_CLOSED_FILE *file = fdopen(fd, "r");
    if (!file) {
        close(fd);
        return wg_no_memory(err);
    }
    while (rc == 0 && (len = getline(&line, &size, file)) > 0)
        rc = take_line(merging, line, (size_t)len, out);
    if (rc < 0)
        wg_no_memory(err);
    else if (!feof(file))
        rc = wg_fail(err, "%s: %s", path, strerror(errno));
    return rc;
}

static int add(struct merging *merging, FILE *out, struct wg_error *err)
{
    char date[16] = "";
    time_t now = time(NULL);
    struct tm utc;

    if (gmtime_r(&now, &utc))
        strftime(date, sizeof(date), "%F", &utc);
    for (size_t i = 0; i < merging->found->count; i++) {
        const struct wg_discovery *guest = &merging->found->item[i];

        if (!merging->belongs(guest) || wg_list_has(&merging->listed, guest->uuid))
            continue;
        if (wg_list_add(&merging->listed, guest->uuid, strlen(guest->uuid)) < 0)
            return wg_no_memory(err);
        fprintf(out, "%s " WG_SAID_BY_AGENT " ", guest->uuid);
        wg_print_value(guest->name, out);
        fputs(guest->from_disks ? " has on its disks " : " says ", out);
        wg_print_value(*guest->answer.os_name ? guest->answer.os_name : guest->answer.os, out);
        fprintf(out, ", %s\n", date);
        merging->added++;
    }
    return 0;
}

static int merge(struct merging *merging, const char *path, struct wg_error *err)
{
    struct wg_output output;

    if (wg_output_open(&output, path, err) < 0)
        return -1;
    int rc = copy(merging, path, output.file, err);
    if (rc == 0)
        rc = add(merging, output.file, err);
    if (rc == 0 && merging->added + merging->removed > 0)
        return wg_output_commit(&output, err);
    wg_output_abandon(&output);
    return rc;
}

/* One at a time. What others may open they may lock, too: root has a lock of its own, others that
 * of the list's directory. */
static int try_lock(int dir)
{
    if (geteuid() == 0)
        return wg_state_lock(WG_STATEDIR, "merge.lock");
    int fd = dup(dir);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int lock(int dir, const char *path, struct wg_error *err)
{
    const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
    int fd;

    while ((fd = try_lock(dir)) < 0 && errno == EWOULDBLOCK && !wg_agent_stopped_by())
        nanosleep(&pause, NULL);
    return fd < 0 ? wg_fail(err, "%s: %s", path, strerror(errno)) : fd;
}

int wg_discoveries_merge(const struct wg_discoveries *found, const char *path,
                         wg_discovery_fn *belongs, bool prune, size_t *added, size_t *removed,
                         struct wg_error *err)
{
    struct merging merging = {.found = found, .belongs = belongs, .prune = prune};
    char *copy_of_path = strdup(path);
    WG_CLOSED dir = copy_of_path ? wg_safe_open_directory(dirname(copy_of_path), err)
                                 : wg_no_memory(err);
    free(copy_of_path);
    WG_CLOSED locked = dir < 0 ? -1 : lock(dir, path, err);
    int rc = locked < 0 ? -1 : merge(&merging, path, err);

    wg_list_clear(&merging.listed);
    *added = merging.added;
    *removed = merging.removed;
    return rc;
}
