/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands between text for people and where they read it. */
#ifndef WG_CLI_TERMINAL_H
#define WG_CLI_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

/* Looks what the locale and the terminal can show. color: --color's word, or NULL. */
void wg_terminal_open(const char *color);

#define WG_RED "31"
#define WG_GREEN "32"
#define WG_YELLOW "33"
#define WG_FAINT "2"

/* Prints text, which has been escaped, in that colour if out gets any. */
void wg_print_coloured(const char *colour, const char *text, FILE *out);

/* How many columns it has; 0 if it is no terminal. */
int wg_terminal_columns(const FILE *out);

/* How many columns text takes; its bytes where the locale cannot tell. */
int wg_columns(const char *text);

/* Prints what fits so many columns, with an ellipsis if that is not all of text; 0: all. */
void wg_print_within(const char *text, int most, FILE *out);

/* Between them what goes to standard output is read through $PAGER, or less(1), if that is a
 * terminal. */
void wg_pager_begin(void);
void wg_pager_end(void);

#endif
