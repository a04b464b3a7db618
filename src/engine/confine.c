/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "confine.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's interface (linux/landlock.h), for systems whose headers are older than it. The calls
 * have these numbers on all architectures. */
enum {
    CREATE_RULESET = 444,
    ADD_RULE = 445,
    RESTRICT_SELF = 446,
};

struct ruleset {
    uint64_t files;
    uint64_t network;
    uint64_t scopes;
};

struct beneath {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

#define PATH_BENEATH 1
#define READ_FILE (1u << 2)
#define READ_DIRECTORY (1u << 3)

/* Rights to files that each version of the interface knows, from the first on. */
static const uint64_t rights[] = {0x1fff, 0x3fff, 0x7fff, 0x7fff, 0xffff};

/* nobody, the kernel's overflow id: there are no files of its own, and no services either. */
#define NOBODY 65534

static struct ruleset all_that_is_known(long version)
{
    const long newest = sizeof(rights) / sizeof(*rights);

    return (struct ruleset){
        .files = rights[(version < newest ? version : newest) - 1],
        .network = version >= 4 ? 3 : 0,
        .scopes = version >= 6 ? 3 : 0,
    };
}

static int allow_reading(long rules)
{
    struct beneath everywhere = {READ_FILE | READ_DIRECTORY, open("/", O_PATH | O_CLOEXEC)};
    long rc = syscall(ADD_RULE, rules, PATH_BENEATH, &everywhere, 0);

    close(everywhere.parent);
    return (int)rc;
}

static bool landlock(enum wg_confinement confinement)
{
    long version = syscall(CREATE_RULESET, NULL, 0, 1);
    struct ruleset handled;

    if (version < 1)
        return false;
    handled = all_that_is_known(version);
    long rules = syscall(CREATE_RULESET, &handled, sizeof(handled), 0);
    if (rules < 0)
        return false;
    bool done = (confinement == WG_CONFINE_ALL || allow_reading(rules) == 0) &&
                syscall(RESTRICT_SELF, rules, 0) == 0;
    close((int)rules);
    return done;
}

/* Not by libc, which looks for threads first. What fails is not to be had: less can be lost. */
static void drop_privileges(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};

    if (geteuid() == 0) {
        syscall(SYS_setgroups, 0, NULL);
        syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY);
        syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY);
    }
    syscall(SYS_capset, &header, none);
}

bool wg_confine(enum wg_confinement confinement)
{
    static const struct rlimit none = {0, 0};

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    bool done = landlock(confinement);
    if (confinement == WG_CONFINE_ALL) {
        setrlimit(RLIMIT_CORE, &none);
        setrlimit(RLIMIT_NOFILE, &none);
        drop_privileges();
    }
    return done;
}
