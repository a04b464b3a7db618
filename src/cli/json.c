/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "cli.h"

void wg_cli_json(const char *text)
{
    char *clean = wg_utf8(text);

    putchar('"');
    for (const char *at = clean ? clean : ""; *at; at++) {
        if (*at == '"' || *at == '\\')
            putchar('\\');
        if ((unsigned char)*at < ' ')
            printf("\\u%04x", *at);
        else
            putchar(*at);
    }
    putchar('"');
    free(clean);
}

void wg_cli_json_member(const char *before, const char *name, const char *text)
{
    printf("%s\"%s\":", before, name);
    if (text && *text)
        wg_cli_json(text);
    else
        fputs("null", stdout);
}
