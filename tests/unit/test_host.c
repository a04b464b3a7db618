/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/plan/cluster.h"
#include "engine/plan/host.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#define FACTS \
    "[facts:1]\nvirttype = kvm\nemulator = /usr/bin/qemu\narch = x86_64\nmachine = \"*\"\n"

static struct wg_host *read_host(const char *text)
{
    struct wg_error err;
    struct wg_host *host = wg_host_read(put_file("host.ini", text), &err);

    if (!host)
        fail_msg("%s\n%s", text, err.text);
    return host;
}

static void what_is_written_is_read(void **state)
{
    struct wg_host *host = read_host("");
    struct wg_error err;
    char *text = NULL;
    size_t len;

    (void)state;
    struct wg_facts *facts = wg_host_add(host, "kvm", "/usr/bin/qemu", "x86_64", "pc");
    assert_non_null(facts);
    facts->known = true;
    assert_int_equal(wg_list_add_words(&facts->hyperv, "relaxed vapic"), 0);
    assert_non_null(wg_host_add(host, "kvm", "/usr/bin/qemu", "x86_64", "*"));
    assert_int_equal(wg_host_add_stamp(host, scratch("host.ini"), &err), 0);
    assert_int_equal(wg_host_add_kernel(host, &err), 0);
    FILE *out = open_memstream(&text, &len);
    assert_int_equal(wg_host_write(host, out), 0);
    fclose(out);
    wg_host_free(host);
    host = wg_host_read(put_file("written.ini", text), &err);
    assert_non_null(host);
    assert_int_equal(host->count, 2);
    assert_string_equal(host->facts[0].machine, "pc");
    assert_true(host->facts[0].known);
    assert_int_equal(host->facts[0].hyperv.count, 2);
    assert_string_equal(host->facts[1].machine, "*");
    assert_false(host->facts[1].known);
    assert_int_equal(host->stamps, 1);
    assert_null(wg_host_stale(host));
    wg_host_free(host);
    free(text);
}

static void what_cannot_be_read_again_is_not_written(void **state)
{
    static const char *const odd[] = {"a\"b", "a\nb", "a;b", "a#b\\"};

    (void)state;
    for (size_t i = 0; i < COUNT(odd); i++) {
        struct wg_host *host = read_host("");
        char *text = NULL;
        size_t len;
        FILE *out = open_memstream(&text, &len);

        assert_non_null(wg_host_add(host, "kvm", odd[i], "x86_64", "*"));
        assert_int_equal(wg_host_write(host, out), -1);
        fclose(out);
        free(text);
        wg_host_free(host);
    }
}

static void another_kernel_or_file_is_noticed(void **state)
{
    struct wg_host *host = read_host("[host]\nkernel = 1.0-none\n");
    struct wg_error err;

    (void)state;
    assert_string_equal(wg_host_stale(host), "the kernel");
    wg_host_free(host);
    host = read_host("");
    const char *path = put_file("emulator", "x");
    assert_int_equal(wg_host_add_stamp(host, path, &err), 0);
    assert_null(wg_host_stale(host));
    put_file("emulator", "another");
    assert_string_equal(wg_host_stale(host), path);
    unlink(path);
    assert_string_equal(wg_host_stale(host), path);
    assert_int_equal(wg_host_add_stamp(host, scratch("none"), &err), -1);
    assert_contains("stamp", err.text, "No such file or directory");
    wg_host_free(host);
}

static void the_first_facts_that_fit_count(void **state)
{
    struct wg_host *host = read_host(
        FACTS "[facts:2]\nmachine = q35\nhyperv = vapic\n"
              "[facts:3]\nvirttype = qemu\nemulator = /usr/bin/other\narch = i686\n");

    (void)state;
    assert_ptr_equal(wg_host_find(host, "kvm", "/usr/bin/qemu", "x86_64", "q35"), &host->facts[0]);
    assert_ptr_equal(wg_host_find(host, "kvm", NULL, "x86_64", NULL), &host->facts[0]);
    assert_ptr_equal(wg_host_find(host, "kvm", "/opt/qemu", "x86_64", "q35"), &host->facts[1]);
    assert_null(wg_host_find(host, "kvm", "/opt/qemu", "x86_64", "pc"));
    assert_ptr_equal(wg_host_find(host, "qemu", "/usr/bin/other", "i686", "pc"), &host->facts[2]);
    assert_null(wg_host_find(host, "qemu", "/usr/bin/other", "x86_64", "pc"));
    wg_host_free(host);
}

#define HAS(words) "[host]\nvendor = AMD\n[facts:1]\narch = x86_64\nhyperv = " words "\n"

static struct wg_host *cluster_of(const char *const *texts, size_t count)
{
    struct wg_host *hosts[3];
    char *names[] = {"one", "two", "three"};
    struct wg_error err;

