#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""fuse_server.py DIRECTORY: mounts a FUSE file system with one file, "file", that answers all processes except those of
Berth. For each request of theirs, it prints the number of the operation and the name of the process."""

import ctypes
import os
import struct
import sys

LOOKUP, FORGET, GETATTR, OPEN, READ, WRITE, STATFS, RELEASE, FLUSH, INIT = 1, 2, 3, 14, 15, 16, 17, 18, 25, 26
OPENDIR, READDIR, RELEASEDIR, ACCESS, INTERRUPT, BATCH_FORGET = 27, 28, 29, 34, 36, 42
QUIET = (FORGET, INTERRUPT, BATCH_FORGET)
ROOT, FILE = 1, 2


def attributes(node):
    mode = 0o40777 if node == ROOT else 0o100666
    return struct.pack("<6Q10I", node, 4096, 8, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def answer(operation, node):
    if operation == INIT:
        return struct.pack("<IIIIHHIIHHI7I", 7, 31, 131072, 0, 12, 9, 65536, 1, 0, 0, 0, *[0] * 7)
    if operation == LOOKUP:
        return struct.pack("<QQQQII", FILE, 0, 0, 0, 0, 0) + attributes(FILE)
    if operation == GETATTR:
        return struct.pack("<QII", 0, 0, 0) + attributes(node)
    if operation in (OPEN, OPENDIR):
        return struct.pack("<QII", 1, 0, 0)
    if operation == WRITE:
        return struct.pack("<II", 4096, 0)
    if operation == STATFS:
        return bytes(80)
    return b"" if operation in (READ, READDIR, RELEASE, RELEASEDIR, FLUSH, ACCESS) else None


def name_of(thread):
    """Returns the name of the process of the thread, since threads of workers have their own names."""
    try:
        with open(f"/proc/{thread}/status", encoding="utf-8") as file:
            process = [line.split()[1] for line in file if line.startswith("Tgid:")][0]
        with open(f"/proc/{process}/comm", encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


def main():
    fuse = os.open("/dev/fuse", os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0,allow_other"
    if libc.mount(b"hostile", sys.argv[1].encode(), b"fuse.hostile", 0, options.encode()) < 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    while True:
        try:
            request = os.read(fuse, 1 << 20)
        except OSError:
            return
        _size, operation, unique, node, _uid, _gid, pid = struct.unpack_from("<IIQQIII", request)
        if operation in QUIET:
            continue
        name = name_of(pid) if operation not in (INIT, RELEASE, RELEASEDIR) else ""
        if name.startswith("berth"):
            print(operation, name, flush=True)
            continue
        data = answer(operation, node)
        reply = struct.pack("<IiQ", 16 + len(data or b""), 0 if data is not None else -38, unique) + (data or b"")
        try:
            os.write(fuse, reply)
        except OSError:
            pass
        if operation == INIT:
            print("ready", flush=True)


if __name__ == "__main__":
    main()
