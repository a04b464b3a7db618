/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "markup.h"

#include <stdlib.h>
#include <string.h>

static bool begins(const char *p, const char *limit, const char *word)
{
    size_t len = strlen(word);

    return (size_t)(limit - p) >= len && memcmp(p, word, len) == 0;
}

static const char *behind(const char *p, const char *limit, const char *word)
{
    const char *found = p ? memmem(p, (size_t)(limit - p), word, strlen(word)) : NULL;

    return found ? found + strlen(word) : NULL;
}

const char *wg_markup_tag_end(const char *start, const char *limit, bool *empty)
{
    char quote = 0;

    for (const char *p = start; p < limit; p++) {
        if (quote) {
            if (*p == quote)
                quote = 0;
        } else if (*p == '"' || *p == '\'') {
            quote = *p;
        } else if (*p == '>') {
            *empty = p[-1] == '/';
            return p + 1;
        }
    }
    return NULL;
}

/* Passes one piece of markup and changes the depth of elements accordingly. */
static const char *pass(const char *p, const char *limit, int *depth)
{
    bool empty;

    if (begins(p, limit, "<!--"))
        return behind(p + 4, limit, "-->");
    if (begins(p, limit, "<![CDATA["))
        return behind(p, limit, "]]>");
    if (begins(p, limit, "<?"))
        return behind(p, limit, "?>");
    if (begins(p, limit, "</")) {
        --*depth;
        return behind(p, limit, ">");
    }
    const char *end = wg_markup_tag_end(p, limit, &empty);
    if (end && !empty)
        ++*depth;
    return end;
}

const char *wg_markup_end(const char *start, const char *limit)
{
    int depth = 0;

    do {
        const char *mark = memchr(start, '<', (size_t)(limit - start));

        start = mark ? pass(mark, limit, &depth) : NULL;
    } while (start && depth > 0);
    return start;
}

const char *wg_markup_root(const char *bytes, const char *limit)
{
    const char *p = memchr(bytes, '<', (size_t)(limit - bytes));

    while (p && (begins(p, limit, "<?") || begins(p, limit, "<!"))) {
        p = wg_markup_end(p, limit);
        p = p ? memchr(p, '<', (size_t)(limit - p)) : NULL;
    }
    return p;
}

static int add(struct wg_items *items, size_t *room, struct wg_item item)
{
    if (items->count == *room) {
        size_t more = *room ? 2 * *room : 16;
        struct wg_item *grown = realloc(items->item, more * sizeof(*grown));

        if (!grown)
            return -1;
        items->item = grown;
        *room = more;
    }
    items->item[items->count++] = item;
    return 0;
}

int wg_markup_items(const char *start, const char *limit, struct wg_items *items)
{
    const char *lead = start;
    size_t room = 0;

    *items = (struct wg_items){0};
    for (;;) {
        const char *mark = memchr(start, '<', (size_t)(limit - start));

        if (!mark)
            return -1;
        if (begins(mark, limit, "</")) {
            items->tail = lead;
            items->end = mark;
            return 0;
        }
        start = wg_markup_end(mark, limit);
        if (!start)
            return -1;
        if (begins(mark, limit, "<![CDATA["))
            continue;
        if (add(items, &room, (struct wg_item){lead, mark, start}) < 0)
            return -1;
        lead = start;
    }
}

void wg_items_clear(struct wg_items *items)
{
    free(items->item);
    *items = (struct wg_items){0};
}
