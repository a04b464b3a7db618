# SPDX-License-Identifier: LGPL-2.1-or-later
"""The verbs that talk to libvirt, on the hosts of its own test driver: these live in the memory of
the client, so no daemon and no root is needed."""

import json
import os
import pty
import re
import signal

from harness import (CHANGES, GUEST, LINUX, RIGHT, Skip, VERBS, WRONG, against_schema, equal, is_error, put,
                     true, winguest, within)

UUID = "6a4d3c5e-0318-4a17-80a5-5e006782fa7a"
TALKERS = [verb for verb in VERBS if verb in ("audit", "apply", "repair", "probe")]


def host(*guests):
    """The URI of a host on which these guests run."""
    here = winguest("audit", "-c", "test:///default")
    if here.code == 2:
        raise Skip(here.err.strip())
    rest = "".join(guests).replace("<metadata>", "<memory>65536</memory><metadata>")
    return "test://" + os.path.abspath(put("host.xml", f"<node>{rest}</node>"))


def with_uuid(xml):
    return xml.replace("<name>", f"<uuid>{UUID}</uuid><name>", 1)


ROWS = [["GUEST", "VERDICT", "DIFF", "WHY"],
        ["lin1", "skipped", "not windows, own mark: other"],
        ["win1", "violates", "9", "windows, own mark: windows"],
        ["win2", "compliant", "windows, own mark: windows"]]
SUMMARY = ("3 guests: violates 1, compliant 1, not applicable 0, exempt 0, skipped 1, unknown OS 0, "
           "errors 0; 0 wait for a cold boot")


def rows(text):
    """The table at the head of a report."""
    lines = text.split("\n\n", 1)[0].splitlines()
    return [re.split(" {2,}", line) for line in lines]


def audit_tells_of_every_guest():
    uri = host(WRONG, RIGHT, LINUX)
    result = winguest("audit", "-c", uri)
    equal(f"{result}", (result.code, result.err), (1, ""))
    equal("rows", rows(result.out), ROWS)
    places = ["    " + place for place in CHANGES.split("; ")]
    equal("the rest", result.out.splitlines()[len(ROWS):],
          ["", "win1 differs in 9 places:", *places, "", SUMMARY])
    result = winguest("audit", "-c", uri, "--details")
    equal("details", [line for line in result.out.splitlines() if not line.startswith("    uuid ")][3:-2],
          places)
    result = winguest("audit", "-c", host(RIGHT, LINUX))
    equal(f"{result}", (result.code, result.err), (0, ""))


def audit_groups_what_differs_alike():
    alike = [WRONG.replace("win1", f"alike{number}") for number in range(5)]
    other = RIGHT.replace("win2", "other").replace("8191", "4096")
    result = winguest("audit", "-c", host(*alike, other, LINUX))
    within("both", result.out, "\n\n5 guests differ in the same 9 places:\n    clock.offset: utc → ",
           "\n\nother differs in 1 place:\n    hyperv.spinlocks.retries: 4096 → 8191\n\n7 guests: ")
    true("each once", result.out.count("clock.offset") == 1)
    equal("summary", winguest("audit", "-c", host(*alike, other, LINUX), "--summary").out,
          result.out[result.out.index("\n\n") + 1:])


def audit_names_images_that_no_list_has():
    nova = "<nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'>" \
           "<nova:root type='image' uuid='%s'/></nova:instance>"
    images = [f"{letter * 8}-1111-4222-8333-444455556666" for letter in "abb"]
    guests = [GUEST % (f"who{number}", nova % image, "") for number, image in enumerate(images)]
    uri = host(*guests, WRONG)
    true("without lists none is missed", "in no list" not in winguest("audit", "-c", uri).out)
    put("images", "# none yet\n")
    put("listed.conf", f"[rules]\nimage_file = {os.path.abspath('images')}\n")
    text = winguest("audit", "--config", "listed.conf", "-c", uri).out
    within("each once", text, f"\nimage {images[1]} is in no list: 2 guests of unknown OS\n"
                              f"image {images[0]} is in no list: 1 guest of unknown OS\n4 guests: ")
    told = json.loads(winguest("audit", "--config", "listed.conf", "-c", uri, "-f", "json").out)
    equal("JSON", sorted((each["image"] or "", each["image_unlisted"]) for each in told["guests"]),
          sorted([("", False), *((image, True) for image in images)]))
    against_schema(told, "audit")
    put("images", images[0] + "\n")
    text = winguest("audit", "--config", "listed.conf", "-c", uri).out
    true(f"one is listed: {text}", f"image {images[0]}" not in text and f"image {images[1]}" in text)


