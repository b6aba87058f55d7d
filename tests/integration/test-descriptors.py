# SPDX-License-Identifier: LGPL-2.1-or-later
# Hostile descriptors. Whatever descriptors a client passes or keeps, and whatever it does to an open file description
# that it shares with the service, the service continues to answer other clients.

import contextlib
import fcntl
import os
import select
import struct
import subprocess
import sys
import threading

import gi
gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # pylint: disable=wrong-import-position

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import,wrong-import-position
import hostile  # pylint: disable=wrong-import-position
import oci  # pylint: disable=wrong-import-position

TOOLS = os.path.join(os.environ["BERTH_SOURCE"], "tests/tools")
FLUSH = "25 "

IMAGE = f"{HOST}/descriptors/base:x"
RULE = 'polkit.addRule(function(action, subject) { if (subject.user == "alice") return "yes"; });'


class Client:
    """A client with a bus connection of its own."""

    def __init__(self):
        self.bus = Gio.DBusConnection.new_for_address_sync(
            Gio.dbus_address_get_for_bus_sync(Gio.BusType.SYSTEM),
            Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION)

    def call(self, kind, member, signature, *arguments, fds=(), timeout=30000):
        """Returns the reply and its descriptors. Values of type "h" are indexes into fds."""
        reply, given = self.bus.call_with_unix_fd_list_sync(
            "org.berth1", f"/org/berth1/{kind}", f"org.berth1.{kind.capitalize()}", member, GLib.Variant(signature, arguments),
            None, Gio.DBusCallFlags.NONE, timeout, Gio.UnixFDList.new_from_array([os.dup(fd) for fd in fds]), None)
        return reply.unpack(), given.steal_fds() if given else []

    def try_call(self, *arguments, **more):
        """Like call(), but returns the message of an error that is not a timeout."""
        try:
            return self.call(*arguments, **more)
        except GLib.Error as error:
            assert not error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.TIMED_OUT), f"{arguments}: {error}"
            return error.message, []

    def end(self):
        self.bus.close_sync(None)


def set_blocking(fd):
    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) & ~os.O_NONBLOCK)


def screens():
    return run("pgrep", "-x", "berth-screen").out.split()


def others_are_answered():
    """Checks that the service answers in time, which it would not do if it were blocked, and has not restarted."""
    pid = service_pid()
    equal(dist("ps", "-a", timeout=100).status, 0)
    equal(service_pid(), pid, "the service")


def test_setup():
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), IMAGE)
    good("pull", IMAGE)
    polkit_rule(RULE)


def test_blocked_terminal_does_not_block_other_users():
    client = Client()
    good("create", "-t", "--id=full", IMAGE, "sleep", "1000", user="alice")
    good("start", "full")
    (_handles, (master, screen, bell)) = client.call("containers", "Attach", "(ssa{sv})", "full", "", {})
    # Fill the terminal's buffer, then start a writer, which blocks.
    os.set_blocking(master, False)
    try:
        while True:
            os.write(master, b"x\n" * 512)
    except BlockingIOError:
        pass
    set_blocking(master)
    writer = subprocess.Popen(["/usr/bin/python3", "-c", "import os, sys; os.write(1, b'.' * 100000)"], stdout=master)
    contains(client.try_call("containers", "CloseStdin", "(ssa{sv})", "full", "", {})[0], "accepts no input")
    others_are_answered()
    writer.kill()
    writer.wait()
    for fd in (master, screen, bell):
        os.close(fd)
    client.end()
    good("rm", "-f", "full")


def test_full_bell_does_not_block_other_users():
    client, other = Client(), Client()
    good("create", "-t", "--id=bell", IMAGE, "sleep", "1000", user="alice")
    good("start", "bell")
    (_handles, fds) = client.call("containers", "Attach", "(ssa{sv})", "bell", "", {})
    other.call("containers", "Attach", "(ssa{sv})", "bell", "", {})
    os.write(fds[2], struct.pack("Q", 2 ** 64 - 2))
    set_blocking(fds[2])
    other.call("containers", "Detach", "(ssa{sv})", "bell", "", {})
    others_are_answered()
    client.end()
    other.end()
    good("rm", "-f", "bell")


