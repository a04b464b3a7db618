# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the process is given and leaves: its output, descriptors, memory, and the worker."""

import json
import os
import resource
import shutil
import subprocess
import sys
import time

import harness
from harness import BUILD, UUID, VIOLATING, configure, equal, hook, private, true, within
from test_faults import COUNTED, SANITIZED, bound
from test_inputs import is_rewritten
from test_started import qemu

ANYWHERE = False


def cannot_print(what, operation, result):
    """Whoever reads the answer to define or create must not take half of it for all; nobody reads
    that to prepare."""
    equal(f"{what}, {operation}: {result}", (result.code, result.err.count("\n")),
          (0 if operation == "prepare" else 1, 1))
    within(what, result.err, f"winguest: {operation} guest 'win1': standard output: ")
    for _, line in result.log:
        true(f"{what}: XML in the log: {line}", "<" not in line and harness.PASSWORD not in line)


def an_output_that_is_full():
    for operation in ("define", "create", "prepare"):
        with open("/dev/full", "wb") as full:
            cannot_print("full", operation, hook(operation, stdout=full))


def an_output_that_is_closed():
    for operation in ("define", "create", "prepare"):
        cannot_print("closed", operation, hook(operation, before=lambda: os.close(1)))


def an_output_that_nobody_reads():
    for operation in ("define", "create", "prepare"):
        reader, writer = os.pipe()
        os.close(reader)
        cannot_print("unread", operation, hook(operation, stdout=writer))
        os.close(writer)


def no_standard_error():
    for operation in ("define", "prepare"):
        is_rewritten(operation, hook(operation, before=lambda: os.close(2)))
    result = hook("prepare", b"", before=lambda: os.close(2))
    equal(f"{result}", (result.code, result.out, len(result.log)), (0, b"", 1))


def nothing_open_at_all():
    for operation in ("define", "prepare", "started", "migrate"):
        result = hook(operation, before=lambda: os.closerange(0, 3))
        equal(f"{operation}: {result}", (result.code, result.out), (0, b""))
        for _, line in result.log:
            true(f"XML in the log: {line}", "<" not in line)


def few_descriptors():
    for limit in range(3, 12):
        before = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        if harness.call("--help", before=before).code != 0:
            continue  # not even the loader
        # the leak sanitizer opens files of its own
        result = hook("prepare", before=before, env={"ASAN_OPTIONS": "detect_leaks=0"})
        equal(f"{limit} descriptors: {result}", result.code, 0)
        if result.out:
            is_rewritten(f"{limit} descriptors", result)
        elif result.err:
            equal("lines", result.err.count("\n"), 1)
    is_rewritten("enough", result)


def little_memory():
    """Whatever fails first, the guest starts."""
    rewrites = 0
    for mebibytes in range(4, 44, 2):
        limit = mebibytes << 20
        before = lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        if harness.call("--help", before=before).code != 0:
            continue  # not even libc
        result = hook("prepare", before=before)
        equal(f"{mebibytes} MiB: {result}", result.code, 0)
        if result.out:
            is_rewritten(f"{mebibytes} MiB", result)
            rewrites += 1
        else:
            true(f"{mebibytes} MiB: {result}", result.err.startswith("winguest: "))
    true("at last there was enough", rewrites)


def a_guest_of_five_thousand_disks():
    disks = b"".join(b"<disk type='file'><source file='/images/%d'/><serial>%03000d</serial></disk>"
                     % (i, i) for i in range(5000))
    xml = VIOLATING.replace(b"</devices>", disks + b"</devices>")
    true("16 MiB", len(xml) > 14 << 20)
    result = hook("define", xml)
    is_rewritten("define", result)
    true("the disks are as they were", disks in result.out)


WORKER = """#!%s -B
import json, os, sys
fds = {fd: os.readlink("/proc/self/fd/" + fd) for fd in os.listdir("/proc/self/fd")
       if os.path.exists("/proc/self/fd/" + fd)}
with open(%r, "w") as file:
    json.dump({"argv": sys.argv[1:], "environ": dict(os.environ), "fds": fds, "cwd": os.getcwd(),
               "session": os.getsid(0) == os.getpid()}, file)
os.rename(%r, %r)
"""


