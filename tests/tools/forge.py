# SPDX-License-Identifier: LGPL-2.1-or-later
"""forge.py DESTINATION PATH INTERFACE MEMBER BODY...: sends signals directly to a client of the bus, with any path and
interface, such as those of the bus itself or of systemd. Each BODY is GVariant text, and sent in a signal of its own.
DESTINATION may be "", for broadcasts."""

import sys

from gi.repository import Gio, GLib

destination, path, interface, member = sys.argv[1:5]
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM, None)
for body in sys.argv[5:]:
    message = Gio.DBusMessage.new_signal(path, interface, member)
    message.set_destination(destination or None)
    message.set_body(GLib.Variant.parse(None, body, None, None))
    bus.send_message(message, Gio.DBusSendMessageFlags.NONE)
# The bus handles messages of one connection in their order.
bus.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetId", None, None, 0, -1, None)
