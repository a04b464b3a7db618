/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ini.h"

#include <ctype.h>
#include <errno.h>
#ifdef HAVE_INIPARSER_INIPARSER_H
#include <iniparser/iniparser.h>
#else
#include <iniparser.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/safe.h"

/* iniparser cuts a line, counted with its continuations, at ASCIILINESZ = 1024 bytes. */
#define LINE_MAX_BYTES 1000

struct scan {
    const char *path;
    unsigned line;
    char section[128];
    struct wg_ini *ini;
    struct wg_error *err;
};

static int fail(struct scan *scan, const char *cause)
{
    return wg_fail(scan->err, "%s:%u: %s", scan->path, scan->line, cause);
}

static char *trim(char *text)
{
    text += strspn(text, " \t\r\n");
    for (size_t len = strlen(text); len > 0 && strchr(" \t\r\n", text[len - 1]); len--)
        text[len - 1] = '\0';
    return text;
}

static void lower(char *text)
{
    for (; *text; text++)
        *text = (char)tolower((unsigned char)*text);
}

/* What iniparser would silently misread. */
static int check_value(struct scan *scan, const char *value)
{
    if (*value == '"' || *value == '\'') {
        const char *end = strchr(value + 1, *value);

        if (!end)
            return fail(scan, "a quoted value without its closing quote");
        /* iniparser 4.2 takes it for an escape, 4.1 does not. */
        if (memchr(value, '\\', (size_t)(end - value)))
            return fail(scan, "a value in quotes cannot have a backslash");
        end += 1 + strspn(end + 1, " \t");
        return *end && *end != ';' && *end != '#' ? fail(scan, "one quoted string a value") : 0;
    }
    const char *mark = strpbrk(value, ";#");
    if (mark && mark > value && !strchr(" \t", mark[-1]))
        return fail(scan, "a value with ; or # in it must be in quotes");
    return 0;
}

static int check_duplicate(struct scan *scan, const char *key)
{
    for (size_t i = 0; i < scan->ini->count; i++) {
        const struct wg_entry *seen = &scan->ini->entry[i];

        if (strcmp(seen->section, scan->section) == 0 && strcmp(seen->key, key) == 0)
            return wg_fail(scan->err, "%s:%u: [%s] %s: given twice, first in line %u; keep one",
                           scan->path, scan->line, scan->section, key, seen->line);
    }
    return 0;
}

static int add_entry(struct scan *scan, const char *key)
{
    struct wg_ini *ini = scan->ini;
    struct wg_entry *grown = realloc(ini->entry, (ini->count + 1) * sizeof(*grown));

    if (!grown)
        return wg_no_memory(scan->err);
    ini->entry = grown;
    struct wg_entry *entry = &grown[ini->count++];
    *entry = (struct wg_entry){.section = strdup(scan->section),
                               .key = strdup(key),
                               .line = scan->line};
    return entry->section && entry->key ? 0 : wg_no_memory(scan->err);
}

static int scan_section(struct scan *scan, char *text)
{
    char *end = strchr(text, ']');

    if (!end || end[1])
        return fail(scan, "a section is written [name], with nothing behind it");
    *end = '\0';
    char *name = trim(text + 1);
    if (!*name || strlen(name) >= sizeof(scan->section))
        return fail(scan, "a section needs a name of at most 127 bytes");
    strcpy(scan->section, name);
    lower(scan->section);
    return add_entry(scan, "");
}

static int scan_line(struct scan *scan, char *text)
{
    text = trim(text);
    if (!*text || *text == '#' || *text == ';')
        return 0;
    if (*text == '[')
        return scan_section(scan, text);
    char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return fail(scan, "neither [section] nor key = value nor ; comment");
    if (!*scan->section)
        return fail(scan, "a key before the first [section]");
    *equals = '\0';
    char *key = trim(text);
    lower(key);
    if (strpbrk(key, " \t:\"'"))
        return fail(scan, "a key is one word");
    if (check_value(scan, trim(equals + 1)) < 0 || check_duplicate(scan, key) < 0)
        return -1;
    return add_entry(scan, key);
}