    for (size_t i = 0; i < count; i++)
        hosts[i] = read_host(texts[i]);
    struct wg_host *cluster = wg_cluster_of(hosts, names, count, &err);
    for (size_t i = 0; i < count; i++)
        wg_host_free(hosts[i]);
    assert_non_null(cluster);
    return cluster;
}

/* All that a host of one fact says, in one line. */
static void is_cluster(const char *what, const char *const *texts, size_t count, const char *want)
{
    struct wg_host *cluster = cluster_of(texts, count);
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    fprintf(out, "%s", cluster->vendor ? cluster->vendor : "?");
    for (size_t i = 0; i < cluster->count; i++) {
        fprintf(out, "; %s", cluster->facts[i].arch);
        for (size_t k = 0; k < cluster->facts[i].hyperv.count; k++)
            fprintf(out, " %s", cluster->facts[i].hyperv.item[k]);
        for (size_t k = 0; k < cluster->facts[i].machines.count; k++)
            fprintf(out, " %s", cluster->facts[i].machines.item[k]);
    }
    for (size_t i = 0; i < cluster->members; i++) {
        fprintf(out, "; %s", cluster->member[i].name);
        for (size_t k = 0; k < cluster->member[i].beyond.count; k++)
            fprintf(out, " +%s", cluster->member[i].beyond.item[k]);
    }
    fclose(out);
    assert_text(what, text, want);
    free(text);
    wg_host_free(cluster);
}

static void a_cluster_has_what_all_its_hosts_have(void **state)
{
    const char *const unequal[] = {HAS("relaxed vapic stimer"), HAS("vapic evmcs relaxed")};
    const char *const one[] = {HAS("relaxed vapic")};
    const char *const silent[] = {HAS("relaxed stimer"), "[facts:1]\narch = x86_64\n"};
    const char *const other[] = {HAS("relaxed") "[facts:2]\narch = i686\nhyperv = vapic\n",
                                 HAS("relaxed")};
    const char *const none[] = {"[host]\nvendor = AMD\n", HAS("relaxed")};
    const char *const machines[] = {HAS("vapic") "machines1 = a b\nmachines2 = c\n",
                                    HAS("vapic") "machines1 = c\n", HAS("vapic")};
    const char *const behind[] = {HAS("vapic"), HAS("vapic") "machines1 = c\n"};
    const char *const vendors[] = {"[host]\nvendor = Intel\n", HAS("relaxed")};
    const char *const two_qemus[] = {HAS("vapic ipi") "[facts:2]\narch = x86_64\nhyperv = vapic\n",
                                     HAS("vapic ipi")};

    (void)state;
    is_cluster("unequal", unequal, 2, "AMD; x86_64 relaxed vapic; one +stimer; two +evmcs");
    is_cluster("one", one, 1, "AMD; x86_64 relaxed vapic; one");
    is_cluster("one says nothing", silent, 2, "?; x86_64 relaxed; one +stimer; two");
    is_cluster("one has no KVM for it", other, 2, "AMD; x86_64 relaxed; i686 vapic; one; two");
    is_cluster("one has no KVM", none, 2, "AMD; x86_64 relaxed; one; two");
    is_cluster("machines", machines, 3, "AMD; x86_64 vapic c; one; two; three");
    is_cluster("who lists no machines comes first", behind, 2, "AMD; x86_64 vapic c; one; two");
    is_cluster("another vendor's without KVM", vendors, 2, "AMD; x86_64 relaxed; one; two");
    is_cluster("two emulators", two_qemus, 2, "AMD; x86_64 vapic; one +ipi; two +ipi");
}

static void a_cluster_without_kvm_is_none(void **state)
{
    struct wg_host *host = read_host("[host]\nvendor = AMD\n");
    char *name = (char[]){"one"};
    struct wg_error err;

    (void)state;
    assert_null(wg_cluster_of(&host, &name, 1, &err));
    assert_string_equal(err.text, "none of the hosts has KVM");
    assert_true(wg_host_is_empty(host));
    wg_host_free(host);
}

