# SPDX-License-Identifier: LGPL-2.1-or-later
# Containers and systemd: systemd in a container, machinectl, containers that start with the system, socket activation,
# and readiness of units.

import os
import re
import socket
import sqlite3
import subprocess
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/system/base:x"
SYSTEM = f"{HOST}/system/systemd:x"
UNITS = ("basic", "sysinit", "shutdown", "local-fs", "local-fs-pre", "umount", "final", "exit", "sockets", "paths", "slices",
         "timers", "halt", "poweroff", "swap", "rescue", "emergency")
JOURNAL = [f"systemd-journald{name}" for name in (".service", ".socket", "-dev-log.socket")]


def add_program(layer, path, added):
    """Adds a program and the libraries that it is linked with to a layer."""
    found = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    for file in [path] + re.findall(r"(/\S+) \(0x", found):
        for name in {file.lstrip("/"), os.path.realpath(file).lstrip("/")} - added:
            added.add(name)
            with open(os.path.realpath(file), "rb") as content:
                layer.add(name, content.read(), mode=0o755)


def test_setup():
    layer, added = oci.busybox_layer(), set()
    for path in ("/lib/systemd/systemd", "/bin/systemctl", "/lib/systemd/systemd-shutdown", "/lib/systemd/systemd-journald"):
        add_program(layer, path, added)
    for unit in [f"{name}.target" for name in UNITS] + JOURNAL + [f"systemd-{name}.service" for name in ("halt", "poweroff", "exit")]:
        with open(f"/lib/systemd/system/{unit}", "rb") as content:
            layer.add(f"lib/systemd/system/{unit}", content.read())
    layer.add("etc/systemd/system/default.target", b"[Unit]\nRequires=basic.target work.service\nAfter=basic.target work.service\n")
    layer.add("etc/systemd/system/work.service",
              b"[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'cat /proc/self/cgroup >/worked; echo written inside'\n")
    layer.add("etc/machine-id", b"")
    layer.symlink("sbin/init", "/lib/systemd/systemd")
    for socket in JOURNAL[1:]:
        layer.symlink(f"etc/systemd/system/sockets.target.wants/{socket}", f"/lib/systemd/system/{socket}")
    oci.push(oci.Image([layer], {"Cmd": ["/sbin/init"], "Env": ["PATH=/bin:/sbin"]}), SYSTEM)
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), IMAGE)
    good("pull", SYSTEM)
    good("pull", IMAGE)


def test_systemd_runs_in_a_container():
    run("systemctl", "start", "systemd-machined")
    good("run", "-d", "--id=system", SYSTEM)
    wait_until(lambda: dist("exec", "system", "systemctl", "is-system-running").out == "running\n", "the system")
    contains(good("exec", "system", "cat", "/worked"), "/system.slice/work.service")
    equal(good("exec", "system", "systemctl", "show", "-P", "Virtualization"), "container-other\n")
    equal(good("exec", "system", "sh", "-c", "echo 1 >/sys/fs/cgroup/cgroup.freeze || echo refused").strip(), "refused")


def test_a_process_of_the_container_is_found_below_its_scope():
    good("exec", "-d", "--process=deep", "system", "sleep", "500")
    assert any(row["command"] == "sleep 500" for row in listing("top", "system"))


def test_the_journal_of_the_container_is_read_from_outside():
    wait_until(lambda: "written inside\n" in run("journalctl", "-M", "system", "-u", "work", "-o", "cat").out, "its output")
    assert "written inside" not in run("journalctl", "-u", "berth-system.scope").out


def test_a_container_with_systemd_is_stopped_by_its_signal():
    good("stop", "-t", "120", "system")
    equal(dist("wait", "system").status, 0)
    equal([row["state"] for row in listing("ps", "-a")], ["stopped"])
    good("rm", "system")


