# SPDX-License-Identifier: LGPL-2.1-or-later
# The bus stops and starts again, both dbus-daemon and dbus-broker. Containers are not affected, no exit status is lost,
# and the service works with both.
# machine: package dbus-broker

import importlib
import json
import os
import pathlib
import subprocess
import sys
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

forged = importlib.import_module("test-forged")
IMAGE = f"{HOST}/bus/base:x"
BROKER = os.environ["BERTH_BUILD"] + "/packages/dbus-broker"


def restart_bus():
    # systemd would refuse to start a unit this often.
    run("systemctl", "reset-failed", "dbus.service", "polkit.service")
    equal(run("systemctl", "restart", "dbus.service").status, 0, "the bus starts again")


def of_containers():
    return [(event["id"], event["kind"]) for event in events() if not event["process"]]


def test_setup():
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), IMAGE)
    good("pull", IMAGE)


def check_restarts(prefix):
    """Restarts the bus while containers run, some of which end meanwhile; no exit is lost or reported twice."""
    names = [f"{prefix}-{number}" for number in range(6)]
    for name in names:
        good("run", "-d", f"--id={name}", IMAGE)
    good("exec", "-d", "--process=other", names[0], "sleep", "1000")
    pids = {row["id"]: row["pid"] for row in listing("ps")}
    run("systemctl", "stop", "dbus.service", "dbus.socket")
    for name in names[1:3]:
        os.kill(pids[name], 9)
    run("systemctl", "start", "dbus.socket")
    restart_bus()
    equal({row["id"]: row["pid"] for row in listing("ps")}, {name: pids[name] for name in names if name not in names[1:3]})
    for name in names[1:3]:
        equal(dist("wait", name).status, 137)
    restart_bus()
    good("kill", "-s", "KILL", "--process=other", names[0])
    equal(dist("wait", "--process=other", names[0]).status, 137)
    good("stop", "-t", "0", names[0], *names[3:])
    found = of_containers()
    for name in names:
        for kind in ("create", "start", "exit"):
            equal(found.count((name, kind)), 1, f"{kind} of {name}")
    good("rm", "-f", *names)


def test_the_service_survives_a_restart_of_dbus_daemon():
    check_restarts("daemon")


def test_the_bus_restarts_during_starts():
    """If the bus restarts while containers are being started, callers get an error or success, and nothing incomplete
    remains."""
    for round_number in range(4):
        commands = [subprocess.Popen(["dist", "run", "-d", f"--id=mid-{round_number}-{number}", IMAGE], stdout=subprocess.DEVNULL,
                                     stderr=subprocess.PIPE, text=True) for number in range(8)]
        restart_bus()
        for number, command in enumerate(commands):
            _, error = command.communicate(timeout=180)
            assert command.returncode == 0 or error, f"it failed without a word: {command.returncode}"
            if command.returncode == 0:
                wait_until(lambda: any(row["id"] == f"mid-{round_number}-{number}" for row in listing("ps")), "the containers that were reported as running")
    # The service itself removes containers that their client had not started before the bus stopped, possibly before
    # this test does.
    def nothing_stays():
        known = [row["id"] for row in listing("ps", "-a")]
        if known:
            dist("rm", "-f", *known)
        return not known
    wait_until(nothing_stays, "the removal of all containers")
    wait_until(lambda: "berth-mid" not in run("systemctl", "list-units", "--no-legend", "berth-mid*").out, "the end of all scopes")


def test_the_state_may_take_longer_to_open_than_the_bus_waits():
    """The service connects to the bus only when its state is open. Otherwise the bus would drop the connection, as it
    expects Hello in time (here within 5 s), while opening the database takes 12 s."""
    limit = "/etc/dbus-1/system-local.conf"
    with open(limit, "w", encoding="ascii") as file:
        file.write('<busconfig><limit name="auth_timeout">5000</limit></busconfig>')
    reload = "busctl call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig".split()
    run(*reload)
    with service_settings("NotifyAccess=all\nExecStart=\nExecStart=strace -o /dev/null -P /var/lib/berth/berth.db "
                          "-e trace=openat -e inject=openat:delay_enter=12000000:when=1 /usr/libexec/berth/berthd\n",
                          restart=False):
        run("systemctl", "stop", "berthd")
        begin = time.monotonic()
        good("images")
        assert time.monotonic() - begin > 11, "opening the database took its time"
        equal(run("systemctl", "show", "-P", "NRestarts", "berthd").out.strip(), "0", "the service has started once")
    os.unlink(limit)
    run(*reload)
    run("systemctl", "stop", "berthd")


def volumes_of(count):
    os.makedirs("/tmp/sources", exist_ok=True)
    for number in range(count):
        pathlib.Path(f"/tmp/sources/{number}").write_text(str(number), encoding="ascii")
    return [word for number in range(count) for word in ("-v", f"/tmp/sources/{number}:/mnt/{number}")]


