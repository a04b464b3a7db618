/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stylesheets: their files, read once, and what libxslt has compiled of them. */
#ifndef WG_STYLESHEETS_H
#define WG_STYLESHEETS_H

#include <libxslt/xsltInternals.h>

#include "engine/plan/target.h"

struct wg_stylesheet {
    char *name;
    xsltStylesheetPtr compiled;
};

/* A file that a stylesheet may be in, or a directory that could not be read. */
struct wg_sheet_file {
    char *path;
    char *text; /* what is in it, len bytes */
    size_t len;
    char *why; /* it could not be read, and text is NULL; else NULL */
};

/* The stylesheets that were needed so far, each compiled once, and the files that they are in. */
struct wg_stylesheets {
    struct wg_stylesheet *item;
    size_t count;
    bool read;
    struct wg_sheet_file *file;
    size_t files;
};

/* Sends what libxml2 and libxslt say in this thread into *err instead of standard error; the one
 * piece of their global state that we need. NULL: it is dropped. */
void wg_rewrite_listen(struct wg_error *err);

/*
 * Reads all the stylesheets of our directory and of the site's, once: what none of them is in
 * cannot be loaded, and no file is opened after it. One that cannot be read, or is over 1 MiB,
 * matters when it is needed only. Returns 0, or -1 with *err filled: our directory cannot be read.
 */
int wg_stylesheets_read(struct wg_stylesheets *sheets, struct wg_error *err);

/* Whether any of the plan's stylesheets is the site's own: not one that was installed with us. They
 * must have been read. */
bool wg_stylesheets_of_site(const struct wg_stylesheets *sheets, const struct wg_target *plan);

/* The stylesheet of that name, compiled when it is first needed; it stays theirs. NULL with *err
 * filled. */
xsltStylesheetPtr wg_stylesheet_compiled(struct wg_stylesheets *sheets, const char *name,
                                         struct wg_error *err);

/* Whether there is a file of that name, of ours or of the site's; they must have been read. */
bool wg_stylesheet_is_there(const struct wg_stylesheets *sheets, const char *name);

bool wg_stylesheet_of_site(const struct wg_stylesheets *sheets, const char *name);

void wg_stylesheets_clear(struct wg_stylesheets *sheets);

#endif
