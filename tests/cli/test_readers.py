# SPDX-License-Identifier: LGPL-2.1-or-later
"""What all verbs have in common, and those that read domains."""

import json
import os
import re

from harness import (BROKEN, CHANGES, GUEST, LINUX, MARK, PASSWORD, READERS, RIGHT, VERBS, WRONG,
                     Skip, against_schema, equal, is_error, put, true, winguest, within)

# What all of it has in common


def without_arguments():
    result = winguest()
    equal(f"{result}", (result.code, result.out), (2, ""))
    within("usage", result.err, "Usage: winguest COMMAND", "\n  check ", "\n  rewrite ")


def help_for_all_and_for_each():
    for option in ("--help", "-h"):
        result = winguest(option)
        equal(f"{result}", (result.code, result.err), (0, ""))
        within(option, result.out, "Usage: winguest COMMAND", *(f"\n  {verb} " for verb in VERBS))
        true("the filter's own verb is nobody's", "\n  decide" not in result.out)
    for verb in VERBS:
        for arguments in (("--help",), ("-h",), ("--config", "none", "--help")):
            result = winguest(verb, *arguments)
            equal(f"{verb} {arguments}: {result}", (result.code, result.err), (0, ""))
            within(verb, result.out, f"Usage: winguest {verb} ", "Exit: 0")
            # Where the tests' own places are is up to whoever builds.
            short = re.sub(r"/\S*/tests/", "/", result.out)
            true(f"{verb}: a line of over 100: {short}", max(map(len, short.split("\n"))) <= 100)


def help_as_a_command():
    equal("for all", winguest("help").out, winguest("--help").out)
    for verb in VERBS:
        equal(verb, winguest("help", verb).out, winguest(verb, "--help").out)
    is_error("of none", winguest("help", "chekc"), "'chekc' is not a command; did you mean check? see ")


def options_before_the_command():
    put("right.xml", RIGHT)
    put("few.conf", "[windows]\ntimer.hpet.present =\n")
    for before in (("--config", "few.conf"), ("--config=few.conf",)):
        equal("check", winguest(*before, "check", "right.xml").out,
              winguest("check", *before, "right.xml").out)
        is_error("not its own", winguest(*before, "enable"), "enable: unknown option '--config")
    is_error("empty", winguest("audit", "-c", ""), "audit: --connect needs a value, and has an empty one")
    equal("in any case", winguest("config", "show", "-f", "JSON").out,
          winguest("-f", "json", "config", "show").out)


def check_for_programs():
    for name, xml in (("wrong", WRONG), ("linux", LINUX), ("broken", BROKEN)):
        put(f"{name}.xml", xml)
    result = winguest("check", "-f", "json", "--explain", "wrong.xml", "linux.xml", "broken.xml", "none\x01.xml")
    equal(f"{result}", result.code, 2)
    told = json.loads(result.out)
    wrong, linux, broken, none = told["domains"]
    equal("differences", "; ".join(f"{each['where']}: {each['has']} → {each['must']}"
                                   for each in wrong["judgement"]["differences"]), CHANGES)
    equal("verdicts", (wrong["judgement"]["verdict"], linux["judgement"]["verdict"]),
          ("violates", "skipped"))
    true("the trail", "own mark: windows: windows" in wrong["judgement"]["trail"])
    equal("no verdict", (broken["judgement"], none["judgement"]), (None, None))
    true("why", broken["error"] and "No such file" in none["error"])
    equal("errors once each on standard error", result.err.count("\n"), 2)
    is_error("no such format", winguest("check", "-f", "csv", "wrong.xml"), "'csv' is not a format")
    try:
        against_schema(told, "check")
    except ImportError as err:
        raise Skip(str(err)) from err


def the_version():
    result = winguest("--version")
    for other in ("-V", "version"):
        equal(other, winguest(other).out, result.out)
    equal(f"{result}", (result.code, result.err), (0, ""))
    true(f"{result}", re.fullmatch(r"winguest \(libvirt-winguest\) \d+\.\d+\.\d+\S*\n", result.out))


def what_is_no_command():
    for word in ("none", "", "--none", "-x"):
        is_error(word, winguest(word), f"'{word}' is not a command; see winguest --help")
    for word in ("Check", "chekc", "cehck"):
        is_error(word, winguest(word), f"'{word}' is not a command; did you mean check? see ")
    is_error("option", winguest("check", "--expalin"),
             "unknown option '--expalin'; did you mean --explain? see winguest check --help")


def what_is_no_option():
    for verb in READERS:
        for option in ("--none", "-x", "--explain=x"):
            is_error(verb, winguest(verb, option), f"winguest: {verb}: unknown option '{option}'")
        is_error(verb, winguest(verb, "--config"), "--config needs a value")
    for verb in ("diff", "rewrite"):
        is_error(verb, winguest(verb, "--explain"), "unknown option '--explain'")


