# SPDX-License-Identifier: LGPL-2.1-or-later
"""A disk with what libguestfs knows Windows by, and nothing else of it: one partition with
\\Windows\\System32\\config and a program cmd.exe. Needs mtools."""

import struct
import subprocess

SIZE, START, SECTOR = 64 << 20, 1 << 20, 512
FAT32_LBA = 0x0C


def make(path):
    with open(path, "wb") as disk:
        disk.truncate(SIZE)
        disk.seek(446)
        disk.write(struct.pack("<4xB3xII", FAT32_LBA, START // SECTOR, (SIZE - START) // SECTOR))
        disk.seek(510)
        disk.write(b"\x55\xaa")
    part = f"{path}@@{START}"
    for argv in (["mformat", "-i", part, "-F", "::"],
                 ["mmd", "-i", part, "::/Windows", "::/Windows/System32", "::/Windows/System32/config"],
                 ["mcopy", "-i", part, "/bin/true", "::/Windows/System32/cmd.exe"]):
        subprocess.run(argv, check=True)
