# SPDX-License-Identifier: LGPL-2.1-or-later
# berth-runtime, an OCI runtime with the command line of runc, lets other engines run their containers with Berth.
# Podman and containerd use it here, and their monitors receive the exit status of each container.

import array
import ctypes
import json
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
import fcntl

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

RUNTIME = "/usr/bin/berth-runtime"
ROOT = "/run/engine"
WORK = "/var/tmp/runtime"
BUNDLE = f"{WORK}/bundle"
IMAGE = f"{HOST}/runtime/box:x"
CONTAINERD = "/run/test-containerd"
PR_SET_CHILD_SUBREAPER = 36


def runtime(*arguments, root=ROOT, **more):
    return run(RUNTIME, "--root", root, *arguments, **more)


def works(*arguments, **more):
    result = runtime(*arguments, **more)
    equal(result.status, 0, f"berth-runtime {' '.join(arguments)}: {result}")
    return result.out


def fails(text, *arguments, status=1, **more):
    """Checks that the runtime fails with a one-line message that contains this text."""
    result = runtime(*arguments, **more)
    equal(result.status, status, result)
    equal(len(result.err.splitlines()), 1, result.err)
    assert result.err.startswith("berth-runtime: "), result.err
    contains(result.err, text)


def state(name, **more):
    return json.loads(works("state", name, **more))


def configure_bundle(directory=BUNDLE, **changes):
    """Writes the configuration that "berth-runtime spec" prints, with changed members of "process". The function whole
    may change the rest of it."""
    os.makedirs(directory, exist_ok=True)
    path = f"{directory}/config.json"
    if os.path.exists(path):
        os.unlink(path)
    equal(run(RUNTIME, "spec", "--bundle", directory).status, 0)
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    config["root"] = {"path": f"{BUNDLE}/rootfs", "readonly": False}
    whole = changes.pop("whole", None)
    config["process"].update({"terminal": False, **changes})
    if whole:
        whole(config)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file)
    return directory


def shell(script, **more):
    return configure_bundle(args=["sh", "-c", script], **more)


def create(name, *arguments, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, **more):
    """Creates a container as conmon does: passes the container's streams and asks for a pid file. Returns the pid."""
    log = f"{WORK}/create-log"
    done = subprocess.run([RUNTIME, "--root", ROOT, "--log", log, "create", "--bundle", BUNDLE, "--pid-file", f"{WORK}/pid",
                           *arguments, name],
                          stdin=stdin, stdout=stdout, stderr=subprocess.DEVNULL, timeout=300, check=False, **more)
    with open(log, encoding="utf-8") as file:
        equal(done.returncode, 0, file.read())
    return read_pid()


def detach(name, root=ROOT):
    """Runs "run -d" without pipes, because the container inherits the streams."""
    equal(subprocess.run([RUNTIME, "--root", root, "run", "-d", "--bundle", BUNDLE, "--pid-file", f"{WORK}/pid", name],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300,
                         check=False).returncode, 0)
    return read_pid()


def read_pid():
    with open(f"{WORK}/pid", encoding="utf-8") as file:
        return int(file.read())


def wait_for_child(pid):
    """Returns the exit status of a monitor. This process is its parent, because it adopts orphans (see test_setup)."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    raise AssertionError("the process did not end")


def real_pid(name):
    """Returns the pid of the container's first process, not of its monitor."""
    rows = [row for row in listing("ps", "-a") if row["id"].endswith(f"-{name}")]
    equal(len(rows), 1, rows)
    return rows[0]["pid"]


def namespace(pid, kind):
    return os.readlink(f"/proc/{pid}/ns/{kind}")


def nothing_is_left():
    wait_until(lambda: listing("ps", "-a") == [], "the removal of all containers")
    wait_until(lambda: not os.path.isdir(ROOT) or os.listdir(ROOT) == [], "the removal of all records")
    wait_until(lambda: run("pgrep", "-f", "^/usr/bin/berth-runtime|^berth-runtime").out == "", "the end of all monitors")


def test_setup():
    shutil.rmtree(WORK, ignore_errors=True)
    os.makedirs(f"{BUNDLE}/rootfs")
    with open(f"{WORK}/box.tar.gz", "wb") as file:
        file.write(oci.busybox_layer().finish()[2])
    equal(run("tar", "-C", f"{BUNDLE}/rootfs", "-xf", f"{WORK}/box.tar.gz").status, 0)
    # Like conmon and containerd's shim, this process adopts descendants that lose their parent.
    equal(ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0)


