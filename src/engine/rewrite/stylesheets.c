/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stylesheets.h"

#include <dirent.h>
#include <errno.h>
#include <libxml/parser.h>
#include <libxslt/documents.h>
#include <libxslt/xslt.h>
#include <libxslt/xsltutils.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/safe.h"
#include "engine/memory.h"

#define POLICY_URI "winguest:policy"
#define SITE_DIR WG_SYSCONFDIR "/libvirt/winguest.d"

/* Chosen: ours have 6 KiB at most. */
#define SHEET_MAX ((size_t)1 << 20)

static __thread struct wg_error *listener;
/* Whose files a stylesheet that is being compiled may include; NULL: it is none of an engine's. */
static __thread const struct wg_stylesheets *includable;

static void hear(void *unused, const char *format, ...) WG_PRINTF(2, 3);

/* Messages come in pieces and over several lines: they become one line. */
static void hear(void *unused, const char *format, ...)
{
    va_list args;

    (void)unused;
    if (!listener)
        return;
    size_t len = strlen(listener->text);
    char *piece = listener->text + len;
    va_start(args, format);
    vsnprintf(piece, sizeof(listener->text) - len, format, args);
    va_end(args);
    for (; *piece; piece++) {
        if (*piece == '\n')
            *piece = ' ';
    }
}

static const struct wg_sheet_file *find(const struct wg_stylesheets *sheets, const char *path,
                                        size_t len)
{
    for (size_t i = 0; i < sheets->files; i++) {
        if (strncmp(sheets->file[i].path, path, len) == 0 && !sheets->file[i].path[len])
            return &sheets->file[i];
    }
    return NULL;
}

static const struct wg_sheet_file *find_file(const struct wg_stylesheets *sheets, const char *path)
{
    return find(sheets, path, strlen(path));
}

/* Reads the file to its end and closes it; one that could not be opened has said why. */
static void read_file(struct wg_sheet_file *file, int fd, struct wg_error *err)
{
    if (fd < 0)
        return;
    file->text = wg_read_up_to(fd, SHEET_MAX, &file->len, err);
    if (!file->text)
        wg_fail_in(err, "%s", file->path);
    close(fd);
}

/* The file of that name, or NULL with *err filled. */
static const struct wg_sheet_file *take_included(const char *path, struct wg_error *err)
{
    const struct wg_sheet_file *file = find_file(includable, path);
    const char *name = strrchr(path, '/');

    if (!file && name)
        file = find(includable, path, (size_t)(name - path));
    if (!file)
        wg_fail(err, "%s: No such file or directory, or not directly in one of these", path);
    else if (file->why)
        wg_fail(err, "%s", file->why);
    return file && file->text ? file : NULL;
}

/* XSLT drops the blanks between a stylesheet's elements: cheaper before there are nodes of them.
 * From memory: libxml2 from 2.13 on duplicates a descriptor, and whoever is confined may not. */
