/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Through the engine: what stylesheets may do to a domain, and what they may not do at all. */
#include "engine/winguest.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"

#define SITE WG_SYSCONFDIR "/libvirt/winguest.d"
#define GUEST \
    "<domain type='kvm'><name>w</name><uuid>1-2</uuid><os><type arch='x86_64'>hvm</type></os>" \
    "</domain>"
#define SHEET(body) \
    "<xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform' " \
    "xmlns:exsl='http://exslt.org/common' xmlns:saxon='http://icl.com/saxon' " \
    "xmlns:xalan='org.apache.xalan.xslt.extensions.Redirect' " \
    "extension-element-prefixes='exsl saxon xalan'>" body "</xsl:stylesheet>"
#define RESULT \
    "<domain type='kvm'><name>w</name><uuid>1-2</uuid><os><type arch='x86_64'>hvm</type></os>" \
    "<features><hyperv><relaxed state='on'/><vapic state='on'/>" \
    "<spinlocks state='on' retries='8191'/></hyperv></features><clock offset='localtime'>" \
    "<timer name='pit' tickpolicy='delay'/><timer name='rtc' tickpolicy='catchup'/>" \
    "<timer name='hpet' present='no'/><timer name='hypervclock' present='yes'/></clock></domain>"
#define ADD(what) \
    COPY "<xsl:template match='/domain[not(x)]'><xsl:copy><xsl:copy-of select='@*|node()'/>" what \
         "</xsl:copy></xsl:template>"
#define COPY \
    "<xsl:template match='@*|node()'><xsl:copy><xsl:apply-templates select='@*|node()'/>" \
    "</xsl:copy></xsl:template>"

static int make_site(void **state)
{
    mkdir(WG_SYSCONFDIR, 0755);
    mkdir(WG_SYSCONFDIR "/libvirt", 0755);
    mkdir(SITE, 0755);
    return chmod(SITE, 0755) == 0 ? make_scratch(state) : -1;
}

static int drop_site(void **state)
{
    int rc = rmdir(SITE);

    rmdir(WG_SYSCONFDIR "/libvirt");
    return drop_scratch(state) | rc;
}

static void put_sheet(const char *name, const char *text)
{
    char path[512];

    snprintf(path, sizeof(path), SITE "/%s", name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fchmod(fileno(file), 0644), 0);
    assert_int_equal(fclose(file), 0);
}

static void drop_sheet(const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), SITE "/%s", name);
    assert_int_equal(unlink(path), 0);
}

static struct wg_engine *engine_with(const char *stylesheets)
{
    char conf[512];
    struct wg_error err;

    snprintf(conf, sizeof(conf), "[rules]\nnames = *\n[windows]\nstylesheets = %s\n", stylesheets);
    struct wg_engine *engine = wg_engine_open(put_file("policy", conf), NULL, &err);
    if (!engine)
        fail_msg("%s", err.text);
    return engine;
}

/* Rewrites GUEST by these stylesheets. *fault is for free(): that of the one that was left out. */
static char *rewrite(const char *stylesheets, char **fault)
{
    struct wg_engine *engine = engine_with(stylesheets);
    struct wg_error err;
    char *xml = NULL;

    *fault = NULL;
    struct wg_verdict *verdict = wg_evaluate(engine, GUEST, strlen(GUEST), WG_REWRITE, &err);
    if (verdict) {
        assert_non_null(verdict->xml);
        assert_between(verdict->faults.count, 0, 1);
        xml = strdup(verdict->xml);
        *fault = verdict->faults.count ? strdup(verdict->faults.item[0]) : NULL;
    } else {
        *fault = strdup(err.text);
    }
    wg_verdict_free(verdict);
    wg_engine_close(engine);
    return xml;
}

/* What GUEST becomes with one more stylesheet in the site's directory. */
static char *rewrite_with(const char *sheet, char **fault)
{
    put_sheet("unit.xsl", sheet);
    char *xml = rewrite("clock.xsl hyperv.xsl unit.xsl", fault);
    drop_sheet("unit.xsl");
    return xml;
}