def test_a_container_lives_from_create_to_delete():
    shell("echo hello; exit 7")
    reading, writing = os.pipe()
    pid = create("a", stdout=writing)
    os.close(writing)
    found = state("a")
    equal({key: found[key] for key in ("ociVersion", "id", "pid", "status", "bundle", "rootfs", "owner")},
          {"ociVersion": "1.0.2", "id": "a", "pid": pid, "status": "created", "bundle": BUNDLE, "rootfs": f"{BUNDLE}/rootfs",
           "owner": "root"})
    fails("already exists", "create", "--bundle", BUNDLE, "a")
    works("start", "a")
    # The reader gets all output and then the end of the file, as no other process holds the pipe.
    with os.fdopen(reading) as stream:
        equal(stream.read(), "hello\n")
    equal(wait_for_child(pid), 7)
    equal((state("a")["status"], state("a")["pid"]), ("stopped", 0))
    fails("cannot start a container that has stopped", "start", "a")
    fails("container not running", "kill", "a", "TERM")
    works("delete", "a")
    fails('container "a" does not exist', "state", "a")
    nothing_is_left()


def test_signals_reach_the_process_and_the_monitor_has_its_status():
    shell("trap 'exit 9' TERM; trap 'echo one' USR1; touch /ready; while :; do sleep 0.1; done")
    reading, writing = os.pipe()
    pid = create("a", stdout=writing)
    os.close(writing)
    works("start", "a")
    wait_until(lambda: os.path.exists(f"{BUNDLE}/rootfs/ready"), "the traps")
    fails("cannot start an already running container", "start", "a")
    fails("cannot delete container a that is not stopped: running", "delete", "a")
    works("kill", "a", "USR1")
    equal(os.read(reading, 100), b"one\n")
    os.kill(pid, signal.SIGTERM)
    equal(wait_for_child(pid), 9)
    os.close(reading)
    works("delete", "a")


def test_killing_the_monitor_kills_the_process():
    shell("sleep 1000")
    pid = create("a")
    works("start", "a")
    os.kill(pid, signal.SIGKILL)
    equal(wait_for_child(pid), -9)
    wait_until(lambda: state("a")["status"] == "stopped", "the end of the container")
    works("delete", "a")
    # Before the start, only the monitor exists.
    pid = create("a")
    os.kill(pid, signal.SIGKILL)
    equal(wait_for_child(pid), -9)
    wait_until(lambda: state("a")["status"] == "stopped", "the end of the container")
    works("delete", "a")
    nothing_is_left()


