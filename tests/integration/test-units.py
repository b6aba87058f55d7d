# SPDX-License-Identifier: LGPL-2.1-or-later
# "dist run" in a service unit: the container is in the unit's own cgroup, and starts, stops and fails with the unit.

import contextlib
import errno
import glob
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
from faulty_registry import FaultyRegistry
import oci
from tracing import traced

IMAGE = f"{HOST}/busybox:latest"
UNITS = "/run/systemd/system"
# As the container's init, "sleep" ignores SIGTERM.
QUICK = "--stop-timeout=1"


def write_unit(name, command, *lines):
    """Writes a service unit with a delegated cgroup, in which dist runs a container."""
    with open(f"{UNITS}/{name}.service", "w", encoding="utf-8") as file:
        file.write("[Service]\nType=notify\nDelegate=yes\nKillMode=mixed\nTimeoutStartSec=60\n" +
                   "".join(f"{line}\n" for line in lines) + f"ExecStart={command}\n")
    equal(run("systemctl", "daemon-reload").status, 0)


def start(name):
    result = run("systemctl", "restart", name)
    assert result.status == 0, run("journalctl", "-o", "cat", "-u", name).out + result.err


def show(unit, name):
    return run("systemctl", "show", "--value", "-p", name, unit).out.strip()


def container(name):
    rows = [row for row in listing("ps", "-a") if row["id"] == name]
    return rows[0] if rows else None


def wait_for_message(unit, text):
    """Waits until the unit's journal contains a text; the unit can fail before journald has read its last output."""
    wait_until(lambda: text in run("journalctl", "-o", "cat", "-u", unit).out, f'"{text}" in the journal of {unit}')


def cgroup_of(pid):
    with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
        return [line.strip()[3:] for line in file if line.startswith("0::")][0]


def is_gone(path):
    return not os.path.exists(f"/sys/fs/cgroup{path}")


