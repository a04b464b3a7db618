/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The services of libvirt's daemons, as systemd finds them. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "filter.h"

int wg_filter_dropin(const char *root, const char *daemon, char dir[PATH_MAX], char file[PATH_MAX])
{
    int len = snprintf(dir, PATH_MAX, "%s/etc/systemd/system/%s.service.d", root, daemon);

    if (len < 0 || len >= PATH_MAX - (int)sizeof("/" WG_FILTER_DROPIN))
        return wg_cli_error("filter", "%s: the path is too long", root), -1;
    memcpy(file, dir, (size_t)len);
    strcpy(file + len, "/" WG_FILTER_DROPIN);
    return 0;
}

bool wg_filter_has_service(const char *root, const char *daemon)
{
    /* systemd.unit(5): where unit files may be */
    static const char *const dirs[] = {"/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"};
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
        int len = snprintf(path, sizeof(path), "%s%s/systemd/system/%s.service", root, dirs[i],
                           daemon);

        if (len > 0 && len < PATH_MAX && access(path, F_OK) == 0)
            return true;
    }
    return false;
}
