# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt's sources, as the distribution has them."""

import glob
import os
import pathlib
import re
import shutil
import subprocess


class Missing(Exception):
    """The package cannot be had here."""


class Unfit(Exception):
    """A part of the tests cannot run here."""


# Suites that move on. A mirror that stands still may name a file of theirs that it no longer has.
MOVING = r"\b(sid|unstable|testing|forky)\b"


def source_entries(text):
    """The machine's package sources, with the sources of packages in place of the packages."""
    text = re.sub(r"(?m)^Types:.*$", "Types: deb-src", text)
    return re.sub(r"(?m)^deb(?=[ \t])", "deb-src", text)


def apt_config(work, change):
    """An apt configuration that writes nowhere but under `work`, its entries changed by `change`."""
    parts = work / "sources.list.d"
    for folder in (parts, work / "lists/partial", work / "cache/archives/partial"):
        folder.mkdir(parents=True)
    for path in ["/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*")]:
        if os.path.isfile(path) and path.endswith((".list", ".sources")):
            text = pathlib.Path(path).read_text(encoding="utf-8")
            (parts / os.path.basename(path)).write_text(change(source_entries(text)), encoding="utf-8")
    options = {"Dir::Etc::sourcelist": "/dev/null", "Dir::Etc::sourceparts": parts,
               "Dir::State::lists": work / "lists", "Dir::Cache": work / "cache",
               "APT::Sandbox::User": "", "Acquire::Retries": 1, "Acquire::http::Timeout": 20}
    return [f"-o{key}={value}" for key, value in options.items()]


def download(work, change):
    """The package's archive, downloaded into `work`, which is made."""
    work.mkdir()
    if not shutil.which("apt-get"):
        raise Missing("no apt-get to fetch libvirt's source package with")
    options = apt_config(work, change)
    # Of other places than the distribution's some have no sources; that is no matter.
    subprocess.run(["apt-get", "-q", *options, "update"], capture_output=True, check=False)
    if not glob.glob(str(work / "lists/*Sources*")):
        raise Missing("apt-get update got no list of source packages (no network?)")
    done = subprocess.run(["apt-get", "-q", *options, "source", "--print-uris", "libvirt"],
                          cwd=work, capture_output=True, text=True, check=False)
    # Of the package's files, the one that holds the sources.
    found = re.search(r"'(\S+)' (libvirt_\S+\.orig\.tar\.(?!\S*asc)\S+) \d+ (\S+)", done.stdout)
    if not found:
        raise Unfit("apt-get source libvirt: " + (done.stderr or done.stdout).strip()[-300:])
    address, name, digest = found.groups()
    done = subprocess.run(["/usr/lib/apt/apt-helper", *options, "download-file", address, name, digest],
                          cwd=work, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unfit("apt-helper download-file: " + done.stderr.strip()[-300:])
    return work / name


def fetch(work):
    """The package's archive, downloaded under `work`: the distribution's own, or Missing, or Unfit."""
    return download(work / "own", str)


def fetch_any(work):
    """The same, or stable's where those of a suite that moves on cannot be had."""
    try:
        return fetch(work)
    except Unfit as err:
        try:
            archive = download(work / "stable", lambda text: re.sub(MOVING, "stable", text))
        except (Missing, Unfit):
            raise err from None
        print("#", *str(err).split(), f"- {archive.name} of stable instead", flush=True)
        return archive
