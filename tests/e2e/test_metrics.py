#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `winguest audit` writes for node_exporter, in a real one, scraped by a real Prometheus that has
our alerts: promtool finds no fault, the collector takes it, each alert fires when it must (promtool's
clock), and each panel of the dashboard has an answer. There is no Grafana: its file is read as JSON.
Not part of `make check`: `make check-metrics`."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import case
import guest
from case import equal, true
from host import Host

TOP = os.path.dirname(os.path.dirname(case.hosts.HERE))
ALERTS = os.path.join(TOP, "packaging", "prometheus", "winguest-alerts.yml")
DASHBOARD = os.path.join(TOP, "packaging", "grafana", "winguest.json")
PROGRAMS = ("prometheus", "promtool", "prometheus-node-exporter")
EXPORTER, PROMETHEUS = "127.0.0.1:19100", "127.0.0.1:19090"
PATIENCE = 60
CONFIG = f"""global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{ALERTS}]
scrape_configs:
  - job_name: node
    static_configs: [{{targets: ["{EXPORTER}"]}}]
"""


def checked(*command, stdin=None):
    done = subprocess.run(command, capture_output=True, text=True, input=stdin, timeout=PATIENCE, check=False)
    equal(f"{' '.join(command)}: {done.stdout}{done.stderr}", done.returncode, 0)
    return done.stdout + done.stderr


def ask(path, **parameters):
    url = f"http://{PROMETHEUS}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return json.load(answer)["data"]


def query(expression):
    return ask("query", query=expression)["result"]


@contextlib.contextmanager
def scraped(folder):
    """A Prometheus that has the alerts and scrapes a node_exporter, of the files in that folder."""
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "prometheus.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(CONFIG)
        checked("promtool", "check", "config", path)
        commands = (
            ("prometheus-node-exporter", "--collector.disable-defaults", "--collector.textfile",
             f"--collector.textfile.directory={folder}", f"--web.listen-address={EXPORTER}"),
            ("prometheus", f"--config.file={path}", f"--storage.tsdb.path={work}/data",
             f"--web.listen-address={PROMETHEUS}"))
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(open(os.path.join(work, "log"), "w", encoding="utf-8"))
            for command in commands:
                process = stack.enter_context(subprocess.Popen(command, stdout=log, stderr=log))
                stack.callback(process.kill)
            yield


def wait_for(expression):
    until = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            found = query(expression)
            if found:
                return found
        true(f"{expression} has no answer", time.monotonic() < until)
        time.sleep(0.2)


def write(host, code):
    done = host.run("winguest", "audit", "--format", "prometheus", "--output", "/tmp/out/w.prom")
    equal(f"audit: {done.stderr}", done.returncode, code)
    text = host.read("/tmp/out/w.prom")
    equal("promtool's word", checked("promtool", "check", "metrics", stdin=text), "")
    return text


def right():
    """A host with a guest of each kind: all that is told arrives, and all panels have something."""
    with Host(case.tree(), preload=True) as host:
        host.conn.defineXML(guest.domain("win", memory=16)).create()
        host.conn.defineXML(guest.domain("lin", os_type="linux"))
        host.conn.defineXML(re.sub("<metadata>.*</metadata>", "", guest.domain("any"), flags=re.S))
        host.put("/tmp/out/none", "")
        text = write(host, 0)
        with scraped(host.inside("/tmp/out")):
            stamp = re.search(r"^winguest_audit_timestamp_seconds (\d+)$", text, re.M).group(1)
            wait_for(f"winguest_audit_timestamp_seconds == {stamp}")
            equal("the collector's errors", query("node_textfile_scrape_error")[0]["value"][1], "0")
            told = {each["metric"]["__name__"] for each in query('{__name__=~"winguest_.*"}')}
            equal("metrics", told, set(re.findall(r"^# TYPE (\S+)", text, re.M)))
            equal("a sum of guests", query('sum(winguest_guests{machine="stored"})')[0]["value"][1], "3")
            equal("rewritten", query('winguest_decisions_total{op="define",result="rewritten"}')
                  [0]["value"][1], "1")
            equal("blanks", query('{__name__=~"winguest_.*",verdict=~".* .*"}'), [])
            for rule in ask("rules")["groups"][0]["rules"]:
                equal(rule["name"], (rule["health"], rule.get("lastError", "")), ("ok", ""))
            the_dashboard()


