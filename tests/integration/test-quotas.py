# SPDX-License-Identifier: LGPL-2.1-or-later
# Limits per user. Every operation, process and descriptor is charged to the user who requests it, so no user can
# exhaust what others need. An operation for a single client ends when that client disconnects.

import json
import os
import random
import socket
import subprocess
import sys
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import bus_call
import oci
from faulty_registry import FaultyRegistry

IMAGE = f"{HOST}/busybox:latest"
HOLD = os.path.join(os.path.dirname(os.path.abspath(bus_call.__file__)), "bus_hold.py")
CONTAINERS = ("/org/berth1/containers", "org.berth1.Containers")
CONTENTS = ("/org/berth1/contents", "org.berth1.Contents")
IMAGES = ("/org/berth1/images", "org.berth1.Images")

RULE = """polkit.addRule(function(action, subject) {
    if ((subject.user == "alice" || subject.user == "nobody") &&
        action.id != "org.berth1.containers.create-privileged" && action.id != "org.berth1.containers.inspect")
        return polkit.Result.YES;
});
"""


class Client:
    """A client that makes count calls at once, and stays connected until leave()."""

    def __init__(self, count, target, member, text, user="alice"):
        command = ["/usr/bin/python3", HOLD, str(count), *target, member]
        self.process = subprocess.Popen(["runuser", "-u", user, "--", *command] if user != "root" else command,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        self.lines = []

    def read(self, count):
        """Reads until there are count lines other than "sent", and returns these lines."""
        while len(self.lines) < count:
            line = self.process.stdout.readline()
            assert line, self.lines
            if line != "sent\n":
                self.lines.append(line.strip())
        return self.lines

    def leave(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.process.wait()


def limits(**values):
    """Sets these values in [Limits] of berth.conf; without values, the defaults apply again."""
    service_is_up()
    configure("[Limits]\n" + "".join(f"{key}={value}\n" for key, value in values.items()))


def workers(name):
    return run("pgrep", "-x", name[:15]).out.split()


def refused(result, word, limit, uid="4242"):
    """Checks that an error names the user, the resource and the limit."""
    text = result if isinstance(result, str) else result.err
    contains(text, f"user {uid} ")
    contains(text, word)
    contains(text, f"limit is {limit}")


def ask(target, member, arguments, user="alice"):
    result = run("/usr/bin/python3", bus_call.__file__, *target, member, input=arguments, user=user)
    assert result.status == 0, result
    return json.loads(result.out)


def test_setup():
    oci.push(oci.busybox_image(), IMAGE)
    good("pull", IMAGE)
    polkit_rule(RULE)
    good("run", "-d", "--id=own", IMAGE, "sleep", "100000", user="alice")
    good("exec", "own", "sh", "-c", "head -c 3000000 /dev/zero >/large", user="alice")


def test_copies_are_limited_per_user_and_end_with_the_client():
    # The limit is lower than the number of calls that may wait for polkit at once.
    limits(Copies=8)
    client = Client(9, CONTAINERS, "CopyOut", "('own', '/large', handle 0, @a{sv} {})")
    refused(client.read(1)[0], "copies", 8)
    contains(client.lines[0], "org.berth1.Error.LimitExceeded")
    # Other users have their own limit.
    good("run", "-d", "--id=roots", IMAGE, "sleep", "100000")
    contains(dist("cp", "roots:/bin/sh", "-").out[:200], "sh")
    wait_until(lambda: len(workers("berth-copy")) >= 8, "the copies")
    client.leave()
    wait_until(lambda: not workers("berth-copy"), "the end of all copies")
    equal(dist("cp", "own:/bin/sh", "-", user="alice").status, 0)
    equal(len(client.lines), 1)
    limits()


def test_a_copy_of_root_ends_with_the_client_too():
    client = Client(20, CONTAINERS, "CopyOut", "('own', '/large', handle 0, @a{sv} {})", user="root")
    wait_until(lambda: len(workers("berth-copy")) >= 20, "copies")
    client.leave()
    wait_until(lambda: not workers("berth-copy"), "the end of all copies")


def test_registry_queries_are_limited_per_user_and_end_with_the_client():
    listener = socket.create_server(("127.0.0.1", 0), backlog=200)
    silent = f"127.0.0.1:{listener.getsockname()[1]}"
    for target, member, text in ((IMAGES, "Resolve", f"('{silent}/x:y', {{'Insecure': <true>}})"),
                                 (IMAGES, "Authenticate", f"('{silent}', {{'Insecure': <true>}})"),
                                 (IMAGES, "Search", f"('{silent}', 'x', {{'Insecure': <true>}})"),
                                 (CONTENTS, "FetchObject", f"('{silent}/x:y', '', {{'Insecure': <true>}})")):
        limits(Questions=8)
        client = Client(9, target, member, text)
        refused(client.read(1)[0], "questions", 8)
        good("resolve", IMAGE)
        client.leave()
        wait_until(lambda: not workers("berth-fetch"), f"the end of {member}")
        good("resolve", IMAGE, user="alice")
    listener.close()


def test_a_fetched_object_ends_with_the_client():
    layer = oci.Layer("gzip")
    layer.directory("./").add("file", random.Random(1).randbytes(40_000_000))
    image = oci.Image([layer], {})
    registry = FaultyRegistry()
    registry.add("large:x", image)
    digest = image.manifest["layers"][0]["digest"]
    client = Client(3, CONTENTS, "FetchObject", f"('{registry.host}/large', '{digest}', @a{{sv}} {{}})")
    equal(client.read(3), ["answered"] * 3)
    wait_until(lambda: len(workers("berth-fetch")) == 3, "a worker for each, and the end of earlier ones")
    client.leave()
    wait_until(lambda: not workers("berth-fetch"), "the end of the workers")


def test_waiting_calls_are_limited_per_user():
    limits(Calls=20)
    client = Client(30, CONTAINERS, "Wait", "('own', '', @a{sv} {})")
    for line in client.read(10):
        refused(line, "calls", 20)
    refused(ask(CONTAINERS, "Get", "('own', @a{sv} {})")["message"], "calls", 20)
    equal(dist("ps").status, 0)
    client.leave()
    wait_until(lambda: not ask(CONTAINERS, "Get", "('own', @a{sv} {})")["error"], "calls are answered again")
    limits()


def test_subscriptions_are_limited_per_user():
    limits(Subscriptions=2)
    clients = [Client(1, CONTAINERS, "Subscribe", "(@a{sv} {},)") for _ in range(2)]
    for client in clients:
        equal(client.read(1), ["answered"])
    third = Client(1, CONTAINERS, "Subscribe", "(@a{sv} {},)")
    refused(third.read(1)[0], "subscriptions", 2)
    root = Client(1, CONTAINERS, "Subscribe", "(@a{sv} {},)", user="root")
    equal(root.read(1), ["answered"])
    for client in [*clients, third, root]:
        client.leave()
    wait_until(lambda: not ask(CONTAINERS, "Subscribe", "(@a{sv} {},)")["error"], "room for another")
    limits()


def test_transfers_are_limited_per_user():
    limits(Transfers=2)
    listener = socket.create_server(("127.0.0.1", 0), backlog=200)
    silent = f"127.0.0.1:{listener.getsockname()[1]}"
    client = Client(3, IMAGES, "Pull", f"('{silent}/x:%d', {{'Insecure': <true>}})")
    lines = client.read(3)
    equal(lines.count("answered"), 2)
    refused(next(line for line in lines if line != "answered"), "transfers", 2)
    client.leave()
    # Transfers continue when their client leaves.
    equal([row["state"] for row in listing("transfers", user="alice") if silent in row["reference"]], ["running"] * 2)
    for row in listing("transfers"):
        if row["state"] == "running":
            good("cancel", row["transfer"])
    listener.close()
    limits()


def test_executed_processes_are_limited_per_user():
    limits(Processes=2)
    for i in range(2):
        good("exec", "-d", "own", "sleep", "100000", user="alice")
    refused(dist("exec", "own", "true", user="alice"), "executed processes", 2)
    kill_service()
    refused(dist("exec", "own", "true", user="alice"), "executed processes", 2)
    good("exec", "roots", "true")
    good("exec", "own", "true")
    for row in listing("top", "own"):
        if row["process"] != "-" and row["command"].startswith("sleep"):
            equal(call(*CONTAINERS, "Kill", "sia{sv}", "own", "9", "1", "Process", "s", row["process"]).status, 0)
    wait_until(lambda: dist("exec", "own", "true", user="alice").status == 0, "room for another")
    limits()


def test_descriptors_stored_by_systemd_are_limited_per_user():
    limits(Descriptors=6)
    # The container "own" already has one.
    good("run", "-d", "-t", "--id=second", IMAGE, "sleep", "100000", user="alice")
    refused(dist("run", "-d", "-t", "--id=third", IMAGE, "sleep", "100000", user="alice"), "descriptors", 6)
    good("run", "-d", "--id=fourth", IMAGE, "sleep", "100000", user="alice")
    refused(dist("exec", "own", "true", user="alice"), "descriptors", 6)
    good("run", "--rm", "-t", IMAGE, "true")
    for name in ("second", "fourth"):
        good("rm", "-f", name, user="alice")
    good("exec", "own", "true", user="alice")
    dist("rm", "-f", "third", user="alice")
    limits()


def test_objects_are_limited_per_user():
    limits(Containers=2, Volumes=1, Leases=1, Ingests=1)
    good("create", "--id=c2", IMAGE, user="alice")
    refused(dist("create", "--id=c3", IMAGE, user="alice"), "containers", 2)
    good("volume", "create", "v1", user="alice")
    refused(dist("volume", "create", "v2", user="alice"), "volumes", 1)
    good("lease", "create", "l1", user="alice")
    refused(dist("lease", "create", "l2", user="alice"), "leases", 1)
    equal(ask(CONTENTS, "Ingest", "('i1', uint64 10, '', @a{sv} {})")["error"], None)
    refused(ask(CONTENTS, "Ingest", "('i2', uint64 10, '', @a{sv} {})")["message"], "ingests", 1)
    for verb in (("create", "--id=r1", IMAGE), ("create", "--id=r2", IMAGE), ("create", "--id=r3", IMAGE),
                 ("volume", "create", "rv1"), ("volume", "create", "rv2"), ("lease", "create", "rl1"), ("lease", "create", "rl2")):
        good(*verb)
    good("rm", "c2", user="alice")
    good("create", "--id=c3", IMAGE, user="alice")
    for name in ("c3", "r1", "r2", "r3"):
        good("rm", name)
    limits()


def test_bytes_of_labels_and_configurations_are_limited_per_user():
    limits(Labels="10K")
    large = "x" * 6000
    good("create", "--id=l1", f"--label=k={large}", IMAGE, user="alice")
    refused(dist("create", "--id=l2", f"--label=k={large}", IMAGE, user="alice"), "bytes of labels", 10240)
    refused(ask(("/org/berth1/leases", "org.berth1.Leases"), "Create", f"('', {{'Labels': <{{'k': '{large}'}}>}})")["message"],
            "bytes of labels", 10240)
    good("rm", "l1")
    limits(Configurations="20K")
    refused(dist("create", "--id=l2", "-e", f"A={large * 3}", IMAGE, user="alice"), "bytes of configurations", 20480)
    good("create", "--id=l2", "-e", f"A={large * 3}", IMAGE)
    good("rm", "l2")
    limits()


def test_bytes_of_secrets_are_limited_per_user():
    """Secrets count by their size; while they are being read, they count with their maximum size."""
    with open("/run/secret", "wb") as file:
        file.write(b"x" * 1_000_000)
    secret = "--secret=a=/run/secret"
    # The limit is a little higher than the maximum for one container.
    limits(Secrets="5M")
    good("create", "--id=s1", secret, IMAGE, user="alice")
    good("create", "--id=s2", secret, IMAGE, user="alice")
    refused(dist("create", "--id=s3", secret, IMAGE, user="alice"), "bytes of secrets", 5242880)
    # A new service process counts the secrets that systemd has stored.
    kill_service()
    refused(dist("create", "--id=s4", secret, IMAGE, user="alice"), "bytes of secrets", 5242880)
    good("create", "--id=r1", secret, IMAGE)
    good("rm", "s1", user="alice")
    good("rm", "s2", user="alice")
    wait_until(lambda: dist("create", "--id=s4", secret, IMAGE, user="alice").status == 0, "room for another")
    for name in ("s4", "r1"):
        good("rm", name)
    os.unlink("/run/secret")
    limits()


def test_reading_secrets_ends_with_the_client():
    """If a client disconnects while its secrets are being read, the reading ends. Until then, the secrets count with
    their maximum size and the container's name is in use."""
    limits(Secrets="5M")
    # The test keeps the write end open, so the pipe does not end with the client.
    reading, writing = os.pipe()
    code = ("import signal; from gi.repository import Gio, GLib\n"
            "bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)\n"
            "message = Gio.DBusMessage.new_method_call('org.berth1', '/org/berth1/containers', 'org.berth1.Containers', 'Create')\n"
            "message.set_body(GLib.Variant('(ssa{sv})', ('endless', '%s', {'Secrets': GLib.Variant('a(sh)', [('a', 0)])})))\n"
            "message.set_unix_fd_list(Gio.UnixFDList.new_from_array([%d]))\n"
            "bus.send_message(message, Gio.DBusSendMessageFlags.NONE)\n"
            "signal.pause()\n") % (IMAGE, reading)
    client = subprocess.Popen(["runuser", "-u", "alice", "--", "/usr/bin/python3", "-c", code], pass_fds=[reading])
    os.close(reading)
    with open("/run/secret", "wb") as file:
        file.write(b"x")
    other = ("create", "--id=endless", "--secret=a=/run/secret", IMAGE)
    wait_until(lambda: workers("berth-ingest"), "the reader")
    refused(dist(*other[:1], "--id=other", *other[2:], user="alice"), "bytes of secrets", 5242880)
    contains(dist(*other).err, "already")
    begin = time.monotonic()
    run("pkill", "-P", str(client.pid))
    client.wait()
    wait_until(lambda: not workers("berth-ingest"), "the end of the reader")
    # The reader ends long before its timeout.
    assert time.monotonic() - begin < 15
    good(*other, user="alice")
    os.close(writing)
    good("rm", "endless")
    os.unlink("/run/secret")
    limits()


def test_names_and_content_are_limited_per_user():
    good("pull", IMAGE, user="alice")
    limits(Images=1)
    refused(dist("tag", IMAGE, "other", user="alice"), "names of images", 1)
    good("tag", IMAGE, "roots")
    limits(Disk="10M")
    reference = f"{HOST}/large:latest"
    layer = oci.Layer("gzip")
    layer.directory("./").add("file", random.Random(1).randbytes(20_000_000))
    oci.push(oci.Image([layer], {}), reference)
    refused(dist("pull", reference, user="alice"), "bytes on disk", 10485760)
    refused(ask(CONTENTS, "Ingest", "('known', uint64 20000000, '', @a{sv} {})")["message"], "bytes on disk", 10485760)
    result = dist("content", "ingest", "unknown", user="alice", input="x" * 20_000_000)
    assert result.status != 0, result
    good("pull", reference)
    limits()


def wait_for_refusal(*command, limit):
    def is_refused():
        result = dist(*command, user="alice")
        if result.status == 0:
            good("rm", "-f", "disk-probe", user="alice")
            return None
        return result
    refused(wait_until(is_refused, f"{command} to be refused"), "bytes on disk", limit)


def test_files_written_by_a_container_count():
    limits(Disk="30M")
    probe = ("create", "--id=disk-probe", IMAGE)
    good("create", "--id=disk-other", IMAGE, user="alice")
    for place in ("/written", "/volume/written"):
        good("run", "--id=disk-writer", "--volume=disk-volume:/volume", IMAGE, "head", "-c", "1000000", "/dev/zero", user="alice")
        good(*probe, user="alice")
        good("rm", "disk-probe", user="alice")
        good("rm", "disk-writer", user="alice")
        good("run", "--id=disk-writer", "--volume=disk-volume:/volume", IMAGE, "sh", "-c", f"head -c 40000000 /dev/zero >{place}",
             user="alice")
        wait_for_refusal(*probe, limit=31457280)
        refused(dist("start", "disk-other", user="alice"), "bytes on disk", 31457280)
        refused(dist("pull", IMAGE, user="alice"), "bytes on disk", 31457280)
        refused(dist("volume", "create", "disk-more", user="alice"), "bytes on disk", 31457280)
        # Other users are not affected, and the user can make room by deleting the files.
        good("run", "--rm", IMAGE, "true")
        good("rm", "disk-writer", user="alice")
        if place.startswith("/volume"):
            good("volume", "rm", "disk-volume", user="alice")
        good("start", "disk-other", user="alice")
        good("stop", "--time=0", "disk-other", user="alice")
    good("rm", "disk-other", user="alice")
    limits()


def test_files_written_by_a_running_container_count():
    """Files of a running container count at any depth of the tree; a file with several links counts once."""
    limits(Disk="30M")
    good("run", "-d", "--id=disk-runs", IMAGE, "sh", "-c",
         "for i in $(seq 1500); do mkdir deep; cd deep; done; head -c 40000000 /dev/zero >a; ln a b; ln a c; echo done >/done; exec sleep 1000",
         user="alice")
    wait_until(lambda: dist("exec", "disk-runs", "test", "-e", "/done", user="alice").status == 0, "what it writes")
    kill_service()
    wait_for_refusal("create", "--id=disk-probe", IMAGE, limit=31457280)
    text = dist("create", "--id=disk-probe", IMAGE, user="alice").err
    # The file counts once, despite its three links.
    assert 40_000_000 <= int(text.split(" has ")[1].split()[0]) < 60_000_000, text
    good("rm", "-f", "disk-runs", user="alice")
    limits()


def test_unpacked_layers_count():
    reference = f"{HOST}/sparse:latest"
    layer = oci.Layer("gzip")
    layer.directory("./").add("file", bytes(40_000_000))
    oci.push(oci.Image([layer], {}), reference)
    limits(Disk="30M")
    good("pull", reference, user="alice")
    refused(dist("create", "--id=disk-probe", IMAGE, user="alice"), "bytes on disk", 31457280)
    good("rmi", reference)
    good("prune")
    good("create", "--id=disk-probe", IMAGE, user="alice")
    good("rm", "disk-probe", user="alice")
    limits()


def test_limits_of_containers_have_defaults():
    configure("[Defaults]\nMemoryMax=64M\nTasksMax=50\n")
    good("run", "-d", "--id=default", IMAGE, "sleep", "100", user="alice")
    good("run", "-d", "--id=chosen", "--memory=32M", "--pids=70", IMAGE, "sleep", "100")
    shown = run("systemctl", "show", "-p", "MemoryMax,TasksMax", "berth-default.scope").out
    contains(shown, "MemoryMax=67108864")
    contains(shown, "TasksMax=50")
    shown = run("systemctl", "show", "-p", "MemoryMax,TasksMax", "berth-chosen.scope").out
    contains(shown, "MemoryMax=33554432")
    contains(shown, "TasksMax=70")
    for name in ("default", "chosen"):
        good("rm", "-f", name)
    configure("")
    # The defaults that are shipped apply only to users other than root.
    good("run", "-d", "--id=default", IMAGE, "sleep", "100", user="alice")
    good("run", "-d", "--id=roots-default", IMAGE, "sleep", "100")
    shown = [run("systemctl", "show", "-p", "MemoryMax,TasksMax", f"berth-{name}.scope").out for name in ("default", "roots-default")]
    contains(shown[0], "TasksMax=4096")
    equal(["MemoryMax=infinity" in text for text in shown], [False, True])
    for name in ("default", "roots-default"):
        good("rm", "-f", name)


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
