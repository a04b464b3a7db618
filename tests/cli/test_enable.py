# SPDX-License-Identifier: LGPL-2.1-or-later
"""winguest enable, disable: drop-ins and the mode. Below another root nothing of the running system is
asked or told."""

import os
import shutil
import re

from harness import PROGRAM, equal, is_error, put, true, winguest, within

UNITS = "image/etc/systemd/system"
DROPIN = UNITS + "/libvirtd.service.d/50-winguest.conf"
ARMED = ["Each Windows guest that is defined or started gets the policy before libvirt reads its",
         "definition, and those that are defined get it before the daemon starts."]
STAYS = "The hook stays, and does what cold_start says."
BEFORE = f"ExecStartPre=-{PROGRAM} apply --offline\n"


def image(*services):
    """Makes a root, ./image, with these services and the filter. Returns the path of that there."""
    os.makedirs(UNITS)
    missing = winguest("enable", "--root", "image")
    is_error("without the library", missing, "No such file or directory")
    library = re.search(r" image(/\S+/libwinguest-filter\.so): ", missing.err).group(1)
    os.makedirs("image" + os.path.dirname(library), exist_ok=True)
    put("image" + library, "library")
    for service in services:
        put(f"{UNITS}/{service}.service", "[Service]\n")
    return library


def run(verb, lines, *options):
    """Checks all that `winguest VERB` below the image says."""
    result = winguest(verb, "--root", "image", *options)
    equal(f"{verb}: {result}", (result.code, result.out.splitlines(), result.err), (0, lines, ""))


def enable_writes_and_disable_removes():
    library = image("libvirtd")
    for first in (True, False):
        run("enable", [f"{DROPIN}: written"] * first + ARMED)
        with open(DROPIN, encoding="utf-8") as file:
            equal("drop-in", file.read().split("\n", 1)[1],
                  f'[Service]\nEnvironment="LD_PRELOAD={library}"\n{BEFORE}')
        equal("mode", os.stat(DROPIN).st_mode & 0o777, 0o644)
        equal("beside it", os.listdir(os.path.dirname(DROPIN)), [os.path.basename(DROPIN)])
    equal("other services", sorted(os.listdir(UNITS)), ["libvirtd.service", "libvirtd.service.d"])
    put(DROPIN, f'[Service]\nEnvironment="LD_PRELOAD={library}"\n# {BEFORE}')
    run("enable", [f"{DROPIN}: written"] + ARMED)
    os.unlink(UNITS + "/libvirtd.service")
    run("disable", [f"{DROPIN}: removed", STAYS])
    equal("left", os.listdir(UNITS), [])
    run("disable", [STAYS])


def disable_leaves_what_others_wrote():
    image("libvirtd", "virtqemud")
    both = [f"{DROPIN}: ", f"{DROPIN}: ".replace("libvirtd", "virtqemud")]
    run("enable", [file + "written" for file in both] + ARMED)
    other = put(os.path.dirname(DROPIN) + "/60-own.conf", "[Service]\n")
    run("disable", [file + "removed" for file in both] + [STAYS])
    true("another's drop-in", os.path.exists(other))


def a_masked_service_is_none():
    image("virtqemud")
    os.makedirs("image/usr/lib/systemd/system")
    put("image/usr/lib/systemd/system/libvirtd.service", "[Service]\n")
    os.symlink("/dev/null", f"{UNITS}/libvirtd.service")
    run("enable", [f"{DROPIN.replace('libvirtd', 'virtqemud')}: written"] + ARMED)
    equal("the masked one's", os.path.exists(DROPIN), False)


def enable_where_no_systemd_is():
    library = image()
    result = winguest("enable", "--root", "image")
    equal(f"{result}", (result.code, result.err), (0, ""))
    within("what to set", result.out, "nothing was written", "/container/start.sh\n", f"LD_PRELOAD={library}\n")
    equal("written", os.listdir(UNITS), [])