def a_configuration_that_is_wrong():
    put("bad.conf", "[rules]\n\nname = moon\n")
    put("open.conf", "", 0o666)
    put("domain.xml", RIGHT)
    for verb in READERS:
        is_error(verb, winguest(verb, "--config", "bad.conf", "domain.xml"),
                 f"winguest: {verb}: bad.conf:3: [rules] name: unknown key; did you mean names?")
        is_error(verb, winguest(verb, "--config", "none.conf", "domain.xml"),
                 "none.conf: No such file or directory")
        is_error(verb, winguest(verb, "--config", "open.conf", "domain.xml"),
                 "open.conf: writable by group or others; hint: chmod go-w")


def config_check_tells_all_that_is_wrong():
    for text, code, lines in (
            ("", 0, ["few.conf is right"]),
            ("[windows]\ntimer.pti.tickpolicy = delay\nstylesheets = clock.xsl hyperv.xsl nope.xsl\n"
             "[enforce]\ncold_start = maybe\n", 2,
             ["error: few.conf:5: [enforce] cold_start: 'maybe' is not allowed; ",
              "warning: few.conf:2: [windows] timer.pti.tickpolicy: unknown key; did you mean "
              "timer.pit.tickpolicy? ",
              "error: [windows]: stylesheet nope.xsl: not in ",
              "in force, but for what is said above"]),
            ("[rules]\nname = a\n[windows]\nx = 1\n", 2,
             ["error: few.conf:2: [rules] name: unknown key; did you mean names? ",
              "warning: few.conf:4: [windows] x: unknown key; ",
              "nothing is in force: no guest is touched until the errors are gone"])):
        put("few.conf", text)
        for arguments in (("few.conf",), ("--config", "few.conf")):
            result = winguest("config", "check", *arguments)
            equal(f"{result}", (result.code, result.err), (code, ""))
            said = result.out.splitlines()
            equal(f"{result}", len(said), len(lines))
            for line, wanted in zip(said, lines):
                true(f"{line!r} begins with {wanted!r}", line.startswith(wanted))
    for arguments in ((), ("see",), ("check", "a", "b"), ("check", "--config", "a", "b")):
        is_error(f"{arguments}", winguest("config", *arguments), "expects check or show, and a file")
    is_error("format", winguest("config", "check", "--format", "json"), "check: it has no --format")


def config_show_tells_what_holds_and_why():
    put("few.conf", "[windows]\nclock.keep = utc\ntimer.hpet.present =\n"
        "[windows:old]\nmatch.osinfo = */win/2k3*\nhyperv.relaxed.state = off\n")
    result = winguest("config", "show", "few.conf")
    equal(f"{result}", (result.code, result.err), (0, ""))
    windows, old = (result.out.split(f"[{section}]\n")[1].split("\n\n")[0].splitlines()
                    for section in ("windows", "windows:old"))
    for line in ("clock.keep = utc ; few.conf:2", "timer.hpet.present = ; few.conf:3",
                 "timer.pit.tickpolicy = delay ; default", "hyperv.relaxed.state = on ; default"):
        true(f"{line} in {windows}", line in windows)
    for line in ("match.osinfo = */win/2k3* ; few.conf:5", "clock.keep = utc ; few.conf:2",
                 "hyperv.relaxed.state = off ; few.conf:6"):
        true(f"{line} in {old}", line in old)
    told = json.loads(winguest("config", "show", "--format", "json", "few.conf").out)
    equal("json", told["windows:old"]["hyperv.relaxed.state"], {"value": "off", "line": 6})
    equal("json", told["enforce"]["mode"], {"value": "enforce", "line": 0})
    is_error("format", winguest("config", "show", "--format", "yaml"), "'yaml' is not a format")
    put("bad.conf", "[rules]\nname = a\n")
    is_error("bad", winguest("config", "show", "bad.conf"), "bad.conf:2: [rules] name: unknown key")


def a_configuration_is_used():
    put("utc.conf", "[windows]\nclock.keep = utc\n")
    result = winguest("check", "--config", "utc.conf", stdin=WRONG)
    equal("check", result.code, 1)
    true(f"{result}", "clock.offset:" not in result.out)
    within("diff", winguest("diff", "--config=utc.conf", stdin=WRONG).out, "<clock offset='utc'>")


def files_that_cannot_be_read():
    os.mkdir("directory")
    for verb in READERS:
        is_error(verb, winguest(verb, "none.xml"),
                 f"winguest: {verb}: none.xml: No such file or directory")
        is_error(verb, winguest(verb, "directory"), "directory: cannot be read: Is a directory")
        is_error(verb, winguest(verb, ""), "No such file or directory")


