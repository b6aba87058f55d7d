#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pulls an image, runs a command in a container of it, and shows what that wrote; with dasbus.

    dasbus_app.py IMAGE COMMAND…"""

import os
import sys

from dasbus.connection import SystemMessageBus
from dasbus.loop import EventLoop
from dasbus.typing import List, Str, get_native, get_variant
from dasbus.unix import GLibClientUnix

bus = SystemMessageBus()


def proxy(path, **more):
    return bus.get_proxy("org.berth1", path, **more)


def pull(image):
    transfer = proxy(proxy("/org/berth1/images", interface_name="org.berth1.Images").Pull(image, {}))
    loop = EventLoop()

    def show():
        state = transfer.State
        print(f"{state}: {transfer.Done} of {transfer.Total} bytes")
        if state != "running":
            loop.quit()

    transfer.PropertiesChanged.connect(lambda *_: show())
    # To ask for all properties is what makes the service tell of changes.
    found = get_native(transfer.GetAll("org.berth1.Transfer"))
    show()
    if found["State"] == "running":
        loop.run()
    if transfer.State != "done":
        sys.exit(transfer.Error[1])
    return get_native(transfer.Result)["Name"]


def run(image, command):
    containers = proxy("/org/berth1/containers", interface_name="org.berth1.Containers")
    path = containers.Create("", image, {"Command": get_variant(List[Str], command)})
    # Descriptors take a proxy that passes them.
    container = proxy(path, interface_name="org.berth1.Container", client=GLibClientUnix)
    print("process:", container.Start({}))
    status, _exited = container.Wait("", {}, timeout=2**31 - 1)
    show_output(container)
    return container, status


def show_output(container):
    """The journal has what it wrote. With the option Follow, the pipe continues with new lines."""
    with os.fdopen(container.Logs({}), encoding="utf-8") as lines:
        for line in lines:
            print("log:", line, end="")


def main():
    container, status = run(pull(sys.argv[1]), sys.argv[2:])
    container.Delete({})
    print("exit status:", status)
    return status


if __name__ == "__main__":
    sys.exit(main())