def test_a_blocked_reader_delays_only_its_owner_for_a_limited_time():
    client = Client()
    for name, user in (("mine", None), ("hers", "alice"), ("hers-too", "alice")):
        good("create", "-t", f"--id={name}", IMAGE, "sh", "-c", "while read line; do echo got-$line; done", user=user)
        good("start", name)
    (_handles, (master, screen, bell)) = client.call("containers", "Attach", "(ssa{sv})", "hers", "", {})
    client.call("containers", "Detach", "(ssa{sv})", "hers", "", {})
    wait_until(lambda: len(screens()) == 2, "a reader for each of two owners")
    set_blocking(master)
    good("rm", "-f", "mine")
    wait_until(lambda: len(screens()) == 1, "the end of the other reader")
    # Stop the reader, as if it were blocked because another process had just taken the data.
    pids = set(screens())
    os.kill(int(screens()[0]), 19)
    (_handles, fds) = client.call("containers", "Attach", "(ssa{sv})", "hers-too", "", {})
    others_are_answered()
    wait_until(lambda: not pids & set(screens()), "the end of the reader that was held up")
    os.write(fds[0], b"word\n")
    text = b""
    while b"got-word" not in text:
        assert select.select([fds[0]], [], [], 60)[0], text
        text += os.read(fds[0], 1000)
    for fd in (master, screen, bell):
        os.close(fd)
    client.end()
    good("rm", "-f", "hers")
    good("rm", "-f", "hers-too")


def test_a_client_cannot_disturb_the_shared_memory_of_the_screen():
    """A client that overwrites the shared memory of the screen, and holds a lock on it, does not affect the service."""
    client = Client()
    good("create", "-t", "--id=memory", IMAGE, "sleep", "1000", user="alice")
    good("start", "memory")
    (_handles, (_master, screen, _bell)) = client.call("containers", "Attach", "(ssa{sv})", "memory", "", {})
    fcntl.lockf(screen, fcntl.LOCK_EX)
    os.pwrite(screen, b":1.1\0" * 4096, 0)
    client.call("containers", "OpenTerminal", "(ssa{sv})", "memory", "", {})
    others_are_answered()
    client.end()
    good("rm", "-f", "memory")