def the_dashboard():
    with open(DASHBOARD, encoding="utf-8") as file:
        board = json.load(file)
    equal("numbers", len({panel["id"] for panel in board["panels"]}), len(board["panels"]))
    for panel in board["panels"]:
        true(panel["title"], panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24)
        for target in panel["targets"]:
            expression = target["expr"].replace("$host", ".*")
            if "> 0" in expression:  # nothing is wrong here: that it can be asked has to do
                query(expression)
            else:
                true(f"{panel['title']}: {expression}", query(expression))


def broken():
    """What is wrong is told also where nothing else can be."""
    with Host(case.tree(), config="[rules]\nnames = [\n[enforce\n") as host:
        host.put("/tmp/out/none", "")
        done = host.run("winguest", "audit", "--format", "prometheus", "--output", "/tmp/out/w.prom")
        equal("exit code", done.returncode, 2)
        text = host.read("/tmp/out/w.prom")
        equal("promtool's word", checked("promtool", "check", "metrics", stdin=text), "")
        for line in ("winguest_in_force 0", "winguest_config_valid 0",
                     'winguest_check{check="configuration"} 2'):
            true(f"{line} in {text}", f"\n{line}\n" in text)


# What each alert is of, and what becomes of it after an hour and a half; "_xN": for so many minutes.
FIRES = (
    ("WindowsPolicyNotInForce", {"winguest_in_force": "0x180"}),
    ("WindowsPolicyRefused", {"winguest_libvirt_refusals": "3x180"}),
    ("WindowsPolicyInPart", {'winguest_config_remarks{gravity="warning"}': "1x180"}),
    ("WindowsGuestViolatesPolicy",
     {'winguest_guests{host="h",machine="stored",verdict="violates"}': "2x180"}),
    ("WindowsGuestWaitsTooLong", {'winguest_waiting_over_guests{host="h",days="30"}': "1x180"}),
    ("GuestsOfUnknownOSGrow",
     {'winguest_guests{host="h",machine="stored",verdict="unknown"}': "1+1x180"}),
    ("GuestClockWrong", {'winguest_wrong_clock_guests{host="h"}': "1x180"}),
    ("UnmarkedWindowsGuest", {'winguest_unmarked_windows_guests{host="h"}': "1x180"}),
    ("WindowsGuestAuditMissing", {'winguest_host_up{uri="u"}': "0x180"}),
    ("WindowsGuestAuditNeverSeen",
     {'node_systemd_unit_state{name="libvirtd.service",state="active"}': "1x180"}),
)
QUIET = {
    "winguest_in_force": "1x180", "winguest_libvirt_refusals": "0x180",
    'winguest_config_remarks{gravity="warning"}': "0x180",
    'winguest_guests{host="h",machine="stored",verdict="violates"}': "0x180",
    'winguest_waiting_over_guests{host="h",days="30"}': "0x180",
    'winguest_guests{host="h",machine="stored",verdict="unknown"}': "5x180",
    'winguest_wrong_clock_guests{host="h"}': "0x180",
    'winguest_unmarked_windows_guests{host="h"}': "0x180",
    'winguest_host_up{uri="u"}': "1x180", "winguest_audit_timestamp_seconds": "0+60x180",
    'node_systemd_unit_state{name="libvirtd.service",state="active"}': "1x180",
}


def with_instance(series):
    name, _, labels = series.partition("{")
    return f'{name}{{instance="i"{"," + labels if labels else "}"}'


def alerts():
    """Each fires for what it is about, and none on a host where all is well."""
    checked("promtool", "check", "rules", ALERTS)
    with open(ALERTS, encoding="utf-8") as file:
        equal("alerts", re.findall(r"alert: (\S+)", file.read()), [name for name, _ in FIRES])
    tests = []
    for wanted, series in (*FIRES, (None, {})):
        shown = {**QUIET, **series}
        if wanted == "WindowsGuestAuditNeverSeen":
            shown = series
        tests.append({
            "interval": "1m", "name": str(wanted),
            "input_series": [{"series": with_instance(name), "values": re.sub(r"^(\d+)x", r"\1+0x", values)}
                             for name, values in shown.items()],
            "promql_expr_test": [{
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})', "eval_time": "150m",
                "exp_samples": [{"labels": f'{{alertname="{wanted}"}}', "value": 1}] if wanted else []}]})
    with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
        json.dump({"rule_files": [ALERTS], "tests": tests}, file)
        file.flush()
        checked("promtool", "test", "rules", file.name)


def has_them():
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    return f"install prometheus and prometheus-node-exporter, for {', '.join(missing)}" if missing else None


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    case.run(alerts, right, broken, requirement=has_them)
