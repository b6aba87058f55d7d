# SPDX-License-Identifier: LGPL-2.1-or-later
# Forged signals. Every user of the machine may send a signal directly to any client of the bus, with any path and
# interface. Neither the service nor dist believes such a signal, whatever it claims to report.

import os
import subprocess
import sys
import threading

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
from faulty_registry import FaultyRegistry
import oci

IMAGE = f"{HOST}/forged/base:x"
FORGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "forge.py")
SYSTEMD = "/org/freedesktop/systemd1"
BUS = ("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged")


def forge(destination, path, interface, member, *bodies):
    result = run("/usr/bin/python3", FORGE, destination, path, interface, member, *bodies, user="alice")
    equal(result.status, 0, result)


def forge_to_service(path, interface, member, *bodies):
    """Returns when the service has received the signals: it receives the later call after them."""
    forge(owner_of_the_name().split('"')[1], path, interface, member, *bodies)
    service_is_up()


def test_setup():
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), IMAGE)
    good("pull", IMAGE)


def test_a_user_cannot_stop_a_container_in_the_name_of_systemd():
    good("run", "-d", "--id=kept", "--stop-signal=KILL", IMAGE)
    forge_to_service(f"{SYSTEMD}/unit/{bus_label('berth-kept.scope')}", "org.freedesktop.systemd1.Scope", "RequestStop", "()")
    equal(good("exec", "kept", "echo", "alive"), "alive\n")
    equal([event for event in events() if event["id"] == "kept" and event["kind"] == "exit" and not event["process"]], [])
    # A request of systemd itself counts.
    equal(run("systemctl", "stop", "berth-kept.scope").status, 0)
    equal(dist("wait", "kept").status, 137)
    good("rm", "kept")


def test_a_request_of_systemd_counts_after_it_has_a_new_name_on_the_bus():
    good("run", "-d", "--id=kept", "--stop-signal=KILL", IMAGE)
    equal(run("systemctl", "daemon-reexec").status, 0)
    good("run", "--rm", IMAGE, "true")
    equal(run("systemctl", "stop", "berth-kept.scope").status, 0)
    equal(dist("wait", "kept").status, 137)
    good("rm", "kept")


