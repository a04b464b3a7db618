#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`winguest audit` and `winguest apply` on real hosts: hundreds of guests of every kind, judged as
`check` judges them, changed by `apply` alone and only as far as it says, and given back by --undo."""

import csv
import io
import json
import os
import pty
import re
import socket
import subprocess
import threading
import time
import xml.etree.ElementTree as etree

import case
import guest
from case import equal, true
from host import PATH, SOCKET, Host, HostError, wait_for

GUESTS = 300
RUNNING = ("kind0-0", "kind1-1", "kind2-2", "kind4-4")
URI = "qemu+unix:///system?socket=/run/libvirt/" + SOCKET
UNDO = "/var/lib/libvirt-winguest/undo"
CONFIG = "[rules]\nexempt.names = *-spared\nnames = named-*\n"
RIGHT_CLOCK = """<clock offset='localtime'><timer name='pit' tickpolicy='delay'/>
  <timer name='rtc' tickpolicy='catchup'/><timer name='hpet' present='no'/>
  <timer name='hypervclock' present='yes'/></clock>"""
RIGHT_FEATURES = """<hyperv><relaxed state='on'/><vapic state='on'/>
  <spinlocks state='on' retries='8191'/></hyperv>"""
LIBOSINFO = """<libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">
  <libosinfo:os id="http://microsoft.com/win/10"/></libosinfo:libosinfo>"""
OWN_MARK = "<winguest:guest xmlns:winguest='urn:libvirt-winguest:domain:1.0' policy='none'/>"


def marked(name, metadata, **options):
    return re.sub("<metadata>.*</metadata>", f"<metadata>{metadata}</metadata>",
                  guest.domain(name, **options), flags=re.S)


# What the policy says of each: a guest's name begins with kindN.
KINDS = (
    ("violates", lambda name: guest.domain(name, devices=guest.vnc(case.password()))),
    ("skipped", lambda name: guest.domain(name, os_type="linux")),
    ("compliant", lambda name: guest.domain(name, clock=RIGHT_CLOCK, features=RIGHT_FEATURES)),
    ("violates", lambda name: marked(name, LIBOSINFO, clock=RIGHT_CLOCK)),
    ("exempt", lambda name: guest.domain(name + "-spared")),
    ("unknown OS", lambda name: marked(name, "")),
    ("exempt", lambda name: marked(name, LIBOSINFO + OWN_MARK)),
    ("violates", lambda name: guest.domain(name, clock="<clock offset='variable' adjustment='28800'/>",
                                           features=RIGHT_FEATURES)),
    ("violates", lambda name: marked("named-" + name, "")),
)


def kind_of(name):
    return KINDS[int(re.search(r"kind(\d)", name).group(1))]


def populate(host, number):
    """Defines that many guests, some kinds of them running."""
    for i in range(number):
        kind = i % len(KINDS)
        host.conn.defineXML(KINDS[kind][1](f"kind{kind}-{i}"))
    for domain in host.conn.listAllDomains():
        if domain.name().removesuffix("-spared") in RUNNING:
            domain.create()


def definitions(host):
    """{name: definition, passwords included}"""
    import libvirt
    flags = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
    return {each.name(): each.XMLDesc(flags) for each in host.conn.listAllDomains()}


def files(host):
    """{name: bytes} of the definitions that libvirtd itself has on disk."""
    folder = os.path.join(host.base, "etc", "qemu")
    found = {}
    for name in os.listdir(folder):
        if name.endswith(".xml"):
            with open(os.path.join(folder, name), "rb") as source:
                found[name] = source.read()
    return found


def running(host):
    """{name: process id} of the QEMUs"""
    return {each.name(): host.qemu(each.name())[0]
            for each in host.conn.listAllDomains() if each.isActive()}


def winguest(host, *args, code=0, **options):
    done = host.run("winguest", *args, **options)
    equal(f"exit code of {' '.join(args)}: {done.stdout[-2000:]}{done.stderr[-2000:]}",
          done.returncode, code)
    return done


def audit(host, *args, code=1):
    return json.loads(winguest(host, "audit", *args, "--format", "json", code=code).stdout)


def big_host():
    return Host(case.tree(), preload=False, hook=False, config=CONFIG)


def said_by_check(host, stored):
    """{name: the line of `check`} for definitions as virsh dumpxml --inactive gives them."""
    lines = {}
    for name in stored:
        host.put(f"/tmp/dump/{name}.xml", host.virsh("dumpxml", "--inactive", name).stdout, 0o644)
    paths = [f"/tmp/dump/{name}.xml" for name in stored]
    for line in winguest(host, "check", *paths, code=1).stdout.splitlines():
        path, rest = line.split(": ", 1)
        lines[os.path.basename(path)[:-len(".xml")]] = rest
    return lines


def as_check_says(found):
    """The line of `check` for a guest of the audit."""
    told = found["stored"]
    details = "; ".join(f"{each['where']}: {each['has']} → {each['must']}"
                        for each in told["differences"])
    evidence = f", {told['evidence']}" if told["evidence"] else ""
    tail = ": " + details if details else ": " + told["reason"] if told["reason"] else ""
    why = "" if told["verdict"] == "unknown OS" else f" ({told['os']}{evidence})"
    return f"{found['name']}: {told['verdict']}{why}{tail}"


def hundreds():
    """The audit of 300 guests agrees with check and changes nothing; apply leaves no violation."""
    with big_host() as host:
        populate(host, GUESTS)
        before, on_disk, alive = definitions(host), files(host), running(host)
        equal("running", len(alive), len(RUNNING))
        begin = time.monotonic()
        told = audit(host, "-c", URI)
        print(f"# audit of {GUESTS} guests: {time.monotonic() - begin:.2f} s")
        equal("guests", sorted(each["name"] for each in told["guests"]), sorted(before))
        equal("hosts", [(each["uri"], each["guests"], each["error"]) for each in told["hosts"]],
              [(URI, GUESTS, None)])
        lines = said_by_check(host, before)
        for each in told["guests"]:
            name = each["name"]
            equal(f"verdict of {name}", each["stored"]["verdict"], kind_of(name)[0])
            equal(name, as_check_says(each), lines[name])
            equal(f"{name} runs", each["active"], name in alive)
            equal(f"live verdict of {name}", each["live"] and each["live"]["verdict"],
                  each["stored"]["verdict"] if each["active"] else None)
        equal("definitions after the audit", definitions(host), before)
        equal("files after the audit", files(host), on_disk)

        wrong = {name for name in before if kind_of(name)[0] == "violates"}
        dry = winguest(host, "apply", "*", "-c", URI, "--dry-run", code=1)
        equal("diffs", dry.stdout.count("\n+++ "), len(wrong))
        for secret in re.findall("passwd='([^']*)'", "".join(before.values())):
            true("no password in a diff", secret not in dry.stdout)
        equal("definitions after --dry-run", definitions(host), before)
        equal("undo record after --dry-run", os.path.exists(host.inside(UNDO)), False)

        done = winguest(host, "apply", "-c", URI, "--all", "--yes")
        waiting = {line.split(":")[0] for line in done.stdout.splitlines()
                   if line.endswith(": redefined, waits for a cold boot")}
        equal("waiting", waiting, wrong & set(alive))
        after = definitions(host)
        equal("changed", {name for name in before if before[name] != after[name]}, wrong)
        equal("QEMUs", running(host), alive)
        told = audit(host, "-c", URI)
        equal("violations", [each["name"] for each in told["guests"]
                             if each["stored"]["verdict"] == "violates"], [])
        equal("waiting for a cold boot", {each["name"] for each in told["guests"]
                                          if each["waits_for_cold_boot"]}, waiting)
        equal("second run", winguest(host, "apply", "-c", URI, "--all", "--yes").stdout, "")

        winguest(host, "apply", "--undo", "--yes")
        given_back(host, before, definitions(host))
        equal("QEMUs", running(host), alive)
        equal("undo record once used", os.path.exists(host.inside(UNDO)), False)


def given_back(host, before, after):
    """What is defined now is what libvirt makes of the saved texts."""
    for name, old in before.items():
        if old != after[name]:
            host.conn.defineXML(old)
            equal(f"{name}, given back", after[name],
                  definitions(host)[name])


def undo_refuses():
    """The record is root's alone; what was edited since stays; a week later it is void."""
    with big_host() as host:
        populate(host, 2 * len(KINDS))
        before = definitions(host)
        true("nothing to undo", "nothing to undo" in
             winguest(host, "apply", "--undo", "--yes", code=2).stderr)
        winguest(host, "apply", "-c", URI, "--yes", "kind0-*")
        folder = host.inside(UNDO)
        equal("mode of the record", os.stat(folder).st_mode & 0o7777, 0o700)
        for name in os.listdir(folder):
            equal(f"mode of {name}", os.stat(os.path.join(folder, name)).st_mode & 0o7777, 0o600)
        domain = host.conn.lookupByName("kind0-9")
        host.conn.defineXML(domain.XMLDesc(3).replace("<memory unit='KiB'>65536", "<memory unit='KiB'>70656"))
        said = winguest(host, "apply", "--undo", "--yes", code=2)
        true(said.stderr, said.stderr == "winguest: apply: kind0-9: its definition was changed since, "
             "it is left alone\n")
        now = definitions(host)
        true("edited", "70656" in now["kind0-9"] and "localtime" in now["kind0-9"])
        equal("the other", now["kind0-0"], before["kind0-0"])
        equal("left of the record", len(os.listdir(folder)), 3)
        other = winguest(host, "apply", "-c", "qemu:///session", "--undo", "--yes", code=2)
        true(other.stderr, "the last apply was done on " + URI in other.stderr)

        week = time.time() - 8 * 24 * 3600
        os.utime(os.path.join(folder, "uri"), (week, week))
        winguest(host, "apply", "--undo", "--yes", code=2)
        equal("record after a week", os.path.exists(folder), False)