def remove_empty(path):
    """systemd removes the cgroups of a killed unit once, and not again those whose last process is still ending by then:
    that of the unit, or that of dist in it."""
    for directory, _, _ in os.walk(f"/sys/fs/cgroup{path}", topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(directory)
    return is_gone(path)


def kill_every_process_of(unit):
    """
    Kills all processes of a unit at once, as the kernel does if a unit is out of memory.

    "systemctl kill" kills them one by one, and fails if berthd removes a cgroup meanwhile.
    """
    with open(f"/sys/fs/cgroup{show(unit, 'ControlGroup')}/cgroup.kill", "w", encoding="utf-8") as file:
        file.write("1")


def test_setup():
    oci.push(oci.busybox_image(), IMAGE)
    good("pull", IMAGE)


def test_a_container_is_in_the_cgroup_of_its_unit():
    write_unit("web", f"dist run --rm --replace --name=web --cgroup=caller {QUICK} {IMAGE} sh -c 'echo said; exec sleep 1000'")
    start("web")
    pid = container("web")["pid"]
    equal(cgroup_of(pid), "/system.slice/web.service/berth-web")
    equal(cgroup_of(show("web", "MainPID")), "/system.slice/web.service/berth-dist")
    path = "/org/berth1/containers/web"
    for name, value in (("Unit", "web.service"), ("Scope", ""), ("Cgroup", "/system.slice/web.service/berth-web")):
        equal(busctl("get-property", "org.berth1", path, "org.berth1.Container", name).out, f's "{value}"\n')
    equal(run("systemctl", "is-active", "berth-web.scope").status != 0, True, "there is no scope")
    contains(run("systemctl", "status", "--no-pager", "web").out, "sleep 1000")
    shown = run("systemd-cgtop", "--batch", "--iterations=1", "--raw", "--depth=6", "-P").out
    tasks = dict(line.split()[:2] for line in shown.splitlines() if line)
    # The container has one task; the unit also has dist, which runs in a sibling cgroup.
    equal((tasks["system.slice/web.service/berth-web"], tasks["system.slice/web.service"]), ("1", "2"), shown)
    wait_until(lambda: "said" in run("journalctl", "-o", "cat", "-u", "web").out, "its output, as the unit's")


def test_a_process_is_cloned_into_the_cgroup_of_its_unit():
    """The kernel makes the first process, and each executed one, in the container's cgroup. None is moved there."""
    write_unit("cloned", f"dist run --rm --replace --name=cloned --cgroup=caller {QUICK} {IMAGE} sleep 1000")
    # In a file for each process, where no line of strace is split by another one.
    with traced(service_pid(), "/run/clones", "-ff", "-e", "trace=clone3,openat,openat2,open,creat"):
        start("cloned")
        good("exec", "-d", "cloned", "sleep", "500")
    pids = [row["pid"] for row in listing("top", "cloned")]
    equal(len(pids), 2)
    lines = []
    for path in glob.glob("/run/clones.*"):
        with open(path, encoding="utf-8") as file:
            lines += file.read().splitlines()
    for pid in pids:
        equal(cgroup_of(pid), "/system.slice/cloned.service/berth-cloned")
        equal(len([line for line in lines if "CLONE_INTO_CGROUP" in line and line.endswith(f"= {pid}")]), 1, f"clones of {pid}: {lines}")
    # An executed process joins hierarchies of version 1 by hand, of which none is here. cgroup.threads may be opened: a
    # write there moves nothing (service/bare/cgroup-move.c).
    equal([line for line in lines if "cgroup.procs" in line and "O_RDONLY" not in line and "= -1 ENOENT" not in line], [])
    # systemd, the only other program that moves processes, was not asked for a scope.
    equal(run("journalctl", "-b", "-o", "cat", "UNIT=berth-cloned.scope").out, "")
    equal(run("systemctl", "stop", "cloned").status, 0)


def test_executed_processes_are_in_the_unit_too():
    contains(good("exec", "web", "cat", "/proc/self/cgroup"), "0::/\n")
    good("exec", "-d", "web", "sleep", "500")
    pids = [row["pid"] for row in listing("top", "web")]
    equal(len(pids), 2)
    for pid in pids:
        equal(cgroup_of(pid), "/system.slice/web.service/berth-web")
    contains(containers_call("Stats", "sa{sv}", "web", "0").out, '"TasksCurrent" 2')


def test_a_container_in_its_unit_is_paused_and_signalled():
    good("pause", "web")
    with open("/sys/fs/cgroup/system.slice/web.service/berth-web/cgroup.freeze", encoding="ascii") as file:
        equal(file.read(), "1\n")
    equal(container("web")["state"], "paused")
    good("resume", "web")
    good("kill", "--all", "-s", "CONT", "web")
    equal(container("web")["state"], "running")


def test_a_unit_that_systemd_freezes_is_paused():
    equal(run("systemctl", "freeze", "web").status, 0)
    wait_until(lambda: container("web")["state"] == "paused", "the pause")
    contains(dist("exec", "web", "true").err, "paused")
    contains(dist("resume", "web").err, "the unit or slice around its cgroup is frozen")
    run("systemctl", "kill", "-s", "KILL", "berthd")
    equal(container("web")["state"], "paused")
    equal(run("systemctl", "thaw", "web").status, 0)
    wait_until(lambda: container("web")["state"] == "running", "the resumption")
    good("run", "-d", "--name=scoped", IMAGE, "sleep", "1000")
    equal(run("systemctl", "freeze", "berth-scoped.scope").status, 0)
    wait_until(lambda: container("scoped")["state"] == "paused", "the pause of a scope")
    good("resume", "scoped")
    equal(container("scoped")["state"], "running")
    equal(run("systemctl", "freeze", "berth.slice").status, 0)
    wait_until(lambda: container("scoped")["state"] == "paused", "the pause of a slice")
    good("stop", "-t", "0", "scoped")
    equal(run("systemctl", "thaw", "berth.slice").status, 0)
    good("rm", "-f", "scoped")


def test_a_limit_without_its_controller_is_refused_by_name():
    """An update of a limit is refused if the unified hierarchy lacks the controller, as on the test machine."""
    contains(dist("update", "web", "MemoryMax=100M").err, "controller")
    contains(dist("update", "web", "ManagedOOMSwap=kill").err, "ManagedOOMSwap")


def test_a_container_in_its_unit_may_open_no_other_device():
    """A container in its unit's cgroup may open only the devices that DevicePolicy=closed allows in a scope."""
    write_unit("node", f"dist run --rm --replace --name=node --cgroup=caller {QUICK} --userns=host --cap-add=MKNOD {IMAGE} sleep 1000")
    start("node")
    result = dist("exec", "node", "sh", "-c", "cat /dev/null && mknod /dev/shm/mem c 1 1")
    assert result.status != 0
    contains(result.err, "Operation not permitted")
    equal(run("systemctl", "stop", "node").status, 0)


def test_kill_nine_of_the_service_changes_nothing():
    pid, main = container("web")["pid"], show("web", "MainPID")
    kill_service()
    equal((container("web")["state"], container("web")["pid"]), ("running", pid))
    equal((show("web", "ActiveState"), show("web", "MainPID")), ("active", main))
    equal(run("systemctl", "restart", "berthd.service").status, 0)
    equal(container("web")["pid"], pid)
    equal((show("web", "ActiveState"), show("web", "MainPID")), ("active", main))


def test_a_unit_ends_with_an_exit_while_the_service_is_away():
    """The unit reports the exit status even if the service was dead at the exit and the container has been deleted,
    since dist takes the status from the exit event."""
    write_unit("away", f"dist run --rm --replace --name=away --cgroup=caller {IMAGE} sh -c 'sleep 1; exit 9'")
    start("away")
    for _ in range(8):
        kill_service()
    wait_until(lambda: show("away", "ActiveState") == "failed", "its end")
    equal(show("away", "ExecMainStatus"), "9")
    wait_until(lambda: container("away") is None, "its removal")


def test_a_service_that_starts_slowly_changes_nothing():
    """The bus gives up an activation after 25 s, and answers the calls that wait for it with an error. Other calls, such as that of the unit of a
    volume at boot, wait as well."""
    pid, main = container("web")["pid"], show("web", "MainPID")
    with service_settings("ExecStartPre=/bin/sleep 30\nTimeoutStartSec=90\n", restart=False):
        kill_service()
        good("volume", "create", "--label=a=b", "patient")
    good("volume", "rm", "patient")
    equal(container("web")["pid"], pid)
    equal((show("web", "ActiveState"), show("web", "MainPID")), ("active", main))


def test_stopping_the_unit_ends_it():
    good("exec", "-d", "web", "sleep", "500")
    equal(run("systemctl", "stop", "web").status, 0)
    wait_until(lambda: container("web") is None, "its removal")
    wait_until(lambda: is_gone("/system.slice/web.service"), "the end of the cgroup")


def test_a_unit_whose_service_cannot_be_started_stops_at_once():
    """Its process is in the cgroup of the unit, so systemd ends it."""
    for name, command in (("alone", f"dist run --rm --replace --name=alone --cgroup=caller {QUICK} {IMAGE} sleep 1000"),
                          ("alone-pod", "dist pod run --rm --replace --cgroup=caller alone-pod")):
        write_unit(name, command)
        start(name)
        group = show(name, "ControlGroup")
        equal(run("systemctl", "mask", "--runtime", "berthd.service").status, 0)
        try:
            equal(run("systemctl", "stop", "berthd.service").status, 0)
            # Without a stop, dist waits for the service.
            contains(dist("ps").err, "berthd.service is masked")
            equal(show(name, "ActiveState"), "active")
            equal(run("systemctl", "stop", name).status, 0)
            equal((show(name, "ActiveState"), show(name, "Result")), ("failed", "exit-code"))
            wait_for_message(name, f"cannot stop {name}: Unit berthd.service is masked.")
            wait_until(lambda: remove_empty(group), "the end of its processes")  # pylint: disable=cell-var-from-loop
        finally:
            run("systemctl", "unmask", "--runtime", "berthd.service")
        wait_until(lambda: container(name) is None, "its removal")  # pylint: disable=cell-var-from-loop
        good("pod", "rm", "--force", "--ignore", name)


def test_a_unit_that_is_killed_leaves_a_record_of_the_exit():
    write_unit("kept", f"dist run --replace --name=kept --cgroup=caller {QUICK} {IMAGE} sleep 1000")
    start("kept")
    kill_every_process_of("kept")
    wait_until(lambda: container("kept")["state"] == "stopped", "its end")
    equal(dist("wait", "kept").status, 137)
    wait_until(lambda: is_gone("/system.slice/kept.service/berth-kept"), "the end of its cgroup")
    wait_until(lambda: remove_empty("/system.slice/kept.service"), "the end of the unit's cgroup")
    contains(dist("start", "kept").err, "does not exist any more")
    start("kept")
    equal(container("kept")["state"], "running")
    equal(run("systemctl", "stop", "kept").status, 0)
    good("rm", "-f", "kept")


def test_many_cgroups_made_by_a_container_are_removed_in_parts():
    # The unit stays active, so systemd does not remove the cgroups.
    write_unit("wide", f"sh -c 'dist run --replace --name=wide --cgroup=caller {IMAGE} sleep 1000; exec sleep 1000'", "NotifyAccess=all")
    start("wide")
    cgroup = "/sys/fs/cgroup/system.slice/wide.service/berth-wide"
    for number in range(1200):
        os.mkdir(f"{cgroup}/{number}")
    deep = cgroup
    for _ in range(16):
        deep += "/d"
        os.mkdir(deep)
    try:
        os.mkdir(f"{deep}/d")
    except OSError as error:
        equal(error.errno, errno.EAGAIN)
    else:
        raise AssertionError("it is too deep to be removed")
    equal(len(listing("top", "wide")), 1)
    good("kill", "--signal=KILL", "wide")
    wait_until(lambda: not os.path.exists(cgroup), "the end of all of them")
    equal(show("wide", "ActiveState"), "active")
    equal(run("systemctl", "stop", "wide").status, 0)
    good("rm", "-f", "wide")


def test_cgroups_of_a_container_are_removed_after_its_name_is_in_use_again():
    """Their removal takes a while, in which a container of the same name may start in another unit."""
    command = f"dist run --replace --name=again --cgroup=caller {QUICK} {IMAGE} sleep 1000"
    write_unit("before", f"sh -c '{command}; exec sleep 1000'", "NotifyAccess=all")
    write_unit("after", command)
    cgroup = "/sys/fs/cgroup/system.slice/before.service/berth-again"
    for _ in range(5):
        start("before")
        for number in range(10000):
            os.mkdir(f"{cgroup}/{number}")
        good("kill", "--signal=KILL", "again")
        start("after")
        contains(cgroup_of(container("again")["pid"]), "/after.service/")
        # A start may take longer than the removal.
        is_there = os.path.exists(cgroup)
        wait_until(lambda: not os.path.exists(cgroup), "the end of all of them")
        equal(run("systemctl", "stop", "before", "after").status, 0)
        good("rm", "-f", "again")
        if is_there:
            break
    assert is_there, "the start always took too long for this test"


def test_the_exit_status_of_a_container_is_that_of_its_unit():
    write_unit("seven", f"dist run --rm --replace --name=seven --cgroup=caller {IMAGE} sh -c 'sleep 0.3; exit 7'")
    start("seven")
    wait_until(lambda: show("seven", "ActiveState") == "failed", "its end")
    equal(show("seven", "ExecMainStatus"), "7")


def test_sigterm_is_a_clean_end():
    write_unit("trapped", f"dist run --rm --replace --name=trapped --cgroup=caller {IMAGE} "
               "sh -c 'trap \"exit 3\" TERM; echo set; while :; do sleep 0.05; done'")
    start("trapped")
    wait_until(lambda: "set" in run("journalctl", "-o", "cat", "-u", "trapped").out.split(), "its trap")
    equal(run("systemctl", "stop", "trapped").status, 0)
    equal((show("trapped", "ActiveState"), show("trapped", "ExecMainStatus")), ("failed", "3"))
    write_unit("clean", f"dist run --rm --replace --name=clean --cgroup=caller {IMAGE} "
               "sh -c 'trap \"exit 143\" TERM; echo set; while :; do sleep 0.05; done'")
    start("clean")
    wait_until(lambda: "set" in run("journalctl", "-o", "cat", "-u", "clean").out.split(), "its trap")
    equal(run("systemctl", "stop", "clean").status, 0)
    equal((show("clean", "ActiveState"), show("clean", "Result")), ("inactive", "success"))


def test_a_unit_is_ready_when_its_container_is_healthy():
    write_unit("fit", f"dist run --rm --replace --name=fit --cgroup=caller --notify=healthy --health-interval=1s "
               f"--health-cmd 'test -e /tmp/fit' {IMAGE} sleep 1000")
    equal(run("systemctl", "start", "--no-block", "fit").status, 0)
    wait_until(lambda: container("fit") is not None and container("fit")["state"] == "running", "its start")
    equal(show("fit", "ActiveState"), "activating")
    kill_service()
    good("exec", "fit", "touch", "/tmp/fit")
    wait_until(lambda: show("fit", "ActiveState") == "active", "its readiness")
    equal(run("systemctl", "kill", "--kill-who=main", "-s", "KILL", "fit").status, 0)
    write_unit("unfit", f"dist run --rm --replace --name=unfit --cgroup=caller --notify=healthy {IMAGE} sleep 1000")
    assert run("systemctl", "start", "unfit").status != 0
    wait_for_message("unfit", "container unfit has no health check")
    equal(container("unfit"), None)


def test_a_system_without_the_unified_hierarchy_is_named():
    """If a system has only cgroups of version 1, the error says that the unified hierarchy is not mounted."""
    with service_settings("TemporaryFileSystem=/sys/fs/cgroup:ro\n"):
        result = run("systemd-run", "--quiet", "--wait", "--pipe", "-p", "Delegate=yes", "dist", "run", "--rm", "--cgroup=caller",
                     IMAGE, "true")
    equal(result.status, 125, result)
    contains(result.err, "the unified cgroup hierarchy (version 2) is not mounted")
    wait_until(lambda: good("ps", "-a", "-q") == "", "the removal of all containers")


def in_brief_unit(name, *command):
    """Runs a command as the only process of a unit with Delegate=yes; the unit ends with the command."""
    return run("systemd-run", "--quiet", "--wait", "--collect", f"--unit={name}", "-p", "Delegate=yes", *command)


def create_with_caller(name, *options):
    return ("busctl", *options, "call", "org.berth1", "/org/berth1/containers", "org.berth1.Containers", "Create", "ssa{sv}", name, IMAGE,
            "1", "Cgroup", "s", "caller")


class Endless:
    """A client that creates a container with a secret from a pipe, and keeps the pipe open."""

    def begin(self):
        reading, self.writing = os.pipe()
        self.client = subprocess.Popen(["dist", "create", "--id=endless", f"--secret=x=/dev/fd/{reading}", IMAGE],
                                       pass_fds=[reading], stderr=subprocess.PIPE, encoding="utf-8")
        os.close(reading)
        os.write(self.writing, b"a part")

    def end(self):
        text = self.client.communicate(timeout=300)[1]
        os.close(self.writing)
        return text


ENDLESS = Endless()


def test_a_secret_that_never_ends_does_not_hold_the_service():
    """The service answers other calls while it reads a secret from a pipe that stays open.

    The pipe stays open until test_a_secret_without_end_is_not_read_for_ever; no test in between kills the service."""
    ENDLESS.begin()
    good("ps")
    equal(ENDLESS.client.poll(), None)


def test_a_container_may_notify_its_readiness():
    """A container may send READY=1 and other messages for its unit, but cannot set the unit's main process."""
    write_unit("self", f"dist run --rm --replace --name=self --cgroup=caller --notify=container {IMAGE} sleep 1000")
    equal(run("systemctl", "start", "--no-block", "self").status, 0)
    wait_until(lambda: container("self") is not None and container("self")["state"] == "running", "its start")
    equal(show("self", "ActiveState"), "activating")
    main = show("self", "MainPID")
    pid = container("self")["pid"]
    code = ("import socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); "
            f"s.connect('/proc/{pid}/root/run/notify/notify.sock'); s.send(b'MAINPID=1\\nREADY=1\\nSTATUS=well\\n')")
    equal(run("python3", "-c", code).status, 0)
    wait_until(lambda: show("self", "ActiveState") == "active", "its readiness")
    equal((show("self", "StatusText"), show("self", "MainPID")), ("well", main))
    contains(good("exec", "self", "env"), "NOTIFY_SOCKET=/run/notify/notify.sock")
    assert glob.glob("/run/dist-notify-*"), "the socket's directory"
    equal(run("systemctl", "kill", "--kill-who=main", "-s", "KILL", "self").status, 0)
    wait_until(lambda: container("self") is None, "its removal")
    # The next "dist run" removes the directory that a killed dist has left, and its own directory when it ends.
    write_unit("tidy", f"dist run --rm --notify=container {IMAGE} true")
    assert run("systemctl", "start", "tidy").status != 0, "it ends before it is ready"
    equal(glob.glob("/run/dist-notify-*"), [])
    contains(dist("run", "-d", "--notify=container", IMAGE).err, "cannot be given with --detach")


def test_a_container_reports_its_state_to_its_unit():
    """sd_notify(3) of a container: reloading, stopping, status and barriers reach the unit, descriptors to store do not."""
    write_unit("states", f"dist run --rm --replace --name=states --cgroup=caller --notify=container {QUICK} {IMAGE} sleep 1000",
               "FileDescriptorStoreMax=8", "ExecReload=/bin/true")
    equal(run("systemctl", "start", "--no-block", "states").status, 0)
    wait_until(lambda: (container("states") or {}).get("state") == "running", "its start")
    path = f"/proc/{container('states')['pid']}/root/run/notify/notify.sock"
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def notify(text, *descriptors):
        """Sends a message, and a barrier after it, whose descriptor is closed when both have been read."""
        socket.send_fds(sender, [text.encode()], descriptors)
        reading, writing = os.pipe()
        socket.send_fds(sender, [b"BARRIER=1"], [writing])
        os.close(writing)
        equal((select.select([reading], [], [], 60)[0], os.read(reading, 1)), ([reading], b""))
        os.close(reading)

    sender.connect(path)
    notify("READY=1\nSTATUS=up")
    wait_until(lambda: show("states", "StatusText") == "up", "its status")
    equal(show("states", "ActiveState"), "active")
    null = os.open("/dev/null", os.O_RDONLY)
    notify("FDSTORE=1\nFDNAME=x\nSTATUS=stored", null)
    os.close(null)
    wait_until(lambda: show("states", "StatusText") == "stored", "its status")
    equal(show("states", "NFileDescriptorStore"), "0")
    notify("RELOADING=1\nSTATUS=reloading")
    wait_until(lambda: show("states", "ActiveState") == "reloading", "its reload")
    notify("READY=1")
    wait_until(lambda: show("states", "ActiveState") == "active", "the end of the reload")
    notify("STOPPING=1")
    wait_until(lambda: show("states", "ActiveState") == "deactivating", "its stop")
    # It now ends by itself.
    good("kill", "-s", "KILL", "states")
    wait_until(lambda: container("states") is None, "its removal")


def test_podman_s_words_select_when_a_unit_is_ready():
    for mode, said in (("container", "NOTIFY_SOCKET=/run/notify/notify.sock"), ("conmon", ""), ("ignore", "")):
        write_unit(mode, f"dist run --rm --replace --name={mode} --cgroup=caller --sdnotify={mode} {QUICK} {IMAGE} sleep 1000")
        equal(run("systemctl", "start", "--no-block", mode).status, 0)
        wait_until(lambda: (container(mode) or {}).get("state") == "running", "its start")  # pylint: disable=cell-var-from-loop
        contains(good("exec", mode, "env"), said)
        if mode == "container":
            equal(show(mode, "ActiveState"), "activating")
        else:
            wait_until(lambda: show(mode, "ActiveState") == "active", "its readiness")  # pylint: disable=cell-var-from-loop
        equal(run("systemctl", "stop", mode).status, 0)
    contains(dist("run", "--sdnotify=healthy", "--detach", IMAGE).err, "cannot be given with --detach")
    contains(dist("run", "--sdnotify=never", IMAGE).err, 'invalid value "never" of --sdnotify')


def test_a_unit_shows_the_progress_of_a_pull():
    """Progress also extends the time that the unit has for its start, since the size of an image decides how long it takes."""
    registry = FaultyRegistry()
    content = oci.Image([oci.busybox_layer(), oci.Layer().add("data", os.urandom(1 << 20))], {"Cmd": ["sleep", "1000"]})
    reference, _ = registry.add("slow:x", content)
    event = registry.stall[content.manifest["layers"][1]["digest"]] = threading.Event()
    write_unit("slow", f"dist run --rm --replace --name=slow --cgroup=caller {QUICK} {reference}")
    equal(run("systemctl", "start", "--no-block", "slow").status, 0)
    status = re.compile(rf"Pulling {re.escape(reference)}: [0-9.]+\s[kM]B of [0-9.]+\sMB")
    wait_until(lambda: status.fullmatch(show("slow", "StatusText")), "the progress")
    event.set()
    wait_until(lambda: show("slow", "ActiveState") == "active", "its start")
    equal(show("slow", "StatusText"), "")
    equal(run("systemctl", "stop", "slow").status, 0)
    good("rmi", reference)
    good("prune")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind("/run/progress")
        good("pull", "--quiet", "--insecure", reference, env={"NOTIFY_SOCKET": "/run/progress"})
        receiver.setblocking(False)
        messages = []
        with contextlib.suppress(BlockingIOError):
            while True:
                messages.append(receiver.recv(4096).decode())
    os.unlink("/run/progress")
    equal((messages[0], messages[-1]), (f"STATUS=Pulling {reference}", "STATUS="))
    contains(messages[1], "\nEXTEND_TIMEOUT_USEC=")
    good("rmi", reference)


def test_a_unit_shows_why_it_has_failed():
    write_unit("absent", f"dist run --rm --replace --name=absent --cgroup=caller {HOST}/absent:x")
    assert run("systemctl", "start", "absent").status != 0
    equal(show("absent", "StatusText"), f"the registry has no image {HOST}/absent:x (404)")


def test_the_watchdog_of_a_unit_is_notified():
    # dist pings every five seconds, so that a busy machine may delay a ping by as much.
    write_unit("dog", f"dist run --rm --replace --name=dog --cgroup=caller {IMAGE} sleep 1000", "WatchdogSec=10")
    start("dog")
    main = show("dog", "MainPID")
    for _ in range(2):
        before = int(show("dog", "WatchdogTimestampMonotonic"))
        wait_until(lambda: int(show("dog", "WatchdogTimestampMonotonic")) > before, "a ping")  # pylint: disable=cell-var-from-loop
    equal(show("dog", "MainPID"), main)
    os.kill(int(main), signal.SIGSTOP)
    wait_until(lambda: show("dog", "MainPID") != main, "the watchdog")
    run("systemctl", "stop", "dog")


def test_a_detached_container_is_the_main_process_of_its_unit():
    write_unit("main", f"dist run -d --rm --replace --name=main --cgroup=caller {IMAGE} sleep 1000", "NotifyAccess=all")
    start("main")
    equal(show("main", "MainPID"), str(container("main")["pid"]))
    equal(run("systemctl", "kill", "--kill-who=main", "-s", "KILL", "main").status, 0)


def test_a_unit_without_delegation_is_refused():
    write_unit("plain", f"dist run --rm --name=plain --cgroup=caller {IMAGE}", "Delegate=no")
    assert run("systemctl", "start", "plain").status != 0
    wait_for_message("plain", 'the cgroup "/system.slice/plain.service" is not delegated to user 0; its unit needs Delegate=yes')
    equal(container("plain"), None)
    for option in ("--restart=always", "--autostart", "--slice=berth.slice"):
        contains(run("systemd-run", "--quiet", "--wait", "--pipe", "-p", "Delegate=yes", "dist", "create",
                     "--cgroup=caller", option, IMAGE).err, "the caller's unit determines it")


def test_a_cgroup_that_is_gone_at_the_start_is_named():
    equal(in_brief_unit("brief", *create_with_caller("brief")).status, 0)
    wait_until(lambda: is_gone("/system.slice/brief.service"), "the end of the cgroup")
    result = dist("start", "brief")
    assert result.status != 0
    contains(result.err, "/system.slice/brief.service")
    equal(container("brief")["state"], "created")
    # The start neither recreates the cgroup nor uses a unit of the same name, which may belong to another user.
    assert is_gone("/system.slice/brief.service")
    good("rm", "brief")


def test_a_caller_that_ends_at_once_leaves_nothing_half_made():
    for number in range(10):
        equal(in_brief_unit(f"gone{number}", *create_with_caller(f"gone{number}", "--expect-reply=no")).status, 0)
    # The service has read all earlier calls before this one, and systemd answers its queries about callers in order.
    equal(in_brief_unit("last", *create_with_caller("last")).status, 0)
    good("rm", "last")

    def none_is_left():
        rows = [row["id"] for row in listing("ps", "-a") if row["id"].startswith("gone")]
        for name in rows:
            contains(dist("start", name).err, f"/system.slice/{name}.service")
            good("rm", name)
        return not rows and not glob.glob("/var/lib/berth/containers/gone*")
    wait_until(none_is_left, "the end of all creations")
    equal(glob.glob("/sys/fs/cgroup/**/berth-gone*", recursive=True), [])


def test_a_container_ends_if_its_cgroup_is_removed():
    """If a container's cgroup is killed and removed by hand, the container and its unit end; both can be restarted."""
    write_unit("robbed", f"dist run --replace --name=robbed --cgroup=caller {QUICK} {IMAGE} sleep 1000", "Restart=no")
    start("robbed")
    place = f"/sys/fs/cgroup{cgroup_of(container('robbed')['pid'])}"
    with open(f"{place}/cgroup.kill", "w", encoding="ascii") as file:
        file.write("1")
    def removed():
        try:
            os.rmdir(place)
        except OSError as error:
            return error.errno == errno.ENOENT
        return True
    wait_until(removed, "the removal of its cgroup")
    wait_until(lambda: show("robbed", "ActiveState") == "failed", "the end of the unit")
    equal((show("robbed", "ExecMainStatus"), container("robbed")["state"], container("robbed")["exitStatus"]), ("137", "stopped", "137"))
    start("robbed")
    equal(container("robbed")["state"], "running")
    equal(run("systemctl", "stop", "robbed").status, 0)
    good("rm", "robbed")


def test_a_process_of_another_cgroup_changes_nothing_for_the_container():
    """If the caller moves to another cgroup after the start, the container stays in the cgroup of its creation."""
    write_unit("mover", f"sh -c 'mkdir /sys/fs/cgroup/system.slice/mover.service/elsewhere; dist run -d --replace --name=mover --cgroup=caller {QUICK} {IMAGE} "
               "sleep 1000 && echo $$$$ >/sys/fs/cgroup/system.slice/mover.service/elsewhere/cgroup.procs; systemd-notify --ready; exec sleep 1000'", "NotifyAccess=all")
    start("mover")
    equal(cgroup_of(container("mover")["pid"]), "/system.slice/mover.service/berth-mover")
    equal(good("exec", "mover", "echo", "executes"), "executes\n")
    equal(run("systemctl", "stop", "mover").status, 0)
    wait_until(lambda: container("mover")["state"] == "stopped", "the end with its unit")
    good("rm", "mover")


def test_a_container_runs_in_a_unit_of_its_user_only():
    allow_only("alice", "containers.create", "containers.manage-own")
    write_unit("hers", f"dist run --rm --replace --name=hers --label=io.containers.autoupdate=registry --cgroup=caller {QUICK} "
                       f"{IMAGE} sleep 1000", "User=alice")
    start("hers")
    equal(cgroup_of(container("hers")["pid"]), "/system.slice/hers.service/berth-hers")
    # A label of the user's makes nobody else pull the image and restart the unit.
    equal(listing("auto-update", "--dry-run"), [])
    equal(run("systemctl", "stop", "hers").status, 0)
    # The unit's cgroup is delegated to root, not to the user as whom the unit runs dist.
    write_unit("mixed", f"runuser -u alice -- dist run --rm --name=mixed --cgroup=caller {IMAGE} sleep 1000",
               "NotifyAccess=all")
    assert run("systemctl", "start", "mixed").status != 0
    wait_for_message("mixed", "is not delegated to user 4242")


def test_a_rule_sees_the_owner_of_the_cgroup():
    """A rule sees the path of the caller's cgroup, and no slice, since the unit determines the cgroup."""
    polkit_rule("""polkit.addRule(function(action, subject) {
        if (subject.user == "alice" && action.id == "org.berth1.containers.create")
            return action.lookup("cgroup") == "/system.slice/theirs.service" && action.lookup("slice") == undefined ? "yes" : "no";
        if (subject.user == "alice" && action.id == "org.berth1.containers.manage-own")
            return "yes";
    });""")
    command = f"dist run --rm --replace --name=theirs --cgroup=caller {QUICK} {IMAGE} sleep 1000"
    write_unit("theirs", command, "User=alice")
    start("theirs")
    equal(cgroup_of(container("theirs")["pid"]), "/system.slice/theirs.service/berth-theirs")
    equal(run("systemctl", "stop", "theirs").status, 0)
    write_unit("others", command, "User=alice")
    assert run("systemctl", "start", "others").status != 0
    wait_for_message("others", "Permission denied")
    contains(dist("--no-ask-password", "run", "--rm", IMAGE, "true", user="alice").err, "Permission denied")
    allow_only("alice", "containers.create", "containers.manage-own")


def test_under_a_user_s_manager():
    equal(run("systemctl", "start", "user@4242.service").status, 0)
    environment = dict(os.environ, XDG_RUNTIME_DIR="/run/user/4242")
    result = run("systemd-run", "--user", "--unit=mine", "-p", "Delegate=yes", "-p", "Type=notify", "-p", "KillMode=mixed",
                 "dist", "run", "--rm", "--replace", "--name=mine", "--cgroup=caller", QUICK, IMAGE, "sleep", "1000",
                 user="alice", env=environment)
    equal(result.status, 0, result.err)
    contains(cgroup_of(container("mine")["pid"]), "/user@4242.service/app.slice/mine.service/berth-mine")
    contains(busctl("get-property", "org.berth1", "/org/berth1/containers/mine", "org.berth1.Container", "Unit").out,
             "mine.service")
    equal(run("systemctl", "--user", "stop", "mine", user="alice", env=environment).status, 0)
    wait_until(lambda: container("mine") is None, "its removal")
    run("systemctl", "stop", "user@4242.service")


def test_a_container_is_in_the_cgroup_of_the_callers_unit_and_not_below_it():
    """If the caller is in a cgroup that it created itself, its container is created in the cgroup of its unit."""
    code = (f"mkdir -p /sys/fs/cgroup/system.slice/maker.service/deep/er && "
            f"echo $$ >/sys/fs/cgroup/system.slice/maker.service/deep/er/cgroup.procs && "
            f"exec dist run --rm --replace --name=maker --cgroup=caller {QUICK} {IMAGE} sleep 1000")
    write_unit("maker", f"sh -c '{code.replace('$', '$$')}'")
    start("maker")
    equal(cgroup_of(container("maker")["pid"]), "/system.slice/maker.service/berth-maker")
    equal(run("systemctl", "stop", "maker").status, 0)


def test_a_manager_s_cgroup_is_that_of_its_user_s_container():
    """A user's container is created in the cgroup that a manager, such as slurmstepd, has created for the user's
    process.

    The manager creates that cgroup below its own, which systemd has delegated to it."""
    task = "/sys/fs/cgroup/system.slice/manager.service/job/task"
    code = (f"mkdir -p {task} && echo $$ >{task}/cgroup.procs && "
            f"exec runuser -u alice -- dist run --rm --replace --name=managed --cgroup=caller {QUICK} {IMAGE} sleep 1000")
    write_unit("manager", f"sh -c '{code.replace('$', '$$')}'", "NotifyAccess=all")
    start("manager")
    equal(cgroup_of(container("managed")["pid"]), "/system.slice/manager.service/job/task/berth-managed")
    good("kill", "--signal=KILL", "managed", user="alice")
    wait_until(lambda: not os.path.exists(f"{task}/berth-managed"), "the removal of its cgroup")
    run("systemctl", "stop", "manager")
    # When a container starts later, another cgroup may have the path of the one in which it was created.
    # slurmstepd gives the user the cgroup's directory, but none of its files.
    task = task.replace("manager", "another")
    result = run("systemd-run", "--quiet", "--wait", "--pipe", "-p", "Delegate=yes", "--unit=another", "sh", "-c", f"""set -e
        mkdir -p {task}
        (echo 0 >{task}/cgroup.procs; runuser -u alice -- dist create --name=kept --cgroup=caller {IMAGE} sleep 1000)
        rmdir {task}
        mkdir {task}
        chown alice {task}
        (echo 0 >{task}/cgroup.procs; runuser -u alice -- dist start kept) || status=9
        (echo 0 >{task}/cgroup.procs; runuser -u alice -- dist run --rm --cgroup=caller {IMAGE} echo ran)
        exit $status""")
    equal((result.status, result.out.splitlines()), (9, ["kept", "ran"]), result)
    contains(result.err, f'the cgroup "{task.removeprefix("/sys/fs/cgroup")}" does not exist any more')
    good("rm", "kept", user="alice")


def test_a_full_cgroup_tree_is_an_error():
    write_unit("full", f"dist run --rm --name=full --cgroup=caller {IMAGE} sleep 1000",
               "ExecStartPre=sh -c 'echo 1 >/sys/fs/cgroup/system.slice/full.service/cgroup.max.descendants'")
    assert run("systemctl", "start", "full").status != 0
    wait_for_message("full", "may have no further cgroups below it")
    equal(container("full"), None)


def test_credentials_of_a_unit_are_secrets_of_its_container():
    with open("/run/password", "w", encoding="ascii") as file:
        file.write("open sesame")
    write_unit("trusted", f"dist run --rm --replace --name=trusted --cgroup=caller {QUICK} --credentials --secret=other=/etc/hostname "
               f"{IMAGE} sleep 1000", "LoadCredential=password:/run/password", "SetCredential=plain:word")
    start("trusted")
    contains(good("exec", "trusted", "env"), "CREDENTIALS_DIRECTORY=/run/secrets\n")
    equal(good("exec", "trusted", "sh", "-c", "cd $CREDENTIALS_DIRECTORY; cat password plain; stat -c %a:%u password"),
          "open sesameword400:0\n")
    equal(good("exec", "trusted", "ls", "/run/secrets").split(), ["other", "password", "plain"])
    assert dist("exec", "trusted", "sh", "-c", "echo >/run/secrets/new").status != 0, "it is read-only"
    assert "sesame" not in good("inspect", "trusted")
    equal(run("grep", "-rl", "open sesame", "/var/lib/berth").out, "")
    contains(dist("checkpoint", "trusted").err, "cannot be checkpointed")
    write_unit("untrusted", f"dist run --rm --name=untrusted --cgroup=caller --secret=absent {IMAGE} true", "SetCredential=plain:word")
    assert run("systemctl", "start", "untrusted").status != 0
    contains(show("untrusted", "StatusText"), 'the unit has no credential "absent"')
    equal(run("systemctl", "stop", "trusted").status, 0)


def test_encrypted_credentials_of_a_unit_are_decrypted_secrets_of_its_container():
    """systemd decrypts them with the machine's key (systemd-creds(1)); the unit file and the credential file have none
    in clear."""
    encrypt = ("systemd-creds", "encrypt", "--with-key=host")
    inline = run(*encrypt, "--pretty", "--name=inline", "-", "-", input="sealed in the unit")
    equal(inline.status, 0, inline.err)
    equal(run(*encrypt, "--name=loaded", "-", "/run/loaded.cred", input="sealed in a file").status, 0)
    write_unit("sealed", f"dist run --rm --replace --name=sealed --cgroup=caller {QUICK} --credentials {IMAGE} sleep 1000",
               "LoadCredentialEncrypted=loaded:/run/loaded.cred", inline.out.strip())
    start("sealed")
    equal(good("exec", "sealed", "sh", "-c", "cd $CREDENTIALS_DIRECTORY; ls; cat inline loaded"), "inline\nloaded\nsealed in the unitsealed in a file")
    equal(run("grep", "-rl", "sealed in", "/run/loaded.cred", f"{UNITS}/sealed.service", STATE).out, "")
    equal(run("systemctl", "stop", "sealed").status, 0)


def test_a_secret_without_end_is_not_read_for_ever():
    contains(ENDLESS.end(), "could not be read to their end in time")
    equal(container("endless"), None)


def test_a_secret_is_there_again_after_the_service_was_killed():
    good("create", "--id=again", "--user=1000", "--secret=key,src=/run/password", IMAGE, "sh", "-c", "cat /run/secrets/key; id -u")
    kill_service()
    for _ in range(2):
        equal(good("start", "-a", "again"), "open sesame1000\n")
    good("rename", "again", "renamed")
    equal(good("start", "-a", "renamed"), "open sesame1000\n")
    good("run", "-d", "--id=runs", "--secret=key,src=/run/password", IMAGE, "sleep", "1000")
    # systemd discards the stored secrets when the service is stopped; they are kept nowhere else.
    equal(run("systemctl", "stop", "berthd.service").status, 0)
    contains(dist("start", "renamed").err, "were lost when the service was stopped")
    good("rm", "renamed")
    # The running container still has its secrets, which must not be written to disk.
    equal(good("exec", "runs", "cat", "/run/secrets/key"), "open sesame")
    contains(dist("checkpoint", "--leave-running", "runs").err, "has secrets, and cannot be checkpointed")
    good("rm", "-f", "runs")


def stored():
    """Returns the number of descriptors that systemd stores for the service."""
    return int(show("berthd.service", "NFileDescriptorStore"))


def test_a_secret_that_is_too_large_is_refused_and_leaves_nothing():
    wait_until(lambda: good("ps", "-a", "-q") == "", "the removal of earlier containers")
    wait_until(lambda: stored() == 0, "an empty store")
    before = stored()
    with open("/run/large", "wb") as file:
        file.truncate(2 * 1024 * 1024)
    contains(dist("create", "--id=large", "--secret=big=/run/large", IMAGE).err, 'the secret "big" is larger than the limit of')
    equal(container("large"), None)
    assert not os.path.exists("/var/lib/berth/containers/large")
    with open("/run/large", "wb") as file:
        file.truncate(1024 * 1024)
    whole = [f"--secret=n{number}=/run/large" for number in range(4)]
    contains(dist("create", "--id=large", *whole, IMAGE).err, 'the secret "n3" is larger than the limit of')
    contains(dist("create", "--secret=../x=/etc/hostname", IMAGE).err, "invalid name of a secret")
    contains(dist("create", "--secret=x=/etc/hostname", "--secret=x=/etc/hostname", IMAGE).err, "given twice")
    contains(dist("create", "--secret=x", IMAGE).err, "there are no credentials of a unit")
    wait_until(lambda: stored() == before, "the store as it was")
    good("create", "--id=fits", "--secret=big=/run/large", IMAGE, "wc", "-c", "/run/secrets/big")
    wait_until(lambda: stored() == before + 1, "the store with it")
    equal(good("start", "-a", "fits").split()[0], "1048576")
    good("rm", "fits")
    wait_until(lambda: stored() == before, "the store without it")


def test_a_secret_is_a_variable_only_if_that_is_asked_for():
    with open("/run/variable", "w", encoding="ascii") as file:
        file.write("open = sesame")
    good("create", "--id=asked", "--user=1000", "--secret=KEY=/run/variable,type=env", "--secret=a,src=/run/variable,type=env,target=OTHER",
         "--secret=PATH=/run/variable,type=env", "--secret=file,src=/run/password", "--secret=f2,src=/run/password,type=mount,target=named", IMAGE, "/bin/sh",
         "-c", "echo $KEY; echo $PATH; /bin/ls /run/secrets; exec /bin/sleep 1000")
    kill_service()
    good("start", "asked")
    wait_until(lambda: good("logs", "asked") == "open = sesame\nopen = sesame\nfile\nnamed\n", "the variables and the files")
    # Executed processes have the variables, too, and run as the container's user.
    equal(good("exec", "asked", "/bin/sh", "-c", "echo $KEY $OTHER; /bin/id -u"), "open = sesame open = sesame\n1000\n")
    assert "open = sesame" not in good("inspect", "asked")
    equal(run("grep", "-rl", "open = sesame", "/var/lib/berth").out, "")
    good("rm", "-f", "asked")
    # Without a secret file, there is neither /run/secrets nor CREDENTIALS_DIRECTORY.
    equal(good("run", "--rm", "--secret=KEY=/run/variable,type=env", IMAGE, "sh", "-c", "echo $KEY$CREDENTIALS_DIRECTORY; test ! -e /run/secrets"), "open = sesame\n")
    with open("/run/variable", "wb") as file:
        file.write(b"a\0b")
    contains(dist("create", "--secret=KEY=/run/variable,type=env", IMAGE).err, 'the secret of the variable "KEY" has a zero byte')
    with open("/run/variable", "wb") as file:
        file.write(b"x" * (128 * 1024 - len("KEY=")))
    contains(dist("create", "--secret=KEY=/run/variable,type=env", IMAGE).err, 'the secret of the variable "KEY" is larger than a variable may be, 131072 bytes')
    with open("/run/variable", "wb") as file:
        file.write(b"x" * (128 * 1024 - len("KEY=") - 1))
    equal(good("run", "--rm", "--secret=KEY=/run/variable,type=env", IMAGE, "sh", "-c", "echo ${#KEY}"), "131067\n")
    contains(dist("create", "--secret=KEY=/run/variable,type=env,target=A=B", IMAGE).err, 'invalid name of a variable "A=B"')
    contains(dist("create", "--secret=KEY=/run/variable,type=env", "--secret=KEY=/run/variable,type=env", IMAGE).err, 'the secret "KEY" is given twice')


def test_a_secret_has_the_owner_and_the_mode_that_are_asked_for():
    with open("/run/owned", "w", encoding="ascii") as file:
        file.write("mine")
    look = "stat -c '%n %u:%g %a' /run/secrets/*; cat /run/secrets/*"
    for user, default in (("0", "0:0"), ("1000:1001", "1000:1001")):
        equal(good("run", "--rm", f"--user={user}", "--secret=plain=/run/owned", "--secret=b,src=/run/owned,uid=70,gid=71,mode=0444",
                   "--secret=c,src=/run/owned,target=other,mode=444", "--secret=d,src=/run/owned,gid=5,mode=0444", IMAGE, "sh", "-c", look).split("\n"),
              ["/run/secrets/b 70:71 444", f"/run/secrets/d {default.split(':')[0]}:5 444", f"/run/secrets/other {default} 444",
               f"/run/secrets/plain {default} 400", "minemineminemine"])
    # Owner and mode are the same after a restart of the service and of the container.
    good("create", "--id=owned", "--secret=b,src=/run/owned,uid=70,mode=0440", IMAGE, "stat", "-c", "%u:%g %a", "/run/secrets/b")
    for _ in range(2):
        kill_service()
        equal(good("start", "-a", "owned"), "70:0 440\n")
    good("rm", "owned")
    for fields, why in (("mode=1777", 'the field "mode" of a secret is not supported'), ("uid=root", 'the field "uid" of a secret'),
                        ("type=env,uid=1", "are of a file, not of a variable")):
        contains(dist("create", f"--secret=a,{fields}", IMAGE).err, why)
    contains(dist("create", "--secret=a=/run/owned", "--secret=a,src=/run/owned,mode=0444", IMAGE).err, 'the secret "a" is given twice')
    # The container has no such user.
    result = dist("run", "--rm", "--secret=a,src=/run/owned,uid=4000000000", IMAGE, "true")
    contains(result.err, "/run/secrets/a")
    name = "n" * 240
    contains(dist("create", f"--secret={name},src=/run/owned,uid=4000000000,mode=0777", IMAGE).err, "invalid name of a secret")
    wait_until(lambda: good("ps", "-a", "-q") == "", "the removal of all containers")


def write_bound_unit(name, command, *lines):
    """Writes a service unit in which dist runs a container whose scope is outside the unit. Lines may change Type=."""
    with open(f"{UNITS}/{name}.service", "w", encoding="utf-8") as file:
        file.write("[Service]\nType=notify\nTimeoutStartSec=60\n" + "".join(f"{line}\n" for line in lines) +
                   f"ExecStart={command}\n")
    equal(run("systemctl", "daemon-reload").status, 0)


def bound_to(name):
    return busctl("get-property", "org.berth1", f"/org/berth1/containers/{name}", "org.berth1.Container", "BoundTo").out


def test_a_bound_container_stops_with_its_caller_s_unit():
    write_bound_unit("tied", f"dist run --replace --name=tied --unit-bound --restart=always {QUICK} {IMAGE} sleep 1000")
    start("tied")
    equal(show("berth-tied.scope", "BindsTo"), "tied.service")
    equal(bound_to("tied"), 's "tied.service"\n')
    equal(show("berth.slice", "ActiveState"), "active")
    # dist is killed and cannot stop the container; only the dependency of the scope ends it.
    equal(run("systemctl", "kill", "--kill-who=main", "-s", "KILL", "tied").status, 0)
    wait_until(lambda: container("tied")["state"] == "stopped", "its end")
    # Starting the container would start the unit, too, which the container's owner may not be allowed to do.
    contains(dist("start", "tied").err, 'the unit "tied.service", which the container is bound to, is not active')
    assert show("tied", "ActiveState") != "active"
    good("rm", "tied")


def test_a_rule_sees_the_unit_that_a_container_is_bound_to():
    allow_only("alice", "containers.create", "containers.manage-own")
    write_bound_unit("hers", f"dist run --rm --replace --name=hers --unit-bound {QUICK} {IMAGE} sleep 1000",
                     "User=alice", "Type=exec")
    start("hers")
    wait_until(lambda: (container("hers") or {}).get("state") == "running", "its start")
    for name in ("BindsTo", "After"):
        contains(show("berth-hers.scope", name).split(), "hers.service")
    equal(bound_to("hers"), 's "hers.service"\n')
    equal(run("systemctl", "stop", "hers").status, 0)
    wait_until(lambda: container("hers") is None, "its removal")
    polkit_rule("""polkit.addRule(function(action, subject) {
        if (subject.user == "alice" && action.id.indexOf("org.berth1.") == 0)
            return action.lookup("unit") == "hers.service" ? polkit.Result.NO : polkit.Result.YES;
    });""")
    run("systemctl", "start", "hers")
    refused = 'User 4242 was refused org.berth1.containers.create for Containers.Create'
    wait_until(lambda: refused in run("journalctl", "-o", "cat", "-t", "berthd").out, "the refusal")


def test_error_names_the_unit_that_cannot_be_bound():
    equal(run("systemctl", "start", "user@4242.service").status, 0)
    environment = dict(os.environ, XDG_RUNTIME_DIR="/run/user/4242")
    allow_only("alice", "containers.create", "containers.manage-own")
    result = run("systemd-run", "--user", "--unit=tied", "--wait", "--pipe", "--quiet", "dist", "create", "--unit-bound",
                 IMAGE, user="alice", env=environment)
    contains(result.err, 'the caller\'s unit "tied.service" belongs to a user manager')
    run("systemctl", "stop", "user@4242.service")
    for option, said in (("--autostart", "Autostart and UnitBound exclude each other"),
                         ("--cgroup=caller", "UnitBound and Cgroup=caller exclude each other")):
        result = run("systemd-run", "--wait", "--pipe", "--quiet", "-p", "Delegate=yes", "dist", "create", "--unit-bound",
                     option, IMAGE)
        contains(result.err, said)


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
