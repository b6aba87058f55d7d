# SPDX-License-Identifier: LGPL-2.1-or-later
# Signals about containers arrive in order and exactly once, even if the service is killed in between. Each client
# receives only signals about objects that it may see, and a generic client of object managers understands them.

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from object_client import ObjectClient

IMAGE = f"{HOST}/signals/base:x"
LISTEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "listen.py")


class Listener:
    def __init__(self, mode, user=None):
        as_user = ("runuser", "-u", user, "--") if user else ()
        self.process = subprocess.Popen([*as_user, "/usr/bin/python3", LISTEN, mode], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, start_new_session=True)
        self.lines = []
        threading.Thread(target=self.read, daemon=True).start()
        self.wait(["ready"])

    def read(self):
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def wait(self, line, count=1):
        wait_until(lambda: self.lines.count(line) >= count, f"{line} in {self.lines[-5:]}")

    def wait_for_event(self, kind, name, count=1):
        wait_until(lambda: sum(line[0] == "event" and (line[2], line[3]) == (kind, name) for line in self.lines) >= count,
                   f"{kind} of {name}")

    def synced(self):
        """Returns all signals that the client has received so far."""
        count = self.lines.count(["synced"])
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.wait(["synced"], count + 1)
        return [line for line in self.lines if line[0] == "signal"]

    def end(self):
        # runuser is a process of its own, and its end would leave the listener on the bus.
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        return self.lines


def path_of(name):
    return f"/org/berth1/containers/{bus_label(name)}"


def test_setup():
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), IMAGE)
    good("pull", IMAGE)


def test_signals_of_a_container_are_in_order():
    listener = Listener("subscriber")
    good("create", "--id=one", IMAGE)
    good("start", "one")
    good("exec", "--process=p", "one", "true")
    good("pause", "one")
    good("resume", "one")
    good("kill", "-s", "KILL", "one")
    equal(dist("wait", "one").status, 137)
    good("rm", "one")
    listener.wait_for_event("delete", "one")
    lines = [line for line in listener.end() if line != ["ready"]]
    events = [line for line in lines if line[0] == "event"]
    equal([(event[2], event[4]) for event in events],
          [("create", ""), ("start", ""), ("exec-added", "p"), ("exec-started", "p"), ("exit", "p"), ("pause", ""), ("resume", ""),
           ("exit", ""), ("delete", "")])
    sequences = [event[1] for event in events]
    equal(sequences, sorted(set(sequences)))
    # Before the signal of each event that changes the object, there is one PropertiesChanged.
    received = [(lines[i - 1][2] if lines[i - 1][0] == "signal" else None, lines[i][2], lines[i][4])
                for i in range(len(lines)) if lines[i][0] == "event"]
    changed = ("start", "pause", "resume", "exit")
    equal(received, [("InterfacesAdded", "create", "")] +
          [("PropertiesChanged" if event[2] in changed and not event[4] else None, event[2], event[4]) for event in events[1:-1]] +
          [("InterfacesRemoved", "delete", "")])
    equal([line[2] for line in lines if line[0] == "signal" and path_of("one") in (line[1], line[3][0])],
          ["InterfacesAdded"] + ["PropertiesChanged"] * 4 + ["InterfacesRemoved"])
    # The signal contains only changed properties.
    names = {lines[i][2]: set(lines[i - 1][3][1]) for i in range(len(lines)) if lines[i][0] == "event" and not lines[i][4]
             and lines[i - 1][2] == "PropertiesChanged"}
    equal(names["pause"], {"State"})
    equal(names["resume"], {"State"})
    equal(names["exit"], {"State", "Pid", "PidFDId", "ExitStatus", "Cgroup", "Addresses", "Health", "Exited"})
    equal(names["start"], names["exit"] | {"RestartCount", "Started", "OOMKilled"})
    states = {lines[i][2]: lines[i - 1][3][1]["State"] for i in range(len(lines))
              if lines[i][0] == "event" and lines[i - 1][2] == "PropertiesChanged" and lines[i][4] == ""}
    equal(states, {"start": "running", "pause": "paused", "resume": "running", "exit": "stopped"})


def test_sequences_do_not_count_the_events_of_others():
    """Sequence numbers are timestamps, so a gap between two of them does not reveal the number of other events."""
    for number in range(3):
        good("run", "--rm", f"--id=counted-{number}", IMAGE, "true")
    found = [event for event in events() if event["id"].startswith("counted-")]
    equal(len(found), 12, found)
    assert all(0 <= event["sequence"] - event["time"] < 100 for event in found), found