def test_the_guard_kills_also_if_the_service_is_killed_meanwhile():
    shell("sleep 1000")
    pid = create("a")
    works("start", "a")
    container = real_pid("a")
    service = service_pid()
    os.kill(service, signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    equal(wait_for_child(pid), -9)
    # berth-guard calls the service, which is stopped and does not answer.
    guards = run("pgrep", "-x", "berth-guard").out.split()
    wait_until(lambda: any(polls(guard) for guard in guards), "the guard's call")
    kill_service()
    wait_until(lambda: not os.path.exists(f"/proc/{container}"), "the end of the process")
    works("delete", "--force", "a")
    nothing_is_left()


def test_the_guard_kills_if_the_monitor_loses_the_bus():
    """If the monitor loses the bus, the guard kills the container, so no process outlives what the engine sees."""
    shell("sleep 1000")
    pid = create("a")
    works("start", "a")
    container = real_pid("a")
    run("systemctl", "reset-failed", "dbus.service", "polkit.service")
    equal(run("systemctl", "restart", "dbus.service").status, 0, "the bus starts again")
    equal(wait_for_child(pid), 137)
    wait_until(lambda: not os.path.exists(f"/proc/{container}"), "the end of the process")
    works("delete", "a")
    nothing_is_left()


def test_run_in_the_foreground_survives_a_restart_of_the_bus():
    shell("echo begun; read line; exit 6")
    with subprocess.Popen(["berth-runtime", "--root", ROOT, "run", "--bundle", BUNDLE, "a"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, encoding="utf-8") as process:
        equal(process.stdout.readline(), "begun\n")
        run("systemctl", "reset-failed", "dbus.service", "polkit.service")
        equal(run("systemctl", "restart", "dbus.service").status, 0, "the bus starts again")
        kill_service()
        equal(state("a")["status"], "running")
        process.stdin.write("go on\n")
        process.stdin.flush()
        equal(process.wait(timeout=300), 6)
    nothing_is_left()


def test_a_created_container_is_killed():
    shell("sleep 1000")
    pid = create("a")
    works("kill", "a", "CONT")
    equal(state("a")["status"], "created")
    works("kill", "a", "KILL")
    equal(wait_for_child(pid), 137)
    equal(state("a")["status"], "stopped")
    works("delete", "a")
    pid = create("a")
    works("delete", "--force", "a")
    equal(wait_for_child(pid), 137)
    nothing_is_left()


def test_the_status_survives_the_service():
    shell("while [ ! -e /go ]; do sleep 0.05; done; exit 11")
    pid = create("a")
    works("start", "a")
    kill_service()
    with open(f"{BUNDLE}/rootfs/go", "w", encoding="utf-8"):
        pass
    equal(wait_for_child(pid), 11)
    os.unlink(f"{BUNDLE}/rootfs/go")
    works("delete", "a")


def test_run_in_the_foreground_survives_the_service_at_any_time():
    """Each command is executed exactly once, however far the service has come when it is killed."""
    service_is_up()
    os.kill(service_pid(), signal.SIGSTOP)
    shell("exit 9")
    with subprocess.Popen([RUNTIME, "--root", ROOT, "run", "--bundle", BUNDLE, "a"]) as process:
        wait_until(lambda: polls(process.pid), "its first call")
        kill_service()
        equal(process.wait(timeout=300), 9)
    for directory in range(12):
        configure_bundle(f"{WORK}/many{directory}", args=["sh", "-c", f"echo x >>/ran{directory}; exit {directory + 20}"])
    running = [subprocess.Popen([RUNTIME, "--root", ROOT, "run", "--bundle", f"{WORK}/many{number}", f"many{number}"])
               for number in range(12)]
    for _ in range(3):
        wait_until(service_pid, "the service")
        kill_service()
    equal([process.wait(timeout=120) for process in running], list(range(20, 32)))
    for number in range(12):
        with open(f"{BUNDLE}/rootfs/ran{number}", encoding="ascii") as file:
            equal(file.read(), "x\n")
        os.unlink(f"{BUNDLE}/rootfs/ran{number}")
    nothing_is_left()


def test_run_repeats_a_start_that_was_recorded_and_never_released():
    for number in range(1, MOST_SENDS):
        shell(f"echo x >>/ran; exit {number + 30}")
        with service_killed_at_send(number):
            equal(runtime("run", "--bundle", BUNDLE, "a").status, number + 30)
    with open(f"{BUNDLE}/rootfs/ran", encoding="ascii") as file:
        equal(file.read(), "x\n" * (MOST_SENDS - 1))
    os.unlink(f"{BUNDLE}/rootfs/ran")
    nothing_is_left()


def test_the_monitor_is_in_the_namespaces_and_not_among_the_processes():
    shell("sleep 1000")
    pid = create("a")
    works("start", "a")
    first = real_pid("a")
    with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
        equal(file.read(), "berth-runtime monitor a\0")
    for kind in ("mnt", "net", "ipc", "uts", "cgroup"):
        wait_until(lambda kind=kind: namespace(pid, kind) == namespace(first, kind), f"the namespace {kind}")
    equal(namespace(pid, "pid"), namespace("self", "pid"))
    equal(works("exec", "a", "ls", "/proc").split().count("1"), 1)
    # "--pid=container:NAME" of an engine names the monitor.

    def join(config):
        for entry in config["linux"]["namespaces"]:
            if entry["type"] in ("pid", "network"):
                kind = {"network": "net"}.get(entry["type"], entry["type"])
                entry["path"] = f"/proc/{pid}/ns/{kind}"
    configure_bundle(f"{WORK}/second", args=["sh", "-c", "ls -l /proc/self/ns; kill -9 1"], whole=join)
    out = works("run", "--bundle", f"{WORK}/second", "b")
    for kind in ("pid", "net"):
        contains(out, namespace(first, kind))
    assert namespace("self", "pid") not in out, out
    works("delete", "--force", "a")
    wait_for_child(pid)
    nothing_is_left()


def test_kernel_parameters_are_set_in_a_network_that_is_joined_but_not_in_the_hosts():
    equal(run("ip", "netns", "add", "test-runtime").status, 0)

    def join(path):
        def change(config):
            config["linux"]["sysctl"] = {"net.ipv4.ip_default_ttl": "77"}
            for entry in config["linux"]["namespaces"]:
                if entry["type"] == "network":
                    entry["path"] = path
        return change
    with open("/proc/sys/net/ipv4/ip_default_ttl", encoding="utf-8") as file:
        before = file.read()
    shell("cat /proc/sys/net/ipv4/ip_default_ttl", whole=join("/run/netns/test-runtime"))
    equal(works("run", "--bundle", BUNDLE, "a"), "77\n")
    shell("true", whole=join("/proc/1/ns/net"))
    result = runtime("run", "--bundle", BUNDLE, "a")
    assert result.status != 0, result
    contains(result.err, "it is the host's, and kernel parameters are to be set")
    with open("/proc/sys/net/ipv4/ip_default_ttl", encoding="utf-8") as file:
        equal(file.read(), before)
    run("ip", "netns", "del", "test-runtime")
    nothing_is_left()


def take_terminal(door):
    door.settimeout(120)
    connection, _ = door.accept()
    _, ancillary, _, _ = connection.recvmsg(256, socket.CMSG_SPACE(4))
    connection.close()
    return array.array("i", ancillary[0][2])[0]


def read_once(master):
    """Reads once from a terminal; "" at its end."""
    assert select.select([master], [], [], 120)[0], "the terminal has nothing"
    try:
        return os.read(master, 4096).decode()
    except OSError:
        return ""


def read_terminal(master):
    text = ""
    while part := read_once(master):
        text += part
    return text


def test_create_sends_the_terminal_of_the_container():
    # The size that was set before the start applies right after it.
    shell("until [ \"$(stty size)\" = '33 99' ]; do sleep 0.02; done; stty size; read line; echo \"got $line\"; tty; stty size", terminal=True)
    path = f"{WORK}/console"
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen()
        pid = create("a", "--console-socket", path)
        master = take_terminal(door)
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
        works("start", "a")
        text = ""
        # A line and its end may arrive one after the other.
        while "99\r\n" not in text:
            text += read_once(master)
        contains(text, "33 99\r\n")
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 44, 111, 0, 0))
        wait_until(lambda: run(RUNTIME, "--root", ROOT, "exec", "a", "stty", "-F", "/dev/console", "size").out == "44 111\n",
                   "the new size")
        os.write(master, b"word\n")
        equal(read_terminal(master), "word\r\ngot word\r\n/dev/pts/0\r\n44 111\r\n")
        os.close(master)
        equal(wait_for_child(pid), 0)
        works("delete", "a")
        # A process of exec has a terminal of its own.
        shell("sleep 1000")
        pid = create("a")
        works("start", "a")
        works("exec", "-d", "-t", "--console-socket", path, "--pid-file", f"{WORK}/exec-pid", "a", "sh", "-c", "tty; exit 3")
        master = take_terminal(door)
        contains(read_terminal(master), "/dev/pts/")
        os.close(master)
        with open(f"{WORK}/exec-pid", encoding="utf-8") as file:
            equal(wait_for_child(int(file.read())), 3)
    os.unlink(path)
    works("delete", "--force", "a")
    wait_for_child(pid)