def on_a_terminal(host, *args, meanwhile, answer):
    """Runs winguest on a terminal of its own, calls meanwhile() at its question, then answers."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(host._entered(["winguest", *args]), stdin=theirs, stdout=theirs,
                          stderr=theirs, env={**os.environ, "PATH": PATH}) as process:
        os.close(theirs)
        text = b""
        while b"[y/N]" not in text:
            text += os.read(ours, 65536)
        meanwhile()
        os.write(ours, answer.encode() + b"\n")
        try:
            while True:
                text += os.read(ours, 65536)
        except OSError:  # the other end is closed
            pass
        process.wait()
    os.close(ours)
    return process.returncode, text.decode()


def edited_meanwhile():
    """Somebody edits a guest while the operator looks at the question: it stays as it is."""
    with big_host() as host:
        populate(host, 2 * len(KINDS))
        before = definitions(host)
        code, said = on_a_terminal(host, "apply", "-c", URI, "--all", meanwhile=lambda: None,
                                   answer="n")
        equal("exit code of a no", code, 2)
        equal("definitions after a no", definitions(host), before)

        def edit():
            host.conn.defineXML(before["kind0-9"].replace("vcpu placement='static'>1<", "vcpu placement='static'>2<"))
        code, said = on_a_terminal(host, "apply", "-c", URI, "--all", meanwhile=edit, answer="y")
        equal(f"exit code: {said}", code, 2)
        true(said, "kind0-9: its definition changed meanwhile, it is left alone" in said)
        now = definitions(host)
        true("the edit stays", ">2</vcpu>" in now["kind0-9"] and "offset='utc'" in now["kind0-9"])
        equal("left", {each["name"] for each in audit(host, "-c", URI)["guests"]
                       if each["stored"]["verdict"] == "violates"}, {"kind0-9"})
        no = winguest(host, "apply", "-c", URI, "--all", code=2)
        true(no.stderr, "no terminal to ask on" in no.stderr)


def undo_under_the_filter():
    """With the filter on, the old definition is brought in line on its way: undo says so."""
    with Host(case.tree(), preload=False, hook=False) as host:
        host.conn.defineXML(guest.domain("a"))
        winguest(host, "apply", "--all", "--yes")
        host.restart(preload=True)
        said = winguest(host, "apply", "--undo", "--yes", code=2)
        true(said.stderr, "a: the daemon filter brought its old definition in line" in said.stderr)
        host.restart(preload=False)
        winguest(host, "apply", "--undo", "--yes")
        true("given back", "offset='utc'" in definitions(host)["a"])


def transient_and_named():
    with big_host() as host:
        host.conn.createXML(guest.domain("passing"))
        host.conn.defineXML(guest.domain("stays"))
        told = {each["name"]: each for each in audit(host)["guests"]}
        equal("stored", told["passing"]["stored"], None)
        equal("live", told["passing"]["live"]["verdict"], "violates")
        text = winguest(host, "audit", code=1).stdout
        true(text, "2 guests: violates 2," in text)
        said = winguest(host, "apply", "--yes", "passing", "stays", "nobody", code=2)
        true(said.stderr, "passing: is transient" in said.stderr)
        true(said.stderr, "nobody: no such guest" in said.stderr)
        true("stays", "localtime" in definitions(host)["stays"])
        for args in ((), ("--all", "stays"), ("--undo", "--all"), ("--undo", "--dry-run")):
            winguest(host, "apply", *args, code=2)


def two_hosts():
    """A host that fails is named, and the other is told of all the same."""
    with Host() as other:
        other.conn.defineXML(guest.domain("theirs"))
        with Host(case.tree(), preload=False, hook=False,
                  share={"other": os.path.join(other.base, "run/libvirt")}) as host:
            host.conn.defineXML(guest.domain("ours"))
            theirs = "qemu+unix:///system?socket=/tmp/other/" + SOCKET
            uris = ("-c", URI, "-c", theirs)
            told = audit(host, *uris)
            equal("guests", [each["name"] for each in told["guests"]], ["ours", "theirs"])
            equal("metrics", len(metrics(host, *uris)), 1)
            other.stop()
            told = audit(host, *uris, code=2)
            equal("guests", [each["name"] for each in told["guests"]], ["ours"])
            errors = [each["error"] for each in told["hosts"]]
            true(errors, errors[0] is None and theirs in errors[1])
            done = winguest(host, "audit", *uris, code=2)
            true(done.stderr, done.stderr.count("\n") == 1 and theirs in done.stderr)
            true(done.stdout, "ours" in done.stdout)
            values = metrics(host, *uris, code=2)[0]
            equal("up", values[f'winguest_host_up{{uri="{URI}"}}'], 1)
            equal("down", values[f'winguest_host_up{{uri="{theirs}"}}'], 0)
            equal("what is told of the one that is down",
                  [key for key in values if theirs in key and "host_up" not in key], [])


def differing(found, machine):
    return {each["where"]: each["has"] for each in found[machine]["differences"]}


def what_runs():
    """A machine is what its QEMU was started with, whatever libvirt's XML says."""
    right = {"clock": RIGHT_CLOCK, "features": RIGHT_FEATURES}
    extra = {
        "base": ("-rtc base=utc", {"clock.offset": "utc"}),
        "drift": ("-rtc driftfix=none", {"timer.rtc.tickpolicy": "delay"}),
        "pit": ("-global kvm-pit.lost_tick_policy=discard", {"timer.pit.tickpolicy": "discard"}),
        "hpet": ("-machine hpet=on", None),
        "cpu": ("-cpu qemu64,hv-time=on,hv_relaxed,hv-vapic=off,hv-spinlocks=0x10", {
            "hyperv.vapic.state": "off", "hyperv.spinlocks.retries": "16"}),
        "none": ("-cpu qemu64", {
            "timer.hypervclock.present": "no", "hyperv.relaxed.state": "off",
            "hyperv.vapic.state": "off", "hyperv.spinlocks.state": "off"}),
        "same": ("-name guest=same", {}),
    }
    with big_host() as host:
        for name, (arguments, _) in extra.items():
            words = "".join(f"<qemu:arg value='{word}'/>" for word in arguments.split())
            host.conn.defineXML(guest.domain(name, memory=16, **right).replace(
                "<domain ", "<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' ").replace(
                "</domain>", f"<qemu:commandline>{words}</qemu:commandline></domain>")).create()
        host.conn.defineXML(guest.domain("wrong", memory=16)).create()
        host.conn.defineXML(guest.domain("wrong", memory=16, uuid=host.conn.lookupByName("wrong").UUIDString(),
                                         **right))
        found = {each["name"]: each for each in audit(host)["guests"]}
        for name, (_, wanted) in extra.items():
            if wanted is None:  # newer QEMU takes it, and libvirt has no say in it
                continue
            equal(f"{name}, defined", differing(found[name], "stored"), {})
            equal(f"{name}, running", differing(found[name], "live"), wanted)
            equal(f"{name} waits", found[name]["waits_for_cold_boot"], bool(wanted))
        true(found, all(each["live_by"] == "qemu" and each["running_seconds"] < 600
                        for each in found.values()))
        equal("wrong", differing(found["wrong"], "live"), {
            "clock.offset": "utc", "timer.pit.tickpolicy": "none", "timer.rtc.tickpolicy": "none",
            "timer.hpet.present": "none", "timer.hypervclock.present": "none",
            "hyperv.relaxed.state": "none", "hyperv.vapic.state": "none",
            "hyperv.spinlocks.state": "none", "hyperv.spinlocks.retries": "none"})
        true("how long", ", up 0 min; " in winguest(host, "audit", code=1).stdout)
        # of a process that cannot be seen, libvirt's word counts
        os.rename(host.inside("/run/libvirt/qemu/cpu.xml"), host.inside("/run/libvirt/qemu/cpu.away"))
        found = {each["name"]: each for each in audit(host)["guests"]}
        equal("not seen", (found["cpu"]["live_by"], found["cpu"]["live"]["verdict"],
                           found["cpu"]["running_seconds"]), ("libvirt", "compliant", None))
        values = metrics(host)[0]
        waiting = [value for key, value in values.items() if key.startswith("winguest_waiting_guests{")]
        equal("metric", waiting, [5])
        for key, value in values.items():
            if key.startswith("winguest_waiting_over_guests{"):
                equal(key, value, 0)


