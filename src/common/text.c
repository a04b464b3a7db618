/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

/* Decodes one character; returns its length, or 0 where the bytes are not UTF-8: cut off, longer
 * than need be, half of a UTF-16 pair, or behind the end of Unicode. */
static size_t decode(const unsigned char *s, uint32_t *c)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = s[0] < 0x80             ? 1
                 : (s[0] & 0xe0) == 0xc0 ? 2
                 : (s[0] & 0xf0) == 0xe0 ? 3
                 : (s[0] & 0xf8) == 0xf0 ? 4
                                         : 0;

    if (len == 0)
        return 0;
    *c = len == 1 ? s[0] : s[0] & (0x7f >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        *c = *c << 6 | (s[i] & 0x3f);
    }
    bool valid = *c >= least[len] && *c <= 0x10ffff && (*c < 0xd800 || *c > 0xdfff);
    return valid ? len : 0;
}

/* Unicode's Cc, Zl and Zp, and what of Cf and Default_Ignorable_Code_Point hides or reorders. */
static bool deceives(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0, 0x1f},          {0x7f, 0x9f},       {0xad, 0xad},       {0x34f, 0x34f},
        {0x61c, 0x61c},     {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180b, 0x180f},
        {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},   {0x3164, 0x3164},
        {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff0, 0xfffb},
        {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
    };

    for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    }
    return false;
}

bool wg_is_uuid(const char *text)
{
    for (size_t i = 0; i < WG_UUID_SIZE - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return !text[WG_UUID_SIZE - 1];
}

/* How many bytes from s on can be shown as they are. */
static size_t showable(const unsigned char *s)
{
    const unsigned char *p = s;
    uint32_t c;
    size_t len;

    while (*p) {
        while (*p >= ' ' && *p <= '~')
            p++;
        len = decode(p, &c);
        if (!*p || len == 0 || deceives(c))
            break;
        p += len;
    }
    return (size_t)(p - s);
}

void wg_print_escaped(const char *text, FILE *out)
{
    const unsigned char *s = (const unsigned char *)text;

    for (;;) {
        size_t shown = showable(s);
        uint32_t c;

        fwrite(s, 1, shown, out);
        s += shown;
        if (!*s)
            return;
        size_t len = decode(s, &c);
        do
            fprintf(out, "\\x%02x", *s++);
        while (len-- > 1);
    }
}

char *wg_escaped(const char *text)
{
    char *copy = NULL;
    size_t len;
    FILE *out = open_memstream(&copy, &len);

    if (!out)
        return NULL;
    wg_print_escaped(text, out);
    if (fclose(out) == 0)
        return copy;
    free(copy);
    return NULL;
}

/* XML 1.0's Char, and with it JSON's strings, but for what text needs none of. */
static bool writable(uint32_t c)
{
    return c == '\t' || c == '\n' || (c >= 0x20 && c != 0x7f && c != 0xfffe && c != 0xffff);
}

char *wg_utf8(const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
    const unsigned char *s = (const unsigned char *)text;
    char *copy = malloc(strlen(text) * (sizeof(replacement) - 1) + 1);
    char *to = copy;

    while (copy && *s) {
        uint32_t c;
        size_t len = decode(s, &c);
        bool keep = len > 0 && writable(c);

        to = mempcpy(to, keep ? (const char *)s : replacement, keep ? len : 3);
        s += len ? len : 1;
    }
    if (copy)
        *to = '\0';
    return copy;
}

static bool in_ascii;

void wg_text_in_ascii(bool ascii)
{
    in_ascii = ascii;
}

const char *wg_arrow(void)
{
    return in_ascii ? "->" : "→";
}

const char *wg_ellipsis(void)
{
    return in_ascii ? "..." : "…";
}

void wg_print_value(const char *text, FILE *out)
{
    char cut[WG_VALUE_MAX + 1];
    size_t len = strnlen(text, WG_VALUE_MAX + 1);

    if (len <= WG_VALUE_MAX) {
        wg_print_escaped(text, out);
        return;
    }
    /* Not within a character; one has three bytes behind its first at most. */
    for (len = WG_VALUE_MAX; len > WG_VALUE_MAX - 4 && (text[len] & 0xc0) == 0x80;)
        len--;
    memcpy(cut, text, len);
    cut[len] = '\0';
    wg_print_escaped(cut, out);
    fputs(wg_ellipsis(), out);
}

#define LETTERS 40

int wg_word_index(const char *words, const char *word)
{
    size_t len = strlen(word);
    int index = 0;

    while (*words) {
        size_t this = strcspn(words, " ");

        if (this == len && strncmp(words, word, len) == 0)
            return index;
        words += this + strspn(words + this, " ");
        index++;
    }
    return -1;
}

bool wg_has_word(const char *words, const char *word)
{
    return wg_word_index(words, word) >= 0;
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t less = a < b ? a : b;

    return less < c ? less : c;
}

/* The distance of Damerau and Levenshtein, of neighbours swapped once. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t cost[LETTERS + 1][LETTERS + 1];

    for (size_t i = 0; i <= a_len; i++) {
        for (size_t j = 0; j <= b_len; j++) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            cost[i][j] = least(cost[i - 1][j] + 1, cost[i][j - 1] + 1,
                               cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1, cost[i][j]);
        }
    }
    return cost[a_len][b_len];
}

bool wg_nearest(const char *words, const char *word, char *nearest, size_t size)
{
    size_t len = strlen(word);
    size_t best = len / 3 + 1;
    bool found = false;

    if (len > LETTERS)
        return false;
    while (*(words += strspn(words, " "))) {
        size_t other = strcspn(words, " ");

        if (other <= LETTERS && other < size) {
            size_t steps = distance(word, len, words, other);

            if (steps < best) {
                best = steps;
                memcpy(nearest, words, other);
                nearest[other] = '\0';
                found = true;
            }
        }
        words += other;
    }
    return found;
}