def test_run_in_the_foreground_leaves_nothing():
    shell("cat; echo error >&2; exit 5")
    result = runtime("run", "--bundle", BUNDLE, "a", input="through\n")
    equal((result.status, result.out, result.err), (5, "through\n", "error\n"))
    nothing_is_left()
    # Only one of two containers with the same id is created.
    shell("sleep 1000")
    detach("a")
    equal(state("a")["pid"], read_pid())
    fails("already exists", "run", "-d", "--bundle", BUNDLE, "a")
    equal(state("a")["status"], "running")
    works("delete", "-f", "a")
    equal(wait_for_child(read_pid()), 137)
    nothing_is_left()


def test_exec_is_another_process():
    shell("sleep 1000")
    detach("a")
    first = read_pid()
    result = runtime("exec", "--env", "WORD=x", "--cwd", "/tmp", "--user", "3:4", "-g", "77", "a", "sh", "-c",
                     "echo $WORD $PWD $(id -u) $(id -g) $(id -G); cat; exit 6", input="typed\n")
    equal((result.status, result.out), (6, "x /tmp 3 4 4 77\ntyped\n"))
    with open(f"{WORK}/process.json", "w", encoding="utf-8") as file:
        json.dump({"args": ["sh", "-c", "sleep 0.2; exit 8"], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}}, file)
    works("exec", "--detach", "--process", f"{WORK}/process.json", "--pid-file", f"{WORK}/exec-pid", "a")
    with open(f"{WORK}/exec-pid", encoding="utf-8") as file:
        equal(wait_for_child(int(file.read())), 8)
    # containerd kills such a process by its pid.
    works("exec", "-d", "--pid-file", f"{WORK}/exec-pid", "a", "sh", "-c", "exec sleep 2000 >/dev/null 2>&1")
    with open(f"{WORK}/exec-pid", encoding="utf-8") as file:
        pid = int(file.read())
    os.kill(pid, signal.SIGKILL)
    wait_for_child(pid)
    wait_until(lambda: "sleep 2000" not in works("ps", "a"), "the end of the process")
    fails("not found", "exec", "a", "/none", status=127)
    fails("COMMAND", "exec", "a", status=255)
    fails('container "none" does not exist', "exec", "none", "true", status=255)
    works("delete", "-f", "a")
    wait_for_child(first)