def audit_behind_many_without_a_definition():
    """More transient guests in a row than definitions are fetched ahead."""
    transient = [WRONG.replace("win1", f"passing{number:03}").replace("<domain ", "<domain xmlns:test="
                 "'http://libvirt.org/schemas/domain/test/1.0' ").replace("</domain>", "<test:transient/></domain>")
                 for number in range(150)]
    result = winguest("audit", "-c", host(*transient, WRONG, RIGHT))
    within("all of them", result.out, "\n151 guests differ in the same 9 places:", "\n152 guests: ")
    told = json.loads(winguest("audit", "-c", host(*transient, WRONG, RIGHT), "-f", "json").out)
    equal("definitions", sum(each["stored"] is not None for each in told["guests"]), 2)


def audit_since_an_earlier_one():
    gone = RIGHT.replace("win2", "gone").replace("<name>", "<uuid>5a4d3c5e-0318-4a17-80a5-5e006782fa7a</uuid><name>")
    right = RIGHT.replace("win2", "win1")
    before = host(with_uuid(WRONG), LINUX.replace("<name>", "<uuid>7a4d3c5e-0318-4a17-80a5-5e006782fa7a</uuid><name>"), gone)
    winguest("audit", "-c", before, "-f", "json", "-o", "before.json")
    put("since.conf", "[exempt]\nnames = nobody\n")
    equal("nothing", rows(winguest("audit", "-c", before, "--since", "before.json").out)[0],
          ["0 are not as in before.json"])
    after = host(with_uuid(right), LINUX.replace("<name>", "<uuid>7a4d3c5e-0318-4a17-80a5-5e006782fa7a</uuid><name>"),
                 WRONG.replace("win1", "fresh"))
    text = winguest("audit", "-c", after, "--since", "before.json").out
    equal("rows", rows(text)[1:],
          [["fresh", "violates", "9", "new; windows, own mark: windows"],
           ["win1", "compliant", "was violates; windows, own mark: windows"],
           ["gone", "gone", "was compliant"]])
    within("how many", text, "\n3 are not as in before.json\n3 guests: violates 1,")
    told = json.loads(winguest("audit", "-c", after, "--since", "before.json", "-f", "json").out)
    equal("JSON", {each["name"]: (each["was"], each["gone"]) for each in told["guests"]},
          {"fresh": ("new", False), "win1": ("violates", False), "gone": ("compliant", True)})
    against_schema(told, "audit")
    equal("only", [row[0] for row in rows(winguest("audit", "-c", after, "--since", "before.json",
                                                   "--only", "compliant").out)], ["GUEST", "win1", "1 are not as in before.json", SUMMARY])
    put("wrong.json", "{}")
    for file in ("none.json", "since.conf", "wrong.json"):
        is_error(file, winguest("audit", "-c", after, "--since", file), f"audit: --since {file}: it ")
    is_error("csv", winguest("audit", "-c", after, "--since", "before.json", "-f", "csv"),
             "--since goes with --format text and json")


def audit_in_another_format_says_the_same():
    uri = host(with_uuid(WRONG), RIGHT)
    result = winguest("audit", "-c", uri, "--format", "json", "--output", "audit.json")
    equal(f"{result}", (result.code, result.out, result.err), (1, "", ""))
    with open("audit.json", encoding="utf-8") as file:
        told = json.load(file)
    equal("hosts", [(each["uri"], each["guests"], each["error"]) for each in told["hosts"]],
          [(uri, 2, None)])
    wrong, right = told["guests"]
    equal("who", (wrong["name"], wrong["uuid"], right["name"]), ("win1", UUID, "win2"))
    for machine in ("stored", "live"):
        equal("right", right[machine]["verdict"], "compliant")
        equal("wrong", "; ".join(f"{each['where']}: {each['has']} → {each['must']}"
                                 for each in wrong[machine]["differences"]), CHANGES)
    metrics = winguest("audit", "-c", uri, "--format", "prometheus").out
    for machine in ("stored", "live"):
        within("metrics", metrics, f'uri="{uri}",machine="{machine}",verdict="violates"}} 1\n',
               f'machine="{machine}",where="clock.offset"}} 1\n')
    within("page", winguest("audit", "-c", uri, "--format", "html").out, "<html", "win1", "win2",
           "clock.offset")
    is_error("format", winguest("audit", "-c", uri, "--format", "moon"),
             "winguest: audit: 'moon' is not a format; there are text json prometheus html csv")
    is_error("output", winguest("audit", "-c", uri, "--output", "none/audit"),
             "none/audit: No such file or directory")


