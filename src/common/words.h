/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words that blanks separate. */
#ifndef WG_WORDS_H
#define WG_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* The place of word among words, from 0; -1 if it is none of them. */
int wg_word_index(const char *words, const char *word);

/* Whether word is one of words. */
bool wg_has_word(const char *words, const char *word);

/* Of words the one that word was most likely meant to be, by letters changed,
 * added, left out or swapped: a third of them at most. Returns whether there is one, in nearest. */
bool wg_nearest(const char *words, const char *word, char *nearest, size_t size);

#endif
