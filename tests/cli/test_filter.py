# SPDX-License-Identifier: LGPL-2.1-or-later
"""The filter's drop-ins. Below another root nothing of the running system is asked or told."""

import os
import re

from harness import PROGRAM, equal, is_error, put, true, winguest, within

UNITS = "image/etc/systemd/system"
DROPIN = UNITS + "/libvirtd.service.d/50-winguest.conf"
ACTIVE = "loads the filter, corrects definitions before the daemon starts"
BEFORE = f"ExecStartPre=-{PROGRAM} apply --offline\n"


def image(*services):
    """Makes a root, ./image, with these services and the filter. Returns the path of that there."""
    os.makedirs(UNITS)
    missing = winguest("filter", "enable", "--root", "image")
    is_error("without the library", missing, "No such file or directory")
    library = re.search(r" image(/\S+/libwinguest-filter\.so): ", missing.err).group(1)
    os.makedirs("image" + os.path.dirname(library), exist_ok=True)
    put("image" + library, "library")
    for service in services:
        put(f"{UNITS}/{service}.service", "[Service]\n")
    return library


def filter_verb(verb, code, *lines):
    """Checks all that `winguest filter VERB` below the image says."""
    result = winguest("filter", verb, "--root", "image")
    equal(f"{verb}: {result}", (result.code, result.out.splitlines(), result.err),
          (code, list(lines), ""))


def filter_writes_and_removes():
    library = image("libvirtd")
    filter_verb("status", 1, f"libvirtd.service: {DROPIN} is not written")
    for _ in range(2):
        filter_verb("enable", 0, f"{DROPIN}: written")
        with open(DROPIN, encoding="utf-8") as file:
            equal("drop-in", file.read().split("\n", 1)[1],
                  f'[Service]\nEnvironment="LD_PRELOAD={library}"\n{BEFORE}')
        equal("mode", os.stat(DROPIN).st_mode & 0o777, 0o644)
        equal("beside it", os.listdir(os.path.dirname(DROPIN)), [os.path.basename(DROPIN)])
    equal("other services", sorted(os.listdir(UNITS)), ["libvirtd.service", "libvirtd.service.d"])
    filter_verb("status", 0, f"libvirtd.service: {DROPIN} {ACTIVE}")
    put(DROPIN, f'[Service]\nEnvironment="LD_PRELOAD={library}"\n# {BEFORE}')
    filter_verb("status", 0, f"libvirtd.service: {DROPIN} loads the filter, but guests that start "
                "with the daemon may be wrong at first; hint: winguest filter enable")
    filter_verb("enable", 0, f"{DROPIN}: written")
    os.unlink(UNITS + "/libvirtd.service")
    filter_verb("status", 0, f"libvirtd.service: {DROPIN} {ACTIVE}")
    filter_verb("disable", 0, f"{DROPIN}: removed")
    equal("left", os.listdir(UNITS), [])
    filter_verb("disable", 0)
    filter_verb("status", 1, "neither libvirtd.service nor virtqemud.service is here")


def filter_leaves_what_others_wrote():
    image("libvirtd", "virtqemud")
    filter_verb("enable", 0, f"{DROPIN}: written",
                f"{DROPIN}: written".replace("libvirtd", "virtqemud"))
    other = put(os.path.dirname(DROPIN) + "/60-own.conf", "[Service]\n")
    filter_verb("disable", 0, f"{DROPIN}: removed",
                f"{DROPIN}: removed".replace("libvirtd", "virtqemud"))
    true("another's drop-in", os.path.exists(other))
    put(DROPIN, "# libwinguest-filter.so was here\n")
    filter_verb("status", 1, f"libvirtd.service: {DROPIN} is not written",
                f"libvirtd.service: {DROPIN} is not written".replace("libvirtd", "virtqemud"))


def filter_below_selinux():
    """The loader in secure mode takes a bare name, of a file with the set-user-ID bit."""
    library = image("libvirtd")
    os.makedirs("image/etc/selinux")
    put("image/etc/selinux/config", "SELINUX=enforcing\n")
    if re.match("(/usr)?/lib", library):
        filter_verb("enable", 0, f"{DROPIN}: written")
        with open(DROPIN, encoding="utf-8") as file:
            within("drop-in", file.read(), '"LD_PRELOAD=libwinguest-filter.so"\n')
        equal("mode", os.stat("image" + library).st_mode & 0o7777, 0o4644)
    else:
        is_error("library", winguest("filter", "enable", "--root", "image"), library,
                 "standard directories only")
        equal("drop-in", os.path.exists(DROPIN), False)


def filter_cannot_be_enabled():
    library = image()

    def refused(*words):
        is_error("enable", winguest("filter", "enable", "--root", "image"),
                 "winguest: filter enable: ", *words)

    refused("neither libvirtd.service nor virtqemud.service is here")
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
    is_error("disable", winguest("filter", "disable", "--root", "image"),
             f"winguest: filter disable: {DROPIN}: Is a directory")
    os.removedirs(DROPIN)
    refused(f"{os.path.dirname(DROPIN)}: No such file or directory")


def filter_is_told_what_it_cannot_do():
    for arguments in ((), ("on",), ("enable", "now"), ("enable", "--root"),
                      ("status", "-x", "/"), ("settings", "--root", "/")):
        is_error(f"{arguments}", winguest("filter", *arguments),
                 "winguest: filter: expects enable, disable or status [--root DIR]")
    for verb in ("enable", "disable", "status"):
        is_error(verb, winguest("filter", verb, "--root", "a" * 5000), "the path is too long")
        if os.geteuid() and verb != "status":
            is_error(verb, winguest("filter", verb), f"{verb}: only root may change")


TESTS = (
    filter_writes_and_removes, filter_leaves_what_others_wrote, filter_below_selinux,
    filter_cannot_be_enabled, filter_is_told_what_it_cannot_do,
)