/* A stylesheet of the site that fails is left out, and the policy holds. */
static void is_left_out(const char *stylesheets, const char *why)
{
    char *fault;
    char *xml = rewrite(stylesheets, &fault);

    assert_text(why, xml, RESULT);
    assert_contains(why, fault, why);
    assert_null(strchr(fault, '\n'));
    free(xml);
    free(fault);
}

static void fails(const char *sheet, const char *why)
{
    put_sheet("unit.xsl", sheet);
    is_left_out("clock.xsl hyperv.xsl unit.xsl", why);
    drop_sheet("unit.xsl");
}

static void the_packages_own_make_what_the_policy_wants(void **state)
{
    char *fault;
    char *xml = rewrite("clock.xsl hyperv.xsl", &fault);

    (void)state;
    assert_text("result", xml, RESULT);
    assert_null(fault);
    free(xml);
}

static void a_site_may_add_its_own(void **state)
{
    char *fault;
    char *xml = rewrite_with(SHEET(ADD("<x y='1'/>")), &fault);

    (void)state;
    assert_null(fault);
    assert_contains("added", xml, "</clock><x y='1'/></domain>");
    free(xml);
}

static void a_site_may_add_elements_of_another_namespace(void **state)
{
    char *fault;
    char *xml = rewrite_with(
        SHEET(COPY "<xsl:template match='/domain[not(*[local-name()=\"commandline\"])]'>"
                   "<domain xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>"
                   "<xsl:copy-of select='@*|node()'/><q:commandline><q:arg value='-no-fd-bootchk'/>"
                   "</q:commandline></domain></xsl:template>"),
        &fault);

    (void)state;
    assert_null(fault);
    struct wg_domain domain = parse(xml);
    xmlNodePtr last = xmlGetLastChild(domain.root);
    assert_string_equal((const char *)last->name, "commandline");
    assert_non_null(last->ns);
    const char *uri = (const char *)last->ns->href;
    assert_string_equal(uri, "http://libvirt.org/schemas/domain/qemu/1.0");
    assert_string_equal((const char *)xmlFirstElementChild(last)->ns->href, uri);
    wg_domain_clear(&domain);
    free(xml);
}

static void a_stylesheet_that_is_missing_is_named(void **state)
{
    (void)state;
    is_left_out("clock.xsl hyperv.xsl none.xsl",
                "stylesheet none.xsl: not in " WG_XSLTDIR " or winguest.d");
}

static void a_stylesheet_that_others_may_write_is_refused(void **state)
{
    static const char all[] = "clock.xsl hyperv.xsl unit.xsl";

    (void)state;
    put_sheet("unit.xsl", SHEET(COPY));
    assert_int_equal(chmod(SITE "/unit.xsl", 0666), 0);
    is_left_out(all, SITE "/unit.xsl: writable by group or others; hint: chmod go-w");
    assert_int_equal(chmod(SITE "/unit.xsl", 0644), 0);
    assert_int_equal(chmod(SITE, 0775), 0);
    is_left_out(all, SITE ": writable by group or others; hint: chmod go-w");
    assert_int_equal(chmod(SITE, 0755), 0);
    put_sheet("unit-open.xsl", SHEET(""));
    assert_int_equal(chmod(SITE "/unit-open.xsl", 0666), 0);
    put_sheet("unit.xsl", SHEET("<xsl:import href='unit-open.xsl'/>" COPY));
    is_left_out(all, SITE "/unit-open.xsl: writable by group or others; hint: chmod go-w");
    drop_sheet("unit-open.xsl");
    drop_sheet("unit.xsl");
}

static void a_stylesheet_that_is_none_is_refused(void **state)
{
    (void)state;
    fails("", "stylesheet unit.xsl (sought in ");
    fails("<xsl:stylesheet", SITE "/unit.xsl:1: ");
    fails("<domain/>", "stylesheet unit.xsl (sought in ");
    fails(SHEET("<xsl:template match='['/>"), "stylesheet unit.xsl (sought in ");
    fails(SHEET("<xsl:import href='http://127.0.0.1:9/x.xsl'/>"), "http://127.0.0.1:9/x.xsl");
    fails(SHEET("<xsl:include href='/etc/passwd'/>"),
          "/etc/passwd: No such file or directory, or not directly in one of these");
}

