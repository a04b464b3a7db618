# SPDX-License-Identifier: LGPL-2.1-or-later
# From what `gcov -t` prints ("COUNT: LINE:TEXT") to a line a source: the share of its lines that
# were run. A source is in several programs, a line in several functions: once is enough.
BEGIN { FS = ":" }

# The head of a source has line number 0, and the name in the third field.
$2 + 0 == 0 && $3 == "Source" {
    file = $4
    if (index(file, top) == 1)
        file = substr(file, length(top) + 1)
    if (file !~ /^(src|hooks)\//)
        file = ""
}

file != "" && $2 + 0 > 0 && $1 !~ /-$/ {
    line = file SUBSEP $2 + 0
    if (!(line in ran)) {
        ran[line] = 0
        lines[file]++
    }
    # "#####" and "=====" are lines that were not run; a number may end in "*".
    if (!ran[line] && $1 + 0 > 0) {
        ran[line] = 1
        good[file]++
    }
}

END {
    for (file in lines) {
        printf "%.2f%% of %d %s\n", 100 * good[file] / lines[file], lines[file], file | "sort -n"
        all += lines[file]
        all_good += good[file]
    }
    close("sort -n")
    if (all)
        printf "%.2f%% of %d lines in all\n", 100 * all_good / all, all
}