static xmlDocPtr parse_stylesheet(const struct wg_sheet_file *file, const char *path,
                                  xmlDictPtr dict, struct wg_error *err)
{
    xmlParserCtxtPtr parser = xmlNewParserCtxt();

    if (!parser)
        return NULL;
    if (dict) {
        xmlDictFree(parser->dict);
        parser->dict = dict;
        xmlDictReference(dict);
    }
    xmlDocPtr doc = xmlCtxtReadMemory(parser, file->text, (int)file->len, path, NULL,
                                      XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_NOBLANKS |
                                          XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    const xmlError *last = doc ? NULL : xmlCtxtGetLastError(parser);
    if (last && last->message)
        wg_fail(err, "%s:%d: %.*s", path, last->line, (int)strcspn(last->message, "\n"),
                last->message);
    xmlFreeParserCtxt(parser);
    return doc;
}

static xmlDocPtr load_stylesheet(const char *path, xmlDictPtr dict)
{
    struct wg_error why = {0};
    struct wg_sheet_file own = {.path = (char *)path};

    if (!includable)
        read_file(&own, wg_safe_open(path, &why), &why);
    const struct wg_sheet_file *file = includable ? take_included(path, &why) : &own;
    xmlDocPtr doc = file && file->text ? parse_stylesheet(file, path, dict, &why) : NULL;
    /* What libxslt says of it is said. */
    if (*why.text && listener) {
        *listener = why;
        listener = NULL;
    }
    free(own.text);
    return doc;
}

/* The only way in which libxslt gets at documents. */
static xmlDocPtr load(const xmlChar *uri, xmlDictPtr dict, int options, void *context,
                      xsltLoadType type)
{
    (void)options;
    if (type != XSLT_LOAD_DOCUMENT)
        return load_stylesheet((const char *)uri, dict);
    if (strcmp((const char *)uri, POLICY_URI) == 0)
        return xmlCopyDoc(((xsltTransformContextPtr)context)->_private, 1);
    hear(NULL, "document('%s') is not for a stylesheet here ", (const char *)uri);
    /* XSLT would go on with nothing in its place. */
    ((xsltTransformContextPtr)context)->state = XSLT_STATE_ERROR;
    return NULL;
}

static void set_up(void)
{
    wg_memory_guard();
    xmlInitParser();
    xsltSetLoaderFunc(load);
    xsltSetGenericErrorFunc(NULL, hear);
}

void wg_rewrite_listen(struct wg_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, set_up);
    xmlSetGenericErrorFunc(NULL, hear);
    listener = err;
    if (err)
        *err->text = '\0';
}

/* An entry to be filled in, which takes over path; NULL if there is no memory. */
static struct wg_sheet_file *add_file(struct wg_stylesheets *sheets, char *path)
{
    struct wg_sheet_file *grown = path ? realloc(sheets->file, (sheets->files + 1) * sizeof(*grown))
                                       : NULL;

    if (!grown) {
        free(path);
        return NULL;
    }
    sheets->file = grown;
    struct wg_sheet_file *file = &grown[sheets->files++];
    *file = (struct wg_sheet_file){.path = path};
    return file;
}

static int take_file(struct wg_stylesheets *sheets, int dir, const char *in, const char *name)
{
    char *path = asprintf(&path, "%s/%s", in, name) < 0 ? NULL : path;
    struct wg_sheet_file *file = add_file(sheets, path);
    struct wg_error why;

    if (!file)
        return -1;
    read_file(file, wg_safe_open_in(dir, path, &why), &why);
    file->why = file->text ? NULL : strdup(why.text);
    return file->text || file->why ? 0 : -1;
}

static bool is_stylesheet(const char *name)
{
    const char *end = strrchr(name, '.');

    return end && strcmp(end, ".xsl") == 0;
}

static int take_files(struct wg_stylesheets *sheets, DIR *dir, const char *path)
{
    struct dirent *entry;
    int rc = 0;

    while (rc == 0 && (entry = readdir(dir))) {
        if (is_stylesheet(entry->d_name))
            rc = take_file(sheets, dirfd(dir), path, entry->d_name);
    }
    return rc;
}

/* Returns 0, or -1 if there is no memory. */
static int take_directory(struct wg_stylesheets *sheets, const char *path)
{
    struct wg_error why;
    int fd = wg_safe_open_directory(path, &why);

    if (fd < 0 && errno == ENOENT && strcmp(path, SITE_DIR) == 0)
        return 0;
    if (fd < 0) {
        struct wg_sheet_file *file = add_file(sheets, strdup(path));
        if (file)
            file->why = strdup(why.text);
        return file && file->why ? 0 : -1;
    }
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return -1;
    }
    int rc = take_files(sheets, dir, path);
    closedir(dir);
    return rc;
}