def test_statistics_and_lists_are_json():
    shell("sleep 1000")
    detach("a")
    first = real_pid("a")
    equal([(row["id"], row["pid"], row["status"]) for row in json.loads(works("list", "--format", "json"))],
          [("a", read_pid(), "running")])
    equal(works("list", "-q"), "a\n")
    equal(works("list").split()[:6], ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"])
    equal(json.loads(works("ps", "--format", "json", "a")), [first])
    contains(works("ps", "a"), "sleep 1000")
    line = json.loads(works("events", "--stats", "a"))
    equal((line["type"], line["id"]), ("stats", "a"))
    assert line["data"]["pids"]["current"] >= 0 and "usage" in line["data"]["cpu"], line
    works("pause", "a")
    equal(state("a")["status"], "paused")
    works("resume", "a")
    works("update", "--memory", "67108864", "--pids-limit=20", "a")
    works("update", "--resources", "-", "a", input=json.dumps({"cpu": {"shares": 512, "quota": 0}, "memory": {"limit": 0}}))
    unit = state("a")["systemd-scope"]
    equal(run("systemctl", "show", "-P", "MemoryMax", "-P", "TasksMax", unit).out.split(), ["67108864", "20"])
    fails("option --l3-cache-schema is not supported", "update", "--l3-cache-schema", "x", "a")
    features = json.loads(works("features"))
    assert "startContainer" in features["hooks"] and "CAP_KILL" in features["linux"]["capabilities"], features
    works("delete", "-f", "a")
    wait_for_child(read_pid())


def test_engines_may_use_the_same_id():
    name = "f" * 64
    shell("sleep 1000")
    for root in (ROOT, f"{ROOT}-other"):
        detach(name, root=root)
    equal(len(listing("ps", "-a")), 2)
    works("delete", "-f", name)
    equal(state(name, root=f"{ROOT}-other")["status"], "running")
    works("delete", "-f", name, root=f"{ROOT}-other")
    nothing_is_left()


def reboot(*directories):
    """What a reboot leaves: the disk. All processes have ended, /run is empty, and the records are those of another boot."""
    units = ("berth-*.scope", "libpod-conmon-*.scope")
    run("systemctl", "stop", "berthd")
    # conmon first, which would clean up after its container.
    for unit in reversed(units):
        run("systemctl", "kill", "-s", "KILL", unit)
    wait_until(lambda: not run("systemctl", "list-units", "--plain", "--no-legend", *units).out, "the end of the scopes")
    for directory in directories:
        shutil.rmtree(directory)
    database_query("UPDATE containers SET boot='of-another-boot'")


def names(*options):
    """The engine's ids of the service's containers."""
    return sorted(row["id"].rpartition("-")[2] for row in listing("ps", *options))


def test_containers_of_a_former_boot_are_removed():
    """They have no record any more: nobody else would delete them, and their ids can be used again."""
    shell("sleep 1000")
    monitors = [detach(name) for name in ("a", "b")] + [detach("b", root=f"{ROOT}-other")]
    good("create", "--id=mine", "--bundle", BUNDLE)
    reboot(ROOT)
    for monitor in monitors:
        wait_for_child(monitor)
    detach("a")
    equal(names("-a"), ["a", "b", "mine"])
    # Beside other containers, only the one with the same id is.
    monitor = detach("c")
    works("kill", "c", "KILL")
    equal(wait_for_child(monitor), 137)
    shutil.rmtree(f"{ROOT}/c")
    detach("c")
    equal(state("c")["status"], "running")
    # One that runs is not touched.
    shutil.rmtree(f"{ROOT}/c")
    fails("there is a container", "run", "--bundle", BUNDLE, "c")
    equal(names(), ["a", "c"])
    works("delete", "-f", "b", root=f"{ROOT}-other")
    good("rm", "-f", *good("ps", "-a", "-q").split())
    works("delete", "-f", "a")
    nothing_is_left()


def test_errors_are_reported_and_leave_nothing():
    fails("No such file or directory", "create", "--bundle", "/none", "a")
    shell("true", whole=lambda config: config.update(ociVersion="9.0.0"))
    fails("ociVersion", "create", "--bundle", BUNDLE, "a")
    shell("true", whole=lambda config: config["root"].update(path="missing"))
    fails("open rootfs", "create", "--bundle", BUNDLE, "a")
    shell("true", whole=lambda config: config["root"].update(path=f"{WORK}/link"))
    if not os.path.islink(f"{WORK}/link"):
        os.symlink("/", f"{WORK}/link")
    fails("is a symbolic link", "create", "--bundle", BUNDLE, "a")
    shell("true", whole=lambda config: config.pop("root"))
    fails("root.path is missing", "create", "--bundle", BUNDLE, "a")
    shell("true", whole=lambda config: config["process"].update(args=["none"]))
    fails("executable file none not found in $PATH: No such file or directory", "create", "--bundle", BUNDLE, "a")
    with open(f"{BUNDLE}/config.json", "w", encoding="utf-8") as file:
        file.write("[1, 2")
    fails("not JSON", "create", "--bundle", BUNDLE, "a")
    shell("true", terminal=True)
    fails("without setting console socket", "create", "--bundle", BUNDLE, "a")
    fails("connect to console socket /etc/passwd", "create", "--bundle", BUNDLE, "--console-socket", "/etc/passwd", "a")
    shell("true")
    fails("cannot use console socket", "create", "--bundle", BUNDLE, "--console-socket", "/etc/passwd", "a")
    fails("/none/pid", "create", "--bundle", BUNDLE, "--pid-file", "/none/pid", "a")
    fails("option --no-pivot is not supported", "create", "--no-pivot", "--bundle", BUNDLE, "a")
    for name in ("..", "a/b", "a b", ""):
        fails("invalid container ID", "create", "--bundle", BUNDLE, name)
    for verb in ("start", "state", "kill", "delete", "pause", "resume", "ps", "update", "events"):
        fails('container "none" does not exist', verb, "none")
    works("delete", "--force", "none")
    fails("unknown command", "fly", "a")
    fails("too many arguments", "state", "a", "b")
    result = run(RUNTIME, "--log", "/none/log", "state", "a")
    equal((result.status, result.err), (1, "berth-runtime: open log file /none/log: No such file or directory\n"))
    result = run(RUNTIME, "--log-format", "xml", "state", "a")
    contains(result.err, 'unknown log format "xml"')
    nothing_is_left()


def test_a_bundle_that_changes_after_create_starts_nothing():
    """A start uses the bundle as it was at create, or fails."""
    root, aside = f"{BUNDLE}/rootfs", f"{WORK}/aside"
    shell("echo created; exit 3")
    pid = create("a")
    os.rename(root, aside)
    os.makedirs(f"{root}/bin")
    try:
        fails("was replaced since it was given", "start", "a")
        assert wait_for_child(pid) != 0
        works("delete", "--force", "a")
        os.rmdir(f"{root}/bin")
        os.rmdir(root)
        os.symlink("/", root)
        fails("is a symbolic link", "create", "--bundle", BUNDLE, "a")
    finally:
        if os.path.islink(root):
            os.unlink(root)
        else:
            shutil.rmtree(root, ignore_errors=True)
        os.rename(aside, root)
    # The configuration at the time of create counts.
    shell("echo created; exit 3")
    pid = create("a")
    shell("echo started; exit 4")
    works("start", "a")
    equal(wait_for_child(pid), 3)
    works("delete", "a")
    nothing_is_left()


def test_the_log_has_the_format_that_engines_read():
    log = f"{WORK}/log"
    for form in ("json", "text"):
        run(RUNTIME, "--root", ROOT, "--log", log, f"--log-format={form}", "state", "none")
    with open(log, encoding="utf-8") as file:
        first, second = file.read().splitlines()
    entry = json.loads(first)
    equal(sorted(entry), ["level", "msg", "time"])
    equal((entry["level"], entry["msg"]), ("error", 'container "none" does not exist'))
    assert re.fullmatch(r'time="\d{4}-\d\d-\d\dT[\d:.]+Z" level=error msg="container \\"none\\" does not exist"', second), second


def test_an_ordinary_user_has_no_more_rights_than_by_the_bus():
    root = f"{WORK}/user-root"
    os.makedirs(root, exist_ok=True)
    os.chmod(WORK, 0o755)
    shutil.chown(root, "nobody")
    shell("echo mine")
    result = runtime("run", "--bundle", BUNDLE, "a", root=root, user="nobody")
    equal((result.status, os.listdir(root)), (1, []), result)
    contains(result.err, "permission denied")
    # Choosing the root directory is a separate privilege.
    allow_only("nobody", "containers.create", "containers.manage-own")
    result = runtime("run", "--bundle", BUNDLE, "a", root=root, user="nobody")
    equal((result.status, os.listdir(root)), (1, []), result)
    contains(result.err, "permission denied")
    allow_only("nobody", "containers.create", "containers.manage-own", "containers.create-privileged")
    result = runtime("run", "--bundle", BUNDLE, "a", root=root, user="nobody")
    equal((result.status, result.out, os.listdir(root)), (0, "mine\n", []), result)
    polkit_rule("")
    nothing_is_left()


PODMAN = ("podman", "--root", f"{WORK}/podman/root", "--runroot", "/run/test-podman", "--storage-driver=vfs", f"--runtime={RUNTIME}")


def podman(*arguments, **more):
    return run(*PODMAN, *arguments, **more)


def podman_works(*arguments):
    result = podman(*arguments)
    equal(result.status, 0, f"podman {' '.join(arguments)}: {result}")
    return result.out


def in_terminal(*command):
    """Runs a command in a terminal; returns its output and exit status."""
    return run("script", "-qec", " ".join(f"'{word}'" for word in command), "/dev/null")


def test_options_override_the_configuration():
    shell("sleep 1000")
    equal(subprocess.run([RUNTIME, "--root", ROOT, "run", "-d", "--bundle", BUNDLE, "--memory=67108864", "--pids-limit=50",
                          "--cpu-quota=150000", "--map-root-user", "a"],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=300, check=False).returncode, 0)
    unit = run("systemctl", "list-units", "--no-legend", "--plain", "berth-*-a.scope").out.split()[0]
    equal(sorted(run("systemctl", "show", "-p", "MemoryMax,TasksMax,CPUQuotaPerSecUSec", unit).out.split()),
          ["CPUQuotaPerSecUSec=1.500000s", "MemoryMax=67108864", "TasksMax=50"])
    with open(f"/proc/{real_pid('a')}/uid_map", encoding="utf-8") as file:
        equal(file.read().split(), ["0", "0", "1"])
    works("delete", "--force", "a")
    fails("--cgroup takes scope or caller", "run", "--bundle", BUNDLE, "--cgroup=mine", "a")
    fails("is not delegated to user 0", "run", "--bundle", BUNDLE, "--cgroup=caller", "a")
    shell("cat /proc/self/cgroup")
    done = run("systemd-run", "-q", "--pipe", "--wait", "-p", "Delegate=yes", "--unit=engine", RUNTIME, "--root", ROOT, "run",
               "--bundle", BUNDLE, "--cgroup=caller", "a")
    equal(done.status, 0, done)
    contains(done.out, "/engine.service/berth-")
    nothing_is_left()


def test_podman_uses_berth_runtime():
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), IMAGE)
    podman_works("pull", "-q", "--tls-verify=false", IMAGE)
    equal(podman("run", "--rm", IMAGE, "sh", "-c", "echo hello; exit 7").__dict__, {"status": 7, "out": "hello\n", "err": ""})
    result = in_terminal(*PODMAN, "run", "--rm", "-it", "--network=none", IMAGE, "sh", "-c", "tty; exit 4")
    equal(result.status, 4, result)
    contains(result.out, "/dev/pts/0")
    result = podman("run", "--rm", "--network=none", IMAGE, "/none")
    equal(result.status, 127, result)
    contains(result.err, "executable file /none not found")


