/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rewrite.h"

#include <dirent.h>
#include <errno.h>
#include <libxml/parser.h>
#include <libxslt/documents.h>
#include <libxslt/security.h>
#include <libxslt/transform.h>
#include <libxslt/xslt.h>
#include <libxslt/xsltutils.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/input.h"
#include "common/safe.h"
#include "engine/memory.h"
#include "engine/plan/plan.h"

#define POLICY_URI "winguest:policy"
#define SITE_DIR WG_SYSCONFDIR "/libvirt/winguest.d"

/* Chosen: ours have 6 KiB at most. */
#define SHEET_MAX ((size_t)1 << 20)

/* Far above what any rewrite needs (clock.xsl and hyperv.xsl take some hundred steps on any
 * domain), low enough that a stylesheet that loops is stopped in well under a second. */
#define TEMPLATE_STEPS 2000000
#define XPATH_STEPS 50000000
#define TEMPLATE_DEPTH 500

static __thread struct wg_error *listener;
/* Whose files a stylesheet that is being compiled may include; NULL: it is none of an engine's. */
static __thread const struct wg_stylesheets *shelf;

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
static const struct wg_sheet_file *take_from_shelf(const char *path, struct wg_error *err)
{
    const struct wg_sheet_file *file = find_file(shelf, path);
    const char *name = strrchr(path, '/');

    if (!file && name)
        file = find(shelf, path, (size_t)(name - path));
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
    struct wg_error why = {""};
    struct wg_sheet_file own = {.path = (char *)path};

    if (!shelf)
        read_file(&own, wg_safe_open(path, &why), &why);
    const struct wg_sheet_file *file = shelf ? take_from_shelf(path, &why) : &own;
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

static bool of_site(const struct wg_stylesheets *sheets, const char *name)
{
    char path[4096];

    snprintf(path, sizeof(path), WG_XSLTDIR "/%s", name);
    return !find_file(sheets, path);
}

bool wg_stylesheets_of_site(const struct wg_stylesheets *sheets, const struct wg_target *plan)
{
    for (size_t i = 0; i < plan->stylesheets.count; i++) {
        if (of_site(sheets, plan->stylesheets.item[i]))
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
    int len = snprintf(path, sizeof(path), "%s/%s", of_site(sheets, name) ? SITE_DIR : WG_XSLTDIR,
                       name);
    if (len >= (int)sizeof(path)) {
        wg_fail(err, "stylesheet %s: the name is too long", name);
        return NULL;
    }
    wg_rewrite_listen(&said);
    shelf = sheets;
    xsltStylesheetPtr compiled = xsltParseStylesheetFile(BAD_CAST path);
    shelf = NULL;
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

static xsltStylesheetPtr compiled(struct wg_stylesheets *sheets, const char *name,
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

static xsltSecurityPrefsPtr forbid_writing(void)
{
    xsltSecurityPrefsPtr security = xsltNewSecurityPrefs();

    if (security) {
        xsltSetSecurityPrefs(security, XSLT_SECPREF_WRITE_FILE, xsltSecurityForbid);
        xsltSetSecurityPrefs(security, XSLT_SECPREF_CREATE_DIRECTORY, xsltSecurityForbid);
        xsltSetSecurityPrefs(security, XSLT_SECPREF_WRITE_NETWORK, xsltSecurityForbid);
    }
    return security;
}

static xmlDocPtr transform(xsltStylesheetPtr sheet, xmlDocPtr doc, const struct wg_target *plan)
{
    xsltSecurityPrefsPtr security = forbid_writing();
    xsltTransformContextPtr context = xsltNewTransformContext(sheet, doc);
    xmlDocPtr result = NULL;

    if (security && context && xsltSetCtxtSecurityPrefs(security, context) == 0) {
        context->_private = plan->want;
        context->opLimit = TEMPLATE_STEPS;
        context->maxTemplateDepth = TEMPLATE_DEPTH;
        context->xpathCtxt->opLimit = XPATH_STEPS;
        result = xsltApplyStylesheetUser(sheet, doc, NULL, NULL, NULL, context);
        if (context->state != XSLT_STATE_OK) {
            xmlFreeDoc(result);
            result = NULL;
        }
    }
    xsltFreeTransformContext(context);
    xsltFreeSecurityPrefs(security);
    return result;
}

/* Runs one stylesheet; *err says which. */
static xmlDocPtr run(struct wg_stylesheets *sheets, const char *name, xmlDocPtr doc,
                     const struct wg_target *plan, struct wg_error *err)
{
    xsltStylesheetPtr sheet = compiled(sheets, name, err);
    struct wg_error said;

    if (!sheet)
        return NULL;
    wg_rewrite_listen(&said);
    xmlDocPtr result = transform(sheet, doc, plan);
    wg_rewrite_listen(NULL);
    if (result && !xmlDocGetRootElement(result)) {
        xmlFreeDoc(result);
        result = NULL;
    }
    if (!result)
        wg_fail(err, "stylesheet %s: %s", name, *said.text ? said.text : "it made no document");
    return result;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : !a && !b;
}

/* How many places are not as the plan wants them; -1 with *err filled. */
static long count_differences(const struct wg_domain *domain, const struct wg_target *plan,
                              struct wg_error *err)
{
    struct wg_verdict *verdict = calloc(1, sizeof(*verdict));
    long count = -1;

    if (!verdict)
        wg_no_memory(err);
    else if (wg_plan_compare(domain, plan, verdict, err) == 0)
        count = (long)verdict->n_differences;
    wg_verdict_free(verdict);
    return count;
}

/* Whether what a stylesheet of the site made of before is the same guest under the same policy. */
static int check_same_guest(const struct wg_domain *before, xmlDocPtr doc,
                            const struct wg_target *plan, struct wg_error *err)
{
    struct wg_domain after;

    if (wg_domain_take(doc, &after, err) < 0)
        return -1;
    long had = count_differences(before, plan, err);
    long has = had < 0 ? -1 : count_differences(&after, plan, err);
    int rc = has < 0 ? -1 : 0;
    if (rc == 0 && !same_text(before->name, after.name))
        rc = wg_fail(err, "it changes the guest's name");
    else if (rc == 0 && !same_text(before->uuid, after.uuid))
        rc = wg_fail(err, "it changes the guest's UUID");
    else if (rc == 0 && has > had)
        rc = wg_fail(err, "it undoes the policy");
    after.doc = NULL;
    wg_domain_clear(&after);
    return rc;
}

/* Runs a stylesheet of the site, twice: what it wants must come to an end. */
static xmlDocPtr run_of_site(struct wg_stylesheets *sheets, const char *name, xmlDocPtr doc,
                             const struct wg_target *plan, struct wg_error *err)
{
    struct wg_domain before;
    xmlDocPtr once = run(sheets, name, doc, plan, err);
    xmlDocPtr twice = NULL;

    if (!once)
        return NULL;
    int rc = wg_domain_take(doc, &before, err);
    if (rc == 0)
        rc = check_same_guest(&before, once, plan, err);
    before.doc = NULL;
    wg_domain_clear(&before);
    if (rc < 0)
        wg_fail_in(err, "stylesheet %s", name);
    else if (!(twice = run(sheets, name, once, plan, err)))
        rc = -1;
    else if (!wg_same_node(xmlDocGetRootElement(once), xmlDocGetRootElement(twice)))
        rc = wg_fail(err, "stylesheet %s: not idempotent: a second run changes its own result", name);
    xmlFreeDoc(twice);
    if (rc == 0)
        return once;
    xmlFreeDoc(once);
    return NULL;
}

/* Notes what a stylesheet of the site did, or that it failed. */
static int note_site(const char *name, xmlDocPtr doc, xmlDocPtr next, const struct wg_error *why,
                     struct wg_verdict *verdict, struct wg_error *err)
{
    char where[300];

    if (!next)
        return wg_verdict_fault(verdict, why->text, err);
    if (wg_same_node(xmlDocGetRootElement(doc), xmlDocGetRootElement(next)))
        return 0;
    snprintf(where, sizeof(where), "stylesheet %.255s", name);
    return wg_verdict_difference(verdict, where, "not applied", "applied", err);
}

xmlDocPtr wg_rewrite(struct wg_stylesheets *sheets, const struct wg_domain *domain,
                     const struct wg_target *plan, bool sites, struct wg_verdict *verdict,
                     struct wg_error *err)
{
    xmlDocPtr doc = domain->doc;
    bool wanted = verdict->n_differences > 0;
    int rc = 0;

    for (int site = 0; site <= (sites ? 1 : 0); site++) {
        for (size_t i = 0; rc == 0 && i < plan->stylesheets.count; i++) {
            const char *name = plan->stylesheets.item[i];
            struct wg_error why = {""};

            if (of_site(sheets, name) != site || (!site && !wanted))
                continue;
            xmlDocPtr next = site ? run_of_site(sheets, name, doc, plan, &why)
                                  : run(sheets, name, doc, plan, err);
            if (site)
                rc = note_site(name, doc, next, &why, verdict, err);
            else if (!next)
                rc = -1;
            if (next && doc != domain->doc)
                xmlFreeDoc(doc);
            doc = next ? next : doc;
        }
    }
    if (rc == 0 && doc == domain->doc && !(doc = xmlCopyDoc(doc, 1)))
        wg_no_memory(err);
    if (rc == 0)
        return doc;
    if (doc != domain->doc)
        xmlFreeDoc(doc);
    return NULL;
}
