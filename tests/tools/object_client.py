#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of the object manager at /org/berth1 that uses only GLib's GDBusObjectManagerClient.

As a program, this prints a line of JSON for each addition, removal and change, and answers each line
of input: "dump" with the contents of the caches of its proxies, and a path with the cache of a new proxy
for that object. As a module, it provides ObjectClient, which starts the program as a user."""

import json
import os
import queue
import subprocess
import sys
import threading

NAME, ROOT = "org.berth1", "/org/berth1"


class ObjectClient:
    """A client of the object manager; reports are the signals received so far."""

    def __init__(self, user=None):
        as_user = ("runuser", "-u", user, "--") if user else ()
        self.process = subprocess.Popen([*as_user, "/usr/bin/python3", os.path.abspath(__file__)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.reports, self.answers = [], queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
        self.answers.get(timeout=60)

    def read(self):
        for line in self.process.stdout:
            kind, *rest = json.loads(line)
            if kind == "answer":
                self.answers.put(rest[0])
            else:
                self.reports.append((kind, *rest))

    def ask(self, question):
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        return self.answers.get(timeout=60)

    def dump(self):
        """Returns the cached properties of each object, by path."""
        return self.ask("dump")

    def of(self, *parts):
        """Returns the reports about objects whose paths contain one of these parts, in order."""
        return [report for report in self.reports if any(part in report[1] for part in parts)]

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    import gi
    gi.require_version("Gio", "2.0")
    from gi.repository import Gio, GLib

    def tell(*what):
        print(json.dumps(what), flush=True)

    def cache(proxy):
        names = proxy.get_cached_property_names() or []
        return {name: proxy.get_cached_property(name).unpack() for name in names}

    manager = Gio.DBusObjectManagerClient.new_for_bus_sync(
        Gio.BusType.SYSTEM, Gio.DBusObjectManagerClientFlags.NONE, NAME, ROOT, None, None, None)
    manager.connect("object-added", lambda _, thing: tell("added", thing.get_object_path()))
    manager.connect("object-removed", lambda _, thing: tell("removed", thing.get_object_path()))
    manager.connect("interface-proxy-properties-changed", lambda _, thing, _proxy, changed, gone: tell(
        "changed", thing.get_object_path(), changed.unpack(), gone))
    proxies = []

    def answer(path):
        if path == "dump":
            tell("answer", {thing.get_object_path(): cache(thing.get_interfaces()[0]) for thing in manager.get_objects()})
            return
        interface = {"images": "Image", "transfers": "Transfer", "volumes": "Volume", "networks": "Network",
                     "containers": "Container"}[path.split("/")[3]]
        proxy = Gio.DBusProxy.new_for_bus_sync(Gio.BusType.SYSTEM, Gio.DBusProxyFlags.NONE, None, NAME, path,
                                               f"org.berth1.{interface}", None)
        proxies.append(proxy)
        tell("answer", cache(proxy))

    def on_input(_source, _condition):
        line = sys.stdin.readline()
        if not line:
            loop.quit()
            return False
        answer(line.strip())
        return True

    tell("answer", None)
    loop = GLib.MainLoop()
    GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, on_input)
    loop.run()


if __name__ == "__main__":
    main()
