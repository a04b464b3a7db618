/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The daemon filter in front of a stand-in for libvirt. It is linked into this program, which
 * calls itself libvirtd, and finds the stand-in behind it as it finds libvirt in the daemon.
 */
#include "double.h"
#include "filter_support.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmocka_any.h"

/* The engine's policy is <policy/>; it writes down what it was asked. */
#define ENGINE \
    "echo \"$*\" >>" WG_BINDIR "/asked\n" \
    "xml=$(cat)\n" \
    "name=${xml##*<name>}\n" \
    "say() { " SAY " rollback=$(cat " WG_BINDIR "/rollback) \"name=${name%%</name>*}\"; }\n" \
    "case $xml in\n" \
    "*'<policy/>'* | *linux*) say </dev/null ;;\n" \
    "*crash*) kill -SEGV $$ ;;\n" \
    "*) printf '%s\\n' \"${xml%%</domain>}<policy/></domain>\" | say ;;\n" \
    "esac\n"

static struct _virConnect *conn;

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static int times_asked(void)
{
    FILE *file = fopen(WG_BINDIR "/asked", "r");
    int times = 0, c;

    while (file != NULL && (c = getc(file)) != EOF)
        times += c == '\n';
    if (file != NULL)
        fclose(file);
    return times;
}

static void set_rollback(const char *value)
{
    write_file(WG_BINDIR "/rollback", value, 0644);
}

static const char *xml_of(const char *name)
{
    static char xml[128];

    snprintf(xml, sizeof(xml), "<domain><name>%s</name></domain>\n", name);
    return xml;
}

static void assert_policy(char *xml, bool wanted)
{
    assert_non_null(xml);
    assert_int_equal(strstr(xml, "<policy/>") != NULL, wanted);
    free(xml);
}

/* A guest that was there before the filter was, so to say. */
static struct _virDomain *defined_without_policy(const char *name)
{
    struct _virConnect *remote = virConnectOpen("xen:///system");
    struct _virDomain *domain = virDomainDefineXML(remote, xml_of(name)), *ours;

    assert_non_null(domain);
    virDomainFree(domain);
    virConnectClose(remote);
    /* the stand-in's domains are names */
    ours = virDomainCreateXML(conn, "<domain><name>handle</name>linux</domain>", 0);
    assert_non_null(ours);
    double_destroy("handle");
    strcpy((char *)virDomainGetName(ours), name);
    forget_log();
    return ours;
}

static void definitions_get_the_policy(void **state)
{
    struct _virDomain *domain;

    (void)state;
    errno = EXDEV;
    domain = virDomainDefineXML(conn, xml_of("win1"));
    assert_int_equal(errno, EXDEV);
    assert_non_null(domain);
    virDomainFree(domain);
    assert_policy(double_definition("win1"), true);
    virDomainFree(virDomainDefineXMLFlags(conn, xml_of("win2"), 1));
    assert_policy(double_definition("win2"), true);
    virDomainFree(virDomainCreateXML(conn, xml_of("win3"), 2));
    assert_policy(double_running("win3"), true);
    virDomainFree(virDomainCreateXMLWithFiles(conn, xml_of("win4"), 0, NULL, 0));
    assert_policy(double_running("win4"), true);
    virDomainFree(virDomainDefineXML(conn, xml_of("linux1")));
    assert_policy(double_definition("linux1"), false);
    assert_null(virDomainDefineXML(conn, "<domain></domain>"));
    assert_string_equal(double_error(), "XML error: missing name");
}

static void starts_get_the_policy_first(void **state)
{
    int (*const forms[])(struct _virDomain *) = {virDomainCreate};
    struct _virDomain *domain = defined_without_policy("old1");

    (void)state;
    assert_int_equal(forms[0](domain), 0);
    assert_string_equal(double_error(), "");
    assert_policy(double_definition("old1"), true);
    assert_policy(double_running("old1"), true);
    virDomainFree(domain);
    domain = defined_without_policy("old2");
    assert_int_equal(virDomainCreateWithFlags(domain, 1), 0);
    assert_policy(double_running("old2"), true);
    virDomainFree(domain);
    domain = defined_without_policy("old3");
    assert_int_equal(virDomainCreateWithFiles(domain, 0, NULL, 0), 0);
    assert_policy(double_running("old3"), true);
    virDomainFree(domain);
    domain = defined_without_policy("linux2");
    assert_int_equal(virDomainCreate(domain), 0);
    assert_policy(double_running("linux2"), false);
    virDomainFree(domain);
}

