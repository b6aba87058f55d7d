# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls members of the service with arguments of any size, and measures the replies.

As a program, bus_call.py PATH INTERFACE MEMBER makes one call with the arguments in standard input, as GVariant text,
and prints the result of call() as JSON."""

import json
import sys

from gi.repository import Gio, GLib

BUS = []


def connection():
    if not BUS:
        BUS.append(Gio.bus_get_sync(Gio.BusType.SYSTEM, None))
    return BUS[0]


def call(path, interface, member, arguments, timeout=60):
    """Calls a member; arguments is a GVariant tuple or its text. Returns the reply or the error, and the size of the
    message: {"reply": values, "error": None, "bytes": size} or {"error": name, "message": text, "bytes": size}."""
    if isinstance(arguments, str):
        arguments = GLib.Variant.parse(None, arguments, None, None)
    message = Gio.DBusMessage.new_method_call("org.berth1", path, interface, member)
    message.set_body(arguments)
    answer, _ = connection().send_message_with_reply_sync(message, Gio.DBusSendMessageFlags.NONE, timeout * 1000, None)
    size = len(answer.to_blob(Gio.DBusCapabilityFlags.UNIX_FD_PASSING))
    if answer.get_message_type() == Gio.DBusMessageType.ERROR:
        return {"error": answer.get_error_name(), "message": answer.get_body().unpack()[0], "bytes": size}
    body = answer.get_body()
    return {"reply": list(body.unpack()) if body else [], "bytes": size, "error": None}


if __name__ == "__main__":
    print(json.dumps(call(*sys.argv[1:4], sys.stdin.read())))