def test_nothing_is_missed_while_the_service_is_away():
    listener = Listener("subscriber")
    for number in range(12):
        good("run", "-d", f"--id=away-{number}", IMAGE)
        kill_service()
        pid = [row["pid"] for row in listing("ps") if row["id"] == f"away-{number}"][0]
        if number % 2:
            kill_service()
        os.kill(pid, 9)
        equal(dist("wait", f"away-{number}").status, 137)
        good("rm", f"away-{number}")
    for number in range(12):
        listener.wait_for_event("delete", f"away-{number}")
    received = [line for line in listener.end() if line[0] == "event"]
    for number in range(12):
        equal([event[2] for event in received if event[3] == f"away-{number}"], ["create", "start", "exit", "delete"])
    equal([event[1] for event in received], [event["sequence"] for event in events(received[0][1] - 1)])


def test_each_client_gets_only_its_own_signals():
    polkit_rule('polkit.addRule(function(action, subject) { if (subject.user == "alice") '
                'return action.id.match(/containers.(inspect|manage)$/) ? "no" : "yes"; });')
    hers, roots = Listener("subscriber", user="alice"), Listener("subscriber")
    manager = ObjectClient("alice")
    for name, user in (("of-alice", "alice"), ("of-root", None), ("alices-too", "alice")):
        good("run", "-d", f"--id={name}", IMAGE, user=user)
        good("exec", name, "true", user=user)
        good("rm", "-f", name, user=user)
    roots.wait_for_event("delete", "alices-too")
    hers.wait_for_event("delete", "alices-too")
    wait_until(lambda: ("removed", path_of("alices-too")) in manager.reports, "the removal of what is hers")
    assert "root" not in json.dumps(hers.lines), hers.lines
    assert path_of("of-root") not in json.dumps(hers.lines + manager.reports), hers.lines
    contains(json.dumps(roots.lines), path_of("of-root"))
    contains(json.dumps(roots.lines), path_of("of-alice"))
    for listener in (hers, roots, manager):
        listener.end()
    run("rm", "/etc/polkit-1/rules.d/00-berth-test.rules")
    run("systemctl", "restart", "polkit.service")


def reported_states(client, name):
    return [report[2].get("State") for report in client.of(path_of(name)) if report[0] == "changed"]


def test_a_client_of_object_managers():
    good("run", "-d", "--id=before", IMAGE)
    client = ObjectClient()
    contains(client.dump(), path_of("before"))
    good("run", "-d", "--id=during", IMAGE)
    wait_until(lambda: ("added", path_of("during")) in client.reports, "the new container")
    wait_until(lambda: "running" in reported_states(client, "during"), "its start")
    good("pause", "during")
    wait_until(lambda: "paused" in reported_states(client, "during"), "its pause")
    # The client fetches the objects again after the service has restarted.
    kill_service()
    good("resume", "during")
    good("rm", "-f", "before")
    wait_until(lambda: ("removed", path_of("before")) in client.reports, "the removal of the container")
    good("rm", "-f", "during")
    wait_until(lambda: client.reports.count(("removed", path_of("during"))) > client.reports.count(("added", path_of("during"))) - 1,
               "the end of during")
    client.end()


def test_a_proxy_of_one_container():
    good("run", "-d", "--id=proxied", IMAGE)
    script = ("import gi; gi.require_version('Gio', '2.0'); from gi.repository import Gio, GLib\n"
              "loop = GLib.MainLoop()\n"
              f"proxy = Gio.DBusProxy.new_for_bus_sync(Gio.BusType.SYSTEM, 0, None, 'org.berth1', '{path_of('proxied')}',"
              " 'org.berth1.Container', None)\n"
              "proxy.connect('g-properties-changed', lambda *_: print(proxy.get_cached_property('State').unpack()) or loop.quit())\n"
              "print('ready', flush=True); GLib.timeout_add_seconds(120, loop.quit); loop.run()\n")
    watcher = subprocess.Popen(["/usr/bin/python3", "-c", script], stdout=subprocess.PIPE, text=True)
    equal(watcher.stdout.readline(), "ready\n")
    good("pause", "proxied")
    equal(watcher.communicate(timeout=180)[0], "paused\n")
    good("rm", "-f", "proxied")


