/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli_json.h"

#include <stdlib.h>

#include "common/text.h"

#define COMPACT (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

/* File names and the configuration may be in any encoding; JSON is not. */
static json_object *string(const char *text)
{
    char *clean = wg_utf8(text);
    json_object *object = clean ? json_object_new_string(clean) : NULL;

    free(clean);
    return object;
}

json_object *wg_json_text(const char *text)
{
    return text && *text ? string(text) : NULL;
}

json_object *wg_json_words(const struct wg_list *list)
{
    json_object *array = json_object_new_array();

    for (size_t i = 0; i < list->count; i++)
        json_object_array_add(array, wg_json_text(list->item[i]));
    return array;
}

json_object *wg_json_differences(const struct wg_verdict *verdict)
{
    json_object *list = json_object_new_array();

    for (size_t i = 0; i < verdict->n_differences; i++) {
        const struct wg_difference *difference = &verdict->differences[i];
        json_object *object = json_object_new_object();

        json_object_object_add(object, "where", string(difference->where));
        json_object_object_add(object, "has", string(difference->has));
        json_object_object_add(object, "must", string(difference->must));
        json_object_array_add(list, object);
    }
    return list;
}

int wg_json_print(json_object *object, FILE *out)
{
    const char *text = object ? json_object_to_json_string_ext(object, COMPACT) : NULL;

    if (text)
        fputs(text, out);
    json_object_put(object);
    return text ? 0 : -1;
}
