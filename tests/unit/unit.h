/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the engine's unit tests share. Whatever a helper cannot do fails the test that asked. */
#ifndef WG_UNIT_H
#define WG_UNIT_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_any.h"
#include "engine/config/policy.h"
#include "engine/domain.h"
#include "engine/plan/target.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* A domain with these children of the root; they may be empty. */
#define DOMAIN(children) "<domain type='kvm'>" children "</domain>"

/* For a group of tests: a directory of their own that nobody else may write, gone at its end. */
int make_scratch(void **state);
int drop_scratch(void **state);

/* The path of a file in that directory. It stays valid for the next seven calls. */
const char *scratch(const char *name);

/* Writes a file there, mode 0644, over the one that is there. Returns its path, as scratch(). */
const char *put_file(const char *name, const char *text);
const char *put_bytes(const char *name, const char *bytes, size_t len);

/* Skips the test, saying why; fails it where WINGUEST_MUST_RUN=1 is set. */
void require(bool able, const char *otherwise);

/* As assert_string_equal, but tells which row of a table it was about. */
void assert_text(const char *row, const char *got, const char *want);
void assert_contains(const char *row, const char *got, const char *want);

/* A domain that parses; for wg_domain_clear(). */
struct wg_domain parse(const char *xml);

/* A configuration with that text, which must be good; for wg_policy_clear(). */
struct wg_policy load_policy(const char *text);

/* What an engine with that configuration says of a domain, which it must be able to read; for
 * wg_verdict_free(). */
struct wg_verdict *judge(const char *conf, const char *xml, unsigned flags);

/* What print() writes, for free(). */
char *printed(void (*print)(const char *text, FILE *out), const char *text);

/* A target's demands as XML on one line, without the declaration; for free(). */
char *demands(const struct wg_target *target);

#endif