def audit_of_many_at_once():
    uris = [word for number in range(20)
            for word in ("-c", "test://" + os.path.abspath(put(f"{number}.xml", "<node>" + RIGHT.replace(
                "<metadata>", "<memory>65536</memory><metadata>") + "</node>")))]
    alone = winguest("audit", *uris, "--jobs", "1")
    equal(f"{alone}", (alone.code, alone.err), (0, ""))
    for jobs in ("2", "20", "256"):
        equal(jobs, winguest("audit", *uris, "-j", jobs).out, alone.out)
    for jobs in ("0", "257", "-1", "many", " 1", "1x"):
        is_error(jobs, winguest("audit", *uris, "--jobs", jobs), f"audit: --jobs '{jobs}': it takes")


def audit_of_some():
    uri = host(with_uuid(WRONG), RIGHT)
    all_of_it = winguest("audit", "-c", uri).out.splitlines()
    for chosen, names in ((("violates",), ["win1"]), (("compliant",), ["win2"]), (("error",), []),
                          (("violates", "compliant"), ["win1", "win2"])):
        words = [word for each in chosen for word in ("--only", each)]
        result = winguest("audit", "-c", uri, *words)
        lines = result.out.splitlines()
        equal(f"{chosen}", [row[0] for row in rows(result.out) if row[0].startswith("win")], names)
        equal("all are counted", (lines[-1], result.code), (all_of_it[-1], 1))
    is_error("verdict", winguest("audit", "-c", uri, "--only", "violate"),
             "audit: --only 'violate': did you mean violates? there are violates waiting ")


def audit_of_a_list_of_hosts():
    uri = host(with_uuid(WRONG), RIGHT)
    put("hosts", f"# ours\n{uri}\n\n  test:///none/none.xml  # broken\n")
    by_hand = winguest("audit", "-c", uri, "-c", "test:///none/none.xml")
    equal("the same", winguest("audit", "--hosts", "hosts").out, by_hand.out)
    with open("hosts", encoding="utf-8") as file:
        equal("standard input", winguest("audit", "--hosts", "-", stdin=file.read()).out, by_hand.out)
    equal("who failed, first", by_hand.out.splitlines()[-2], "1 of 2 hosts could not be asked")
    put("empty", "# none\n")
    is_error("empty", winguest("audit", "--hosts", "empty"), "--hosts empty: it names no host; it has a URI a line")
    is_error("missing", winguest("audit", "--hosts", "none"), "--hosts none: No such file or directory")


def audit_goes_on_behind_a_host_that_fails():
    uri = host(WRONG)
    bad = "test://" + os.path.abspath(put("bad.xml", "<network/>"))
    result = winguest("audit", "-c", bad, "-c", uri, "-c", uri)
    equal(f"{result}", result.code, 2)
    within("the other host", result.out, "win1 ", "\n1 guest: violates 1,")
    within("the cause", result.err, f"winguest: audit: {bad}: ")


def on_a_terminal(*arguments, **environment):
    ours, theirs = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    env = dict(env, LC_ALL="C.UTF-8", TZ="CST-8", **{"PAGER": "cat", **environment})
    result = winguest(*arguments, stdout=theirs, env=env)
    equal(f"{result}", result.code, 1)
    os.close(theirs)
    text = b""
    try:
        while part := os.read(ours, 65536):
            text += part
    except OSError:  # nobody has the other end any more
        pass
    os.close(ours)
    return text.decode()


