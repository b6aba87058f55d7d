#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints the signals that Berth sends to this client, each as a line of JSON.

listen.py subscriber    calls Subscribe and GetManagedObjects, and requests missed events whenever the service is back
listen.py proxy         uses GLib's proxies of images and contents, which make only an initial call
listen.py match         receives all signals that the bus permits, and makes no calls to the service

Answers each line of input with "synced", after all signals that were sent before."""

import json
import sys

import gi
gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # pylint: disable=wrong-import-position

NAME, MANAGER = "org.berth1", "org.berth1.Containers"
PATH = "/org/berth1/containers"
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
last = 0
held = []       # events received before the reply to EventsSince, which contains the missed ones
questions = 0   # calls of EventsSince without a reply yet


def tell(*what):
    print(json.dumps(what), flush=True)


def tell_event(event):
    global last  # pylint: disable=global-statement
    if event[0] > last:
        last = event[0]
        details = event[3]
        tell("event", *event[:3], *(details[key] for key in ("Process", "Pid", "Status", "Time")))


def on_signal(_bus, _sender, path, interface, member, arguments):
    if (interface, member) == (MANAGER, "Event"):
        if questions > 0:
            held.append(arguments.unpack())
        else:
            tell_event(arguments.unpack())
    else:
        tell("signal", path, member, arguments.unpack())


def on_reply(_bus, result):
    global questions  # pylint: disable=global-statement
    questions -= 1
    try:
        for event in bus.call_finish(result).unpack()[0]:
            tell_event(event)
        if questions == 0:
            for event in held:
                tell_event(event)
            held.clear()
        tell("ready")
    except GLib.Error:
        # The service has exited again; on_owner() is called when it is back.
        pass


def call(member, arguments, done=None):
    bus.call(NAME, PATH, MANAGER, member, arguments, None, Gio.DBusCallFlags.NONE, 60000, None, done)


def ask_since():
    global questions  # pylint: disable=global-statement
    questions += 1
    call("Subscribe", GLib.Variant("(a{sv})", ({},)))
    bus.call(NAME, "/org/berth1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", None, None, Gio.DBusCallFlags.NONE,
             60000, None, None)
    call("EventsSince", GLib.Variant("(ta{sv})", (last, {})), on_reply)


def on_owner(_bus, _sender, _path, _interface, _member, arguments):
    if arguments.unpack()[2]:
        ask_since()


def subscribe():
    bus.signal_subscribe(NAME, None, None, None, None, Gio.DBusSignalFlags.NONE, on_signal)
    bus.signal_subscribe("org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged", None, NAME,
                         Gio.DBusSignalFlags.NONE, on_owner)
    ask_since()


def make_proxies():
    proxies = []
    for name in ("Images", "Contents"):
        proxy = Gio.DBusProxy.new_for_bus_sync(Gio.BusType.SYSTEM, Gio.DBusProxyFlags.NONE, None, NAME, f"/org/berth1/{name.lower()}",
                                               f"org.berth1.{name}", None)
        proxy.connect("g-signal", lambda _, _sender, member, arguments: tell("signal", member, arguments.unpack()[0]))
        proxies.append(proxy)
    tell("ready")
    return proxies


def match():
    for start in ("org.berth1", "org.freedesktop.DBus.Properties", "org.freedesktop.DBus.ObjectManager"):
        rule = f"type='signal',path_namespace='/org/berth1',interface='{start}'" if start != "org.berth1" else \
            "type='signal',path_namespace='/org/berth1'"
        bus.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch",
                      GLib.Variant("(s)", (rule,)), None, Gio.DBusCallFlags.NONE, -1, None)
    bus.signal_subscribe(None, None, None, None, None, Gio.DBusSignalFlags.NO_MATCH_RULE,
                         lambda _bus, _sender, path, _interface, member, arguments: path.startswith("/org/berth1") and
                         tell("signal", member, arguments.unpack()[0]))
    tell("ready")


def on_input(_source, _condition):
    if not sys.stdin.readline():
        return False
    bus.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetId", None, None,
                  Gio.DBusCallFlags.NONE, -1, None)
    GLib.idle_add(lambda: tell("synced"), priority=GLib.PRIORITY_LOW)
    return True


if __name__ == "__main__":
    kept = {"subscriber": subscribe, "proxy": make_proxies, "match": match}[sys.argv[1]]()
    GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, on_input)
    GLib.MainLoop().run()