SEES = """polkit.addRule(function(action, subject) {
    if (subject.user != "alice") return;
    var image = action.lookup("image"), verb = action.lookup("verb");
    if (action.id == "org.berth1.images.inspect") return !image || image.indexOf("/signals/hers") > 0 ? "yes" : "no";
    return action.id == "org.berth1.contents.read" && %s ? "yes" : "no";
});"""


def ingest(text):
    return run("dist", "content", "ingest", text, input=text).out.strip()


def test_signals_of_images_and_contents_reach_only_permitted_clients():
    polkit_rule(SEES % "false")
    good("rm", "-f", *[row["id"] for row in listing("ps", "-a")]) if listing("ps", "-a") else None
    hers, roots = Listener("proxy", user="alice"), Listener("proxy")
    eavesdropper, owner = Listener("match", user="alice"), Listener("match")
    mine, others = f"{HOST}/signals/hers:1", f"{HOST}/signals/others:1"
    for name in (others, mine):
        good("tag", IMAGE, name)
    digest = ingest("first")
    for name in (others, mine):
        good("rmi", name)
    roots.wait(["signal", "Removed", mine])
    hers.wait(["signal", "Removed", mine])
    equal(roots.synced(), [["signal", "Added", others], ["signal", "Added", mine], ["signal", "Committed", digest],
                           ["signal", "Removed", others], ["signal", "Removed", mine]])
    equal(hers.synced(), [["signal", "Added", mine], ["signal", "Removed", mine]])
    # A new rule applies from the next signal on, also to clients that were already connected.
    polkit_rule(SEES % "true")
    second = ingest("second")
    good("content", "rm", second)
    hers.wait(["signal", "Deleted", second])
    equal(hers.synced()[2:], [["signal", "Committed", second], ["signal", "Deleted", second]])
    polkit_rule(SEES % "false")
    third = ingest("third")
    good("tag", IMAGE, mine)
    hers.wait(["signal", "Added", mine], 2)
    assert ["signal", "Committed", third] not in hers.synced(), hers.lines
    good("rmi", mine)
    # A client that makes no call receives no signals, whichever user it is.
    good("run", "--rm", IMAGE, "true")
    for listener in (eavesdropper, owner):
        equal(listener.synced(), [])
    for listener in (hers, roots, eavesdropper, owner):
        listener.end()
    run("rm", "/etc/polkit-1/rules.d/00-berth-test.rules")
    run("systemctl", "restart", "polkit.service")


def test_a_subscription_ends_with_the_rule_that_allowed_it():
    # A user who may manage objects of others may inspect them, too.
    rule = ('polkit.addRule(function(action, subject) { if (subject.user == "alice") '
            'return /[.]create$|manage-own$/.test(action.id) ? "yes" : "%s"; });')
    polkit_rule(rule % "yes")
    hers = Listener("subscriber", user="alice")
    good("create", "--id=seen", IMAGE)
    hers.wait_for_event("create", "seen")
    polkit_rule(rule % "no")
    good("create", "--id=unseen", IMAGE)
    good("create", "--id=own", IMAGE, user="alice")
    hers.wait_for_event("create", "own")
    hers.synced()
    assert "unseen" not in json.dumps(hers.lines), hers.lines
    good("rm", "seen", "unseen", "own")
    hers.end()
    run("rm", "/etc/polkit-1/rules.d/00-berth-test.rules")
    run("systemctl", "restart", "polkit.service")


# Opens 40 connections of one user, each of which requests all objects. Each input line is the name of an object and the
# number of signals about it to wait for. Closes 30 connections, waits until the bus has told everybody, and prints the
# number of connections that have received a signal about each object.
MANY = """
import collections, json, sys, time
from gi.repository import Gio, GLib
address = Gio.dbus_address_get_for_bus_sync(Gio.BusType.SYSTEM)
flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
clients = [Gio.DBusConnection.new_for_address_sync(address, flags) for _ in range(40)]
observer = Gio.bus_get_sync(Gio.BusType.SYSTEM)
def is_there(name):
    return observer.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner",
                              GLib.Variant("(s)", (name,)), None, 0, 120000, None).unpack()[0]
received = collections.Counter()
def hear(bus, sender, path, interface, signal, arguments):
    received[arguments.unpack()[0].split("/")[-1]] += 1
for bus in clients:
    bus.signal_subscribe("org.berth1", "org.freedesktop.DBus.ObjectManager", "InterfacesAdded", "/org/berth1", None, 0, hear)
    bus.call_sync("org.berth1", "/org/berth1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", None, None, 0, 120000, None)
print("ready", flush=True)
context = GLib.MainContext.default()
for line in sys.stdin:
    name, count = line.split()
    end = GLib.timeout_add_seconds(60, lambda: received.update({"too late": 1}) or False)
    while received[name] < int(count) and not received["too late"]:
        context.iteration(True)
    GLib.source_remove(end)
    # If too many signals are sent, all of them arrive before these replies.
    for bus in clients:
        bus.call_sync("org.berth1", "/org/berth1/volumes", "org.berth1.Volumes", "List", GLib.Variant("(a{sv})", ({},)), None, 0, 120000, None)
    while context.iteration(False):
        pass
    for bus in clients[:30]:
        name = bus.get_unique_name()
        bus.close_sync()
        while is_there(name):
            time.sleep(0.01)
    del clients[:30]
    print(json.dumps({name: count for name, count in received.items() if count}), flush=True)
"""