static void other_connections_never_reach_the_engine(void **state)
{
    struct _virConnect *others[] = {
        virConnectOpenReadOnly(NULL),
        virConnectOpenAuth("qemu:///system", NULL, WG_CONNECT_RO),
        virConnectOpen("xen:///system"),
        virConnectOpenAuth("qemu+ssh://other/system", NULL, 0),
        virConnectOpenAuth("qemu://other/system", NULL, 0),
    };
    int asked = times_asked();

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        struct _virDomain *domain = virDomainDefineXML(others[i], xml_of("other"));

        assert_int_equal(domain == NULL, i < 2);
        if (domain == NULL)
            domain = virDomainCreateXML(others[i], xml_of("other"), 0);
        else
            assert_int_equal(virDomainCreate(domain), 0);
        if (domain != NULL)
            virDomainFree(domain);
        double_destroy("other");
        double_undefine("other");
        virConnectClose(others[i]);
    }
    assert_int_equal(times_asked(), asked);
    assert_int_equal(double_wrongly_filtered(), 0);
    assert_null(virConnectOpen("fail:///"));
    assert_string_equal(double_error(), "no connection");
}

/* malloc() gives a freed connection's address to the next one: what was known of it must go. */
static void an_address_that_comes_back_is_judged_anew(void **state)
{
    int again = 0, asked = times_asked();

    (void)state;
    for (int i = 0; i < 50; i++) {
        struct _virConnect *writing = virConnectOpenAuth(NULL, NULL, 0), *reading;
        const void *address = writing;

        virConnectClose(writing);
        reading = virConnectOpenAuth(NULL, NULL, WG_CONNECT_RO);
        again += (const void *)reading == address;
        assert_null(virDomainDefineXML(reading, xml_of("other")));
        virConnectClose(reading);
    }
    assert_true(again > 0);
    assert_int_equal(times_asked(), asked);
    assert_int_equal(double_wrongly_filtered(), 0);
}

static void running_and_saved_guests_are_left_alone(void **state)
{
    struct _virDomain *domain = defined_without_policy("saved");
    int asked = times_asked();

    (void)state;
    double_set_managed_save("saved", true);
    assert_int_equal(virDomainCreate(domain), 0);
    assert_policy(double_definition("saved"), false);
    assert_int_equal(virDomainCreate(domain), -1);
    assert_string_equal(double_error(),
                        "Requested operation is not valid: domain is already running");
    assert_int_equal(times_asked(), asked);
    double_destroy("saved");
    /* FORCE_BOOT throws the saved state away: that is a cold boot */
    assert_int_equal(virDomainCreateWithFlags(domain, WG_DOMAIN_START_FORCE_BOOT), 0);
    assert_policy(double_running("saved"), true);
    virDomainFree(domain);
}

static void a_definition_that_is_refused_goes_through_as_it_was(void **state)
{
    struct _virDomain *domain = virDomainDefineXML(conn, xml_of("refuse1"));

    (void)state;
    assert_non_null(domain);
    virDomainFree(domain);
    assert_string_equal(double_error(), "");
    assert_policy(double_definition("refuse1"), false);
    assert_non_null(strstr(logged(), "define guest 'refuse1': libvirt refused it with the policy"));
    domain = virDomainCreateXML(conn, xml_of("nostart1"), 0);
    assert_non_null(domain);
    virDomainFree(domain);
    assert_policy(double_running("nostart1"), false);
    assert_null(virDomainCreateXML(conn, xml_of("broken1"), 0));
    assert_string_equal(double_error(), "internal error: QEMU said no with the policy");

    set_rollback("no");
    assert_null(virDomainDefineXML(conn, xml_of("refuse2")));
    assert_string_equal(double_error(), "unsupported configuration: policy");
    set_rollback("yes");
}