/* What must not be joined to the line before or behind it. */
static int check_piece(struct scan *scan, const char *text, size_t len, size_t joined, bool more)
{
    if (memchr(text, '\0', len) || joined + len > LINE_MAX_BYTES)
        return fail(scan, "a line of over 1000 bytes, continuations included, or with a NUL; "
                          "long lists go into uuid_file and image_file");
    /* What it goes on with would be part of the comment, another key say. */
    if (more && strpbrk(text, ";#"))
        return fail(scan, "a line with ; or # in it cannot go on in the next line");
    return 0;
}

/* Reads lines, joined where one ends in a backslash, as iniparser does. */
static int scan_file(struct scan *scan, FILE *file)
{
    char joined[LINE_MAX_BYTES + 1] = "";
    WG_FREED *text = NULL;
    size_t size = 0;
    ssize_t len;
    int rc = 0;

    for (unsigned line = 1; rc == 0 && (len = getline(&text, &size, file)) >= 0; line++) {
        if (!*joined)
            scan->line = line;
        if (line == 1 && strncmp(text, "\xef\xbb\xbf", 3) == 0) {
            rc = fail(scan, "begins with a byte order mark; save it without");
            break;
        }
        while (len > 0 && text[len - 1] && strchr(" \t\r\n", text[len - 1]))
            text[--len] = '\0';
        bool more = len > 0 && text[len - 1] == '\\';
        if (more)
            text[--len] = '\0';
        rc = check_piece(scan, text, (size_t)len, strlen(joined), more);
        if (rc < 0)
            break;
        strcat(joined, text);
        if (!more) {
            rc = scan_line(scan, joined);
            *joined = '\0';
        }
    }
    /* What could not be read must not look like the end: half a configuration is another one. */
    if (rc == 0 && !feof(file))
        rc = wg_fail(scan->err, "%s: %s", scan->path, strerror(errno));
    if (rc == 0 && *joined)
        rc = fail(scan, "the last line promises a continuation");
    return rc;
}

static int take_values(struct wg_ini *ini, dictionary *values, struct wg_error *err)
{
    for (size_t i = 0; i < ini->count; i++) {
        struct wg_entry *entry = &ini->entry[i];
        char name[2 * LINE_MAX_BYTES];

        if (!*entry->key)
            continue;
        snprintf(name, sizeof(name), "%s:%s", entry->section, entry->key);
        const char *value = iniparser_getstring(values, name, NULL);
        if (!value)
            return wg_fail(err, "%s:%u: [%s] %s: changed while it was read", ini->path, entry->line,
                           entry->section, entry->key);
        entry->value = strdup(value);
        if (!entry->value)
            return wg_no_memory(err);
    }
    return 0;
}

/* What it has to say is said with file, line and key by who asked. */
static int drop_message(const char *format, ...)
{
    (void)format;
    return 0;
}

/* By the descriptor that was checked, not by the name, which may be another file by now. */
static dictionary *load(int fd)
{
    char name[32];

    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    iniparser_set_error_callback(drop_message);
    return iniparser_load(name);
}

int wg_ini_read(const char *path, struct wg_ini *ini, struct wg_error *err)
{
    *ini = (struct wg_ini){0};
    int fd = wg_safe_open(path, err);
    if (fd < 0)
        return -1;

    struct scan scan = {.path = path, .ini = ini, .err = err};
    FILE *file = fdopen(fd, "r");
    dictionary *values = NULL;
    int rc = -1;
    ini->path = strdup(path);
    if (!file || !ini->path)
        wg_no_memory(err);
    else if (scan_file(&scan, file) == 0) {
        values = load(fd);
        rc = values ? take_values(ini, values, err)
                    : wg_fail(err, "%s: cannot be read (is /proc mounted?)", path);
    }
    if (values)
        iniparser_freedict(values);
    if (file)
        fclose(file);
    else
        close(fd);
    if (rc < 0) {
        wg_ini_clear(ini);
        errno = EINVAL;
    }
    return rc;
}

void wg_ini_clear(struct wg_ini *ini)
{
    for (size_t i = 0; i < ini->count; i++) {
        free(ini->entry[i].section);
        free(ini->entry[i].key);
        free(ini->entry[i].value);
    }
    free(ini->entry);
    free(ini->path);
    *ini = (struct wg_ini){0};
}
