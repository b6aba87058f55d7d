#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hostile.py KIND CONTAINER IMAGE DIGEST: calls each member that takes a descriptor, and some that do not, with a
descriptor of this kind. Prints "handled" when the service has received all calls. Keeps what it shares with the service
open until its standard input ends."""

import fcntl
import os
import select
import socket
import struct
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree

import gi
gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # pylint: disable=wrong-import-position

INTERFACES = {"images": "Images", "contents": "Contents", "containers": "Containers"}
FUSE = "/srv/hostile"
kept = []


def keep(*things):
    kept.extend(things)
    return things[0]


def fill(fd):
    os.set_blocking(fd, False)
    try:
        while True:
            os.write(fd, b"." * 4096)
    except BlockingIOError:
        os.set_blocking(fd, True)
    return fd


def make_lingering():
    """Returns a socket whose last close() waits until all data is sent; the peer prevents this by not reading."""
    server = keep(socket.create_server(("127.0.0.1", 0)))
    client = keep(socket.create_connection(server.getsockname()))
    keep(server.accept()[0])
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 10000))
    return fill(client.fileno())


def make_false_envelope():
    """Returns an envelope, as the service uses to pass descriptors, with false contents."""
    ours, theirs = keep(*[socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)])
    keep(ours, theirs)
    note = struct.pack("<QQQIII", 1, 1, 1, 0o40755, 0, 1) + b"/etc\0"
    ours.sendmsg([note], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", os.open("/etc", os.O_PATH)))])
    return theirs.fileno()


def make_shrinking():
    """Returns a file that a thread continuously extends and truncates."""
    fd = os.open("/var/tmp/shrinking", os.O_RDWR | os.O_CREAT, 0o666)

    def run():
        while True:
            os.ftruncate(fd, 1 << 20)
            os.ftruncate(fd, 0)
            time.sleep(0)
    threading.Thread(target=run, daemon=True).start()
    return fd


def make_terminal():
    master, slave = os.openpty()
    keep(slave)
    return master


def make_leased():
    fd = os.open("/var/tmp/leased", os.O_RDWR | os.O_CREAT, 0o666)
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    return fd


def make_locked():
    fd = os.open("/var/tmp/locked", os.O_RDWR | os.O_CREAT, 0o666)
    fcntl.lockf(fd, fcntl.LOCK_EX)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return fd


def make_signalled():
    """Returns a socket for which every byte causes a signal."""
    ours, theirs = socket.socketpair()
    keep(ours, theirs)
    fcntl.fcntl(theirs, fcntl.F_SETFL, fcntl.fcntl(theirs, fcntl.F_GETFL) | os.O_ASYNC)
    return theirs.fileno()


def make_epoll():
    poller = keep(select.epoll())
    poller.register(keep(os.pipe())[0], select.EPOLLIN)
    return poller.fileno()


KINDS = {
    "fuse-file": lambda: os.open(f"{FUSE}/file", os.O_RDWR),
    "fuse-directory": lambda: os.open(FUSE, os.O_RDONLY | os.O_DIRECTORY),
    "fuse-path": lambda: os.open(f"{FUSE}/file", os.O_PATH),
    "pipe-never-written": lambda: keep(os.pipe())[0],
    "pipe-never-read": lambda: fill(keep(os.pipe())[1]),
    "socket": lambda: fill(keep(socket.socketpair())[0].fileno()),
    "lingering": make_lingering,
    "false-envelope": make_false_envelope,
    "shrinking": make_shrinking,
    "terminal": make_terminal,
    "leased": make_leased,
    "locked": make_locked,
    "signalled": make_signalled,
    "epoll": make_epoll,
    "path": lambda: os.open("/etc", os.O_PATH),
    "directory": lambda: os.open("/var/tmp", os.O_RDONLY),
    "pidfd": lambda: os.pidfd_open(os.getpid()),
    "eventfd": lambda: os.eventfd(0),
    "memory": lambda: os.memfd_create("sealed", os.MFD_ALLOW_SEALING),
    "proc": lambda: os.open("/proc/self/mem", os.O_RDWR),
    "kernel-log": lambda: os.open("/proc/sys/kernel/hostname", os.O_RDWR),
    "fuse-device": lambda: os.open("/dev/fuse", os.O_RDWR),
}


def members():
    """Yields the members with descriptors in introspection/: collection, interface, name and arguments."""
    for kind, interface in INTERFACES.items():
        path = f"{os.environ['BERTH_SOURCE']}/introspection/org.berth1.{interface}.xml"
        for method in ElementTree.parse(path).iter("method"):
            arguments = [(a.get("type"), a.get("name")) for a in method.iter("arg") if a.get("direction") == "in"]
            if any("h" in type for type, _name in arguments):
                yield kind, interface, method.get("name"), arguments


def value_of(type, name, known):
    if type == "h":
        return 0
    return known.get(name, {"s": "", "as": [], "a{sv}": {}}[type])


def options(container, image):
    """Yields calls with descriptors in options, and calls without descriptors: member, signature and arguments."""
    one = GLib.Variant("h", 0)
    streams = {"Stdin": one, "Stdout": one, "Stderr": one, "Descriptors": GLib.Variant("a(sh)", [("a", 0), ("b", 0)])}
    bind = {"Binds": GLib.Variant("a(hsas)", [(0, "/mnt", [])])}
    spec = {"Spec": GLib.Variant("s", '{"ociVersion":"1.0.0","process":{"args":["true"],"cwd":"/"},"root":{"path":"r"}}'),
            "RootDirectory": one}
    yield "Create", "(ssa{sv})", (f"bind-{container}", image, bind)
    secrets = {"Secrets": GLib.Variant("a(sh)", [("a", 0), ("b", 0)])}
    yield "Create", "(ssa{sv})", (f"secret-{container}", image, secrets)
    yield "Create", "(ssa{sv})", (f"bind-of-spec-{container}", "", {**spec, **bind})
    yield "Create", "(ssa{sv})", (f"root-{container}", "", spec)
    yield "Create", "(ssa{sv})", (f"unknown-{container}", image, {"Unknown": one})
    yield "Start", "(sa{sv})", (container, streams)
    yield "Start", "(sa{sv})", (f"bind-{container}", {})
    yield "Exec", "(ssasa{sv})", ("runs", "", ["true"], streams)
    yield "Exec", "(ssasa{sv})", ("runs", "", ["true"], {"Terminal": GLib.Variant("b", True), **streams})
    yield "List", "(a{sv})", ({},)


def main():
    kind, container, image, digest = sys.argv[1:]
    fd = KINDS[kind]()
    bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
    known = {"id": "runs", "path": "/tmp", "names": [image], "digests": [digest], "name": ""}
    calls = [(k, i, m, f"({''.join(t for t, _ in a)})", tuple(value_of(t, n, known) for t, n in a)) for k, i, m, a in members()]
    calls += [("containers", "Containers", *rest) for rest in options(container, image)]
    for collection, interface, member, signature, arguments in calls:
        bus.call_with_unix_fd_list("org.berth1", f"/org/berth1/{collection}", f"org.berth1.{interface}", member,
                                   GLib.Variant(signature, arguments), None, Gio.DBusCallFlags.NONE, -1,
                                   Gio.UnixFDList.new_from_array([os.dup(fd)]), None, None)
    # From here on, only the service holds the descriptor.
    if kind not in ("terminal", "shrinking"):
        os.close(fd)
    bus.call_sync("org.berth1", "/org/berth1/images", "org.berth1.Images", "List", GLib.Variant("(a{sv})", ({},)), None,
                  Gio.DBusCallFlags.NONE, 100000, None)
    print(f"handled {len(calls)}", flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
