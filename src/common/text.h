/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors, lists and words: what every step of the engine needs of strings. */
#ifndef WG_TEXT_H
#define WG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "error.h"
#include "io.h"

struct wg_list {
    char **item;
    size_t count;
};

/* Appends a copy of text, len bytes of it. Returns 0, or -1 if there is no memory. */
int wg_list_add(struct wg_list *list, const char *text, size_t len);

/* Appends the words of text, which blanks separate. Returns 0, or -1 if there is no memory. */
int wg_list_add_words(struct wg_list *list, const char *text);
void wg_list_clear(struct wg_list *list);

/* The first glob of list that matches text, without case; NULL if none does. */
const char *wg_list_match(const struct wg_list *list, const char *text);

/* Whether word is in list, to the letter. */
bool wg_list_has(const struct wg_list *list, const char *word);

/* libvirt's VIR_UUID_STRING_BUFLEN */
#define WG_UUID_SIZE 37

/* Whether text is a UUID in libvirt's form, but for the case of its letters. */
bool wg_is_uuid(const char *text);

/* Writes UTF-8 text with control, direction-changing and invisible characters, line separators
 * and broken sequences as \xNN, so that no value can forge a line of a log or a terminal. */
void wg_print_escaped(const char *text, FILE *out);

/* The same as a copy, to be freed by the caller; NULL if there is no memory. */
char *wg_escaped(const char *text);

/* The longest value in a line of a log, in bytes. Chosen: syslog daemons cut lines at 8 KiB, and no
 * value that says something is as long. */
#define WG_VALUE_MAX 200

/* The same for a value of a domain: what is behind its first WG_VALUE_MAX bytes becomes "…", so
 * that no value, which a tenant may have written, makes a line too long to be logged. */
void wg_print_value(const char *text, FILE *out);

/* For who reads our own arrows and ellipses where UTF-8 is not shown: "->" and "..." from now on.
 * Not for threads. */
void wg_text_in_ascii(bool ascii);
const char *wg_arrow(void);
const char *wg_ellipsis(void);

/* A copy for JSON, XML and the like, to be freed by the caller: what is no UTF-8, or no character
 * that XML may hold, is U+FFFD. NULL if there is no memory. */
char *wg_utf8(const char *text);

/* Of words that blanks separate: the place of word among words, from 0; -1 if it is none of them.
 */
int wg_word_index(const char *words, const char *word);

/* Whether word is one of words. */
bool wg_has_word(const char *words, const char *word);

/* Of words the one that word was most likely meant to be, by letters changed,
 * added, left out or swapped: a third of them at most. Returns whether there is one, in nearest. */
bool wg_nearest(const char *words, const char *word, char *nearest, size_t size);

#endif
