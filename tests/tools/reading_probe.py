#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reports its own privileges, in place of a program that runs as root but may only read. reading_probe.py FILE PID
prints a line of JSON: the result of each attempt, some of them on that file and that process; 0 is success."""

import ctypes
import errno
import json
import os
import socket
import sys

PTRACE_SEIZE = 0x4206
file, pid = sys.argv[1], int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long] * 4


def attempt(act, *arguments):
    try:
        act(*arguments)
        return 0
    except OSError as error:
        return errno.errorcode[error.errno]


def trace():
    if libc.ptrace(PTRACE_SEIZE, pid, 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")


with open("/proc/self/status", encoding="ascii") as status:
    values = dict(line.split(":", 1) for line in status.read().splitlines())
with socket.socket() as server:
    found = {
        "capabilities": [int(values[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")],
        "no_new_privs": int(values["NoNewPrivs"]),
        "read": attempt(os.open, "/etc/passwd", os.O_RDONLY),
        "write": attempt(os.open, file, os.O_WRONLY),
        "create": attempt(os.open, "/run/made", os.O_WRONLY | os.O_CREAT),
        "state": attempt(os.mkdir, "/var/lib/berth/made"),
        "remove": attempt(os.unlink, file),
        "signal": attempt(os.kill, pid, 0),
        "bind": attempt(server.bind, ("127.0.0.1", 4998)),
        "trace": attempt(trace),
    }
print(json.dumps(found))
