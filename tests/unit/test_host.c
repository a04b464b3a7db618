/* SPDX-License-Identifier: LGPL-2.1-or-later */
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

static void a_file_that_is_wrong_is_told_with_line_and_key(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"[none]\n", ":1: [none]: unknown section; allowed: host file:N facts:N"},
        {"[host]\nname = a\n", ":2: [host] name: unknown key; allowed: kernel"},
        {"[file:1]\npath = /x\ninode = 1\n",
         ":3: [file:1] inode: unknown key; allowed: path size mtime"},
        {"[file:1]\nsize = big\n", ":2: [file:1] size: 'big' is not a number"},
        {"[file:1]\nmtime =\n", ":2: [file:1] mtime: '' is not a number"},
        {FACTS "cpu = x\n", ":6: [facts:1] cpu: unknown key; allowed: virttype emulator arch "
                            "machine hyperv"},
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
        cmocka_unit_test(a_file_that_is_wrong_is_told_with_line_and_key),
        cmocka_unit_test(a_file_that_is_missing_or_open_to_others_is_told),
    };

    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