def test_podman_controls_a_detached_container():
    podman_works("run", "-d", "--name=a", "--memory=64m", IMAGE, "sh", "-c", "echo out; echo err >&2; trap 'exit 3' TERM; "
                 "while :; do sleep 0.1; done")
    equal(podman_works("inspect", "-f", "{{.State.Status}} {{.OCIRuntime}}", "a"), f"running {RUNTIME}\n")
    wait_until(lambda: podman("logs", "a").out == "out\n", "its output")
    wait_until(lambda: podman("logs", "a").err == "err\n", "its errors")
    result = podman("exec", "a", "sh", "-c", "cat; exit 5", input="")
    equal(result.status, 5, result)
    result = in_terminal(*PODMAN, "exec", "-it", "a", "sh", "-c", "tty; exit 6")
    equal(result.status, 6, result)
    contains(podman_works("top", "a"), "sh -c")
    podman_works("pause", "a")
    contains(podman_works("ps", "-a"), "Paused")
    podman_works("unpause", "a")
    # The namespaces of another container are its own, not those of its monitor.
    out = podman_works("run", "--rm", "--pid=container:a", "--network=container:a", IMAGE, "ps")
    contains(out, "sh -c echo out")
    assert "systemd" not in out, out
    podman_works("update", "--memory=32m", "a")
    podman_works("stop", "-t", "20", "a")
    equal(podman_works("inspect", "-f", "{{.State.ExitCode}}", "a"), "3\n")
    podman_works("start", "a")
    podman_works("rm", "-f", "-t", "0", "a")
    podman_works("run", "-d", "--name=r", "--network=none", IMAGE, "sleep", "1000")
    reboot("/run/test-podman", "/run/libpod", "/run/berth-runtime")
    podman_works("start", "r")
    equal(podman_works("exec", "r", "echo", "back"), "back\n")
    podman_works("rm", "-f", "-t", "0", "r")
    podman_works("create", "--name=b", "--network=none", IMAGE)
    podman_works("init", "b")
    podman_works("start", "b")
    podman_works("kill", "b")
    equal(podman_works("wait", "b"), "137\n")
    podman_works("rm", "b")
    wait_until(lambda: listing("ps", "-a") == [], "the removal of all containers")


