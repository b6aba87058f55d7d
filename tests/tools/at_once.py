#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sends several calls of org.berth1.Containers with a single write. The program's arguments are pairs of a member and
its arguments as GVariant text. Prints a JSON list of [member, value or error name], in the order of the replies.

GDBus would send the messages one by one, and on a busy machine the service could reply to the first before the last is
sent."""

import json
import os
import socket
import sys

from gi.repository import Gio, GLib

TYPES = {"Create": "(ssa{sv})", "Wait": "(ssa{sv})", "Start": "(sa{sv})", "Kill": "(sia{sv})", "Delete": "(sa{sv})"}
BUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
CONTAINERS = ("org.berth1", "/org/berth1/containers", "org.berth1.Containers")
HEADER_BYTES = 16


def connect():
    """Connects to the system bus with the EXTERNAL mechanism (D-Bus specification, "Authentication Protocol")."""
    bus = socket.socket(socket.AF_UNIX)
    bus.settimeout(180)
    bus.connect("/run/dbus/system_bus_socket")
    bus.sendall(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
    answer = bus.recv(1024)
    assert answer.startswith(b"OK "), answer
    bus.sendall(b"BEGIN\r\n")
    return bus


def blob(serial, place, member, body=None):
    message = Gio.DBusMessage.new_method_call(*place, member)
    message.set_serial(serial)
    if body:
        message.set_body(body)
    return bytes(message.to_blob(Gio.DBusCapabilityFlags.NONE))


def read_messages(bus):
    data = b""
    while True:
        while len(data) < HEADER_BYTES or len(data) < (size := Gio.DBusMessage.bytes_needed(data[:HEADER_BYTES])):
            part = bus.recv(65536)
            assert part, "the bus closed the connection"
            data += part
        yield Gio.DBusMessage.new_from_blob(data[:size], Gio.DBusCapabilityFlags.NONE)
        data = data[size:]


def read_answer(message):
    if message.get_message_type() == Gio.DBusMessageType.ERROR:
        return message.get_error_name().rpartition(".")[2]
    body = message.get_body()
    return body.unpack() if body else ()


def main():
    bus = connect()
    calls = dict(enumerate(zip(sys.argv[1::2], sys.argv[2::2]), 2))
    bus.sendall(blob(1, BUS, "Hello") +
                b"".join(blob(serial, CONTAINERS, member, GLib.Variant.parse(GLib.VariantType(TYPES[member]), text, None, None))
                         for serial, (member, text) in calls.items()))
    answers = []
    for message in read_messages(bus):
        if message.get_reply_serial() in calls:
            answers.append([calls.pop(message.get_reply_serial())[0], read_answer(message)])
        if not calls:
            break
    print(json.dumps(answers))


main()
