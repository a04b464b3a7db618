/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the hook and the daemon filter read of the engine's answers. */
#include "engine/decision.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wg_settings settings = {.deadline = 5, .rollback = true};
    struct wg_decision decision;
    struct wg_error err = {0};
    char *bytes = malloc(size + 1);

    PROMISE("memory", bytes);
    memcpy(bytes, data, size);
    /* A seed's version is "?", so that it need not follow ours. */
    if (size >= 32 && bytes[8] == '?')
        strncpy(bytes + 8, PACKAGE_VERSION, 24);
    size_t whole = wg_decision_length(bytes, size, &settings, &err);
    PROMISE("a deadline is one", settings.deadline >= 1 && settings.deadline <= WG_DEADLINE_MAX);
    PROMISE("what is wrong is told", whole > 0 || *err.text);
    bool good = wg_decision_parse(bytes, size, &decision, &err) == 0;
    PROMISE("only a whole one is one", !good || whole == size);
    if (good) {
        PROMISE("its strings end within it",
                decision.text + strlen(decision.text) < bytes + size &&
                    (!decision.name || decision.name + strlen(decision.name) < bytes + size) &&
                    (!decision.xml || strlen(decision.xml) == decision.xml_len));
        PROMISE("a UUID is one", !*decision.uuid || wg_is_uuid(decision.uuid));
        PROMISE("an outcome is one", decision.outcome <= WG_VIOLATES);
    }
    free(bytes);
    return 0;
}