def test_a_user_cannot_end_a_job_in_the_name_of_systemd():
    """A start waits for systemd's own job, even if another user says that the job has failed."""
    os.makedirs("/run/systemd/system/berth.slice.d")
    with open("/run/systemd/system/berth.slice.d/slow.conf", "w", encoding="ascii") as file:
        file.write("[Unit]\nAfter=slow.service\n")
    with open("/run/systemd/system/slow.service", "w", encoding="ascii") as file:
        file.write("[Service]\nType=oneshot\nExecStart=sh -c 'until [ -e /run/go-on ]; do sleep 0.1; done'\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "stop", "berth.slice")
    run("systemctl", "start", "--no-block", "slow.service")
    with subprocess.Popen(["dist", "run", "--rm", "--id=slow", IMAGE, "true"]) as client:
        job = wait_until(lambda: [line.split()[0] for line in run("systemctl", "list-jobs", "--no-legend").out.splitlines()
                                  if "berth-slow.scope" in line], "the job of the scope")[0]
        forge_to_service(SYSTEMD, "org.freedesktop.systemd1.Manager", "JobRemoved",
                         f"(uint32 {job}, objectpath '{SYSTEMD}/job/{job}', 'berth-slow.scope', 'failed')")
        with open("/run/go-on", "w", encoding="ascii"):
            pass
        equal(client.wait(), 0)


def test_a_user_cannot_report_that_another_client_has_left():
    """A container that its creator has not started yet stays as long as its creator does."""
    from gi.repository import Gio, GLib  # pylint: disable=import-outside-toplevel
    client = Gio.bus_get_sync(Gio.BusType.SYSTEM, None)
    client.call_sync("org.berth1", "/org/berth1/containers", "org.berth1.Containers", "Create",
                     GLib.Variant("(ssa{sv})", ("provisional", IMAGE, {"Provisional": GLib.Variant("b", True)})), None,
                     Gio.DBusCallFlags.NONE, -1, None)
    name = client.get_unique_name()
    forge_to_service(*BUS, f"('{name}', '{name}', '')")
    equal([row["id"] for row in listing("ps", "-a")], ["provisional"])
    good("start", "provisional")
    good("rm", "-f", "provisional")


def name_on_the_bus(process):
    """Returns the unique name of a client, which every user can find like this."""
    rows = [line.split() for line in run("busctl", "list", "--unique", "--no-legend", user="alice").out.splitlines()]
    return [row[0] for row in rows if row[1] == str(process.pid)][0]


def test_dist_believes_no_event_of_another_user():
    good("run", "-d", "--id=kept", "--stop-signal=KILL", IMAGE)
    lines = []
    with subprocess.Popen(["dist", "events"], stdout=subprocess.PIPE, text=True) as client:
        reading = threading.Thread(target=lambda: [lines.append(line) for line in client.stdout])
        reading.start()
        # It has subscribed when it prints an event.
        wait_until(lambda: dist("exec", "kept", "true") and lines, "an event")
        for destination in (name_on_the_bus(client), ""):
            forge(destination, "/org/berth1/containers", "org.berth1.Containers", "Event",
                  "(uint64 9000000000000000000, 'exit', 'forged', {'Status': <int32 5>})")
        good("rm", "-f", "kept")
        try:
            # The forged event would hide this one, since its number is higher.
            wait_until(lambda: any(" delete " in line for line in lines), "the event of the deletion")
        finally:
            client.kill()
            reading.join()
    equal([line for line in lines if "forged" in line], [])


def test_dist_shows_no_progress_of_another_user():
    """Text of another user does not reach the terminal, either."""
    registry = FaultyRegistry()
    image = oci.busybox_image()
    reference, _ = registry.add("slow/x:1", image)
    going_on = registry.stall[image.manifest["layers"][0]["digest"]] = threading.Event()
    with subprocess.Popen(["dist", "pull", "--progress=json", reference], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True) as client:
        lines = [client.stderr.readline()]
        number = listing("transfers")[0]["transfer"]
        for destination in (name_on_the_bus(client), ""):
            forge(destination, f"/org/berth1/transfers/{number}", "org.berth1.Transfer", "Progress",
                  "(uint64 1, uint64 2, [('forged', 'forged', uint64 1, uint64 2)])")
        going_on.set()
        lines += client.stderr.readlines()
        equal(client.wait(), 0)
    contains("".join(lines), '"phase":"done"')
    equal([line for line in lines if "forged" in line], [])


FORGE_REPLY = """
import sys
from gi.repository import Gio, GLib
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM, None)
for message in (Gio.DBusMessage(), Gio.DBusMessage.new_signal("/forged", "org.forged", "Sent")):
    if message.get_message_type() == Gio.DBusMessageType.INVALID:
        message.set_message_type(Gio.DBusMessageType.METHOD_RETURN)
        message.set_reply_serial(int(sys.argv[2]))
    message.set_destination(sys.argv[1])
    bus.send_message(message, Gio.DBusSendMessageFlags.NONE)
bus.flush_sync()
"""


def test_a_reply_that_was_not_asked_for_is_not_delivered():
    """The service and dist rely on this: sd-bus takes a reply by its number alone, whoever has sent it."""
    from gi.repository import Gio  # pylint: disable=import-outside-toplevel
    client = Gio.DBusConnection.new_for_address_sync(
        Gio.dbus_address_get_for_bus_sync(Gio.BusType.SYSTEM),
        Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION)
    received, serials = [], []

    def note(_connection, message, incoming, *_):
        if not incoming:
            serials.append(message.get_serial())
        elif message.get_sender() != "org.freedesktop.DBus":
            received.append(message.get_message_type())
        return message

    client.add_filter(note)
    # A call that nobody may reply to.
    message = Gio.DBusMessage.new_method_call("org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                                              "org.freedesktop.DBus.Peer", "Ping")
    message.set_flags(Gio.DBusMessageFlags.NO_REPLY_EXPECTED)
    client.send_message(message, Gio.DBusSendMessageFlags.NONE)
    wait_until(lambda: serials, "the call")
    result = run("/usr/bin/python3", "-c", FORGE_REPLY, client.get_unique_name(), str(serials[0]), user="alice")
    equal(result.status, 0, result)
    wait_until(lambda: Gio.DBusMessageType.SIGNAL in received, "the signal after the reply")
    equal(received, [Gio.DBusMessageType.SIGNAL])


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
