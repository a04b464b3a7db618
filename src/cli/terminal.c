/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "terminal.h"

#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

#include "common/text.h"

static bool colours;
static bool always;
static int columns;
/* Not the process's: what a glob fits must not depend on who looks. 0: there is none. */
static locale_t theirs;

static bool has_colours(void)
{
    const char *term = getenv("TERM");
    const char *never = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && !(never && *never) && term && strcmp(term, "dumb") != 0;
}

static int count_columns(void)
{
    const char *told = getenv("COLUMNS");
    struct winsize size;

    if (!isatty(STDOUT_FILENO))
        return 0;
    if (told && atoi(told) > 0)
        return atoi(told);
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void wg_terminal_open(const char *color)
{
    always = color && strcmp(color, "always") == 0;
    colours = always || ((!color || strcmp(color, "auto") == 0) && has_colours());
    columns = count_columns();
    theirs = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    wg_text_in_ascii(!theirs || strcmp(nl_langinfo_l(CODESET, theirs), "UTF-8") != 0);
}

void wg_print_coloured(const char *colour, const char *text, FILE *out)
{
    if (always || (colours && out == stdout))
        fprintf(out, "\x1b[%sm%s\x1b[0m", colour, text);
    else
        fputs(text, out);
}

int wg_terminal_columns(const FILE *out)
{
    return out == stdout ? columns : 0;
}

/* The bytes of the character at text, and in *taken its columns. */
static size_t character(const char *text, int *taken)
{
    mbstate_t state = {0};
    wchar_t wide;
    locale_t ours = uselocale(theirs);
    size_t len = mbrtowc(&wide, text, MB_LEN_MAX, &state);
    bool known = len != (size_t)-1 && len != (size_t)-2 && len > 0;
    int width = known ? wcwidth(wide) : 1;

    uselocale(ours);
    *taken = width < 0 ? 1 : width;
    return known ? len : 1;
}

int wg_columns(const char *text)
{
    int sum = 0;
    int taken;

    for (; *text; sum += taken)
        text += character(text, &taken);
    return sum;
}

void wg_print_within(const char *text, int most, FILE *out)
{
    const char *more = wg_ellipsis();
    int left = most - wg_columns(more);
    int taken;

    if (most <= 0 || wg_columns(text) <= most) {
        fputs(text, out);
        return;
    }
    for (size_t len = character(text, &taken); taken <= left; len = character(text, &taken)) {
        fwrite(text, 1, len, out);
        text += len;
        left -= taken;
    }
    fputs(more, out);
}

#define LESS "command -v less >/dev/null && exec less; exec cat"

static FILE *pager;
static int terminal = -1;

void wg_pager_begin(void)
{
    const char *command = getenv("PAGER");
    const char *term = getenv("TERM");

    if (!isatty(STDOUT_FILENO) || (command && (!*command || strcmp(command, "cat") == 0)) ||
        !term || strcmp(term, "dumb") == 0)
        return;
    /* As git does: what fits is printed and left there, colours pass. */
    setenv("LESS", "FRX", 0);
    fflush(stdout);
    terminal = dup(STDOUT_FILENO);
    pager = terminal >= 0 ? popen(command ? command : LESS, "we") : NULL;
    if (!pager)
        return;
    dup2(fileno(pager), STDOUT_FILENO);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN);
}

void wg_pager_end(void)
{
    if (!pager)
        return;
    fflush(stdout);
    /* Who quits has seen enough: that is no error. */
    clearerr(stdout);
    dup2(terminal, STDOUT_FILENO);
    close(terminal);
    pclose(pager);
    pager = NULL;
    signal(SIGINT, SIG_DFL);
}
