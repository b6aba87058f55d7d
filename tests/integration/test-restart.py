# SPDX-License-Identifier: LGPL-2.1-or-later
# Nothing is lost when the service dies: running containers continue, exit statuses are known, and incomplete pulls can
# be repeated.

import os
import random
import signal
import subprocess
import sys
import tempfile
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/busybox:latest"
BIG = f"{HOST}/big:latest"


def test_setup():
    oci.push(oci.busybox_image(), IMAGE)
    generator = random.Random(1)
    layers = [oci.busybox_layer()]
    for number in range(4):
        layer = oci.Layer("none")
        for file in range(20):
            layer.add(f"data/{number}-{file}", generator.randbytes(1024 * 1024))
        layers.append(layer)
    oci.push(oci.Image(layers, {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"]}), BIG)
    good("pull", IMAGE)


def test_an_exit_while_the_service_is_dead_is_known():
    good("run", "-d", "--id=seven", IMAGE, "sh", "-c", "until [ -e /end ]; do sleep 0.05; done; exit 7")
    pid = listing("info", "seven")[0]["pid"]
    # The service is started again only after the container has ended.
    with service_settings("TimeoutStartSec=infinity\nExecStartPre=/bin/sh -c 'until [ -e /run/go-on ]; do sleep 0.05; done'\n", restart=False):
        kill_service()
        with open(f"/proc/{pid}/root/end", "w", encoding="utf-8"):
            pass
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "the container's end")
        equal(service_pid(), 0, "pid of berthd")
        with open("/run/go-on", "w", encoding="utf-8"):
            pass
    equal(dist("wait", "seven").status, 7)
    equal(listing("info", "seven")[0]["exitStatus"], "7")
    exits = [line for line in good("events", "--since=0", "--no-follow").splitlines()
             if " exit " in line and " seven " in line]
    equal(len(exits), 1, "exit events")
    contains(exits[0], "seven  7")
    contains(containers_call("Delete", "sa{sv}", "seven", "0").out, "it 7 1")


def test_running_containers_are_recovered():
    good("run", "-d", "--id=survivor", IMAGE, "sh", "-c", "trap 'exit 11' TERM; while :; do sleep 0.05; done")
    pid = listing("info", "survivor")[0]["pid"]
    kill_service()
    info = listing("info", "survivor")[0]
    equal((info["state"], info["pid"]), ("running", pid))
    good("stop", "survivor")
    equal(dist("wait", "survivor").status, 11)
    good("rm", "survivor")


def test_a_restart_by_systemctl_keeps_containers():
    good("run", "-d", "--id=kept", IMAGE, "sh", "-c", "sleep 1; exit 13")
    equal(run("systemctl", "restart", "berthd.service").status, 0)
    equal(dist("wait", "kept").status, 13)
    good("rm", "kept")


def test_a_stop_of_the_service_keeps_containers():
    good("run", "-d", "--id=alone", IMAGE, "sleep", "100")
    pid = listing("info", "alone")[0]["pid"]
    equal(run("systemctl", "stop", "berthd.service").status, 0)
    assert os.path.exists(f"/proc/{pid}")
    equal(listing("info", "alone")[0]["state"], "running")
    good("rm", "-f", "alone")


def test_unseen_exit_status_is_unknown_and_not_zero():
    good("run", "-d", "--id=unseen", IMAGE, "sleep", "100")
    pid = listing("info", "unseen")[0]["pid"]
    # "systemctl stop" empties the descriptor store, so nobody can report the exit status.
    equal(run("systemctl", "stop", "berthd.service").status, 0)
    os.kill(pid, 9)
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "its end")
    info = listing("info", "unseen")[0]
    equal((info["state"], info["exitStatus"]), ("stopped", "unknown"))
    result = dist("wait", "unseen")
    equal(result.status, 125)
    contains(result.err, "is unknown")
    good("rm", "unseen")


def test_kill_at_random_moments_of_containers_lives():
    generator = random.Random(os.getpid())
    for number in range(12):
        name, status = f"r{number}", generator.randrange(1, 100)
        good("create", f"--id={name}", IMAGE, "sh", "-c", f"sleep 0.1; exit {status}")
        start = subprocess.Popen(["dist", "start", name], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        time.sleep(generator.random() * 0.15)
        kill_service()
        start.wait()
        state = listing("info", name)[0]["state"]
        if state == "created":
            # The launcher did not receive the go-ahead, so the container can be started now.
            wait_until(lambda name=name: dist("start", name).status == 0, f"start of {name}")
            equal(dist("wait", name).status, status, name)
        else:
            # The container was started, or Wait says that its launcher never had the go-ahead.
            waited = dist("wait", name)
            assert waited.status == status or "ended before the command" in waited.err, (name, waited)
        good("rm", name)
    equal(listing("ps", "-a"), [])
    wait_until(lambda: run("systemctl", "list-units", "--no-legend", "berth-*.scope").out == "",
               "scopes to be gone")


def runs_of(directory):
    """Returns how often the command of each container has run, by the number of the container."""
    return {name: open(f"{directory}/{name}", encoding="ascii").read().count("x") for name in os.listdir(directory)}


def run_in_foreground(directory, number, *options):
    command = f"echo x >>/ran/{number}; sleep 0.1; exit {number + 30}"
    return subprocess.Popen(["dist", "run", f"--name=front{number}", "-v", f"{directory}:/ran", *options, IMAGE, "sh", "-c", command])


def test_run_in_the_foreground_survives_the_service_at_any_time():
    """Each command is executed once, whatever the service has done when it is killed."""
    with tempfile.TemporaryDirectory() as directory:
        for number in range(1, MOST_SENDS):
            with service_killed_at_send(number):
                equal(run_in_foreground(directory, number).wait(timeout=180), number + 30)
        running = [run_in_foreground(directory, number) for number in range(MOST_SENDS, 16)]
        for _ in range(3):
            wait_until(service_pid, "the service")
            kill_service()
        equal([process.wait(timeout=300) for process in running], list(range(MOST_SENDS + 30, 46)))
        equal(runs_of(directory), {str(number): 1 for number in range(1, 16)})
    good("rm", *(f"front{number}" for number in range(1, 16)))


def test_wait_says_that_a_command_never_ran():
    unreleased = 0
    for number in range(1, MOST_SENDS):
        good("create", "--id=held", IMAGE, "sh", "-c", "exit 125")
        with service_killed_at_send(number):
            dist("start", "held")
        # If the service was not killed, the command may still run.
        state = wait_until(lambda: (found := json.loads(dist("info", "held", "--json=short").out or "[{}]")[0].get("state")) != "running" and found,
                           "the service, and the end of the command")
        if state == "stopped":
            waited = dist("wait", "held")
            equal(waited.status, 125)
            if waited.err:
                contains(waited.err, 'the service ended before the command of container "held" ran; start it again')
                unreleased += 1
        # Another start forgets it, although the status is the same.
        good("start", "held")
        waited = dist("wait", "held")
        equal((waited.status, waited.err), (125, ""))
        good("rm", "held")
    assert unreleased, "the service was never killed between the record and the go-ahead"


def connect():
    from gi.repository import Gio  # pylint: disable=import-outside-toplevel
    return Gio.DBusConnection.new_for_address_sync(
        Gio.dbus_address_get_for_bus_sync(Gio.BusType.SYSTEM),
        Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION)


def ask(bus, member, signature, *arguments):
    from gi.repository import Gio, GLib  # pylint: disable=import-outside-toplevel
    return bus.call_sync("org.berth1", "/org/berth1/containers", "org.berth1.Containers", member,
                         GLib.Variant(signature, arguments), None, Gio.DBusCallFlags.NONE, -1, None)


def ids():
    return sorted(row["id"] for row in listing("ps", "-a"))


def test_client_that_leaves_before_the_start_leaves_nothing():
    from gi.repository import GLib  # pylint: disable=import-outside-toplevel
    wish = {"Provisional": GLib.Variant("b", True)}
    before = ids()
    first, second = connect(), connect()
    for name, bus in (("one", first), ("two", first), ("three", second), ("four", second)):
        ask(bus, "Create", "(ssa{sv})", name, IMAGE, wish)
    ask(first, "Start", "(sa{sv})", "one", {})
    # After its restart, the service knows which client each container belongs to.
    kill_service()
    equal(ids(), sorted(before + ["one", "two", "three", "four"]))
    ask(second, "Start", "(sa{sv})", "three", {})
    first.close_sync(None)
    wait_until(lambda: "two" not in ids(), "it is gone")
    equal(ids(), sorted(before + ["one", "three", "four"]))
    run("systemctl", "stop", "berthd")
    second.close_sync(None)
    wait_until(lambda: "four" not in ids(), "it is gone")
    equal(ids(), sorted(before + ["one", "three"]))
    good("rm", "-f", "one", "three")


def test_a_client_of_another_boot_does_not_keep_a_provisional_container():
    """The bus gives the names of clients again after a reboot."""
    from gi.repository import GLib  # pylint: disable=import-outside-toplevel
    before = ids()
    client = connect()
    ask(client, "Create", "(ssa{sv})", "rebooted", IMAGE, {"Provisional": GLib.Variant("b", True)})
    run("systemctl", "stop", "berthd")
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip().replace("-", "")
    database_query(f"UPDATE containers SET options = replace(options, '{boot}', '{boot[::-1]}') WHERE id = 'rebooted'")
    wait_until(lambda: ids() == before, "it is gone")
    client.close_sync(None)


def test_more_provisional_containers_than_the_bus_has_matches():
    """The service stays on the bus if there are more provisional containers than the 512 match rules that dbus-daemon
    allows per connection."""
    from gi.repository import GLib  # pylint: disable=import-outside-toplevel
    before = ids()
    client = connect()
    for number in range(600):
        ask(client, "Create", "(ssa{sv})", f"p{number}", IMAGE, {"Provisional": GLib.Variant("b", True)})
    pid = service_pid()
    equal(len(ids()), len(before) + 600)
    # The same holds when the service finds the containers again.
    kill_service()
    equal(len(ids()), len(before) + 600)
    assert service_pid() != pid
    pid = service_pid()
    client.close_sync(None)
    wait_until(lambda: ids() == before, "they are gone")
    equal(service_pid(), pid)


def test_a_changed_cached_filter_is_not_used():
    good("run", "--rm", IMAGE, "true")
    kept = f"{STATE}/filters"
    names = os.listdir(kept)
    assert names
    for damage in (lambda data: data[:100], lambda data: data[:-8] + bytes(8), lambda data: b""):
        run("systemctl", "stop", "berthd")
        for name in names:
            with open(f"{kept}/{name}", "rb") as file:
                data = file.read()
            with open(f"{kept}/{name}", "wb") as file:
                file.write(damage(data))
        equal(good("run", "--rm", IMAGE, "sh", "-c", "grep Seccomp: /proc/self/status; unshare -m true 2>&1 || echo refused")
              .splitlines()[0::2], ["Seccomp:\t2", "refused"])
        equal(os.listdir(kept), names)
        with open(f"{kept}/{names[0]}", "rb") as file:
            assert file.read() != damage(data), "it was written again"


def test_a_kill_before_the_scope_exists_leaves_nothing():
    # If the launcher is killed before systemd has moved it into the scope, an empty scope of that name may remain.
    generator = random.Random(os.getpid())
    for number in range(12):
        name = f"early{number}"
        good("create", f"--id={name}", IMAGE, "true")
        start = subprocess.Popen(["dist", "start", name], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        time.sleep(generator.random() * 0.006)
        kill_service()
        start.wait()
        if listing("info", name)[0]["state"] == "created":
            equal(dist("start", name, timeout=120).status, 0, name)
        dist("wait", name)
        good("rm", name)
    wait_until(lambda: run("systemctl", "list-units", "--no-legend", "berth-*.scope").out == "",
               "scopes to be gone")


def test_a_scope_is_stopped_although_its_container_goes_before_systemd_lists_it():
    # Scopes as a start that a crash interrupted leaves them. The container is removed, or renamed, before systemd answers.
    good("create", "--id=goes", IMAGE, "true")
    good("create", "--id=renamed", IMAGE, "true")
    for unit in ("berth-goes", "berth-renamed", "berth-other"):
        run("systemd-run", "--quiet", f"--unit={unit}", "--property=Type=exec", "systemd-run", "--scope", f"--unit={unit}", "sleep", "1000")
        wait_until(lambda: run("systemctl", "is-active", f"{unit}.scope").out == "active\n", unit)  # pylint: disable=cell-var-from-loop
    with subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-p", "1", "-e", "trace=sendmsg",
                           "-e", "inject=sendmsg:delay_enter=500000"]) as tracer:
        wait_until(lambda: is_traced(1), "strace to attach")
        kill_service()
        good("rm", "goes")
        good("rename", "renamed", "new")
        tracer.kill()
    wait_until(lambda: run("systemctl", "is-active", "berth-goes.scope", "berth-renamed.scope").out == "inactive\ninactive\n",
               "the scopes to be stopped")
    equal(run("systemctl", "is-active", "berth-other.scope").out, "active\n")
    run("systemctl", "stop", "berth-other.scope")
    good("rm", "new")


def kept_descriptors():
    return int(run("systemctl", "show", "berthd.service", "-P", "NFileDescriptorStore").out)


def test_a_process_that_ends_after_a_rename_leaves_no_descriptor():
    """An executed process may end later than the container's first, which may have another name by then."""
    # Keeps the service from ending, and with it the descriptor store.
    good("run", "-d", "--id=stays", IMAGE, "sleep", "1000")
    before = kept_descriptors()
    good("run", "-d", "--id=lasts", "--pid=host", IMAGE, "sleep", "1000")
    good("exec", "-d", "--process=slow", "lasts", "sleep", "1234")
    slow = run("pgrep", "-f", "^sleep 1234").out.strip()
    with subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-p", slow]) as tracer:
        wait_until(lambda: is_traced(slow), "strace to attach")
        # A process that is traced remains until its tracer has seen its end.
        tracer.send_signal(signal.SIGSTOP)
        good("kill", "-s", "KILL", "lasts")
        equal(dist("wait", "lasts").status, 137)
        good("rename", "lasts", "named")
        tracer.send_signal(signal.SIGCONT)
    equal(dist("wait", "--process=slow", "named").status, 137)
    wait_until(lambda: kept_descriptors() == before, "both descriptors to be dropped")
    good("rm", "named")
    good("rm", "-f", "stays")


def test_kill_at_random_moments_of_pulls():
    generator = random.Random(os.getpid())
    for _ in range(10):
        pull = subprocess.Popen(["dist", "pull", BIG], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        time.sleep(generator.random() * 0.4)
        kill_service()
        pull.wait()
        if any(row["name"] == BIG for row in listing("images")):
            # An image is complete as soon as it has a name.
            equal(good("run", "--rm", BIG, "sh", "-c", "ls /data | wc -l").strip(), "80")
            good("rmi", BIG)
        equal(database_query("PRAGMA integrity_check"), "ok")
    good("pull", BIG)
    equal(good("run", "--rm", BIG, "sh", "-c", "ls /data | wc -l").strip(), "80")
    wait_until(lambda: listing("content", "active") == [], "the end of all ingests")
    wait_until(lambda: not [n for n in os.listdir(f"{STATE}/snapshots") if n.startswith(".")],
               "half-made snapshots to be removed")


def test_all_blobs_match_their_digests():
    directory = f"{STATE}/content/blobs/sha256"
    for name in os.listdir(directory):
        with open(f"{directory}/{name}", "rb") as file:
            equal(oci.digest_of(file.read()), f"sha256:{name}")


def test_containers_of_an_earlier_boot_are_stopped():
    good("create", "--id=old", IMAGE, "true")
    kill_service()
    run("systemctl", "stop", "berthd.service")
    database_query("UPDATE containers SET state='running', pid=1, boot='of-another-boot' WHERE id='old'")
    info = listing("info", "old")[0]
    equal((info["state"], info["exitStatus"]), ("stopped", "unknown"))
    good("rm", "old")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