def unit_with_podman(name, *properties):
    """Starts a unit that executes "podman run --cgroups=split". Podman's default limit of tasks is disabled, as the
    unified hierarchy of this machine has no controllers."""
    return run("systemd-run", f"--unit={name}", *properties, *PODMAN, "run", "--rm", "--name=split", "--cgroups=split",
               "--pids-limit=-1", "--network=none", IMAGE, "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done")


def test_podman_splits_the_cgroup_of_a_unit():
    equal(unit_with_podman("test-split", "-p", "Delegate=yes").status, 0)
    wait_until(lambda: "running" in [row["state"] for row in listing("ps", "-a")], "the container")
    name = listing("ps")[0]["id"]
    contains(busctl("get-property", "org.berth1", f"/org/berth1/containers/{bus_label(name)}", "org.berth1.Container", "Cgroup").out,
             f"/system.slice/test-split.service/berth-{name}")
    wait_until(lambda: "sh -c trap" in run("systemd-cgls", "--no-pager", "-lu", "test-split.service").out, "its process in the unit")
    equal(run("systemctl", "stop", "test-split.service").status, 0)
    wait_until(lambda: listing("ps") == [], "the end of it")
    # podman's monitor was also in the unit.
    podman_works("rm", "-f", "split")
    wait_until(lambda: listing("ps", "-a") == [], "the removal of it")
    # A cgroup that is not delegated does not belong to the caller.
    unit_with_podman("test-split-plain", "-p", "StandardError=file:/run/test-split")
    wait_until(lambda: run("systemctl", "is-active", "test-split-plain.service").out.strip() in ("failed", "inactive"), "its failure")
    with open("/run/test-split", encoding="utf-8") as file:
        contains(file.read(), "elegat")
    run("systemctl", "reset-failed", "test-split-plain.service")
    podman("rm", "-f", "split")
    wait_until(lambda: listing("ps", "-a") == [], "the removal of it")


