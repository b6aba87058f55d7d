#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reports its own privileges, in place of a program that Berth runs as root outside containers, such as a hook or CRIU.
outer_probe.py FILE appends a line of JSON to FILE: the capabilities that it has but must not have, its seccomp mode,
and the results of some system calls."""

import ctypes
import json
import os
import sys

NEVER = {16: "module", 17: "rawio", 20: "pacct", 22: "boot", 25: "time", 30: "audit-control", 32: "mac-override", 33: "mac-admin",
         34: "syslog", 35: "wake-alarm", 36: "block-suspend", 37: "audit-read"}

libc = ctypes.CDLL(None, use_errno=True)


def error_of(name, *arguments):
    ctypes.set_errno(0)
    function = getattr(libc, name)
    return 0 if function(*arguments) >= 0 else os.strerror(ctypes.get_errno())


with open("/proc/self/status", encoding="utf-8") as status:
    values = dict(line.split(":", 1) for line in status.read().splitlines())
sets = int(values["CapBnd"], 16) | int(values["CapEff"], 16) | int(values["CapPrm"], 16)
found = {
    "capabilities": [name for bit, name in NEVER.items() if sets >> bit & 1],
    "admin": sets >> 21 & 1,
    "seccomp": values["Seccomp"].strip(),
    "syslog": error_of("klogctl", 10, None, 0),
    "quotactl": error_of("quotactl", -1, None, 0, None),
    "getpid": error_of("getpid"),
}
with open(sys.argv[1], "a", encoding="utf-8") as file:
    file.write(json.dumps(found) + "\n")