def test_machinectl_lists_running_containers():
    run("systemctl", "stop", "systemd-machined")
    good("run", "-d", "--id=before", IMAGE)
    run("systemctl", "start", "systemd-machined")
    wait_until(lambda: "before" in run("machinectl", "list", "--no-legend").out, "what ran before it")
    good("rm", "-f", "before")
    good("run", "-d", "--id=known", IMAGE)
    wait_until(lambda: "known" in run("machinectl", "list", "--no-legend").out, "the machine")
    shown = run("machinectl", "show", "known").out
    for line in ("Class=container", "Service=berth", "Unit=berth-known.scope"):
        contains(shown, line)
    good("run", "-d", "--id=ended", "--stop-timeout=1", IMAGE)
    wait_until(lambda: "ended" in run("machinectl", "list", "--no-legend").out, "the other machine")
    equal(run("machinectl", "terminate", "ended").status, 0)
    equal(dist("wait", "ended").status, 137)
    good("rm", "-f", "known", "ended")
    wait_until(lambda: "known" not in run("machinectl", "list", "--no-legend").out, "the machine goes")
    run("systemctl", "stop", "systemd-machined")
    good("run", "--rm", IMAGE, "true")
    equal(run("systemctl", "is-active", "systemd-machined").out.strip(), "inactive", "it is not started for this")


def test_autostart_containers_start_with_the_system():
    good("create", "--autostart", "--id=with", IMAGE)
    good("create", "--id=without", IMAGE)
    equal(run("systemctl", "start", "berth-autostart").status, 0)
    equal([row["id"] for row in listing("ps")], ["with"])
    run("systemctl", "stop", "berthd")
    # Simulate a reboot: a container that was running before does not run now.
    good("kill", "-s", "KILL", "with")
    run("systemctl", "stop", "berthd")
    database = sqlite3.connect(f"{STATE}/berth.db")
    database.execute("UPDATE containers SET boot = 'other', state = 'running' WHERE id = 'with'")
    database.commit()
    database.close()
    equal([row["state"] for row in listing("ps", "-a") if row["id"] == "with"], ["stopped"])
    equal(run("systemctl", "restart", "berth-autostart").status, 0)
    equal([row["id"] for row in listing("ps")], ["with"])
    good("rm", "-f", "with", "without")


def test_a_unit_passes_its_sockets_on():
    """With socket activation, "dist run" passes the unit's sockets on to the container."""
    with open("/run/systemd/system/handed.socket", "w", encoding="utf-8") as file:
        file.write("[Socket]\nListenDatagram=/run/handed\nFileDescriptorName=mine\n")
    with open("/run/systemd/system/handed.service", "w", encoding="utf-8") as file:
        file.write("[Service]\nExecStart=dist run --rm --id=handed " + IMAGE +
                   " sh -c 'echo of $LISTEN_FDS: $LISTEN_FDNAMES, $LISTEN_PID; head -c 5 <&3; echo'\n")
    run("systemctl", "daemon-reload")
    equal(run("systemctl", "start", "handed.socket").status, 0)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"hello", "/run/handed")
    wait_until(lambda: "hello" in run("journalctl", "-o", "cat", "-t", "dist").out, "what was sent")
    contains(run("journalctl", "-o", "cat", "-t", "dist").out, "of 1: mine, 1\n")
    run("systemctl", "stop", "handed.socket", "handed.service")
    dist("rm", "-f", "handed")


def test_a_unit_is_ready_when_its_container_runs():
    with open("/run/systemd/system/ready.service", "w", encoding="utf-8") as file:
        file.write("[Service]\nType=notify\nTimeoutStartSec=60\nExecStart=dist run --rm --id=ready " + IMAGE + "\n"
                   "ExecStop=dist stop -t 0 ready\nSuccessExitStatus=137 143\n")
    run("systemctl", "daemon-reload")
    equal(run("systemctl", "start", "ready").status, 0)
    equal([row["state"] for row in listing("ps") if row["id"] == "ready"], ["running"])
    equal(run("systemctl", "stop", "ready").status, 0)
    wait_until(lambda: not [row for row in listing("ps", "-a") if row["id"] == "ready"], "its removal")


def test_a_failed_autostart_does_not_affect_others():
    good("create", "--autostart", "--id=bad", IMAGE, "nosuchcommand")
    good("create", "--autostart", "--id=fine", IMAGE)
    assert run("systemctl", "restart", "berth-autostart").status != 0
    equal([row["id"] for row in listing("ps")], ["fine"])
    good("rm", "-f", "bad", "fine")


def test_containers_continue_when_systemd_is_reloaded_or_reexecuted():
    good("run", "-d", "--id=stays", IMAGE)
    pid = listing("ps")[0]["pid"]
    run("systemctl", "daemon-reload")
    run("systemctl", "daemon-reexec")
    equal(listing("ps")[0]["pid"], pid)
    good("kill", "-s", "KILL", "stays")
    equal(dist("wait", "stays").status, 137)
    good("rm", "stays")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