static void a_stylesheet_that_fails_is_left_out(void **state)
{
    (void)state;
    fails(SHEET("<xsl:template match='/'><xsl:message terminate='yes'>not\nthis one</xsl:message>"
                "</xsl:template>"),
          "stylesheet unit.xsl: not this one");
    fails(SHEET("<xsl:template match='/'><xsl:value-of select='none()'/></xsl:template>"),
          "stylesheet unit.xsl: ");
    fails(SHEET("<xsl:template match='/'><xsl:value-of select='$none'/></xsl:template>"),
          "stylesheet unit.xsl");
}

static void nothing_outside_can_be_read(void **state)
{
    const char *secret = put_file("secret.xml", "<s>s3cret</s>");
    char uri[600];

    (void)state;
    snprintf(uri, sizeof(uri), "file://%s", secret);
    const char *const places[] = {
        secret, uri, "http://127.0.0.1:9/", "clock.xsl", "winguest:other", "../winguest.conf", ""};
    for (size_t i = 0; i < COUNT(places); i++) {
        char sheet[2048];

        snprintf(sheet, sizeof(sheet),
                 SHEET(ADD("<x><xsl:copy-of select='document(\"%s\")'/></x>")), places[i]);
        fails(sheet, "is not for a stylesheet here");
    }
}

static void entities_bring_nothing_in(void **state)
{
    const char *secret = put_file("secret", "s3cret");
    char sheet[1600];
    char *fault;

    (void)state;
    snprintf(sheet, sizeof(sheet),
             "<!DOCTYPE x [<!ENTITY e SYSTEM 'file://%s'>]>" SHEET(ADD("<x>&e;</x>")), secret);
    char *xml = rewrite_with(sheet, &fault);
    assert_true(!xml || !strstr(xml, "s3cret"));
    free(xml);
    free(fault);
}

