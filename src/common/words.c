/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "words.h"

#include <string.h>

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