static void a_start_that_fails_is_rolled_back(void **state)
{
    struct _virDomain *domain = defined_without_policy("nostart2");
    int starts;

    (void)state;
    assert_int_equal(virDomainCreate(domain), 0);
    assert_policy(double_definition("nostart2"), false);
    assert_policy(double_running("nostart2"), false);
    assert_string_equal(double_error(), "");
    assert_non_null(strstr(logged(), "start guest 'nostart2': failed with the policy"));
    virDomainFree(domain);

    domain = defined_without_policy("late1");
    assert_int_equal(virDomainCreate(domain), 0);
    assert_policy(double_running("late1"), false);
    assert_string_equal(double_error(), "");
    virDomainFree(domain);
    domain = virDomainCreateXML(conn, xml_of("late2"), 0);
    assert_policy(double_running("late2"), false);
    virDomainFree(domain);

    domain = defined_without_policy("linger1");
    assert_int_equal(virDomainCreate(domain), 0);
    assert_policy(double_running("linger1"), false);
    virDomainFree(domain);

    domain = defined_without_policy("twice1");
    assert_int_equal(virDomainCreate(domain), 0);
    assert_policy(double_running("twice1"), false);
    virDomainFree(domain);
    virDomainFree(defined_without_policy("twice2"));
    domain = virDomainCreateXML(conn, xml_of("twice2"), 0);
    assert_policy(double_running("twice2"), false);
    virDomainFree(domain);

    domain = defined_without_policy("signal1");
    assert_int_equal(virDomainCreate(domain), 0);
    assert_policy(double_running("signal1"), false);
    virDomainFree(domain);

    domain = defined_without_policy("lost1");
    assert_int_equal(virDomainCreate(domain), 0);
    assert_policy(double_running("lost1"), false);
    assert_int_equal(virDomainIsActive(domain), 1);
    virDomainFree(domain);

    domain = defined_without_policy("moved1");
    starts = double_starts();
    assert_int_equal(virDomainCreate(domain), 0);
    assert_int_equal(virDomainIsActive(domain), 0);
    assert_int_equal(double_starts() - starts, 2);
    virDomainFree(domain);

    domain = defined_without_policy("alike1");
    starts = double_starts();
    assert_int_equal(virDomainCreate(domain), -1);
    assert_policy(double_definition("alike1"), true);
    assert_int_equal(double_starts() - starts, 2);
    virDomainFree(domain);

    domain = defined_without_policy("broken2");
    assert_int_equal(virDomainCreate(domain), -1);
    assert_policy(double_definition("broken2"), true);
    assert_string_equal(double_error(), "internal error: QEMU said no with the policy");
    virDomainFree(domain);

    set_rollback("no");
    domain = defined_without_policy("nostart3");
    assert_int_equal(virDomainCreate(domain), -1);
    assert_policy(double_definition("nostart3"), true);
    assert_string_equal(double_error(), "internal error: QEMU said no with the policy");
    virDomainFree(domain);
    set_rollback("yes");
}