def metrics(host, *args, code=1):
    """[{series: value}], each series told once and in the exposition format."""
    text = winguest(host, "audit", *args, "--format", "prometheus", code=code).stdout
    label = r'[a-z_]+="(?:[^"\\\n]|\\["\\n])*"'
    values, typed = {}, set()
    for line in text.splitlines():
        comment = re.fullmatch(r"# (HELP|TYPE) (winguest_[a-z_]+) (.+)", line)
        if comment:
            if comment.group(1) == "TYPE":
                equal(line, comment.group(3),
                      "counter" if comment.group(2).endswith("_total") else "gauge")
                true(f"{line} comes once", comment.group(2) not in typed)
                typed.add(comment.group(2))
            continue
        found = re.fullmatch(rf"((winguest_[a-z_]+)(?:\{{{label}(?:,{label})*\}})?) (\d+)", line)
        true(f"{line!r} is a sample", found and found.group(2) in typed)
        true(f"{line!r} comes once", found.group(1) not in values)
        values[found.group(1)] = int(found.group(3))
    return [values]


def formats():
    """Each format of the same host: documented, whole, and fit for its reader."""
    hostile = 'a<b>"&amp;\u202e\u00fc'
    with big_host() as host:
        populate(host, 2 * len(KINDS))
        host.conn.defineXML(guest.domain("evil").replace("<name>evil", "<name>" + re.sub(
            "<", "&lt;", hostile)))
        host.put("/tmp/files/\udcff\x01.xml", "<domain", 0o644)
        host.put("/tmp/files/good.xml", guest.domain("filed"), 0o644)
        both = ("-c", URI, "/tmp/files")
        told = audit(host, *both, code=2)
        equal("guests", len(told["guests"]), 2 * len(KINDS) + 3)
        equal("errors", len([each for each in told["guests"] if each["error"]]), 1)
        case.against_schema(told, "audit")
        check_csv(host, told, *both)
        check_metrics(host, told, *both)
        page = winguest(host, "audit", *both, "--format", "html", code=2).stdout
        equal("guests in the page", page.count("<i>"), 2 * len(KINDS) + 3)
        true("escaped", "a&lt;b&gt;" in page and "<b>\"" not in page)
        for fetched in ("<script src", "<link", "http://", "url(", "@import", "<img"):
            true(f"{fetched} in the page", fetched not in re.sub("http://(microsoft.com|[^ ]*dtd)", "", page))
        text = winguest(host, "audit", *both, code=2).stdout
        true("no escape sequence", "\x1b" not in text and "\u202e" not in text)

        host.put("/etc/libvirt/libvirt.conf", "#uri_default = 'test:///no'\nuri_default='test:///default'\n", 0o644)
        true("libvirt's own default", "\ntest  " in winguest(host, "audit").stdout)
        host.put("/etc/libvirt/libvirt.conf", "uri_aliases = [ 'a=qemu:///system',\n ]\n", 0o644)

        no = winguest(host, "audit", "--output", "/tmp/no/where", code=2)
        equal(no.stderr, no.stderr.count("\n"), 1)
        host.put("/tmp/out/a.prom", "old", 0o644)
        winguest(host, "audit", "--format", "prometheus", "--output", "/tmp/out/a.prom",
                 "--config", "/nowhere", code=2)
        equal("after a failure", host.read("/tmp/out/a.prom"), "old")
        true("the failure leaves nothing", os.listdir(host.inside("/tmp/out")) == ["a.prom"])
        winguest(host, "audit", "--format", "prometheus", "--output", "/tmp/out/a.prom", code=1)
        true("written", host.read("/tmp/out/a.prom").startswith("# HELP"))
        equal("whole or not at all", os.listdir(host.inside("/tmp/out")), ["a.prom"])
        equal("mode", os.stat(host.inside("/tmp/out/a.prom")).st_mode & 0o7777, 0o644)