def domains_that_are_none():
    for verb in READERS:
        for xml, why in (("", "empty"), (BROKEN, "line "), ("<network/>", "not <domain>"),
                         (WRONG.encode("utf-16"), "UTF-16"), (b" " * ((32 << 20) + 1), "32 MiB")):
            is_error(verb, winguest(verb, stdin=xml), f"winguest: {verb}: standard input: ", why)
        is_error(verb, winguest(verb, put("broken.xml", BROKEN)), "broken.xml: domain XML: line ")


def standard_input_is_the_default():
    for verb in READERS:
        for arguments in ((), ("-",), ("--", "-")):
            result = winguest(verb, *arguments, stdin=RIGHT)
            equal(f"{verb} {arguments}: {result}", (result.code, result.err), (0, ""))


def an_output_that_takes_nothing():
    put("wrong.xml", WRONG)
    for arguments in (("--help",), ("--version",), ("check", "--help"), ("check", "wrong.xml"),
                      ("diff", "wrong.xml"), ("rewrite", "wrong.xml"), ("rewrite", "--help")):
        with open("/dev/full", "wb") as full:
            result = winguest(*arguments, stdout=full)
        equal(f"full: {arguments}: {result}", result.code, 2)
        true(f"full: {arguments}: {result}", result.err.startswith("winguest: ") or
             arguments[0] == "diff")
        result = winguest(*arguments, preexec_fn=lambda: os.close(1))
        equal(f"closed: {arguments}: {result}", result.code, 2)


# check


def check_says_os_evidence_and_every_difference():
    result = winguest("check", stdin=WRONG)
    equal(f"{result}", (result.code, result.err), (1, ""))
    equal("line", result.out, f"win1: violates (windows, own mark: windows): {CHANGES}\n")
    for xml, line in ((RIGHT, "win2: compliant (windows, own mark: windows)\n"),
                      (LINUX, "lin1: skipped (not windows, own mark: other)\n"),
                      ("<domain/>", "(no name): unknown OS\n")):
        result = winguest("check", stdin=xml)
        equal(line, (result.code, result.out, result.err), (0, line, ""))


def check_takes_many_files():
    put("a.xml", WRONG), put("b.xml", RIGHT), put("c.xml", BROKEN)
    result = winguest("check", "b.xml", "a.xml", "-", stdin=LINUX)
    equal(f"{result}", (result.code, result.err), (1, ""))
    equal("lines", [line.split(" (")[0] for line in result.out.splitlines()],
          ["b.xml: win2: compliant", "a.xml: win1: violates", "lin1: skipped"])
    result = winguest("check", "a.xml", "c.xml", "none.xml", "b.xml")
    equal(f"{result}", (result.code, result.out.count("\n"), result.err.count("\n")), (2, 2, 2))
    within("errors", result.err, "winguest: check: c.xml: ", "winguest: check: none.xml: ")


def check_tells_of_hundreds_in_their_order():
    kinds = (WRONG, RIGHT, LINUX, BROKEN)
    files = [f"many-{number}.xml" for number in range(500)]
    for number, file in enumerate(files):
        put(file, kinds[number % len(kinds)].replace("win1", f"win-{number}"))
    result = winguest("check", "--explain", "--sign", "told=nothing", *files)
    equal("exit code", result.code, 2)
    told = [winguest("check", "--explain", "--sign", "told=nothing", file) for file in files[:20]]
    true("the first are told as they are alone", result.out.startswith("".join(
        each.out for each in told)))
    equal("files", re.findall(r"^(many-\d+\.xml): ", result.out, re.MULTILINE),
          [file for number, file in enumerate(files) if number % 4 != 3])
    equal("errors", re.findall(r"check: (many-\d+\.xml): ", result.err), files[3::4])


def check_explains():
    result = winguest("check", "--explain", stdin=WRONG)
    equal(f"{result}", (result.code, result.err), (1, ""))
    equal("trail", result.out.splitlines()[1:], ["  own mark: windows: windows"])
    result = winguest("check", "--explain", stdin=LINUX.replace(MARK % "other", ""))
    true(f"{result}", len(result.out.splitlines()) > 10)
    within("trail", result.out, "\n  libosinfo: not there\n")


def what_a_name_says_forges_nothing():
    name = "a\nwin9: compliant\x1b[2J.xml"
    put(name, WRONG.replace("win1", "w&#10;win9: compliant\u202e"))
    result = winguest("check", name)
    equal("one line", result.out.count("\n"), 1)
    within("escaped", result.out, "a\\x0awin9: compliant\\x1b[2J.xml: ",
           "w\\x0awin9: compliant\\xe2\\x80\\xae: violates")


def check_may_be_told_of_signs():
    bare = WRONG.replace(MARK % "windows", "")
    equal("without", winguest("check", stdin=bare).code, 0)
    result = winguest("check", "--sign", "os=windows", stdin=bare)
    equal(f"{result}", (result.code, result.err), (1, ""))


