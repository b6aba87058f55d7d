#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sends several calls about containers on one connection without waiting between them: arguments are members and
their arguments as text, in turn. Prints a JSON list of [member, value or error name], in the order of the answers."""

import json
import sys

from gi.repository import Gio, GLib

TYPES = {"Create": "(ssa{sv})", "Wait": "(ssa{sv})", "Start": "(sa{sv})", "Kill": "(sia{sv})", "Delete": "(sa{sv})"}


def main():
    bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
    loop = GLib.MainLoop()
    calls = list(zip(sys.argv[1::2], sys.argv[2::2]))
    answers = []

    def answered(source, result, member):
        try:
            answers.append([member, source.call_finish(result).unpack()])
        except GLib.Error as error:
            answers.append([member, Gio.dbus_error_get_remote_error(error).rpartition(".")[2]])
        if len(answers) == len(calls):
            loop.quit()

    for member, text in calls:
        arguments = GLib.Variant.parse(GLib.VariantType(TYPES[member]), text, None, None)
        bus.call("org.berth1", "/org/berth1/containers", "org.berth1.Containers", member, arguments, None, 0, 30000,
                 None, answered, member)
    loop.run()
    print(json.dumps(answers))


main()