OWNED = """<metadata><nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'>
<nova:name>=HYPERLINK("x")</nova:name><nova:flavor name='m1.small'/>
<nova:owner><nova:project uuid='11'>finance, "prod"</nova:project></nova:owner>
</nova:instance></metadata>"""


def mute():
    """Not with the command line's own tests: AddressSanitizer's XDR crashes in libvirt's remote driver."""
    with Host(case.tree(), hook=False) as host, socket.socket(socket.AF_UNIX) as silent:
        silent.bind(host.inside("/tmp/mute"))
        silent.listen()
        uri = "qemu+unix:///system?socket=/tmp/mute"
        done = host.run("winguest", "audit", "-c", uri, "-c", "test:///default", "--timeout", "1")
        equal(f"exit {done.stderr}", done.returncode, 2)
        true(done.stderr, f"{uri}: no answer within 1 s" in done.stderr)
        true(done.stdout, "1 of 2 hosts could not be asked" in done.stdout)
        said = winguest(host, "audit", "--timeout", "soon", code=2).stderr
        true(said, "--timeout 'soon': it takes a number, 1 to 3600" in said)


def rude():
    """A host that hangs up while it is spoken to ends neither the audit nor what it has to say."""
    with Host(case.tree(), hook=False) as host, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(host.inside("/tmp/rude"))
        listener.listen()

        def serve():
            while True:
                with listener.accept()[0] as client:
                    client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 8)

        threading.Thread(target=serve, daemon=True).start()
        uri = "qemu+unix:///system?socket=/tmp/rude"
        for _ in range(8):
            done = host.run("winguest", "audit", "-c", uri, "-c", "test:///default")
            equal(f"exit {done.stderr}", done.returncode, 2)
            true(done.stdout, "1 of 2 hosts could not be asked" in done.stdout)
            equal("one line", (done.stderr.count("\n"), uri in done.stderr), (1, True))