static void a_cluster_comes_back_as_it_was_written_and_its_id_is_its_facts(void **state)
{
    const char *const texts[] = {HAS("relaxed vapic stimer") "machines1 = pc\n",
                                 HAS("relaxed vapic") "machines1 = pc\n"};
    struct wg_host *a = cluster_of(texts, 2), *b = cluster_of(texts, 2), *c = cluster_of(texts, 1);
    struct wg_host *back;
    struct wg_error err;
    char *text = NULL, lacking[100];
    size_t len;

    (void)state;
    assert_string_equal(a->id, b->id);
    assert_string_not_equal(a->id, c->id);
    FILE *out = open_memstream(&text, &len);
    assert_int_equal(wg_host_write(a, out), 0);
    fclose(out);
    back = wg_host_read(put_file("cluster.ini", text), &err);
    assert_non_null(back);
    assert_string_equal(back->id, a->id);
    assert_int_equal(back->members, 2);
    assert_string_equal(back->member[0].beyond.item[0], "stimer");
    wg_cluster_text(back, lacking, sizeof(lacking));
    assert_non_null(strstr(lacking, "2 hosts, facts "));
    wg_cluster_lacking(back, a, lacking, sizeof(lacking));
    assert_string_equal(lacking, "");
    wg_host_free(b);
    b = read_host(
        "[host]\nvendor = Intel\n[facts:1]\narch = x86_64\nhyperv = vapic\nmachines1 = q\n");
    wg_cluster_lacking(back, b, lacking, sizeof(lacking));
    assert_string_equal(lacking, " relaxed pc a CPU of AMD");
    wg_cluster_lacking(back, b, lacking, 9);
    assert_string_equal(lacking, " relaxed");
    wg_host_free(b);
    b = read_host("[facts:1]\narch = x86_64\n");
    wg_cluster_lacking(back, b, lacking, sizeof(lacking));
    assert_string_equal(lacking, "");
    wg_host_free(b);
    b = read_host("[facts:1]\narch = i686\nhyperv = relaxed\n");
    wg_cluster_lacking(back, b, lacking, sizeof(lacking));
    assert_string_equal(lacking, " KVM for x86_64");
    text[strlen(text) - 2] = '\0';
    assert_null(wg_host_read(put_file("cluster.ini", text), &err));
    assert_non_null(strstr(err.text, "not as winguest probe has written it"));
    free(text);
    wg_host_free(a);
    wg_host_free(b);
    wg_host_free(c);
    wg_host_free(back);
}

static void a_member_is_known_by_its_host(void **state)
{
    static const struct {
        const char *member, *host;
        bool same;
    } rows[] = {
        {"kvm1", "kvm1", true},
        {"kvm1", "KVM1.example.com", true},
        {"kvm1.example.com", "kvm1", true},
        {"kvm1", "kvm10", false},
        {"kvm10", "kvm1", false},
        {"qemu+ssh://root@kvm1:22/system", "kvm1", true},
        {"qemu+tls://kvm1.example.com/system?pkipath=/x", "kvm1.example.com", true},
        {"qemu+ssh://kvm1@kvm2/system", "kvm1", false},
        {"qemu:///system", "kvm1", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct wg_host *host = read_host("");

        assert_non_null(wg_host_add_member(host, rows[i].member));
        if (wg_cluster_has(host, rows[i].host) != rows[i].same)
            fail_msg("%s, %s", rows[i].member, rows[i].host);
        wg_host_free(host);
    }
}

static void a_file_that_is_wrong_is_told_with_line_and_key(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"[none]\n", ":1: [none]: unknown section; allowed: host member:N file:N facts:N"},
        {"[host]\nname = a\n", ":2: [host] name: unknown key; allowed: kernel vendor id"},
        {"[member:1]\nnam = a\n", ":2: [member:1] nam: unknown key; allowed: name vendor beyond"},
        {"[file:1]\npath = /x\ninode = 1\n",
         ":3: [file:1] inode: unknown key; allowed: path size mtime"},
        {"[file:1]\nsize = big\n", ":2: [file:1] size: 'big' is not a number"},
        {"[file:1]\nmtime =\n", ":2: [file:1] mtime: '' is not a number"},
        {FACTS "cpu = x\n", ":6: [facts:1] cpu: unknown key; allowed: virttype emulator arch "
                            "machine machinesN hyperv"},
        {"x\n", ":1: neither [section] nor key = value nor ; comment"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct wg_error err = {0};
        char want[600];
        const char *path = put_file("host.ini", rows[i].text);

        assert_null(wg_host_read(path, &err));
        assert_int_equal(errno, EINVAL);
        snprintf(want, sizeof(want), "%s%s", path, rows[i].why);
        assert_text(rows[i].text, err.text, want);
    }
}

static void a_file_that_is_missing_or_open_to_others_is_told(void **state)
{
    struct wg_error err = {0};

    (void)state;
    assert_null(wg_host_read(scratch("none.ini"), &err));
    assert_int_equal(errno, ENOENT);
    chmod(put_file("host.ini", ""), 0666);
    assert_null(wg_host_read(scratch("host.ini"), &err));
    assert_int_equal(errno, EPERM);
    assert_contains("open", err.text, "host.ini: writable by group or others");
    wg_host_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(what_cannot_be_read_again_is_not_written),
        cmocka_unit_test(another_kernel_or_file_is_noticed),
        cmocka_unit_test(the_first_facts_that_fit_count),
        cmocka_unit_test(a_cluster_has_what_all_its_hosts_have),
        cmocka_unit_test(a_cluster_without_kvm_is_none),
        cmocka_unit_test(a_cluster_comes_back_as_it_was_written_and_its_id_is_its_facts),
        cmocka_unit_test(a_member_is_known_by_its_host),
        cmocka_unit_test(a_file_that_is_wrong_is_told_with_line_and_key),
        cmocka_unit_test(a_file_that_is_missing_or_open_to_others_is_told),
    };

    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