class Attack:
    """Runs hostile.py, which passes one kind of descriptor in all calls, until end()."""

    def __init__(self, kind, user=None):
        self.kind = kind
        digest = [row["digest"] for row in listing("images") if row["name"] == IMAGE][0]
        good("create", f"--id={kind}", IMAGE, "cat", user=user)
        as_user = ("runuser", "-u", user, "--") if user else ()
        self.process = subprocess.Popen([*as_user, "/usr/bin/python3", f"{TOOLS}/hostile.py", kind, kind, IMAGE, digest],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.line = self.process.stdout.readline()

    def end(self):
        self.process.kill()
        self.process.wait()


def everything_works():
    """Checks that the service answers various calls of another client, and has not restarted."""
    equal(dist("images", timeout=100).status, 0)
    pid = service_pid()
    equal(dist("ps", "-a", timeout=100).status, 0)
    equal(dist("run", "--rm", IMAGE, "echo", "well", timeout=100).out, "well\n")
    equal(dist("inspect", IMAGE, timeout=100).status, 0)
    equal(service_pid(), pid, "the service")


def attack(kind):
    before = service_pid()
    one = Attack(kind)
    try:
        contains(one.line, "handled")
        everything_works()
        equal(service_pid(), before, f"the service after {kind}")
    finally:
        one.end()
    everything_works()


def test_every_kind_of_descriptor_for_every_member():
    good("run", "-d", "--id=runs", IMAGE)
    for kind in hostile.KINDS:
        if kind.startswith("fuse-") and kind != "fuse-device":
            continue
        print(f"# {kind}", flush=True)
        attack(kind)


def test_a_forged_bind_mount_descriptor_creates_no_container():
    """A bind mount with a forged descriptor that claims to be /etc has created no container."""
    result = containers_call("Inspect", "sa{sv}", "bind-false-envelope", "0")
    assert result.status != 0, result


def archive_workers():
    return run("pgrep", "-x", "berth-archive").out.split()


@contextlib.contextmanager
def silent_file_system():
    """Mounts a FUSE file system that never answers Berth's processes. Yields a stream of their requests."""
    os.makedirs(hostile.FUSE, exist_ok=True)
    with subprocess.Popen(["/usr/bin/python3", f"{TOOLS}/fuse_server.py", hostile.FUSE], stdout=subprocess.PIPE, text=True) as server:
        try:
            equal(server.stdout.readline(), "ready\n")
            yield server.stdout
        finally:
            server.kill()
            run("umount", "-l", hostile.FUSE)
    wait_until(lambda: not archive_workers(), "the end of the workers")


def restart_service():
    """Restarts the service, which must exit by itself."""
    pid, after = service_pid(), journal_cursor()
    equal(run("systemctl", "restart", "berthd.service").status, 0)
    assert service_pid() != pid
    equal([entry["MESSAGE"] for entry in journal_entries(after, "systemd") if "timed out" in entry["MESSAGE"]], [])


def test_a_file_system_that_never_answers():
    """A FUSE file system that never answers Berth's processes does not block the service."""
    asked, attacks = [], []
    with silent_file_system() as requests:
        threading.Thread(target=lambda: asked.extend(requests), daemon=True).start()
        try:
            for kind in ("fuse-file", "fuse-directory", "fuse-path"):
                print(f"# {kind}", flush=True)
                attacks.append(Attack(kind))
                contains(attacks[-1].line, "handled")
                everything_works()
        finally:
            for one in attacks:
                one.end()
        wait_until(lambda: any(line.startswith(FLUSH) for line in asked), "a close that waits")
        everything_works()
        # A new instance of the service can acquire its name, too.
        kill_service()
        everything_works()
        # The service does not wait for the file system when it exits.
        restart_service()
        everything_works()
    assert not [line for line in asked if line.split()[1] == "berthd"], asked
    for name in ("fuse-file", "fuse-directory", "fuse-path"):
        good("rm", "-f", name)


def running_transfers():
    return [str(row["transfer"]) for row in listing("transfers") if row["state"] == "running"]


def test_workers_blocked_by_a_file_system_are_limited_per_user():
    """Killed workers that a file system prevents from exiting count towards their user's limit."""
    command = ("import", f"{hostile.FUSE}/file")
    imports = []
    try:
        with silent_file_system() as requests:
            for number in range(8):
                imports.append(subprocess.Popen(("runuser", "-u", "alice", "--", "dist", *command)))
                contains(requests.readline(), "berth-archive")
                running = running_transfers()
                equal(len(running), 1, "imports that were not cancelled")
                good("cancel", *running)
                equal(imports[-1].wait(300) != 0, True, "the import was cancelled")
                equal(len(archive_workers()), number + 1, "workers that were killed")
            refused = dist(*command, user="alice")
            assert refused.status != 0, refused
            contains(refused.err, "does not answer")
            good("export", "-o", "/var/tmp/roots.tar", IMAGE)
    finally:
        for one in imports:
            one.wait()
    assert "does not answer" not in dist("import", "/dev/null", user="alice").err


def test_a_service_that_hangs_is_restarted_and_containers_continue():
    # A busy machine may delay the service's ping by half of the time.
    with service_settings("WatchdogSec=10\n"):
        good("run", "-d", "--id=lives", IMAGE, user="alice")
        container = listing("info", "lives")[0]["pid"]
        pid = wait_until(service_pid, "the service")
        equal(run("systemctl", "show", "-P", "WatchdogUSec", "berthd.service").out.strip(), "10s")
        os.kill(pid, 19)
        wait_until(lambda: service_pid() not in (0, pid), "another service")
        info = listing("info", "lives")[0]
        equal((info["state"], info["pid"]), ("running", container))
    good("rm", "-f", "lives")
    equal(run("systemctl", "show", "-P", "WatchdogUSec", "berthd.service").out.strip(), "30s")


def test_a_relay_that_hangs_does_not_keep_the_name():
    good("images", "-q")
    pid = service_pid()
    relay = wait_until(lambda: len(found := run("pgrep", "-x", "berth-relay").out.split()) == 1 and found, "the only relay")
    os.kill(int(relay[0]), 19)
    os.kill(pid, 9)
    wait_until(lambda: service_pid() not in (0, pid), "another service")
    good("images", "-q")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