def check_csv(host, told, *args):
    page = winguest(host, "audit", *args, "--format", "csv", code=2).stdout
    rows = list(csv.DictReader(io.StringIO(page, newline="")))
    equal("names in the CSV", [each["name"] or None for each in rows],
          [each["name"] for each in told["guests"]])
    equal("lines of as many fields", {len(each) for each in rows}, {20})
    host.put("/tmp/owned/a.xml", guest.domain("owned").replace("</name>", "</name>" + OWNED), 0o644)
    page = winguest(host, "audit", "/tmp/owned", "--format", "csv", code=1).stdout
    row = next(csv.DictReader(io.StringIO(page, newline="")))
    equal("a title that is no formula", row["title"], "'=HYPERLINK(\"x\")")
    equal("project", row["project"], 'finance, "prod"')
    equal("flavor", row["flavor"], "m1.small")


def check_metrics(host, told, *args):
    values = metrics(host, *args, code=2)[0]
    own = [each for each in told["guests"] if each["host"]]
    labels = f'host="{own[0]["host"]}",uri="{URI}"'
    for verdict in ("violates", "compliant", "exempt", "skipped", "unknown OS"):
        wanted = len([each for each in own if each["stored"]["verdict"] == verdict])
        label = {"unknown OS": "unknown"}.get(verdict, verdict)
        equal(verdict, values[f'winguest_guests{{{labels},machine="stored",verdict="{label}"}}'],
              wanted)
    wanted = len([each for each in own for one in each["stored"]["differences"]
                  if one["where"] == "clock.offset"])
    equal("clock.offset", values[f'winguest_differences{{{labels},machine="stored",'
                                 f'where="clock.offset"}}'], wanted)
    equal("in force", (values["winguest_config_valid"], values["winguest_libvirt_refusals"]), (1, 0))
    equal("daemons", values["winguest_daemons"], 1)
    true("timestamp", abs(values["winguest_audit_timestamp_seconds"] - time.time()) < 60)


def has_jsonschema():
    try:
        import jsonschema
    except ImportError as err:
        return f"the JSON cannot be held to its schema ({err}): install python3-jsonschema"
    return None if hasattr(jsonschema, "Draft7Validator") else "python3-jsonschema is too old"


if __name__ == "__main__":
    case.run(what_runs, hundreds, undo_refuses, edited_meanwhile, undo_under_the_filter, transient_and_named,
             two_hosts, formats, mute, rude, requirement=has_jsonschema)
