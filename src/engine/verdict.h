/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Step 5: the verdict, as the steps before it fill it. All return 0, or -1 with *err filled. */
#ifndef WG_VERDICT_H
#define WG_VERDICT_H

#include "common/text.h"
#include "winguest.h"

int wg_verdict_os(struct wg_verdict *verdict, enum wg_os os, const char *label, const char *value,
                  struct wg_error *err);

/* Sets the outcome, WG_EXEMPT or WG_NOT_APPLICABLE, and why. */
int wg_verdict_reason(struct wg_verdict *verdict, enum wg_outcome outcome, struct wg_error *err,
                      const char *format, ...) WG_PRINTF(4, 5);

/* has NULL: there is none. */
int wg_verdict_difference(struct wg_verdict *verdict, const char *where, const char *has,
                          const char *must, struct wg_error *err);
/* Forgets all differences but the first count. */
void wg_verdict_differences_keep(struct wg_verdict *verdict, size_t count);
int wg_verdict_note(struct wg_verdict *verdict, struct wg_error *err, const char *format, ...)
    WG_PRINTF(3, 4);

int wg_verdict_fault(struct wg_verdict *verdict, const char *text, struct wg_error *err);

/* What a sign said: "label: value: answer". value may be NULL. */
int wg_verdict_trail(struct wg_verdict *verdict, const char *label, const char *value,
                     const char *answer, struct wg_error *err);

#endif