def ctr(*arguments, **more):
    return run("ctr", "-a", f"{CONTAINERD}/sock", *arguments, **more)


def ctr_works(*arguments):
    result = ctr(*arguments)
    equal(result.status, 0, f"ctr {' '.join(arguments)}: {result}")
    return result.out


def start_containerd():
    os.makedirs(CONTAINERD, exist_ok=True)
    with open(f"{CONTAINERD}/config.toml", "w", encoding="utf-8") as file:
        file.write(f'version = 2\nroot = "{WORK}/containerd"\nstate = "{CONTAINERD}/state"\n'
                   f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "{CONTAINERD}/sock"\n')
    equal(run("systemd-run", "--unit=test-containerd", "-p", "KillMode=process", "-p", "Delegate=yes", "containerd", "-c",
              f"{CONTAINERD}/config.toml").status, 0)
    wait_until(lambda: ctr("version").status == 0, "containerd")


def test_containerd_uses_berth_runtime():
    start_containerd()
    ctr_works("images", "pull", "--plain-http", "--snapshotter=native", IMAGE)
    arguments = ("--snapshotter=native", "--runtime=io.containerd.runc.v2", f"--runc-binary={RUNTIME}", IMAGE)
    result = ctr("run", "--rm", *arguments, "a", "sh", "-c", "echo hello; exit 9")
    equal((result.status, result.out), (9, "hello\n"), result)
    ctr_works("run", "-d", *arguments, "a", "sleep", "1000")
    contains(ctr_works("task", "ls"), "RUNNING")
    result = ctr("task", "exec", "--exec-id=one", "a", "sh", "-c", "echo in; exit 3")
    equal((result.status, result.out), (3, "in\n"), result)
    result = in_terminal("ctr", "-a", f"{CONTAINERD}/sock", "task", "exec", "-t", "--exec-id=two", "a", "sh", "-c", "tty; exit 4")
    equal(result.status, 4, result)
    equal([line.split()[0] for line in ctr_works("task", "ps", "a").splitlines()[1:]], [str(real_pid("a"))])
    ctr_works("task", "pause", "a")
    contains(ctr_works("task", "ls"), "PAUSED")
    ctr_works("task", "resume", "a")
    with subprocess.Popen(["ctr", "-a", f"{CONTAINERD}/sock", "task", "exec", "--exec-id=three", "a", "sleep", "2000"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as sleeping:
        wait_until(lambda: len(ctr_works("task", "ps", "a").splitlines()) == 3, "the process")
        ctr_works("task", "kill", "-s", "KILL", "--exec-id=three", "a")
        equal(sleeping.wait(120), 137)
    wait_until(lambda: len(ctr_works("task", "ps", "a").splitlines()) == 2, "the end of the process")
    ctr_works("task", "kill", "-s", "KILL", "a")
    wait_until(lambda: "STOPPED" in ctr_works("task", "ls"), "the end of the task")
    ctr("task", "rm", "a")
    ctr_works("containers", "rm", "a")
    wait_until(lambda: listing("ps", "-a") == [], "the removal of it")


def test_nothing_is_left():
    run("systemctl", "stop", "test-containerd.service")
    nothing_is_left()


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
