/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the daemon filter reads of the engine's answers. */
#include "../../hooks/filter_engine.h"

#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wg_filter_settings settings = {5000, true};
    char *text = malloc(size + 1);

    PROMISE("memory", text);
    memcpy(text, data, size);
    text[size] = '\0';
    if (size > 0 && wg_filter_answer_ok(text, size))
        PROMISE("a document has an element", strstr(text, "<domain"));
    if (wg_filter_parse_settings(text, &settings))
        PROMISE("a deadline is one", settings.deadline_ms >= 1000);
    else
        PROMISE("what cannot be read changes nothing", settings.deadline_ms == 5000 &&
                                                           settings.rollback);
    free(text);
    return 0;
}