def test_more_descriptors_than_the_bus_passes_are_an_error_that_says_so():
    """dbus-daemon closes the connection of a client that sends more, which would look like a crash."""
    show = (IMAGE, "sh", "-c", "cat /mnt/* | wc -c")
    equal(good("run", "--rm", *volumes_of(16), *show).strip(), "22")
    for verb in (("run", "--rm"), ("run", "-d"), ("create",)):
        result = dist(*verb, *volumes_of(17), *show)
        equal(result.status, 125, result)
        contains(result.err, "17 files and descriptors")
        contains(result.err, "max_message_unix_fds")
    # A secret is a file as well.
    result = dist("run", "--rm", *volumes_of(16), "--secret=one=/etc/hostname", *show)
    contains(result.err, "17 files and descriptors")
    # The descriptors of a process are in another call, together with its standard streams.
    extra = "for fd in $(seq 3 {}); do eval \"exec $fd</dev/null\"; done; exec "
    equal(run("bash", "-c", extra.format(15) + f"dist run --rm --preserve-fds=13 {IMAGE} echo yes").out, "yes\n")
    result = run("bash", "-c", extra.format(16) + f"dist run --rm --preserve-fds=14 {IMAGE} echo yes")
    equal((result.status, result.out), (125, ""), result)
    contains(result.err, "17 files and descriptors")
    good("run", "-d", "--id=fds", IMAGE, "sleep", "1000")
    result = run("bash", "-c", extra.format(16) + "dist exec --preserve-fds=14 fds echo yes")
    contains(result.err, "17 files and descriptors")
    # A process that is detached has no streams of dist's.
    equal(run("bash", "-c", extra.format(18) + "dist exec -d --preserve-fds=16 --process=many fds true").out, "many\n")
    equal(run("bash", "-c", extra.format(18) + f"dist run -d --name=many --preserve-fds=16 {IMAGE} true").out, "many\n")
    good("rm", "-f", "many")
    good("rm", "-f", "fds")
    equal(listing("ps", "-a"), [])
    # The limit can be raised.
    limit = "/etc/dbus-1/system-local.conf"
    with open(limit, "w", encoding="ascii") as file:
        file.write('<busconfig><limit name="max_message_unix_fds">32</limit></busconfig>')
    reload = "busctl call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig".split()
    run(*reload)
    equal(good("run", "--rm", *volumes_of(32), *show).strip(), "54")
    contains(dist("run", "--rm", *volumes_of(33), *show).err, "33 files and descriptors")
    os.unlink(limit)
    run(*reload)


def test_own_files_that_a_configuration_binds_are_descriptors_too():
    """dist opens them for a user, beside the paths that are given as options."""
    volumes = volumes_of(17)
    run("chown", "-R", "alice:", "/tmp/sources")
    mounts = [{"type": "bind", "source": f"/tmp/sources/{number}", "destination": f"/opt/{number}", "options": ["bind"]}
              for number in range(12)]
    pathlib.Path("/tmp/bound.json").write_text(json.dumps({"ociVersion": "1.2.0", "mounts": mounts}), encoding="ascii")
    create = ("--no-ask-password", "create", "--spec=/tmp/bound.json")
    contains(dist(*create, *volumes[:10], IMAGE, user="alice").err, "17 files and descriptors")
    contains(dist(*create, *volumes[:8], IMAGE, user="alice").err, "Permission denied")


def test_the_service_survives_a_restart_of_dbus_broker():
    run("cp", "-a", f"{BROKER}/usr/bin/.", "/usr/bin/")
    run("cp", "-a", f"{BROKER}/lib/systemd/system/.", "/lib/systemd/system/")
    os.symlink("/lib/systemd/system/dbus-broker.service", "/etc/systemd/system/dbus.service")
    run("systemctl", "stop", "dbus.service", "dbus.socket")
    run("systemctl", "daemon-reload")
    run("systemctl", "start", "dbus.socket", "dbus.service")
    equal(run("systemctl", "is-active", "dbus-broker.service").out, "active\n")
    good("pull", IMAGE)
    equal(good("run", "--rm", IMAGE, "sh", "-c", "cat; exit 0", input="through a pipe"), "through a pipe")
    equal(dist("run", "--rm", "--id=gone", IMAGE, "sh", "-c", "exit 7").status, 7)
    equal(of_containers()[-3:], [("gone", "start"), ("gone", "exit"), ("gone", "delete")])
    # It has no limit for one message.
    equal(good("run", "--rm", *volumes_of(30), IMAGE, "sh", "-c", "cat /mnt/* | wc -c").strip(), "50")


def test_the_policy_holds_on_dbus_broker():
    contains(dist("--no-ask-password", "run", IMAGE, "true", user="alice").err, "Permission denied")
    good("run", "-d", "--id=roots", IMAGE)
    equal(listing("ps", "-a", user="alice"), [])
    polkit_rule('polkit.addRule(function(action, subject) { return subject.user == "alice" ? "yes" : null; });')
    equal(good("run", "--rm", IMAGE, "echo", "hers", user="alice"), "hers\n")
    good("rm", "-f", "roots")


def test_forged_signals_and_replies_are_not_believed_on_dbus_broker():
    forged.test_setup()
    forged.test_a_user_cannot_stop_a_container_in_the_name_of_systemd()
    forged.test_a_user_cannot_report_that_another_client_has_left()
    forged.test_dist_believes_no_event_of_another_user()
    forged.test_dist_shows_no_progress_of_another_user()
    forged.test_a_reply_that_was_not_asked_for_is_not_delivered()


def test_callers_learn_on_dbus_broker_why_the_service_cannot_start():
    equal(run("systemctl", "stop", "berthd.service").status, 0)
    os.rename(f"{STATE}/content", f"{STATE}/aside")
    pathlib.Path(f"{STATE}/content").touch()
    contains(call("/org/berth1", "org.freedesktop.DBus.Peer", "Ping").err, f"{STATE}/content is not a directory")
    wait_until(lambda: run("systemctl", "is-failed", "berthd.service").out == "failed\n", "the end of the service")
    os.unlink(f"{STATE}/content")
    os.rename(f"{STATE}/aside", f"{STATE}/content")
    service_is_up()


def test_the_bus_starts_the_service_again():
    check_restarts("broker")


def test_nothing_is_left():
    equal(listing("ps", "-a"), [])
    wait_until(lambda: run("systemctl", "list-units", "--no-legend", "berth-*.scope").out == "", "no scope")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
