# SPDX-License-Identifier: LGPL-2.1-or-later
# A request about an object that is deleted before the request ends has no effect on another object that has got its
# name meanwhile.

import contextlib
import os
import signal
import subprocess
import sys
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/busybox:latest"


def test_setup():
    oci.push(oci.busybox_image(), IMAGE)
    good("pull", IMAGE)
    allow("alice", 'action.id != "org.berth1.containers.inspect"')


@contextlib.contextmanager
def systemd_is_slow():
    """Inside a with statement, each message of systemd is sent half a second late."""
    with subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-p", "1", "-e", "trace=sendmsg",
                           "-e", "inject=sendmsg:delay_enter=500000"]) as tracer:
        wait_until(lambda: is_traced(1), "strace to attach")
        try:
            yield
        finally:
            tracer.kill()


def processes(name):
    found = []
    for pid in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                if file.read() == name + "\n":
                    found.append(int(pid))
    return found


@contextlib.contextmanager
def stopped_unpack(file, *command, **more):
    """Runs dist, and stops the berth-unpack whose root directory has this file as soon as there is one. Inside the with
    statement, it does not continue. Gives the client, with its output at the end."""
    def find():
        for pid in processes("berth-unpack"):
            with contextlib.suppress(OSError):
                if os.path.lexists(f"/proc/{pid}/root/{file}"):
                    os.kill(pid, signal.SIGSTOP)
                    return pid
        return None
    user = ("runuser", "-u", more["user"], "--") if more else ()
    with subprocess.Popen([*user, "dist", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as client:
        end = time.monotonic() + 120
        while not (pid := find()):
            assert time.monotonic() < end, f"berth-unpack in the directory of {file}"
        try:
            yield client
        finally:
            os.kill(pid, signal.SIGCONT)
            client.output = client.communicate()[0]
    wait_until(lambda: not processes("berth-unpack"), "the end of berth-unpack")


def fill(directory, marker):
    """Makes files that take a worker a while to read, and 20 MB."""
    for number in range(20000):
        with open(f"{directory}/{number}", "wb"):
            pass
    with open(f"{directory}/{marker}", "wb") as file:
        file.write(bytes(20_000_000))


def read_cgroup_events(name):
    """With version 1 controllers, the unified hierarchy is mounted below them."""
    path = f"berth.slice/berth-{name}.scope/cgroup.events"
    return run("sh", "-c", f"cat /sys/fs/cgroup/{path} || cat /sys/fs/cgroup/unified/{path}").out


def state(name):
    return next((row["state"] for row in listing("ps", "-a") if row["id"] == name), None)


def test_a_container_does_not_get_a_volume_that_belongs_to_another_user_by_then():
    """A secret that is read from a pipe delays the creation."""
    for owner in (None, "alice"):
        reading, writing = os.pipe()
        client = send_as("alice", "options = {'Command': GLib.Variant('as', ['cat', '/v/word']), 'Secrets': GLib.Variant('a(sh)', [('a', 0)]),\n"
                         "           'Mounts': GLib.Variant('a(ssas)', [('swap', '/v', [])])}\n"
                         f"body = GLib.Variant('(ssa{{sv}})', ('late', '{IMAGE}', options))\n"
                         f"reply, serial = bus.send_message_with_reply_sync(message('Containers', 'Create', body, [{reading}]), 0, -1, None)\n"
                         "print(reply.get_error_name())\n", reading)
        os.close(reading)
        wait_until(lambda: run("pgrep", "-x", "berth-ingest").out, "the reader of the secret")
        good("volume", "rm", "swap", user="alice")
        good("volume", "create", "swap", user=owner)
        with open(f"{STATE}/volumes/swap/word", "w", encoding="utf-8") as file:
            file.write("theirs\n")
        os.close(writing)
        if owner:
            equal(client.communicate()[0].strip(), "None")
            equal(good("start", "-a", "late", user="alice"), "theirs\n")
            good("rm", "late")
        else:
            equal(client.communicate()[0].strip(), "org.berth1.Error.NotFound")
            equal(state("late"), None)
        good("volume", "rm", "swap")


def test_the_logs_of_a_deleted_container_end_with_it():
    for leave in (("rm", "-f", "web"), ("rename", "web", "other")):
        good("run", "-d", "--id=web", IMAGE, "sh", "-c", "echo first; while [ ! -e /end ]; do sleep 0.1; done; echo last", user="alice")
        readers = [subprocess.Popen(["runuser", "-u", "alice", "--", "dist", "logs", "-f", *options, "web"], stdout=subprocess.PIPE, text=True)
                   for options in ((), ("-t",))]
        for reader in readers:
            contains(reader.stdout.readline(), "first")
        good("exec", "web", "touch", "/end")
        good("wait", "web")
        good(*leave)
        good("run", "-d", "--id=web", IMAGE, "sh", "-c", "while :; do echo secret; sleep 0.1; done")
        try:
            for reader in readers:
                text = reader.communicate(timeout=300)[0]
                assert text.endswith("last\n") and "secret" not in text, text
        finally:
            for reader in readers:
                reader.kill()
        good("rm", "-f", "web")
    good("rm", "other")
    wait_until(lambda: run("pgrep", "-x", "berth-journal").out == "", "the end of the readers")


def test_limits_of_a_deleted_container_are_not_those_of_another():
    good("run", "-d", "--id=limited", IMAGE, "sleep", "1000", user="alice")
    with systemd_is_slow():
        with subprocess.Popen(["dist", "update", "limited", "TasksMax=7"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as update:
            wait_until(lambda: polls(update.pid), "the request")
            good("rm", "-f", "limited")
            good("create", "--id=limited", IMAGE, "true")
            assert update.poll() is None, "systemd has answered already"
            contains(update.communicate()[0], "limited")
            assert update.returncode != 0
    assert "TasksMax" not in good("inspect", "limited"), good("inspect", "limited")
    good("rm", "limited")


def test_the_size_of_a_deleted_volume_is_not_that_of_another():
    configure("[Limits]\nDisk=10G\n")
    good("volume", "create", "sized", user="alice")
    fill(f"{STATE}/volumes/sized", "alices-file")
    with stopped_unpack("alices-file", "run", "--id=user", "-v", "sized:/v", IMAGE, "true", user="alice") as client:
        client.wait()
        good("rm", "user", user="alice")
        good("volume", "rm", "sized", user="alice")
        good("volume", "create", "sized")
    equal(database_query("SELECT bytes FROM disk_usage WHERE name = 'sized'"), "")
    good("volume", "rm", "sized")


def test_the_size_of_a_deleted_container_is_not_that_of_another():
    command = "for n in $(seq 20000); do >/$n; done; head -c 20000000 /dev/zero >/alices-file"
    with stopped_unpack("upper/alices-file", "run", "--id=sized", IMAGE, "sh", "-c", command, user="alice") as client:
        client.wait()
        good("rm", "sized", user="alice")
        good("create", "--id=sized", IMAGE, "true")
    equal(database_query("SELECT bytes FROM disk_usage WHERE name = 'sized'"), "")
    good("rm", "sized")
    configure("")


def test_a_commit_of_a_container_that_changes_meanwhile_fails():
    """What it has read is neither the state before nor the state after the change."""
    for change in (("rm",), ("rm", "-f"), ("start",)):
        good("run", "--id=changes", IMAGE, "sh", "-c",
             "[ -e /marker ] && rm /[0-9]*; for n in $(seq 20000); do >/$n; done; head -c 20000000 /dev/zero >/marker")
        with stopped_unpack("marker", "commit", "changes", "local.test/torn:1") as commit:
            good(*change, "changes")
            if change == ("start",):
                good("wait", "changes")
        contains(commit.output, 'container "changes":')
        assert commit.returncode != 0, change
        assert not [row for row in listing("images") if "torn" in row["name"]], change
        if change == ("start",):
            good("rm", "changes")


def test_a_commit_of_a_container_that_is_resumed_meanwhile_fails():
    good("run", "-d", "--id=changes", IMAGE, "sh", "-c",
         "for n in $(seq 20000); do >/$n; done; head -c 20000000 /dev/zero >/marker; >/done; exec sleep 1000")
    wait_until(lambda: dist("exec", "changes", "test", "-e", "/done").status == 0, "its files")
    good("pause", "changes")
    with stopped_unpack("marker", "commit", "changes", "local.test/torn:1") as commit:
        good("resume", "changes")
        good("pause", "changes")
    contains(commit.output, 'container "changes":')
    assert commit.returncode != 0
    good("commit", "changes", "local.test/whole:1")
    good("rm", "-f", "changes")
    good("rmi", "local.test/whole:1")


def test_the_terminal_of_a_process_does_not_go_with_that_of_another():
    """A container is renamed and another one gets its name; both have had a process of the same name."""
    for name in ("first", "second"):
        good("run", "-d", "--id=named", IMAGE, "sleep", "1000")
        if name == "first":
            good("exec", "-t", "--process=shell", "named", "true")
            good("stop", "-t", "0", "named")
            good("rename", "named", "first")
    good("exec", "-d", "-t", "--process=shell", "named", "sh", "-c", "while ! [ -e /end ]; do sleep 0.1; done; echo lives")
    good("rm", "first")
    kill_service()
    service_is_up()
    good("exec", "named", "touch", "/end")
    equal(containers_call("Wait", "ssa{sv}", "named", "shell", "0").out.split()[:2], ["it", "0"])
    good("rm", "-f", "named")


def test_a_container_that_is_stopped_while_it_is_paused_receives_the_signal():
    good("run", "-d", "--id=both", IMAGE, "sh", "-c", "trap 'exit 11' TERM; >/ready; while :; do sleep 0.1; done")
    wait_until(lambda: dist("exec", "both", "test", "-e", "/ready").status == 0, "the trap")
    with systemd_is_slow():
        with subprocess.Popen(["dist", "pause", "both"], stderr=subprocess.PIPE, text=True) as client:
            wait_until(lambda: "frozen 1" in read_cgroup_events("both"), "the pause")
            good("stop", "-t", "60", "both")
            contains(client.communicate()[1], 'container "both" is')
    equal(dist("wait", "both").status, 11)
    good("rm", "both")


def test_a_container_that_is_stopped_while_it_starts_does_not_run():
    """Neither does its restart policy start it again."""
    good("run", "-d", "--id=early", "--restart=always", IMAGE, "sleep", "1000")
    good("stop", "-t", "0", "early")
    starts = kinds("early").count("start")
    with systemd_is_slow():
        with subprocess.Popen(["dist", "start", "early"], stderr=subprocess.PIPE, text=True) as client:
            wait_until(lambda: processes("berth-launch"), "the start")
            equal(dist("stop", "-t", "0", "early", timeout=60).status, 0)
            contains(client.communicate()[1], 'container "early" is being stopped')
    equal((state("early"), kinds("early").count("start")), ("stopped", starts))
    good("rm", "early")


def test_a_pause_that_the_service_did_not_see_end_is_known_to_the_next():
    good("run", "-d", "--id=frozen", IMAGE, "sleep", "1000")
    for verb, expected in (("pause", "paused"), ("resume", "running")):
        run("systemctl", "reset-failed", "berthd.service")
        pid = service_pid()
        with systemd_is_slow():
            with subprocess.Popen(["dist", verb, "frozen"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
                wait_until(lambda: f"frozen {int(verb == 'pause')}" in read_cgroup_events("frozen"), verb)  # pylint: disable=cell-var-from-loop
                os.kill(pid, signal.SIGKILL)
                client.wait()
        wait_until(lambda: service_pid() != pid, "the end of berthd")  # pylint: disable=cell-var-from-loop
        equal(state("frozen"), expected)
    good("rm", "-f", "frozen")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
