/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* winguest config: whether the configuration is right, wholly, and what holds. */
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "common/io.h"
#include "engine/confine.h"
#include "options.h"

#define DEFINITIONS WG_SYSCONFDIR "/libvirt/qemu"
#define INSTALLED WG_SYSCONFDIR "/libvirt/winguest.conf"

struct check {
    size_t wrong;
    bool unusable;
};

static void tell_remark(void *to, enum wg_gravity gravity, const char *text)
{
    static const char *const words[] = {"warning", "error", "error"};
    struct check *check = to;

    check->wrong++;
    check->unusable |= gravity == WG_UNUSABLE;
    printf("%s: ", words[gravity]);
    wg_print_escaped(text, stdout);
    putchar('\n');
}

static void see_localtime(void *to, const char *section, const char *key, const char *value,
                          unsigned line)
{
    bool *localtime = to;

    (void)line;
    *localtime |= strncmp(section, "windows", 7) == 0 && strcmp(key, "clock.offset") == 0 &&
                  strcmp(value, "localtime") == 0;
}

static void tell_list(void *to, const char *section, const char *key, const char *value,
                      unsigned line)
{
    struct stat st;

    (void)to;
    (void)line;
    if (strcmp(section, "rules") != 0 || !*value || stat(value, &st) < 0 ||
        !wg_has_word("uuid_file image_file exempt.uuid_file", key))
        return;
    printf("note: [rules] %s: ", key);
    wg_print_escaped(value, stdout);
    printf(", written %.0f days ago\n", difftime(time(NULL), st.st_mtime) / 86400);
}

struct unfitted {
    char key[32];
    size_t told;
    size_t more;
};

static void tell_more(struct unfitted *unfitted)
{
    if (unfitted->more > 0)
        printf("note: nor do %zu others of %s\n", unfitted->more, unfitted->key);
    unfitted->more = 0;
}

/* Of a long list, the first few. */
static void tell_unfitted(void *to, const char *key, const char *glob)
{
    struct unfitted *unfitted = to;
    bool rules = strncmp(key, "only.", 5) != 0;

    if (strcmp(unfitted->key, key) != 0) {
        tell_more(unfitted);
        snprintf(unfitted->key, sizeof(unfitted->key), "%s", key);
        unfitted->told = 0;
    }
    if (unfitted->told++ >= 3) {
        unfitted->more++;
        return;
    }
    printf("note: [%s] %s: '", rules ? "rules" : "enforce", key);
    wg_print_escaped(glob, stdout);
    puts("' fits no guest that is defined on this host");
}

static void fit_guest(struct wg_engine *engine, const char *path)
{
    struct wg_error ignored;
    size_t len;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    char *xml = fd < 0 ? NULL : wg_read_all(fd, &len, &ignored);

    if (xml)
        wg_engine_fit(engine, xml, len, &ignored);
    free(xml);
    if (fd >= 0)
        close(fd);
}

/* Globs that are about nobody: right on a host that has no such guest now, or a slip. Who may not
 * read the definitions is not told. */
static void fit_guests(struct wg_engine *engine)
{
    struct unfitted unfitted = {0};
    glob_t found;

    if (access(DEFINITIONS, R_OK) < 0)
        return;
    if (glob(DEFINITIONS "/*.xml", 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            fit_guest(engine, found.gl_pathv[i]);
        globfree(&found);
        wg_engine_unfitted(engine, tell_unfitted, &unfitted);
        tell_more(&unfitted);
    }
}

/* What a try alone can tell: stylesheets that do not compile, demands that they do not make. */
static int try_out(const char *config, struct check *check, struct wg_error *err)
{
    struct wg_engine *engine = wg_engine_open(config, NULL, err);

    if (!engine)
        return -1;
    int rc = wg_engine_try(engine, tell_remark, check, err);
    fit_guests(engine);
    wg_engine_close(engine);
    return rc;
}

static int check(const char *config)
{
    struct check check = {0};
    struct wg_error err;
    bool localtime = false;

    wg_confine(WG_CONFINE_READ);
    wg_config_check(config, tell_remark, &check);
    if (!check.unusable && try_out(config, &check, &err) < 0)
        return wg_cli_error("config", "%s", err.text);
    if (!check.unusable && wg_config_show(config, see_localtime, &localtime, &err) == 0) {
        wg_config_show(config, tell_list, NULL, &err);
        wg_cli_warn_of_utc("config", localtime);
    }
    if (check.unusable)
        puts("nothing is in force: no guest is touched until the errors are gone");
    else if (check.wrong)
        puts("in force, but for what is said above");
    else
        printf("%s is right\n", config ? config : INSTALLED);
    return wg_cli_flush("config", check.wrong ? WG_EXIT_ERROR : WG_EXIT_OK);
}

struct show {
    bool json;
    const char *config;
    char section[256];
};

static void open_section(struct show *show, const char *section)
{
    bool first = !*show->section;

    snprintf(show->section, sizeof(show->section), "%s", section);
    if (!show->json) {
        printf("%s[%s]\n", first ? "" : "\n", section);
        return;
    }
    fputs(first ? "{\n" : "\n  },\n", stdout);
    fputs("  ", stdout);
    wg_cli_json(section);
    fputs(": {", stdout);
}

static void show_setting(void *to, const char *section, const char *key, const char *value,
                         unsigned line)
{
    struct show *show = to;
    bool opens = strcmp(show->section, section) != 0;

    if (opens)
        open_section(show, section);
    if (show->json) {
        fputs(opens ? "\n    " : ",\n    ", stdout);
        wg_cli_json(key);
        fputs(": {\"value\": ", stdout);
        wg_cli_json(value);
        printf(", \"line\": %u}", line);
        return;
    }
    printf("%s = ", key);
    wg_print_escaped(value, stdout);
    if (line)
        printf("%s; %s:%u\n", *value ? " " : "", show->config, line);
    else
        printf("%s; default\n", *value ? " " : "");
}

static int show(const char *config, const char *format)
{
    struct show show = {.config = config ? config : INSTALLED};
    struct wg_error err;

    int form = wg_cli_format("config", format, (const char *const[]){"text", "json", NULL});
    if (form < 0)
        return WG_EXIT_ERROR;
    show.json = form == 1;
    wg_confine(WG_CONFINE_READ);
    if (wg_config_show(config, show_setting, &show, &err) < 0)
        return wg_cli_error("config", "%s", err.text);
    if (show.json)
        puts("\n  }\n}");
    return wg_cli_flush("config", WG_EXIT_OK);
}

int wg_cli_config(int argc, char **argv)
{
    const char *format = NULL;
    const char *config = NULL;
    const struct wg_option options[] = {
        {.name = "config", .value = &config},
        {.name = "format", .letter = 'f', .value = &format},
        {0},
    };
    int code = wg_cli_options(argc, argv, options);
    const char *what = code < 0 && optind < argc ? argv[optind] : "";

    if (code >= 0)
        return code;
    bool checks = strcmp(what, "check") == 0;
    if ((!checks && strcmp(what, "show") != 0) || argc - optind > 2 ||
        (config && argc - optind > 1))
        return wg_cli_error("config",
                            "expects check or show, and a file; see winguest config --help");
    if (checks && format)
        return wg_cli_error("config", "check: it has no --format");
    if (argc - optind == 2)
        config = argv[optind + 1];
    return checks ? check(config) : show(config, format ? format : "text");
}