static void nothing_can_be_written(void **state)
{
    static const char *const writers[][2] = {
        {"<xsl:document href='", "'>x</xsl:document>"},
        {"<exsl:document href='", "'>x</exsl:document>"},
        {"<saxon:output href='", "'>x</saxon:output>"},
        {"<xalan:write file='", "'>x</xalan:write>"},
        {"<xalan:write select='\"", "\"'>x</xalan:write>"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(writers); i++) {
        const char *target = scratch("written");
        char sheet[2048];
        char *fault;

        snprintf(sheet, sizeof(sheet), SHEET(ADD("%s%s%s")), writers[i][0], target, writers[i][1]);
        free(rewrite_with(sheet, &fault));
        free(fault);
        assert_int_equal(access(target, F_OK), -1);
        assert_int_equal(errno, ENOENT);
    }
}

static void an_endless_stylesheet_is_stopped(void **state)
{
    time_t begun = time(NULL);

    (void)state;
    fails(SHEET("<xsl:template match='/' name='t'><xsl:call-template name='t'/></xsl:template>"),
          "stylesheet unit.xsl: ");
    fails(SHEET("<xsl:template match='/'><xsl:for-each select='//node()|//@*'>"
                "<xsl:for-each select='//node()|//@*'><xsl:for-each select='//node()|//@*'>"
                "<xsl:for-each select='//node()|//@*'><xsl:for-each select='//node()|//@*'>"
                "<xsl:for-each select='//node()|//@*'><xsl:for-each select='//node()|//@*'>"
                "<x/></xsl:for-each></xsl:for-each></xsl:for-each></xsl:for-each></xsl:for-each>"
                "</xsl:for-each></xsl:for-each></xsl:template>"),
          "stylesheet unit.xsl: ");
    assert_between(time(NULL) - begun, 0, 60);
}

static void work_that_never_ends_is_left_out(void **state)
{
    (void)state;
    fails(SHEET(COPY "<xsl:template match='/domain'><xsl:copy><xsl:copy-of select='@*|node()'/>"
                     "<x/></xsl:copy></xsl:template>"),
          "stylesheet unit.xsl: not idempotent: a second run changes its own result");
}

static void another_guest_is_left_out(void **state)
{
    (void)state;
    fails(SHEET("<xsl:template match='/'><network/></xsl:template>"), "stylesheet unit.xsl: ");
    fails(SHEET("<xsl:template match='/'/>"), "stylesheet unit.xsl: ");
    fails(SHEET("<xsl:template match='/'>text</xsl:template>"), "stylesheet unit.xsl: ");
    fails(SHEET(COPY "<xsl:template match='/domain/name'><name>other</name></xsl:template>"),
          "stylesheet unit.xsl: it changes the guest's name");
    fails(SHEET(COPY "<xsl:template match='/domain/uuid'/>"),
          "stylesheet unit.xsl: it changes the guest's UUID");
}

static void the_policy_cannot_be_undone(void **state)
{
    (void)state;
    fails(SHEET(COPY "<xsl:template match='/domain/clock/@offset'/>"),
          "stylesheet unit.xsl: it undoes the policy");
    fails(SHEET(COPY "<xsl:template match='hyperv/vapic'/>"),
          "stylesheet unit.xsl: it undoes the policy");
    fails(SHEET(COPY "<xsl:template match='timer[@name=\"rtc\"]'><xsl:copy-of select='.'/>"
                     "<xsl:copy-of select='.'/></xsl:template>"),
          "stylesheet unit.xsl: it undoes the policy");
}

static void a_stylesheet_that_has_no_end_is_refused(void **state)
{
    size_t len = (1 << 20) + 1;
    char *blanks = malloc(len + 1);

    (void)state;
    memset(blanks, ' ', len);
    blanks[len] = '\0';
    put_sheet("unit.xsl", blanks);
    free(blanks);
    is_left_out("clock.xsl hyperv.xsl unit.xsl", "/unit.xsl: over 1 MiB");
    drop_sheet("unit.xsl");
}

static void a_stylesheet_is_read_once_an_engine(void **state)
{
    struct wg_engine *engine = engine_with("clock.xsl hyperv.xsl unit.xsl");
    struct wg_error err;

    (void)state;
    put_sheet("unit.xsl", SHEET(ADD("<x/>")));
    for (int i = 0; i < 3; i++) {
        struct wg_verdict *verdict = wg_evaluate(engine, GUEST, strlen(GUEST), WG_REWRITE, &err);

        assert_non_null(verdict);
        assert_contains("result", verdict->xml, "<x/></domain>");
        wg_verdict_free(verdict);
        if (i == 0)
            drop_sheet("unit.xsl");
    }
    wg_engine_close(engine);
    is_left_out("clock.xsl hyperv.xsl unit.xsl", "stylesheet unit.xsl: not in ");
}

static void without_stylesheets_the_policy_cannot_hold(void **state)
{
    char *fault;

    (void)state;
    assert_null(rewrite("", &fault));
    assert_string_equal(fault, "after clock.xsl, hyperv.xsl, merge.xsl and the site's own "
                               "stylesheets clock.offset is still utc, not localtime");
    free(fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_packages_own_make_what_the_policy_wants),
        cmocka_unit_test(a_site_may_add_its_own),
        cmocka_unit_test(a_site_may_add_elements_of_another_namespace),
        cmocka_unit_test(a_stylesheet_that_is_missing_is_named),
        cmocka_unit_test(a_stylesheet_that_others_may_write_is_refused),
        cmocka_unit_test(a_stylesheet_that_is_none_is_refused),
        cmocka_unit_test(a_stylesheet_that_fails_is_left_out),
        cmocka_unit_test(nothing_outside_can_be_read),
        cmocka_unit_test(entities_bring_nothing_in),
        cmocka_unit_test(nothing_can_be_written),
        cmocka_unit_test(an_endless_stylesheet_is_stopped),
        cmocka_unit_test(work_that_never_ends_is_left_out),
        cmocka_unit_test(another_guest_is_left_out),
        cmocka_unit_test(the_policy_cannot_be_undone),
        cmocka_unit_test(a_stylesheet_that_has_no_end_is_refused),
        cmocka_unit_test(a_stylesheet_is_read_once_an_engine),
        cmocka_unit_test(without_stylesheets_the_policy_cannot_hold),
    };

    return cmocka_run_group_tests(tests, make_site, drop_site);
}
