/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "filter_support.h"
#include "common/log.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char directory[64];
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char log_text[65536];

const char *work_dir(void)
{
    strcpy(directory, "/tmp/winguest-filter-XXXXXX");
    if (mkdtemp(directory) == NULL) {
        perror(directory);
        abort();
    }
    return directory;
}

void tidy_up(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf %s", directory);
    if (system(command) != 0)
        abort();
}

static char *path_of(const char *name)
{
    char *path;

    if (asprintf(&path, "%s/%s", directory, name) < 0)
        abort();
    return path;
}

char *put_file(const char *name, const char *text, int mode)
{
    char *path = path_of(name), *fresh = path_of(".fresh");
    FILE *file = fopen(fresh, "w");

    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0 ||
        chmod(fresh, (mode_t)mode) < 0 || rename(fresh, path) < 0)
        abort();
    free(fresh);
    return path;
}

char *put_script(const char *name, const char *commands)
{
    char *text, *path;

    if (asprintf(&text, "#!/bin/sh\n%s\n", commands) < 0)
        abort();
    path = put_file(name, text, 0755);
    free(text);
    return path;
}

char *get_file(const char *name)
{
    char *path = path_of(name), *text = calloc(1, 65536);
    FILE *file = fopen(path, "r");

    if (file != NULL) {
        size_t n = fread(text, 1, 65535, file);

        text[n] = '\0';
        fclose(file);
    }
    free(path);
    return text;
}

/* In the place of src/common/log.c. */
void wg_log(bool patient, int priority, const char *prefix, const char *text, const char *suffix)
{
    size_t used;

    (void)patient;
    (void)prefix;
    (void)suffix;
    pthread_mutex_lock(&log_lock);
    used = strlen(log_text);
    snprintf(log_text + used, sizeof(log_text) - used, "<%d> %s\n", priority, text);
    pthread_mutex_unlock(&log_lock);
}

const char *logged(void)
{
    return log_text;
}

void forget_log(void)
{
    log_text[0] = '\0';
}

size_t lines_logged(void)
{
    size_t lines = 0;

    for (const char *at = log_text; *at != '\0'; at++)
        lines += *at == '\n';
    return lines;
}

long long ms_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count - 3; /* ".", ".." and the directory itself */
}
