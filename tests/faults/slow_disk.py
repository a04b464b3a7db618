#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""slow_disk.py FILE SECONDS|never: lays over FILE the same bytes on a file system whose reads take
that long, says "ready", and serves it until it is killed. A FUSE server of one file, by the kernel's
own protocol (linux/fuse.h); its root is the file."""

import ctypes
import errno
import os
import struct
import sys
import threading
import time

GETATTR, OPEN, READ, RELEASE, FLUSH, INIT = 3, 14, 15, 18, 25, 26
FORGET, INTERRUPT, BATCH_FORGET = 2, 36, 42
IN = struct.Struct("=IIQQIIIHH")
OUT = struct.Struct("=IiQ")
ATTR = struct.Struct("=QQQQQQIIIIIIIIII")
MS_NOSUID, MS_NODEV = 2, 4


def attributes(size):
    """struct fuse_attr_out of a file that root alone may write, valid for an hour."""
    return struct.pack("=QII", 3600, 0, 0) + ATTR.pack(
        1, size, 8, 0, 0, 0, 0, 0, 0, 0o100644, 1, 0, 0, 0, 4096, 0)


def answer(opcode, body, content, seconds):
    """The answer's bytes, or None: there is none yet, or never."""
    if opcode == INIT:
        major, minor, readahead = struct.unpack_from("=III", body)
        return struct.pack("=IIIIHHIIHHIII", major, min(minor, 31), readahead, 0, 1, 1, 4096, 1,
                           1, 0, 0, 0, 0) + bytes(16)
    if opcode == GETATTR:
        return attributes(len(content))
    if opcode == OPEN:
        return struct.pack("=QII", 0, 0, 0)
    if opcode == READ:
        _, offset, size = struct.unpack_from("=QQI", body)
        if seconds is None:
            return None
        time.sleep(seconds)
        return content[offset:offset + size]
    if opcode in (RELEASE, FLUSH):
        return b""
    raise OSError(errno.ENOSYS, "")


def reply(device, unique, opcode, body, content, seconds):
    error = 0
    try:
        data = answer(opcode, body, content, seconds)
    except OSError as err:
        data, error = b"", -err.errno
    if data is not None:
        try:
            os.write(device, OUT.pack(OUT.size + len(data), error, unique) + data)
        except OSError:
            pass  # whoever asked was killed


def serve(device, content, seconds):
    while True:
        try:
            request = os.read(device, 1 << 17)
        except OSError as err:
            if err.errno == errno.ENODEV:
                return
            continue
        _, opcode, unique, *_ = IN.unpack_from(request)
        if opcode not in (FORGET, BATCH_FORGET, INTERRUPT):
            threading.Thread(target=reply, daemon=True, args=(
                device, unique, opcode, request[IN.size:], content, seconds)).start()


def main():
    file, seconds = sys.argv[1], None if sys.argv[2] == "never" else float(sys.argv[2])
    with open(file, "rb") as source:
        content = source.read()
    device = os.open("/dev/fuse", os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={device},rootmode=100000,user_id=0,group_id=0,allow_other"
    if libc.mount(b"slow", os.fsencode(file), b"fuse", MS_NOSUID | MS_NODEV, options.encode()) < 0:
        sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")
    print("ready", flush=True)
    serve(device, content, seconds)


if __name__ == "__main__":
    main()
