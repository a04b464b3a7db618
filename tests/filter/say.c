/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The engine's side of the filter's question, for the scripts that stand for the engine: writes a
 * decision whose document is standard input, none if that is empty.
 *
 *   say [deadline=S] [rollback=no] [name=N] [uuid=U] [nova=yes] [text=T] [failed=T]
 *       [format=F]   as if it were in that format, as another version had written it
 *       [bytes=N]    no more than so many of it; "begin": what is known before the domain is read
 */
#include "common/io.h"
#include "engine/decision.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Where a message has the format: behind "winguest". */
#define FORMAT_AT 8
#define FORMAT_SIZE 24

static int words;
static char **word;

static const char *option(const char *key, const char *otherwise)
{
    size_t len = strlen(key);

    for (int i = 0; i < words; i++) {
        if (strncmp(word[i], key, len) == 0 && word[i][len] == '=')
            return word[i] + len + 1;
    }
    return otherwise;
}

int main(int argc, char **argv)
{
    char format[FORMAT_SIZE] = "";
    struct wg_settings settings;
    struct wg_error err;
    size_t len = 0;
    int fd = memfd_create("message", 0);

    words = argc - 1;
    word = argv + 1;
    settings = (struct wg_settings){
        .rollback = strcmp(option("rollback", "yes"), "yes") == 0,
        .deadline = (unsigned)atoi(option("deadline", "5")),
    };
    wg_decision_begin(fd, &settings);
    const char *bytes = option("bytes", "1000000000");
    if (strcmp(bytes, "begin") != 0) {
        char *xml = wg_read_all(STDIN_FILENO, &len, &err);
        struct wg_decision decision = {
            .failed = option("failed", NULL) != NULL,
            .nova = strcmp(option("nova", "no"), "yes") == 0,
            .outcome = len > 0 ? WG_VIOLATES : WG_COMPLIANT,
            .policy = 7,
            .name = option("name", NULL),
            .text = option("failed", option("text", "decided")),
            .xml = len > 0 ? xml : NULL,
            .xml_len = len,
        };
        snprintf(decision.uuid, sizeof(decision.uuid), "%s", option("uuid", ""));
        wg_decision_write(fd, &decision);
        free(xml);
    }
    if (option("format", NULL)) {
        snprintf(format, sizeof(format), "%s", option("format", ""));
        if (pwrite(fd, format, sizeof(format), FORMAT_AT) < 0)
            return 1;
    }
    lseek(fd, 0, SEEK_SET);
    char *message = wg_read_all(fd, &len, &err);
    size_t most = strcmp(bytes, "begin") == 0 ? len : (size_t)atol(bytes);
    for (size_t done = 0, end = len < most ? len : most; done < end;) {
        ssize_t written = write(STDOUT_FILENO, message + done, end - done);
        if (written < 0)
            return 1;
        done += (size_t)written;
    }
    free(message);
    return 0;
}
