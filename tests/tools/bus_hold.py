# SPDX-License-Identifier: LGPL-2.1-or-later
"""bus_hold.py COUNT PATH INTERFACE MEMBER: makes COUNT calls at once and stays connected. Standard input has the
arguments as GVariant text, in which "handle 0" is a pipe that nobody reads, and %d is the number of the call. Prints a
line for each reply, and "sent" when all calls have been sent; disconnects when it reads another line."""

import os
import sys

from gi.repository import Gio, GLib

count, path, interface, member = int(sys.argv[1]), *sys.argv[2:5]
text = sys.stdin.readline()
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM, None)
loop = GLib.MainLoop()
keep = []
# The service has to ask the bus about a new client, whose calls wait meanwhile; this call gets that done.
bus.call_sync("org.berth1", "/org/berth1/volumes", "org.berth1.Volumes", "List", GLib.Variant("(a{sv})", ({},)),
              None, Gio.DBusCallFlags.NONE, -1, None)


def on_reply(connection, result):
    answer = connection.send_message_with_reply_finish(result)
    if answer.get_message_type() == Gio.DBusMessageType.ERROR:
        print(answer.get_error_name(), answer.get_body().unpack()[0], flush=True)
    else:
        keep.append(answer)
        print("answered", flush=True)


for number in range(count):
    message = Gio.DBusMessage.new_method_call("org.berth1", path, interface, member)
    message.set_body(GLib.Variant.parse(None, text.replace("%d", str(number)), None, None))
    if "handle" in text:
        ends = os.pipe()
        keep.append(ends)
        message.set_unix_fd_list(Gio.UnixFDList.new_from_array([os.dup(ends[1])]))
    bus.send_message_with_reply(message, Gio.DBusSendMessageFlags.NONE, 3600 * 1000, None, on_reply)
bus.flush_sync()
print("sent", flush=True)
GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, lambda *_: loop.quit())
loop.run()