def a_worker_is_left_behind_for_the_repair():
    """libvirt waits until nobody holds the hook's output any more."""
    script, said = private("tmp/worker"), private("tmp/said")
    with open(script, "w", encoding="utf-8") as file:
        file.write(WORKER % (sys.executable, said + ".new", said + ".new", said))
    os.chmod(script, 0o755)
    if not os.path.exists(os.path.join(harness.LIB, "virt.so")):
        raise harness.Skip("built without libvirt")
    for config, how in (("", "--definition"), ("cold_start = correct\n", "--definition"),
                        ("cold_start = repair\n", "--restart")):
        configure("[enforce]\n" + config)
        with qemu("-rtc", "base=utc"), bound(script, os.path.join(BUILD, "winguest")):
            result = hook("started", env={"LD_LIBRARY_PATH": "/none", "HOME": "/root"},
                          before=lambda: os.dup2(0, 9))
            equal(f"{result}", (result.code, result.out, result.err), (0, b"", ""))
            within("log", result.log[0][1], "handed to the repair worker")
            until = time.monotonic() + harness.SECONDS
            while not os.path.exists(said) and time.monotonic() < until:
                time.sleep(0.01)
            with open(said, encoding="utf-8") as file:
                worker = json.load(file)
        os.unlink(said)
        equal("arguments", worker["argv"], ["repair", how, "--id", "3", UUID])
    os.unlink(script)
    equal("a session of its own", worker["session"], True)
    equal("working directory", worker["cwd"], "/")
    equal("environment", {key: value for key, value in worker["environ"].items()
                          if key not in ("LC_CTYPE", "PWD", "SHLVL", "_")},
          {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"})
    equal("descriptors", {fd: place for fd, place in worker["fds"].items() if int(fd) < 3},
          {"0": "/dev/null", "1": "/dev/null", "2": "/dev/null"})
    equal("more descriptors", [place for fd, place in worker["fds"].items() if int(fd) > 2], [])


def a_repair_without_its_module():
    virt = os.path.join(harness.LIB, "virt.so")
    if not os.path.exists(virt):
        raise harness.Skip("built without libvirt")
    configure("[enforce]\ncold_start = repair\n")
    os.rename(virt, virt + ".away")
    try:
        with qemu("-rtc", "base=utc"):
            result = hook("started")
    finally:
        os.rename(virt + ".away", virt)
    equal(f"{result}", (result.code, result.out, result.err), (0, b"", ""))
    within("log", result.log[0][1], "left as it is: ", "virt.so: No such file", "hint: install")


# Works for as long as a stylesheet may.
LONG = """<xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform'>
<xsl:template match='/' name='t'><xsl:param name='n' select='0'/>%s</xsl:template>
</xsl:stylesheet>""" % ("<xsl:for-each select='//node()|//@*'>" * 7 + "<x/>" + "</xsl:for-each>" * 7)


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.split(":\t", 1) for line in file.read().splitlines())


def confined(pid):
    """What is left to a process that is confined; None if it is not."""
    try:
        status = status_of(pid)
        limits = open(f"/proc/{pid}/limits", encoding="ascii").read()
    except OSError:
        return None
    if status["NoNewPrivs"] != "1":
        return None
    return status["CapEff"].strip("0"), "Max open files            0 " in limits


def a_domain_is_read_by_a_process_that_can_do_nothing_else():
    """The hook's child, while a stylesheet of the site is at work."""
    sheets = os.path.join(BUILD, "etc/libvirt/winguest.d")
    os.mkdir(sheets, 0o755)
    with open(sheets + "/long.xsl", "w", encoding="ascii") as file:
        file.write(LONG)
    configure("[windows]\nstylesheets = clock.xsl hyperv.xsl long.xsl\n")
    try:
        for operation in ("define", "prepare", "started"):
            process = subprocess.Popen([harness.HOOK, "win1", operation, "begin", "-"],
                                       stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            process.stdin.write(VIOLATING)
            process.stdin.close()
            found = None
            while found != ("", True) and process.poll() is None:
                with open(f"/proc/{process.pid}/task/{process.pid}/children",
                          encoding="ascii") as file:
                    tasks = file.read().split()
                found = next(filter(None, map(confined, tasks)), found)
            process.kill()
            process.wait()
            equal(operation, found, ("", True))
    finally:
        shutil.rmtree(sheets)
        configure()


def tests():
    functions = [an_output_that_is_full, an_output_that_is_closed, an_output_that_nobody_reads,
                 no_standard_error, nothing_open_at_all, few_descriptors,
                 a_guest_of_five_thousand_disks, a_worker_is_left_behind_for_the_repair,
                 a_repair_without_its_module]
    # AddressSanitizer needs terabytes of addresses
    if not SANITIZED:
        functions.append(little_memory)
    if not COUNTED:
        functions.append(a_domain_is_read_by_a_process_that_can_do_nothing_else)
    for function in functions:
        yield "process: " + function.__name__.replace("_", " "), function