/* The usual case: a client defines, we put the policy in, the start shows that it will not do. */
static void a_start_that_fails_after_a_definition_is_rolled_back(void **state)
{
    struct _virDomain *domain = virDomainDefineXML(conn, xml_of("nostart4"));

    (void)state;
    assert_policy(double_definition("nostart4"), true);
    assert_int_equal(virDomainCreate(domain), 0);
    assert_policy(double_running("nostart4"), false);
    assert_policy(double_definition("nostart4"), false);
    assert_string_equal(double_error(), "");
    virDomainFree(domain);

    /* another cause: the policy stays, and so does what the client has said */
    domain = virDomainDefineXML(conn, xml_of("broken3"));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(virDomainCreate(domain), -1);
        assert_policy(double_definition("broken3"), true);
        assert_string_equal(double_error(), "internal error: QEMU said no with the policy");
        assert_non_null(strstr(logged(), "failed with the policy and without"));
        forget_log();
    }
    virDomainFree(domain);

    /* a definition that has been edited since is not thrown away for the client's first word */
    domain = virDomainDefineXML(conn, xml_of("nostart5"));
    double_edit("nostart5", "<domain><name>nostart5</name><disk/><policy/></domain>");
    assert_int_equal(virDomainCreate(domain), -1);
    assert_policy(double_definition("nostart5"), true);
    assert_string_equal(double_error(), "internal error: QEMU said no with the policy");
    assert_non_null(strstr(logged(), "it was changed since it was defined"));
    /* nor one whose client wrote the policy itself */
    virDomainFree(virDomainDefineXML(conn, xml_of("nostart5")));
    virDomainFree(virDomainDefineXML(conn, "<domain><name>nostart5</name><policy/></domain>"));
    assert_int_equal(virDomainCreate(domain), -1);
    assert_policy(double_definition("nostart5"), true);
    virDomainFree(domain);
}

/* Without the right to read what is stored, an edit could not be told: then nothing is put back. */
static void a_client_that_may_not_read_has_no_rollback_of_its_definition(void **state)
{
    struct _virDomain *domain = virDomainDefineXML(conn, xml_of("secret2"));

    (void)state;
    assert_non_null(domain);
    assert_string_equal(double_error(), "");
    assert_policy(double_definition("secret2"), true);
    virDomainFree(domain);
}

static void somebody_elses_edit_is_never_overwritten(void **state)
{
    struct _virDomain *domain = defined_without_policy("edited");
    char *definition;

    (void)state;
    assert_int_equal(virDomainCreate(domain), 0);
    definition = double_definition("edited");
    assert_string_equal(definition, "<domain><name>edited</name>by somebody</domain>");
    free(definition);
    assert_non_null(strstr(logged(), "it starts as it is"));
    virDomainFree(domain);

    domain = defined_without_policy("meddled");
    assert_int_equal(virDomainCreate(domain), -1);
    definition = double_definition("meddled");
    assert_string_equal(definition, "<domain><name>meddled</name>edited</domain>");
    free(definition);
    /* the calls in between have reset it: it was put back */
    assert_string_equal(double_error(), "internal error: QEMU said no with the policy");
    virDomainFree(domain);
}

/* What polkit does to a client shows as calls that fail. */
static void a_client_with_few_rights_gets_its_call_unchanged(void **state)
{
    static const char *const names[] = {"secret", "hidden", "readonly"};
    static const char *const says[] = {"definition with the secrets", "may not read its state",
                                       "may not write it"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct _virDomain *domain = defined_without_policy(names[i]);

        assert_int_equal(virDomainCreate(domain), 0);
        assert_string_equal(double_error(), "");
        assert_policy(double_running(names[i]), false);
        assert_policy(double_definition(names[i]), false);
        assert_non_null(strstr(logged(), says[i]));
        virDomainFree(domain);
    }
}

static void *destroys(void *domain)
{
    usleep(50000);
    assert_int_equal(virDomainDestroy(domain), 0);
    assert_string_equal(double_error(), "");
    return NULL;
}

static void *undefines(void *domain)
{
    usleep(50000);
    assert_int_equal(virDomainUndefineFlags(domain, 4), 0);
    return NULL;
}

/* Between the start with the policy, which fails, and that without. */
static void *start_and(void *(*meanwhile)(void *), struct _virDomain *domain, int expected)
{
    pthread_t other;

    assert_int_equal(pthread_create(&other, NULL, meanwhile, domain), 0);
    assert_int_equal(virDomainCreate(domain), expected);
    assert_int_equal(pthread_join(other, NULL), 0);
    return double_running(virDomainGetName(domain));
}