def test_clients_that_receive_signals_are_limited_per_user():
    """Only a limited number of a user's clients receive signals, as each costs a message and possibly a question to
    polkit."""
    allow_only("alice", "containers.create", "containers.manage-own")
    client = subprocess.Popen(["runuser", "-u", "alice", "--", "/usr/bin/python3", "-c", MANY], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    roots = ObjectClient()
    equal(client.stdout.readline(), "ready\n")
    for name, heard in (("first", {"first": 16}), ("second", {"first": 16, "second": 10})):
        good("volume", "create", name, user="alice")
        client.stdin.write(f"{name} {heard[name]}\n")
        client.stdin.flush()
        equal(json.loads(client.stdout.readline()), heard)
        wait_until(lambda at=name: ("added", f"/org/berth1/volumes/{at}") in [report[:2] for report in roots.reports], "the signal to root")
    client.stdin.close()
    client.wait()
    roots.end()
    for name in ("first", "second"):
        good("volume", "rm", name)
    run("rm", "/etc/polkit-1/rules.d/00-berth-test.rules")
    run("systemctl", "restart", "polkit.service")


# Reads the properties of 1100 images on one connection, changes some images, and prints those about which the
# connection received a signal.
READ_MANY = """
from gi.repository import Gio, GLib
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
received = []
bus.signal_subscribe("org.berth1", "org.freedesktop.DBus.Properties", "PropertiesChanged", None, None, 0,
                     lambda bus, sender, path, *rest: received.append(path.split("/")[-1]))
def call(path, interface, member, arguments):
    return bus.call_sync("org.berth1", path, interface, member, arguments, None, 0, 60000, None).unpack()
for number in range(1100):
    call(f"/org/berth1/images/many{number:04}", "org.freedesktop.DBus.Properties", "GetAll", GLib.Variant("(s)", ("org.berth1.Image",)))
target = call("/org/berth1/images", "org.berth1.Images", "Get", GLib.Variant("(sa{sv})", ("many0000", {})))[0]["Target"]
for number in (0, 1023, 1024, 1099):
    call("/org/berth1/images", "org.berth1.Images", "Put",
         GLib.Variant("(s(sst)a{ss}a{sv})", (f"many{number:04}", target, {"changed": "yes"}, {})))
# Signals that were sent before this reply arrive before it.
call("/org/berth1/volumes", "org.berth1.Volumes", "List", GLib.Variant("(a{sv})", ({},)))
while GLib.MainContext.default().iteration(False):
    pass
print(sorted(set(received)))
"""


def test_a_client_receives_signals_of_a_limited_number_of_objects():
    """A client that does not use the object manager receives signals about a limited number of objects: those that it
    read first."""
    run("systemctl", "stop", "berthd.service")
    database = sqlite3.connect(f"{STATE}/berth.db")
    database.executemany("INSERT INTO images SELECT ?, media_type, digest, size, created, updated FROM images WHERE name = ?",
                         [(f"many{number:04}", IMAGE) for number in range(1100)])
    database.commit()
    database.close()
    result = run("/usr/bin/python3", "-c", READ_MANY)
    equal(result.out.strip(), "['many0000', 'many1023']", result)
    run("systemctl", "stop", "berthd.service")
    database = sqlite3.connect(f"{STATE}/berth.db")
    database.execute("DELETE FROM images WHERE name LIKE 'many%'")
    database.commit()
    database.close()


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
