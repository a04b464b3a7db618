/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A configuration: it is read, or refused by one line that names the file. */
#include "engine/winguest.h"

#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char domain[] = "<domain type='kvm'><name>x</name><os><type arch='x86_64'>hvm"
                                 "</type></os><clock offset='utc'/></domain>";
    const char *path = fuzz_file("fuzzed.conf", data, size);
    struct wg_settings settings;
    struct wg_error err = {0};
    struct wg_engine *engine = wg_engine_open(path, &settings, &err);

    if (!engine) {
        PROMISE("an error is one line that names the file",
                strstr(err.text, path) && !strchr(err.text, '\n'));
        return 0;
    }
    PROMISE("settings are in their bounds", settings.deadline >= 1 && settings.deadline <= 60);
    struct wg_verdict *verdict = wg_evaluate(engine, domain, strlen(domain), WG_REWRITE, &err);
    PROMISE("a verdict or an error", verdict || (*err.text && !strchr(err.text, '\n')));
    wg_verdict_free(verdict);
    wg_engine_close(engine);
    return 0;
}
