#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reports its own privileges, in place of the program of a unit. service_probe.py PID prints a line of JSON: all its
capabilities, and the result of each attempt, some of them on the process PID; 0 is success."""

import ctypes
import errno
import json
import os
import socket
import sys

CLONE_NEWUSER, CLONE_NEWNET, PTRACE_SEIZE, MS_BIND = 0x10000000, 0x40000000, 0x4206, 4096
SYS_BPF, SYS_KEYCTL, SYS_SWAPON, SYS_PERSONALITY = 321, 250, 167, 135
libc = ctypes.CDLL(None, use_errno=True)
found = {}


def attempt(name, act, *arguments):
    ctypes.set_errno(0)
    try:
        result = act(*arguments)
        error = ctypes.get_errno() if isinstance(result, int) and result < 0 else 0
    except OSError as failure:
        error = failure.errno
    found[name] = errno.errorcode.get(error, error)


def connect(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)


with open("/proc/self/status", encoding="ascii") as status:
    values = dict(line.split(":", 1) for line in status.read().splitlines())
capabilities = 0
for kind in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"):
    capabilities |= int(values[kind], 16)
for directory in ("/etc", "/usr", "/var", "/var/lib/berth", "/run", "/run/systemd", "/root", "/home"):
    attempt(f"write {directory}", os.open, f"{directory}/made", os.O_WRONLY | os.O_CREAT)
for path in ("/etc/shadow", "/var/lib/berth", "/root", "/dev/mem", "/dev/kmsg", f"/proc/{sys.argv[1]}/environ"):
    attempt(f"read {path}".replace(sys.argv[1], "PID"), os.open, path, os.O_RDONLY)
for name, family, kind in (("packet", socket.AF_PACKET, socket.SOCK_RAW), ("vsock", socket.AF_VSOCK, socket.SOCK_STREAM),
                           ("algorithm", socket.AF_ALG, socket.SOCK_SEQPACKET), ("internet", socket.AF_INET, socket.SOCK_DGRAM)):
    attempt(name, socket.socket, family, kind)
attempt("bus", connect, "/run/dbus/system_bus_socket")
attempt("signal", os.kill, int(sys.argv[1]), 0)
attempt("trace", libc.ptrace, PTRACE_SEIZE, int(sys.argv[1]), 0, 0)
attempt("users", libc.unshare, CLONE_NEWUSER)
attempt("network", libc.unshare, CLONE_NEWNET)
attempt("mount", libc.mount, b"/", b"/tmp", None, MS_BIND, None)
attempt("bpf", libc.syscall, SYS_BPF, 0, 0, 0)
attempt("keys", libc.syscall, SYS_KEYCTL, 0, -3, 0)
attempt("swap", libc.syscall, SYS_SWAPON, b"/", 0)
attempt("personality", libc.syscall, SYS_PERSONALITY, 0x0400000)
print(json.dumps({"capabilities": capabilities, "no_new_privs": int(values["NoNewPrivs"]), "seccomp": int(values["Seccomp"]), **found}), flush=True)
