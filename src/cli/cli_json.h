/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the reports of the verbs that have json-c have in common. */
#ifndef WG_CLI_JSON_H
#define WG_CLI_JSON_H

#include <json-c/json.h>
#include <stdio.h>

#include "engine/winguest.h"

/* A string; NULL, JSON's null, if text is NULL or empty. */
json_object *wg_json_text(const char *text);

/* An array of strings. */
json_object *wg_json_words(const struct wg_list *list);

/* An array of where, has, must. */
json_object *wg_json_differences(const struct wg_verdict *verdict);

/* Prints on one line, and frees. Returns 0, or -1 if there is no object, or no memory. */
int wg_json_print(json_object *object, FILE *out);

#endif
