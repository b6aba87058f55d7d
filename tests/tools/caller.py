#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls members of the service as a user, on one connection, like a program of that user.

As a program, this reads requests from standard input and writes a reply to each to standard output, each in one line of
JSON. As a module, it provides Caller, which starts the program as a user."""

import json
import os
import select
import subprocess
import sys

NAME = "org.berth1"


class Caller:
    """One connection of a user to the system bus."""

    def __init__(self, user=None):
        as_user = ("runuser", "-u", user, "--") if user else ()
        self.process = subprocess.Popen([*as_user, "/usr/bin/python3", os.path.abspath(__file__)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.name = self.call_raw({"who": True})["value"]

    def call_raw(self, request, timeout=60):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], timeout)
        assert ready, f"no answer to {request}"
        line = self.process.stdout.readline()
        assert line, f"the caller ended at {request}"
        return json.loads(line)

    def call(self, path, interface, member, arguments="()", signature="()", files=(), timeout_ms=20000):
        """Returns {"value": text} or {"error": name, "message": text}. The arguments are a tuple as GVariant text;
        handles in it are indexes into files, whose elements are arguments of open_file()."""
        return self.call_raw({"path": path, "interface": interface, "member": member, "arguments": arguments,
                              "signature": signature, "files": list(files), "timeout": timeout_ms},
                             timeout_ms / 1000 + 30)

    def send(self, path, interface, member, arguments, signature):
        """Sends a call without waiting for the reply."""
        self.call_raw({"path": path, "interface": interface, "member": member, "arguments": arguments, "signature": signature,
                       "silent": True})

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def open_file(kind):
    """Opens a descriptor of one of these kinds, or the file of that name."""
    if kind == "null":
        return os.open("/dev/null", os.O_RDWR)
    if kind == "read-pipe":
        read, write = os.pipe()
        os.close(write)
        return read
    if kind == "write-pipe":
        read, write = os.pipe()
        pipes.append(read)
        return write
    if kind == "memfd":
        return os.memfd_create("caller")
    if kind.startswith("path:"):
        return os.open(kind[5:], os.O_PATH)
    if kind.startswith("directory:"):
        return os.open(kind[10:], os.O_RDONLY | os.O_DIRECTORY)
    return os.open(kind, os.O_RDONLY)


pipes = []


def answer(bus, Gio, GLib, request):
    opened = [open_file(kind) for kind in request["files"]]
    try:
        files = Gio.UnixFDList.new()
        for file in opened:
            files.append(file)
        arguments = GLib.Variant.parse(GLib.VariantType(request["signature"]), request["arguments"], None, None)
        value, received = bus.call_with_unix_fd_list_sync(
            request.get("name", NAME), request["path"], request["interface"], request["member"], arguments, None,
            Gio.DBusCallFlags.NONE, request["timeout"], files, None)
        for file in received.steal_fds() if received else []:
            os.close(file)
        return {"value": value.print_(False)}
    except GLib.Error as error:
        return {"error": Gio.DBusError.get_remote_error(error) or error.domain, "message": error.message}
    finally:
        for file in opened + pipes:
            os.close(file)
        pipes.clear()


def send(bus, Gio, GLib, request):
    """Sends a call without requesting a reply."""
    message = Gio.DBusMessage.new_method_call(request.get("name", NAME), request["path"], request["interface"], request["member"])
    message.set_flags(Gio.DBusMessageFlags.NO_REPLY_EXPECTED)
    message.set_body(GLib.Variant.parse(GLib.VariantType(request["signature"]), request["arguments"], None, None))
    bus.send_message(message, Gio.DBusSendMessageFlags.NONE)
    bus.flush_sync()
    return {"value": None}


def main():
    import gi  # pylint: disable=import-outside-toplevel
    gi.require_version("Gio", "2.0")
    from gi.repository import Gio, GLib  # pylint: disable=import-outside-toplevel
    bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
    for line in sys.stdin:
        request = json.loads(line)
        reply = {"value": bus.get_unique_name()} if "who" in request else \
            (send if request.get("silent") else answer)(bus, Gio, GLib, request)
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
