/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64];

int make_scratch(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/winguest-unit-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

int drop_scratch(void **state)
{
    (void)state;
    return nftw(directory, drop, 16, FTW_DEPTH | FTW_PHYS);
}

const char *scratch(const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % COUNT(paths)];

    snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
    return path;
}

const char *put_bytes(const char *name, const char *bytes, size_t len)
{
    const char *path = scratch(name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fchmod(fileno(file), 0644), 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

const char *put_file(const char *name, const char *text)
{
    return put_bytes(name, text, strlen(text));
}

/* In the executable, and so before the library's own: cmocka before 1.1.6 calls a test that it
 * skipped "not ok", which whoever reads TAP takes for a failure. */
__attribute__((visibility("default"))) void print_message(const char *const format, ...)
{
    va_list args;

    va_start(args, format);
    if (strncmp(format, "not ok %u # SKIP", strlen("not ok %u # SKIP")) == 0)
        vprintf(format + strlen("not "), args);
    else
        vprintf(format, args);
    va_end(args);
}

void require(bool able, const char *otherwise)
{
    const char *must = getenv("WINGUEST_MUST_RUN");

    if (able)
        return;
    if (must && strcmp(must, "1") == 0)
        fail_msg("cannot be run here: %s", otherwise);
    print_message("# skipped: %s\n", otherwise);
    skip();
}

void assert_text(const char *row, const char *got, const char *want)
{
    if (!got || strcmp(got, want) != 0)
        fail_msg("%s\n  got  %s\n  want %s", row, got ? got : "(nothing)", want);
}

void assert_contains(const char *row, const char *got, const char *want)
{
    if (!got || !strstr(got, want))
        fail_msg("%s\n  got          %s\n  want in it   %s", row, got ? got : "(nothing)", want);
}

struct wg_domain parse(const char *xml)
{
    struct wg_domain domain;
    struct wg_error err;

    if (wg_domain_parse(xml, strlen(xml), NULL, &domain, &err) < 0)
        fail_msg("%s\n  %s", xml, err.text);
    return domain;
}

struct wg_policy load_policy(const char *text)
{
    struct wg_policy policy;
    struct wg_error err;

    if (wg_policy_load(put_file("policy", text), &policy, &err) < 0)
        fail_msg("%s\n%s", text, err.text);
    return policy;
}

struct wg_verdict *judge(const char *conf, const char *xml, unsigned flags)
{
    struct wg_error err = {0};
    struct wg_engine *engine = wg_engine_open(put_file("policy", conf), NULL, &err);

    if (!engine)
        fail_msg("%s\n%s", conf, err.text);
    struct wg_verdict *verdict = wg_evaluate(engine, xml, strlen(xml), flags, &err);
    if (!verdict)
        fail_msg("%s\n%s", xml, err.text);
    wg_engine_close(engine);
    return verdict;
}

char *printed(void (*print)(const char *text, FILE *out), const char *text)
{
    char *out = NULL;
    size_t len;
    FILE *file = open_memstream(&out, &len);

    assert_non_null(file);
    print(text, file);
    assert_int_equal(fclose(file), 0);
    return out;
}

char *demands(const struct wg_target *target)
{
    xmlBufferPtr buffer = xmlBufferCreate();

    assert_non_null(buffer);
    assert_true(xmlNodeDump(buffer, target->want, xmlDocGetRootElement(target->want), 0, 0) > 0);
    char *text = strdup((const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return text;
}