static void a_destroy_ends_a_start_that_is_between_two(void **state)
{
    struct _virDomain *domain = virDomainDefineXML(conn, xml_of("nostart6"));

    (void)state;
    assert_null(start_and(destroys, domain, -1));
    assert_policy(double_definition("nostart6"), true);
    /* at other times it is libvirt's */
    assert_int_equal(virDomainDestroy(domain), -1);
    assert_non_null(strstr(double_error(), "domain is not running"));
    assert_int_equal(virDomainCreate(domain), 0);
    assert_policy(double_running("nostart6"), false);
    assert_int_equal(virDomainDestroyFlags(domain, 1), 0);
    virDomainFree(domain);
}

static void an_undefine_waits_for_the_start(void **state)
{
    struct _virDomain *domain = virDomainDefineXML(conn, xml_of("nostart7"));

    (void)state;
    assert_policy(start_and(undefines, domain, 0), false);
    assert_null(double_definition("nostart7"));
    assert_int_equal(virDomainDestroy(domain), 0);
    assert_int_equal(virDomainUndefine(domain), -1);
    assert_string_equal(double_error(), "Domain not found");
    virDomainFree(domain);
}

static void a_fault_of_the_engine_is_nobodys_but_ours(void **state)
{
    struct _virDomain *domain;

    (void)state;
    domain = virDomainDefineXML(conn, xml_of("crash"));
    assert_non_null(domain);
    virDomainFree(domain);
    assert_policy(double_definition("crash"), false);
    assert_non_null(strstr(logged(), "define guest 'crash': "));
    assert_non_null(strstr(logged(), "killed by signal 11"));
    assert_int_equal(rename(WG_BINDIR "/winguest", WG_BINDIR "/gone"), 0);
    domain = virDomainDefineXML(conn, xml_of("win9"));
    assert_int_equal(rename(WG_BINDIR "/gone", WG_BINDIR "/winguest"), 0);
    assert_non_null(domain);
    virDomainFree(domain);
    assert_policy(double_definition("win9"), false);
    assert_non_null(strstr(logged(), "could not be run"));
}

static int nothing_leaks(void **state)
{
    (void)state;
    virConnectClose(conn);
    return double_live_connections() != 0 || double_live_domains() != 0 ||
           double_live_errors() != 0;
}

static int forget(void **state)
{
    (void)state;
    forget_log();
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    mkdir(WG_BINDIR, 0755);
    unlink(WG_BINDIR "/asked");
    write_file(WG_BINDIR "/winguest", "#!/bin/sh\n" ENGINE, 0755);
    set_rollback("yes");
    conn = virConnectOpenAuth("qemu:///system", NULL, 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(definitions_get_the_policy, forget),
        cmocka_unit_test_setup(starts_get_the_policy_first, forget),
        cmocka_unit_test_setup(other_connections_never_reach_the_engine, forget),
        cmocka_unit_test_setup(an_address_that_comes_back_is_judged_anew, forget),
        cmocka_unit_test_setup(running_and_saved_guests_are_left_alone, forget),
        cmocka_unit_test_setup(a_definition_that_is_refused_goes_through_as_it_was, forget),
        cmocka_unit_test_setup(a_start_that_fails_is_rolled_back, forget),
        cmocka_unit_test_setup(a_start_that_fails_after_a_definition_is_rolled_back, forget),
        cmocka_unit_test_setup(a_client_that_may_not_read_has_no_rollback_of_its_definition,
                               forget),
        cmocka_unit_test_setup(somebody_elses_edit_is_never_overwritten, forget),
        cmocka_unit_test_setup(a_client_with_few_rights_gets_its_call_unchanged, forget),
        cmocka_unit_test_setup(a_destroy_ends_a_start_that_is_between_two, forget),
        cmocka_unit_test_setup(an_undefine_waits_for_the_start, forget),
        cmocka_unit_test_setup(a_fault_of_the_engine_is_nobodys_but_ours, forget),
    };

    if (strcmp(program_invocation_short_name, "libvirtd") != 0) {
        execl("/proc/self/exe", "libvirtd", (char *)NULL);
        return 99;
    }
    return cmocka_run_group_tests(tests, set_up, nothing_leaks);
}
