#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pulls an image, runs a command in a container of it, and shows what that wrote; with GDBusProxy.

    gdbus.py IMAGE COMMAND…"""

import os
import sys

import gi
gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # pylint: disable=wrong-import-position


def proxy(path, interface):
    """Knows all properties of the object, and keeps them up to date."""
    return Gio.DBusProxy.new_for_bus_sync(Gio.BusType.SYSTEM, Gio.DBusProxyFlags.NONE, None, "org.berth1", path,
                                          f"org.berth1.{interface}", None)


def call(target, member, signature="(a{sv})", *arguments):
    """A person may be asked for a password, so there is no time limit."""
    return target.call_sync(member, GLib.Variant(signature, (*arguments, {})), Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION,
                            GLib.MAXINT, None).unpack()


def pull(image):
    images = proxy("/org/berth1/images", "Images")
    transfer = proxy(call(images, "Pull", "(sa{sv})", image)[0], "Transfer")
    loop = GLib.MainLoop()

    def on_changed(*_):
        value = {name: transfer.get_cached_property(name).unpack() for name in ("State", "Done", "Total", "Result", "Error")}
        print(f"{value['State']}: {value['Done']} of {value['Total']} bytes")
        if value["State"] != "running":
            loop.quit()

    # A transfer that has ended meanwhile has its end in the cache, and changes no more.
    transfer.connect("g-properties-changed", on_changed)
    on_changed()
    if transfer.get_cached_property("State").unpack() == "running":
        loop.run()
    if transfer.get_cached_property("State").unpack() != "done":
        sys.exit(transfer.get_cached_property("Error").unpack()[1])
    return transfer.get_cached_property("Result").unpack()["Name"]


def run(image, command):
    containers = proxy("/org/berth1/containers", "Containers")
    path = containers.call_sync("Create", GLib.Variant("(ssa{sv})", ("", image, {"Command": GLib.Variant("as", command)})),
                                Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION, -1, None).unpack()[0]
    container = proxy(path, "Container")
    container.connect("g-properties-changed", lambda _, changed, _gone: "State" in changed.keys() and
                      print("container:", changed["State"]))
    print("process:", call(container, "Start")[0])
    status, _exited = call(container, "Wait", "(sa{sv})", "")
    show_output(container)
    return container, status


def show_output(container):
    """The journal has what it wrote. With the option Follow, the pipe continues with new lines."""
    reply, files = container.call_with_unix_fd_list_sync("Logs", GLib.Variant("(a{sv})", ({},)), Gio.DBusCallFlags.NONE, -1,
                                                         None, None)
    with os.fdopen(files.get(reply.unpack()[0]), encoding="utf-8") as lines:
        for line in lines:
            print("log:", line, end="")


def main():
    container, status = run(pull(sys.argv[1]), sys.argv[2:])
    call(container, "Delete")
    print("exit status:", status)
    return status


if __name__ == "__main__":
    sys.exit(main())
