# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts system calls and bus messages of a run, an exec, listings and a pull: figures that do not depend on the
machine's load. tests/integration/test-counts.py compares them with counts.json, and "bench --counts" writes that file.
Runs in the test machine."""

import collections
import json
import os
import platform
import re
import signal
import subprocess
import sys
import time

for folder in ("tools", "integration"):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", folder))
sys.dont_write_bytecode = True
import oci  # noqa: E402  pylint: disable=wrong-import-position
import tracing  # noqa: E402  pylint: disable=wrong-import-position
from berth_test import service_settings, wait_until  # noqa: E402  pylint: disable=wrong-import-position

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "counts.json")
LIBEXEC = "/usr/libexec/berth"
BUSYBOX = "127.0.0.1:5000/counts/busybox:x"
MANY = "127.0.0.1:5000/counts/many:x"
FILES = 300

# Calls whose number depends on when a process is woken, not on its work.
OF_TIME = {"epoll_wait", "epoll_pwait", "epoll_ctl", "ppoll", "poll", "gettid", "futex", "timerfd_settime", "sched_yield",
           "restart_syscall", "madvise", "brk", "munmap", "exit", "exit_group", "rt_sigreturn"}
LINE = re.compile(r"\d+<([^>]*)> (\w+)\((.*)")


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                          text=True).stdout


def service_pid():
    return run("systemctl", "show", "-P", "MainPID", "berthd").strip()


def whole_lines(file):
    """Returns the lines of a trace, with the two halves of each call that another process interrupted put together."""
    begun = {}
    for line in file:
        process = line.split(" ", 1)[0]
        resumed = re.match(r"\S+ +<\.\.\. \w+ resumed>(.*)", line)
        if line.endswith(" <unfinished ...>\n"):
            begun[process] = line.removesuffix(" <unfinished ...>\n")
        elif resumed and process in begun:
            yield begun.pop(process) + resumed[1]
        else:
            yield line
    yield from begun.values()


def is_of_time(call, arguments):
    """Whether a call belongs to a report of progress, of which a slow machine makes more: the expiry of a timer, or a
    signal on the bus, whose message has type 4."""
    return (call == "read" and r'"\1\0\0\0\0\0\0\0", 8)' in arguments
            or call == "sendmsg" and r'iov_base="l\4' in arguments)


def read_trace(path):
    """Returns the numbers of system calls by program, or thread, and by name."""
    counts = collections.defaultdict(collections.Counter)
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in whole_lines(file):
            match = LINE.match(line)
            if not match or match[2] in OF_TIME or " = -1 EAGAIN" in match[3] or "ERESTART" in match[3]:
                continue
            if is_of_time(match[2], match[3]):
                continue
            counts[match[1]][match[2]] += 1
    return counts


def wait_for_the_rest(log):
    """Waits until a log stops growing, as work that the service does after its reply also counts."""
    size = -1
    while size != os.path.getsize(log):
        size = os.path.getsize(log)
        time.sleep(0.2)


def traced(*command, until=lambda: True):
    """Runs a command, and waits until this is true; returns the system calls of dist, of the service and of all processes
    that the service starts."""
    log = "/tmp/counts.trace"
    run("dist", "ps")
    with tracing.traced(service_pid(), log, "-Y"):
        run("strace", "-f", "-Y", "-o", log + ".dist", *command)
        wait_until(until, f"what the service does after {' '.join(command)}")
        wait_for_the_rest(log)
    counts = read_trace(log)
    counts.update(read_trace(log + ".dist"))
    return counts


def unique_name(name):
    return run("busctl", "call", "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetNameOwner", "s", name).split('"')[1]


def count_messages(*command):
    """Returns the number of bus messages for one command, without those of systemd: the number of its signals depends
    on timing."""
    log = "/tmp/counts.messages"
    systemd = unique_name("org.freedesktop.systemd1")
    run("dist", "ps")
    with open(log, "wb") as file, subprocess.Popen(["busctl", "monitor", "--json=short"], stdout=file,
                                                   stderr=subprocess.PIPE, text=True) as monitor:
        assert "Monitoring" in monitor.stderr.readline()
        run(*command)
        wait_for_the_rest(log)
        monitor.terminate()
    with open(log, encoding="utf-8") as file:
        messages = [json.loads(line) for line in file if line.startswith("{")]
    return len([message for message in messages if message.get("interface") != "org.freedesktop.DBus.Monitoring"
                and systemd not in (message.get("sender"), message.get("destination"))])


def least(action, times=4):
    """Returns the lowest counts of several runs, to exclude work that other processes caused."""
    return [min(values) for values in zip(*[action() for _ in range(times)])]


def calls_of(programs, *command):
    def once():
        counts = traced(*command)
        return [sum(counts[name].values()) for name in programs]
    return dict(zip(programs, least(once)))


def figures_of_programs():
    figures = {}
    for program in ("dist-client", "berthd", "berth-fetch", "berth-ingest", "berth-inspect", "berth-unpack", "berth-relay"):
        path = f"{LIBEXEC}/{program}"
        figures[f"libraries of {program}"] = len(run("ldd", path).splitlines()) - 1
    statistics = subprocess.run([f"{LIBEXEC}/dist-client", "--version"], env={"LD_DEBUG": "statistics"}, check=True,
                                capture_output=True, text=True).stderr
    figures["relocations of dist-client"] = int(re.search(r"number of relocations: (\d+)", statistics)[1])
    launch = f"{LIBEXEC}/berth-launch"
    relocations = run("readelf", "-rW", launch)
    packed = re.search(r"(\d+) offsets", relocations)  # the packed relative ones
    figures["relocations of berth-launch"] = relocations.count(" R_") + int(packed[1] if packed else 0)
    figures["text of berth-launch"] = int(run("size", launch).splitlines()[1].split()[0])
    return figures


def many_files():
    """Returns an image whose layer has directories and files with various owners and modes, links, and extended
    attributes."""
    layer = oci.Layer()
    layer.directory("d")
    for number in range(FILES // 5):
        layer.directory(f"d/{number}", mode=0o750, uid=number)
        layer.add(f"d/{number}/f", b"content\n" * number, mode=0o640, uid=number, gid=7)
        layer.add(f"d/{number}/x", b"x", pax={"SCHILY.xattr.user.x": "y"})
        layer.symlink(f"d/{number}/s", "f")
        layer.hard_link(f"d/{number}/h", f"d/{number}/f")
    return oci.Image([layer.finish()], {"Cmd": ["true"]})


def figures_of_pull():
    def once():
        if MANY in run("dist", "images", "--json=short"):
            run("dist", "rmi", MANY)
        run("dist", "prune")
        counts = traced("dist", "pull", "-q", MANY)
        # Threads have their own names: "unpack" is the thread of berth-unpack that creates the files.
        return [sum(counts[name][call] for name in counts for call in ("fsync", "fdatasync", "syncfs")),
                sum(counts["unpack"].values()), sum(counts["berthd"].values()), sum(counts["berth-ingest"].values())]
    names = ("syncs", "calls that make the tree", "calls of berthd", "calls of berth-ingest")
    return {f"pull of {FILES} entries: {name}": value for name, value in zip(names, least(once, 3))}


def end_service():
    pid = run("pidof", "berthd").split()[0]
    os.kill(int(pid), signal.SIGTERM)
    while subprocess.run(["systemctl", "is-active", "-q", "berthd"], check=False).returncode == 0:
        time.sleep(0.02)


def activation_calls():
    """Returns the number of system calls of berthd from its start until it is ready."""
    def once():
        run("systemctl", "start", "berthd")
        end_service()
        with open("/run/counts.trace", encoding="utf-8", errors="replace") as file:
            lines = file.read().split("READY=1")[0].splitlines()
        return [len([line for line in lines if line.split("(")[0] not in OF_TIME])]

    with service_settings(f"ExecStart=\nExecStart=/usr/bin/strace -o /run/counts.trace {LIBEXEC}/berthd\n"
                          "NotifyAccess=all\nReadWritePaths=/run\n", restart=False):
        end_service()
        return least(once)[0]


def collect():
    figures = figures_of_programs()
    oci.push(oci.busybox_image(), BUSYBOX)
    oci.push(many_files(), MANY)
    run("dist", "pull", "-q", BUSYBOX)
    run("dist", "run", "-d", "--id=counts", BUSYBOX, "/bin/sleep", "1000")
    commands = {
        "run": (("dist", "berthd", "berth-launch"), ("dist", "run", "--rm", BUSYBOX, "/bin/true")),
        "exec": (("dist", "berthd", "berth-launch"), ("dist", "exec", "counts", "/bin/true")),
        "ps": (("dist", "berthd"), ("dist", "ps", "-a")),
        "images": (("dist", "berthd"), ("dist", "images")),
    }
    for title, (programs, command) in commands.items():
        run(*command)
        for program, calls in calls_of(programs, *command).items():
            figures[f"{title}: calls of {program}"] = calls
        figures[f"{title}: messages on the bus"] = least(lambda: [count_messages(*command)], 3)[0]
    figures.update(figures_of_pull())
    run("dist", "rm", "-f", "counts")
    figures["start of the service: calls of berthd"] = activation_calls()
    return figures


def system():
    """Returns the properties of the system and the build on which the figures depend."""
    with open(f"{LIBEXEC}/berthd", "rb") as file:
        program = file.read()
    return {"machine": platform.machine(), "libc": platform.libc_ver()[1], "systemd": run("systemctl", "--version").split()[1],
            "instrumented": b"libasan" in program or b".gcda" in program}


if __name__ == "__main__":
    print(json.dumps({"system": system(), "figures": collect()}, indent=2))
