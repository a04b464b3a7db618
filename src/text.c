/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int wg_fail(struct wg_error *err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    return -1;
}

int wg_fail_in(struct wg_error *err, const char *format, ...)
{
    struct wg_error cause = *err;
    char context[sizeof(err->text) / 2];
    va_list args;

    va_start(args, format);
    vsnprintf(context, sizeof(context), format, args);
    va_end(args);
    snprintf(err->text, sizeof(err->text), "%s: %.*s", context,
             (int)(sizeof(err->text) - sizeof(context) - 3), cause.text);
    return -1;
}

int wg_no_memory(struct wg_error *err)
{
    return wg_fail(err, "out of memory");
}

int wg_list_add(struct wg_list *list, const char *text, size_t len)
{
    char **grown = realloc(list->item, (list->count + 1) * sizeof(*grown));

    if (!grown)
        return -1;
    list->item = grown;
    grown[list->count] = strndup(text, len);
    if (!grown[list->count])
        return -1;
    list->count++;
    return 0;
}

int wg_list_add_words(struct wg_list *list, const char *text)
{
    static const char blanks[] = " \t\r\n";

    for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
        size_t len = strcspn(text, blanks);

        if (wg_list_add(list, text, len) < 0)
            return -1;
        text += len;
    }
    return 0;
}

void wg_list_clear(struct wg_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->item[i]);
    free(list->item);
    *list = (struct wg_list){0};
}

const char *wg_list_match(const struct wg_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (fnmatch(list->item[i], text, FNM_CASEFOLD) == 0)
            return list->item[i];
    }
    return NULL;
}

bool wg_list_has(const struct wg_list *list, const char *word)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->item[i], word) == 0)
            return true;
    }
    return false;
}

/* Decodes one character; returns its length, or 0 where the bytes are not UTF-8. */
static size_t decode(const unsigned char *s, uint32_t *c)
{
    size_t len = s[0] < 0x80 ? 1 : (s[0] & 0xe0) == 0xc0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3
                                                           : (s[0] & 0xf8) == 0xf0   ? 4
                                                                                     : 0;

    if (len == 0)
        return 0;
    *c = len == 1 ? s[0] : s[0] & (0x7f >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        *c = *c << 6 | (s[i] & 0x3f);
    }
    return len;
}

/* Unicode's Cc and the parts of Cf, Zl and Zp that hide or reorder what follows. */
static bool deceives(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || c == 0xfeff ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f);
}

void wg_print_escaped(const char *text, FILE *out)
{
    const unsigned char *s = (const unsigned char *)text;

    while (*s) {
        uint32_t c;
        size_t len = decode(s, &c);
        bool show = len > 0 && !deceives(c);

        for (size_t i = 0; i < (len ? len : 1); i++)
            fprintf(out, show ? "%c" : "\\x%02x", s[i]);
        s += len ? len : 1;
    }
}