def audit_has_colours_on_a_terminal():
    uri = host(WRONG, RIGHT, LINUX)
    text = on_a_terminal("audit", "-c", uri, TERM="xterm")
    within("colours", text, "\x1b[31mviolates", "\x1b[32mcompliant", "\x1b[2mskipped")
    equal("ends", text.count("\x1b[0m"), 3)
    for environment in ({"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}):
        text = on_a_terminal("audit", "-c", uri, **environment)
        true(f"{environment}: {text!r}", "violates" in text and "\x1b" not in text)
    text = on_a_terminal("audit", "-c", uri, "--color", "never", TERM="xterm")
    true(f"never: {text!r}", "violates" in text and "\x1b" not in text)
    within("always", winguest("audit", "-c", uri, "--color=always").out, "\x1b[31mviolates\x1b[0m")
    is_error("color", winguest("audit", "--color", "red"), "audit: --color 'red': it is one of auto always never")


def audit_fits_a_terminal_and_is_paged():
    uri = host(WRONG, RIGHT, LINUX)
    text = on_a_terminal("audit", "-c", uri, TERM="xterm", COLUMNS="48", NO_COLOR="1")
    within("cut", text, "win1   violates      9  windows, own mark: wind…\r\n")
    text = on_a_terminal("audit", "-c", uri, TERM="xterm", PAGER="sed s/^/paged:/", NO_COLOR="1")
    true(f"paged: {text!r}", all(line.startswith("paged:") for line in text.splitlines()))
    for quitter in ("true", "none"):
        equal(quitter, on_a_terminal("audit", "-c", uri, TERM="xterm", PAGER=quitter).count("win1"), 0)
    true("the code", winguest("audit", "-c", uri).code == 1)


def audit_without_utf8_has_ascii():
    uri = host(WRONG)
    text = winguest("audit", "-c", uri, env=dict(os.environ, LC_ALL="C")).out
    true(f"ASCII: {text!r}", text.isascii())
    within("arrows", text, "clock.offset: utc -> localtime\n")
    put("named.conf", "[rules]\nnames = büro-*\n")
    capitals = put("capitals.xml", GUEST % ("BÜRO-1", "", ""))
    for locale in ("C", "C.UTF-8"):
        said = winguest("check", "--config", "named.conf", capitals, env=dict(os.environ, LC_ALL=locale)).out
        within(f"a locale decides of no guest: {locale}", said, "unknown OS")


def each_verb_can_be_quiet_or_verbose():
    uri = host(WRONG)
    for argv in (["audit", "-q", "-c", uri], ["--quiet", "audit", "-c", uri],
                 ["apply", "-q", "--dry-run", "--all", "-c", uri], ["check", "-q", put("wrong.xml", WRONG)],
                 ["diff", "-q", "wrong.xml"]):
        result = winguest(*argv)
        equal(f"{argv}: {result}", (result.code, result.out, result.err), (1, "", ""))
    result = winguest("audit", "-v", "-c", uri)
    equal("the same", result.out, winguest("audit", "-c", uri).out)
    within("verbose", result.err, "winguest: audit: configuration: ", f"winguest: audit: {uri}: 1 guests, ")
    result = winguest("apply", "-q", "--all", "-c", uri)
    equal(f"{result}", (result.code, result.out), (2, ""))


def apply_and_probe_speak_json():
    uri = host(with_uuid(WRONG), RIGHT, LINUX)
    result = winguest("apply", "-c", uri, "--all", "--dry-run", "-f", "json")
    equal(f"{result}", (result.code, result.err), (1, ""))
    told = json.loads(result.out)
    against_schema(told, "apply")
    equal("dry", (told["dry_run"], [(each["name"], each["result"], len(each["differences"])) for each in told["guests"]]),
          (True, [("lin1", "in line", 0), ("win1", "would change", 9), ("win2", "in line", 0)]))
    is_error("asks nothing", winguest("apply", "-c", uri, "--all", "-f", "json"),
             "apply: --format json asks nothing: it goes with --yes or --dry-run")
    result = winguest("probe", "-c", uri, "--format", "json")
    if result.code == 0:
        against_schema(json.loads(result.out), "probe")
    else:  # libvirt's test driver of that year tells no emulator's capabilities
        within("probe", result.err, "winguest: probe: ")


def apply_counts_what_may_be_cured():
    metadata = """<libosinfo:libosinfo xmlns:libosinfo='http://libosinfo.org/xmlns/libvirt/domain/1.0'>
        <libosinfo:os id='http://microsoft.com/win/10'/></libosinfo:libosinfo>"""
    cured = GUEST % ("cured", metadata, "  <clock offset='utc'/>")
    text = winguest("apply", "--all", "-c", host(cured, WRONG)).out
    within("they are counted before the question", text, "\n1 of them may be guests whose clock is UTC inside")
    put("keep.conf", "[windows]\nclock.v2v = keep\n")
    text = winguest("apply", "--all", "--config", "keep.conf", "-c", host(cured, WRONG)).out
    true(f"none: {text}", "UTC inside" not in text and "win1: violates" in text)


def nobody_reads_it_any_more():
    uri = host(WRONG)
    ours, theirs = os.pipe()
    os.close(ours)
    for argv in (["audit", "-c", uri], ["apply", "--dry-run", "--all", "-f", "json", "-c", uri]):
        result = winguest(*argv, stdout=theirs)
        equal(f"{argv}: {result}", (result.code, result.err), (-signal.SIGPIPE, ""))
    os.close(theirs)


def apply_without_anybody_to_ask_changes_nothing():
    uri = host(WRONG, RIGHT, LINUX)
    result = winguest("apply", "-c", uri, "--all", "--dry-run")
    equal(f"{result}", (result.code, result.err), (1, ""))
    changed = [line for line in result.out.splitlines() if line[:1] in "+-"]
    equal("names", changed[:2], ["--- win1", "+++ win1 (policy)"])
    within("lines", "\n".join(changed), "-  <clock offset='utc'/>", "+  <clock offset='localtime'>")
    result = winguest("apply", "-c", uri, "--all")
    equal(f"{result}", result.code, 2)
    equal("why", result.err,
          "winguest: apply: no terminal to ask on; --yes does it without asking\n")
    true("nothing done", "redefined" not in result.out)


def apply_redefines_what_violates():
    uri = host(with_uuid(WRONG), RIGHT, LINUX)
    result = winguest("apply", "-c", uri, "--all", "--yes")
    equal(f"{result}", (result.code, result.err), (0, ""))
    equal("lines", result.out.splitlines(),
          [f"win1: violates (windows, own mark: windows): {CHANGES}",
           "win1: redefined, waits for a cold boot"])
    for name in ("win2", "lin*"):
        result = winguest("apply", "-c", uri, "--yes", name)
        equal(f"{name}: {result}", (result.code, result.out, result.err), (0, "", ""))
    is_error("none", winguest("apply", "-c", uri, "--yes", "none"),
             "winguest: apply: none: no such guest")


def probe_of_a_host_without_qemu():
    result = winguest("probe", "--print", "-c", host())
    equal(f"{result}", (result.code, result.err), (0, ""))
    within("facts", result.out, "; Written by `winguest probe`", "\n[host]\nkernel = ")
    true("of no emulator", "[facts:" not in result.out)


def what_the_talkers_do_not_take():
    host()
    for verb in TALKERS:
        is_error(verb, winguest(verb, "--none"),
                 f"winguest: {verb}: unknown option '--none'; see winguest {verb} --help")
        option = "--config" if verb != "probe" else "--connect"
        is_error(verb, winguest(verb, option), f"winguest: {verb}: {option} needs a value")
    for arguments in ((), ("--all", "win1")):
        is_error(f"{arguments}", winguest("apply", *arguments),
                 "winguest: apply: expects --all, or names of guests")
    for argument in ("win1", "--all", "--dry-run", "--offline"):
        is_error(argument, winguest("apply", "--undo", argument),
                 "winguest: apply: --undo goes with --connect and --yes alone")
    is_error("repair", winguest("repair", "--pending", "--definition"), "exclude each other")
    is_error("probe", winguest("probe", "win1"), "winguest: probe: win1: No such file or directory")
    for arguments in ((), ("--pending", UUID), (UUID, UUID)):
        is_error(f"{arguments}", winguest("repair", *arguments),
                 "winguest: repair: expects a UUID or --pending; see winguest repair --help")
    for word in ("win1", UUID[:-1], UUID + "0", UUID.replace("-", "0"), UUID.replace("a", "g")):
        is_error(word, winguest("repair", word), f"winguest: repair: '{word}' is not a UUID; ")


TESTS = (
    audit_tells_of_every_guest, audit_groups_what_differs_alike, audit_names_images_that_no_list_has,
    audit_behind_many_without_a_definition, audit_since_an_earlier_one,
    audit_fits_a_terminal_and_is_paged, audit_without_utf8_has_ascii,
    each_verb_can_be_quiet_or_verbose, nobody_reads_it_any_more, apply_counts_what_may_be_cured,
    apply_and_probe_speak_json, audit_in_another_format_says_the_same,
    audit_of_many_at_once, audit_of_some, audit_of_a_list_of_hosts,
    audit_goes_on_behind_a_host_that_fails, audit_has_colours_on_a_terminal,
    apply_without_anybody_to_ask_changes_nothing, apply_redefines_what_violates,
    probe_of_a_host_without_qemu, what_the_talkers_do_not_take,
)