int wg_stylesheets_read(struct wg_stylesheets *sheets, struct wg_error *err)
{
    if (!sheets->read) {
        if (take_directory(sheets, WG_XSLTDIR) < 0 || take_directory(sheets, SITE_DIR) < 0)
            return wg_no_memory(err);
        sheets->read = true;
    }
    const struct wg_sheet_file *ours = find_file(sheets, WG_XSLTDIR);
    return ours ? wg_fail(err, "%s", ours->why) : 0;
}

bool wg_stylesheet_is_there(const struct wg_stylesheets *sheets, const char *name)
{
    const char *const directory[] = {WG_XSLTDIR, SITE_DIR};
    char path[4096];

    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s", directory[i], name);
        /* In one that cannot be read it may be. */
        if (find_file(sheets, path) || find_file(sheets, directory[i]))
            return true;
    }
    return false;
}

bool wg_stylesheet_of_site(const struct wg_stylesheets *sheets, const char *name)
{
    char path[4096];

    snprintf(path, sizeof(path), WG_XSLTDIR "/%s", name);
    return !find_file(sheets, path);
}

bool wg_stylesheets_of_site(const struct wg_stylesheets *sheets, const struct wg_target *plan)
{
    for (size_t i = 0; i < plan->stylesheets.count; i++) {
        if (wg_stylesheet_of_site(sheets, plan->stylesheets.item[i]))
            return true;
    }
    return false;
}

static xsltStylesheetPtr compile(const struct wg_stylesheets *sheets, const char *name,
                                 struct wg_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char path[4096];
    struct wg_error said;

    /* libxslt would do it by itself, but not for threads. */
    pthread_once(&once, xsltInit);
    int len = snprintf(path, sizeof(path), "%s/%s",
                       wg_stylesheet_of_site(sheets, name) ? SITE_DIR : WG_XSLTDIR, name);
    if (len >= (int)sizeof(path)) {
        wg_fail(err, "stylesheet %s: the name is too long", name);
        return NULL;
    }
    wg_rewrite_listen(&said);
    includable = sheets;
    xsltStylesheetPtr compiled = xsltParseStylesheetFile(BAD_CAST path);
    includable = NULL;
    if (compiled && compiled->errors) {
        xsltFreeStylesheet(compiled);
        compiled = NULL;
    }
    wg_rewrite_listen(NULL);
    if (!compiled)
        wg_fail(err, "stylesheet %s (sought in " WG_XSLTDIR " and " SITE_DIR "): %s", name,
                *said.text ? said.text : "cannot be loaded");
    return compiled;
}

xsltStylesheetPtr wg_stylesheet_compiled(struct wg_stylesheets *sheets, const char *name,
                                         struct wg_error *err)
{
    for (size_t i = 0; i < sheets->count; i++) {
        if (strcmp(sheets->item[i].name, name) == 0)
            return sheets->item[i].compiled;
    }
    struct wg_stylesheet *grown = realloc(sheets->item, (sheets->count + 1) * sizeof(*grown));
    if (!grown) {
        wg_no_memory(err);
        return NULL;
    }
    sheets->item = grown;
    char *copy = strdup(name);
    xsltStylesheetPtr sheet = copy ? compile(sheets, name, err) : NULL;
    if (!sheet) {
        if (!copy)
            wg_no_memory(err);
        free(copy);
        return NULL;
    }
    sheets->item[sheets->count++] = (struct wg_stylesheet){copy, sheet};
    return sheet;
}

void wg_stylesheets_clear(struct wg_stylesheets *sheets)
{
    for (size_t i = 0; i < sheets->count; i++) {
        xsltFreeStylesheet(sheets->item[i].compiled);
        free(sheets->item[i].name);
    }
    free(sheets->item);
    for (size_t i = 0; i < sheets->files; i++) {
        free(sheets->file[i].path);
        free(sheets->file[i].text);
        free(sheets->file[i].why);
    }
    free(sheets->file);
    *sheets = (struct wg_stylesheets){0};
}