def enable_sets_the_mode():
    """In any file that is a configuration, with nothing else in it changed."""
    image("libvirtd")
    nowhere = winguest("enable", "--root", "image", "--mode", "report")
    config = re.search(r" (image/\S+): No such file", nowhere.err).group(1)
    os.makedirs(os.path.dirname(config))
    told = [f"{config}: mode = report",
            "mode = report: what each Windows guest would get is logged, and nothing is changed."]
    run("enable", told[:1] + [f"{DROPIN}: written"] + told[1:], "--mode", "report")
    for before, after in (
            (None, "[enforce]\nmode = report\n"),
            ("", "[enforce]\nmode = report\n"),
            ("; no end of line", "; no end of line\n[enforce]\nmode = report\n"),
            ("[rules]\nnames = a\n", "[rules]\nnames = a\n[enforce]\nmode = report\n"),
            ("[Enforce]", "[Enforce]\nmode = report\n"),
            ("[enforce]\n; mode = x\nMode=enforce ; why\nrollback = no\n[rules]\n",
             "[enforce]\n; mode = x\nmode = report\nrollback = no\n[rules]\n"),
            ("[enforce]\nmode = \\\n  en\\\nforce\nrollback = no\n", "[enforce]\nmode = report\nrollback = no\n"),
            ("[enforce]\nrollback = no\n", "[enforce]\nmode = report\nrollback = no\n")):
        if before is None:
            os.unlink(config)
        else:
            put(config, before)
            os.chmod(config, 0o640)
        run("enable", told, "--mode", "report")
        with open(config, encoding="utf-8") as file:
            equal(f"of {before!r}", file.read(), after)
        equal("its mode", os.stat(config).st_mode & 0o777, 0o644 if before is None else 0o640)
        equal("beside it", os.listdir(os.path.dirname(config)), [os.path.basename(config)])
        run("enable", told[1:], "--mode", "report")
    os.rename(config, "image/real")
    os.symlink(os.path.abspath("image/real"), config)
    run("enable", [f"{config}: mode = enforce"] + ARMED, "--mode", "enforce")
    true("a link stays one", os.path.islink(config))
    os.unlink(config)
    put(config, "[enforce\n")
    is_error("a syntax error", winguest("enable", "--root", "image", "--mode", "report"), f"{config}:1: ")
    with open(config, encoding="utf-8") as file:
        equal("left", file.read(), "[enforce\n")
    result = winguest("enable", "--root", "image")
    equal("exit", result.code, 0)
    within("cannot be used", result.out, "No guest is touched")


def enable_below_selinux():
    """The loader in secure mode takes a bare name, of a file with the set-user-ID bit."""
    library = image("libvirtd")
    os.makedirs("image/etc/selinux")
    put("image/etc/selinux/config", "SELINUX=enforcing\n")
    if re.match("(/usr)?/lib", library):
        run("enable", [f"{DROPIN}: written"] + ARMED)
        with open(DROPIN, encoding="utf-8") as file:
            within("drop-in", file.read(), '"LD_PRELOAD=libwinguest-filter.so"\n')
        equal("mode", os.stat("image" + library).st_mode & 0o7777, 0o4644)
    else:
        is_error("library", winguest("enable", "--root", "image"), library,
                 "standard directories only")
        equal("drop-in", os.path.exists(DROPIN), False)


def enable_that_cannot_be():
    library = image()

    def refused(*words):
        is_error("enable", winguest("enable", "--root", "image"),
                 "winguest: enable: ", *words)

    os.makedirs("image/usr/lib/systemd/system")
    put("image/usr/lib/systemd/system/libvirtd.service", "[Service]\n")
    for folder in ("default", "sysconfig"):
        os.mkdir("image/etc/" + folder)
        file = put(f"image/etc/{folder}/libvirtd", "A=b\nLD_PRELOAD=/usr/lib/libjemalloc.so.2\n")
        refused(file, f"add {library} there")
        put(file, f"LD_PRELOAD={library}:/usr/lib/libjemalloc.so.2\n")
    equal("written", os.listdir(UNITS), [])
    os.makedirs(DROPIN)
    refused(f"{DROPIN}: Is a directory")
    equal("beside it", os.listdir(os.path.dirname(DROPIN)), [os.path.basename(DROPIN)])
    is_error("disable", winguest("disable", "--root", "image"),
             f"winguest: disable: {DROPIN}: Is a directory")
    os.removedirs(DROPIN)
    shutil.rmtree("image/etc/systemd", ignore_errors=True)
    put("image/etc/systemd", "")
    refused("image/etc/systemd/system: Not a directory")
    os.remove("image/etc/systemd")
    result = winguest("enable", "--root", "image")
    equal(f"directories that were missing: {result}", (result.code, os.path.isfile(DROPIN)), (0, True))


def enable_with_wrong_words():
    for verb in ("enable", "disable"):
        is_error(verb, winguest(verb, "now", "--root", "/x"), f"winguest: {verb}: 'now': it takes no")
        is_error(verb, winguest(verb, "--root"), "--root needs a value")
        is_error(verb, winguest(verb, "-x"), "unknown option")
        is_error(verb, winguest(verb, "--root", "a" * 5000), "the path is too long")
        if os.geteuid():
            is_error(verb, winguest(verb), f"{verb}: only root may change")
    is_error("mode", winguest("enable", "--mode", "on", "--root", "/x"),
             "--mode 'on': there are enforce report")
    is_error("mode", winguest("disable", "--mode", "report"), "unknown option '--mode'")


TESTS = (
    enable_writes_and_disable_removes, disable_leaves_what_others_wrote, a_masked_service_is_none, enable_where_no_systemd_is,
    enable_sets_the_mode, enable_below_selinux, enable_that_cannot_be, enable_with_wrong_words,
)