# rewrite


def rewrite_prints_the_document():
    result = winguest("rewrite", stdin=WRONG)
    equal(f"{result}", (result.code, result.err), (0, ""))
    within("document", result.out, "<clock offset='localtime'>", PASSWORD, "</domain>\n")
    for xml in (RIGHT, LINUX, result.out, "<domain  />"):
        again = winguest("rewrite", stdin=xml)
        equal("unchanged", (again.code, again.out, again.err), (0, xml, ""))


def rewrite_takes_one_file():
    put("a.xml", WRONG)
    equal("a file", winguest("rewrite", "a.xml").out, winguest("rewrite", stdin=WRONG).out)
    is_error("two", winguest("rewrite", "a.xml", "a.xml"), "winguest: rewrite: one domain at a time")


# diff


def diff_shows_the_policys_lines():
    result = winguest("diff", put("a.xml", WRONG))
    equal(f"{result}", (result.code, result.err), (1, ""))
    lines = result.out.splitlines()
    equal("labels", lines[:2], ["--- a.xml", "+++ a.xml (policy)"])
    equal("taken away", [line for line in lines[2:] if line.startswith("-")],
          ["-  <clock offset='utc'/>"])
    within("added", result.out, "\n+  <clock offset='localtime'>\n",
           "\n+      <relaxed state='on'/>")
    within("standard input", winguest("diff", stdin=WRONG).out, "--- domain\n+++ domain (policy)\n")


def diff_of_what_is_right_is_nothing():
    put("b.xml", RIGHT)
    for result in (winguest("diff", "b.xml", "-", stdin=LINUX),
                   winguest("diff", stdin="<domain/>")):
        equal(f"{result}", (result.code, result.out, result.err), (0, "", ""))


def diff_takes_many_files():
    put("a.xml", WRONG), put("b.xml", RIGHT), put("c.xml", BROKEN)
    result = winguest("diff", "a.xml", "b.xml", "a.xml")
    equal(f"{result}", (result.code, result.out.count("--- a.xml"), result.err), (1, 2, ""))
    result = winguest("diff", "c.xml", "a.xml")
    equal(f"{result}", (result.code, result.out.count("--- a.xml"), result.err.count("\n")),
          (2, 1, 1))


def diff_without_diff():
    empty = dict(os.environ, PATH=os.getcwd())
    is_error("no diff", winguest("diff", stdin=WRONG, env=empty), "diff(1)", "install diffutils")


def nothing_is_left_behind():
    before = put("a.xml", WRONG) and sorted(os.listdir("."))
    temporary = dict(os.environ, TMPDIR=os.getcwd())
    for verb in READERS:
        winguest(verb, "a.xml", env=temporary)
    equal("files", sorted(os.listdir(".")), before)


# The questions of the daemon filter


def decide_answers_the_filter():
    """In a message for programs, which tests/unit/test_decision.c takes apart."""
    for operation in ("define", "create"):
        result = winguest("decide", operation, "win1", stdin=WRONG)
        equal(f"{result}", (result.code, result.err), (0, ""))
        true("the document is in it", winguest("rewrite", stdin=WRONG).out in result.out)
        for xml, words in ((RIGHT, "compliant"), (LINUX, "skipped"), ("<domain/>", "unknown OS")):
            result = winguest("decide", operation, "-", stdin=xml)
            equal(f"{result}", (result.code, result.err), (0, ""))
            within(f"{xml}", result.out, words)
            true("no document", "<domain" not in result.out)
        result = winguest("decide", operation, "win1", stdin=BROKEN)
        equal(f"{result}", (result.code, result.err), (0, ""))
        within("broken", result.out, "domain XML: line ")


def decide_is_for_programs():
    for arguments in ((), ("define",), ("define", "win1", "begin")):
        is_error(f"{arguments}", winguest("decide", *arguments, stdin=WRONG),
                 "winguest: decide: expects OPERATION GUEST")


TESTS = (
    without_arguments, help_for_all_and_for_each, help_as_a_command, options_before_the_command,
    check_for_programs, the_version, what_is_no_command,
    what_is_no_option, a_configuration_that_is_wrong, config_check_tells_all_that_is_wrong,
    config_show_tells_what_holds_and_why, a_configuration_is_used,
    files_that_cannot_be_read, domains_that_are_none, standard_input_is_the_default,
    an_output_that_takes_nothing, check_says_os_evidence_and_every_difference,
    check_takes_many_files, check_explains, what_a_name_says_forges_nothing,
    check_may_be_told_of_signs, rewrite_prints_the_document, rewrite_takes_one_file,
    diff_shows_the_policys_lines, diff_of_what_is_right_is_nothing, diff_takes_many_files,
    diff_without_diff, nothing_is_left_behind, decide_answers_the_filter,
    decide_is_for_programs,
)
