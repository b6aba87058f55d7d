# SPDX-License-Identifier: LGPL-2.1-or-later
# Additional processes in a container, terminals, pausing, limits, statistics and logs. Nothing is lost if the
# service is killed.

import concurrent.futures
import contextlib
import fcntl
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from terminal import Terminal

IMAGE = f"{HOST}/exec/base:x"


def last_event():
    found = events()
    return found[-1]["sequence"] if found else 0


def state(name):
    return [row["state"] for row in listing("ps", "-a") if row["id"] == name][0]


def wait_for(name, process=""):
    reply = containers_call("Wait", "ssa{sv}", name, process, "0")
    equal(reply.status, 0, str(reply))
    return int(reply.out.split()[1])


class DistTerminal(Terminal):
    """Runs dist on a terminal of 33 lines and 99 columns."""

    def __init__(self, *arguments):
        super().__init__("dist", *arguments, rows=33, columns=99)

    def expect(self, pattern, seconds=60):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.text):
            left = end - time.monotonic()
            assert left > 0, f"{pattern!r} is not in {self.text[-2000:]!r}"
            self.read_some(min(left, 0.2))
        found = re.search(pattern, self.text)
        self.text = self.text[found.end():]
        return found

    def read_to(self, word):
        """Returns all output up to a word, however long the output is."""
        while word not in self.text[-70000:]:
            assert self.read_some(60), self.text[-2000:]
        found, self.text = self.text.rsplit(word, 1)
        return found

    def end(self):
        status = self.process.wait(60)
        equal(self.settings(), self.before, "the terminal is as it was")
        self.close()
        return status


def test_setup():
    oci.push(oci.Image([oci.busybox_layer().add("etc/passwd", b"root:x:0:0::/root:/bin/sh\nu:x:7:8::/home/u:/bin/sh\n")],
                       {"Cmd": ["sleep", "1000"], "Env": ["PATH=/bin", "A=1"], "WorkingDir": "/tmp"}), IMAGE)
    good("pull", IMAGE)
    good("run", "-d", "--id=box", IMAGE)


def test_exec_uses_the_callers_descriptors_and_returns_the_status():
    result = dist("exec", "box", "sh", "-c", "cat; echo err >&2; exit 7", input="in")
    equal((result.status, result.out, result.err), (7, "in", "err\n"))


def test_exec_is_in_the_container():
    out = good("exec", "-e", "B=2", "box", "sh", "-c",
               "echo $A$B; pwd; id -u; cat /proc/self/cgroup | grep ^0; grep -E 'CapBnd|NoNewPrivs|Seccomp:' /proc/self/status;"
               "cat /proc/1/comm; cat /proc/self/uid_map; ls /proc/self/fd | wc -l")
    lines = out.split("\n")
    equal(lines[:4], ["12", "/tmp", "0", "0::/"])
    equal([line.split()[1] for line in lines[4:7]], ["00000000800405fb", "1", "2"])
    equal(lines[7], "sleep")
    equal(lines[8].split()[0::2], ["0", "65536"])
    equal(lines[9], "4", "descriptors: the standard ones and the directory itself")


def test_exec_as_another_user_elsewhere():
    equal(good("exec", "-u", "u", "-w", "/bin", "box", "sh", "-c", "id -u; id -g; pwd; echo $HOME").split(),
          ["7", "8", "/bin", "/home/u"])


def test_exec_makes_no_working_directory():
    """Only a container's own command has its working directory made, as with runc and crun."""
    contains(dist("exec", "-w", "/missing/here", "box", "pwd").err, "working directory /missing/here: No such file or directory")
    equal(dist("exec", "box", "ls", "-d", "/missing").status, 1)
    good("exec", "box", "mkdir", "/missing")
    equal(good("exec", "-w", "/missing", "box", "pwd"), "/missing\n")
    good("exec", "box", "rmdir", "/missing")


def test_ids_beyond_those_of_the_user_namespace_are_named():
    name = f"{HOST}/exec/ids:x"
    layer = oci.busybox_layer().directory("etc").add("etc/passwd", b"root:x:0:0::/:/bin/sh\nu:x:7:7::/:/bin/sh\nbig:x:70001:7::/:/bin/sh\n")
    layer.add("etc/group", b"g:x:8:u\nlarge:x:70000:u\n")
    oci.push(oci.Image([layer], {"Cmd": ["id"], "Env": ["PATH=/bin"]}), name)
    for user, words in (("u", "group 70000 is not in the container's user namespace; use a lower ID, or the host's user namespace"),
                        ("7:70002", "group 70002 is not in"), ("big", "user 70001 is not in"), ("70003:0", "user 70003 is not in")):
        contains(dist("run", "--rm", "-u", user, name).err, words)
    equal(good("run", "--rm", "--userns=host", "-u", "u", name, "id", "-G").split(), ["7", "8", "70000"])


def test_exec_accepts_a_process_object():
    """exec accepts a process object of the OCI runtime specification, as other runtimes do. The new process then
    inherits nothing from the configuration of the container's first process."""
    process = {"args": ["sh", "-c", "id -G; pwd; echo $HOME $A; ulimit -n; grep -e CapEff -e NoNewPrivs /proc/self/status"],
               "env": ["PATH=/bin", "A=b"], "cwd": "/bin", "user": {"uid": 7, "gid": 8, "additionalGids": [9, 10]},
               "capabilities": {"bounding": ["CAP_KILL"]}, "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 99, "hard": 100}]}
    with open("/tmp/process.json", "w", encoding="utf-8") as file:
        json.dump(process, file)
    out = good("exec", "--spec=/tmp/process.json", "-e", "A=c", "box").split("\n")
    equal([line.split() for line in out[:-1]],
          [["8", "9", "10"], ["/bin"], ["/home/u", "c"], ["99"], ["CapEff:", "0" * 16], ["NoNewPrivs:", "0"]])
    contains(good("exec", "--spec=/tmp/process.json", "--no-new-privileges", "box"), "NoNewPrivs:\t1")
    last = run("cat", "/proc/sys/kernel/cap_last_cap").out.strip()
    contains(good("exec", "--cap-add=ALL", "box", "grep", "CapBnd", "/proc/self/status"), f"{(2 << int(last)) - 1:016x}")
    equal(good("exec", "--spec=/tmp/process.json", "box", "echo", "other"), "other\n")
    equal(run("sh", "-c", "cat /tmp/process.json | dist exec --spec=/dev/stdin box echo piped").out, "piped\n")
    good("exec", "-d", "--process=of-a-file", "--pid-file=/tmp/exec.pid", "--spec=/tmp/process.json", "box", "sleep", "1000")
    with open("/tmp/exec.pid", encoding="utf-8") as file:
        pid = int(file.read())
    equal([row["pid"] for row in listing("top", "box") if row["process"] == "of-a-file"], [pid])
    good("kill", "-s", "KILL", "--process=of-a-file", "box")
    equal(wait_for("box", "of-a-file"), 137)
    for text, word in (('{"args": "x"}', "args"), ("[]", "object"), ("null\n", "object"), ('{"cwd": "/"}', "args")):
        contains(containers_call("Exec", "ssasa{sv}", "box", "bad", "0", "1", "Spec", "s", text).err, word)
    polkit_rule('polkit.addRule(function(action) { return action.id == "org.berth1.containers.create-privileged" ? "no" : "yes"; });')
    os.chmod("/tmp/process.json", 0o644)
    contains(dist("exec", "--spec=/tmp/process.json", "box", user="alice").err, "create-privileged")
    run("rm", "/etc/polkit-1/rules.d/00-berth-test.rules")
    run("systemctl", "restart", "polkit.service")


def test_descriptors_are_passed_on():
    shell = "exec 3<<X 4</dev/zero\nthree\nX\nexec dist "
    inside = "cat <&3; head -c 2 <&4 | wc -c; ls /proc/self/fd | wc -l; echo $LISTEN_FDS $LISTEN_FDNAMES $LISTEN_PID $$"
    result = run("sh", "-c", f"{shell} run --rm --preserve-fds=2 {IMAGE} sh -c '{inside}'")
    equal((result.status, result.out.split()), (0, ["three", "2", "6", "2", "unknown:unknown", "1", "1"]), str(result))
    result = run("sh", "-c", f"{shell} exec --preserve-fds=2 box sh -c '{inside}'")
    pid = result.out.split()[-1]
    equal((result.status, result.out.split()), (0, ["three", "2", "6", "2", "unknown:unknown", pid, pid]), str(result))
    # Error messages are not written to a passed descriptor.
    result = run("sh", "-c", f"{shell} exec --preserve-fds=2 box nothere")
    equal(result.status, 127)
    contains(result.err, "nothere")
    contains(dist("exec", "--preserve-fds=1", "box", "true").err, "descriptor 3 is not open")
    for name in ("", "a:b", "x" * 256):
        contains(busctl("call", "org.berth1", "/org/berth1/containers", "org.berth1.Containers", "Exec", "ssasa{sv}", "box", "y", "1",
                        "true", "1", "Descriptors", "a(sh)", "1", name, "1").err, "descriptor")


def test_exec_of_an_absent_program():
    for command, status in (("nothere", 127), ("/etc/passwd", 126)):
        result = dist("exec", "box", command)
        equal(result.status, status, command)
        contains(result.err, command)


def test_exec_in_a_stopped_container():
    good("create", "--id=idle", IMAGE)
    result = dist("exec", "idle", "true")
    equal(result.status, 125)
    contains(result.err, "not running")
    good("rm", "idle")


def test_statuses_are_kept_and_waited_for():
    equal(good("exec", "-d", "--process=p1", "box", "sh", "-c", "exit 3").strip(), "p1")
    equal(wait_for("box", "p1"), 3)
    equal(wait_for("box", "p1"), 3)
    result = dist("exec", "--process=p1", "box", "true")
    equal(result.status, 125)
    contains(result.err, "already")
    reply = containers_call("Wait", "ssa{sv}", "box", "nosuch", "0")
    contains(reply.err, "nosuch")


def test_output_is_in_the_journal():
    good("exec", "-d", "--process=says", "box", "sh", "-c", "echo to-the-journal")
    equal(wait_for("box", "says"), 0)
    wait_until(lambda: "to-the-journal" in good("logs", "box"), "the line")
    # Output of a process that ends at once is in the log of its unit, too.
    for number in range(40):
        good("exec", "-d", f"--process=short{number}", "box", "echo", f"short-line-{number}")
    good("run", "-d", "--id=brief", IMAGE, "echo", "brief-line")
    wait_until(lambda: all(f"short-line-{number}" in good("logs", "box").split() for number in range(40)), "all lines")
    wait_until(lambda: "brief-line" in good("logs", "brief"), "the line of a container")
    good("rm", "brief")


def test_output_has_no_priority_of_its_own():
    """A line that begins with a priority in the form of sd-daemon(3) keeps it as text. As "emerg", journald would write
    it to the terminals of all users."""
    good("exec", "box", "true")
    good("exec", "-d", "--process=shouts", "box", "sh", "-c", "echo '<0>to everybody'; echo '<3>badly' >&2")
    equal(wait_for("box", "shouts"), 0)
    lines = wait_until(lambda: {"<0>to everybody", "<3>badly"} <= set(good("logs", "box").splitlines()) and good("logs", "box"), "the lines")
    assert "badly" not in lines.replace("<3>badly", ""), lines
    equal(run("journalctl", "-q", "-u", "berth-box.scope", "-p", "5", "-o", "cat").out, "")


def test_logs_are_the_written_output():
    # By itself, journald would drop empty lines and trailing blanks.
    script = r'printf "  a\n\tb  c\n"; head -c 200000 /dev/zero | tr "\0" x; printf "\n   \nend"'
    written = "  a\n\tb  c\n" + "x" * 200000 + "\n   \nend"
    good("run", "-d", "--id=writes", IMAGE, "sh", "-c", script)
    equal(dist("wait", "writes").status, 0)
    wait_until(lambda: good("logs", "writes").endswith("end"), "the journal")
    found = good("logs", "writes")
    assert found == written, f"{len(found)} characters, {found[:40]!r} … {found[-40:]!r}"
    good("rm", "writes")


def test_logs_since_a_time_and_followed():
    def recorded(word):
        lines = [json.loads(line) for line in run("journalctl", "-o", "json", "-u", "berth-talks.scope").out.splitlines()]
        return [int(line["__REALTIME_TIMESTAMP"]) for line in lines if line.get("MESSAGE") == word][0]
    good("run", "-d", "--id=talks", IMAGE, "sh", "-c", "await() { while [ ! -e $1 ]; do sleep 0.1; done; }; "
         "echo early; await /go; echo late; await /end; echo last")
    follower = subprocess.Popen(["dist", "logs", "-f", "talks"], stdout=subprocess.PIPE, text=True)
    try:
        contains(follower.stdout.readline(), "early")
        # The journal records the second line in a later second than the first, however long either takes to get there.
        wait_until(lambda: int(time.time()) > recorded("early") // 1000000, "the next second")
        good("exec", "talks", "touch", "/go")
        contains(follower.stdout.readline(), "late")
        since = good("logs", f"--since=@{recorded('late') // 1000000}", "talks")
        contains(since, "late")
        assert "early" not in since, since
        good("exec", "talks", "touch", "/end")
        contains(follower.stdout.readline(), "last")
    finally:
        follower.kill()
        follower.wait()
    good("rm", "-f", "talks")


def test_a_follower_sees_all_of_the_first_lines():
    """If there are no lines when it begins, and then several at once, as journald was busy, none is left out."""
    def watches(pid):
        """Whether a process waits for changes of the journal: in poll, ppoll or epoll_wait (syscalls(2))."""
        with contextlib.suppress(OSError), open(f"/proc/{pid}/syscall", encoding="ascii") as file:
            return ((polls(pid) or file.read().split()[0] == "7") and
                    "anon_inode:inotify" in open_files(pid))
        return False
    journald = int(run("systemctl", "show", "-P", "MainPID", "systemd-journald.service").out)
    for number, verb in enumerate((("logs", "-f"), ("logs", "-f", "--tail=0"), ("attach",))):
        name = f"bursts{number}"
        os.kill(journald, signal.SIGSTOP)
        try:
            good("run", "-d", f"--id={name}", IMAGE, "sh", "-c", "for i in 1 2 3; do echo line $i; done; exec sleep 1000")
            with subprocess.Popen(["dist", *verb, name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as follower:
                try:
                    wait_until(lambda: any(watches(pid) for pid in [follower.pid, *run("pgrep", "-x", "berth-journal").out.split()]),  # pylint: disable=cell-var-from-loop
                               "it waits for lines")
                    os.kill(journald, signal.SIGCONT)
                    for line in range(1, 4):
                        equal(follower.stdout.readline(), f"line {line}\n", verb)
                finally:
                    follower.kill()
        finally:
            os.kill(journald, signal.SIGCONT)
        good("rm", "-f", name)
        wait_until(lambda: not run("pgrep", "-x", "berth-journal").out, "the end of the worker")


def test_standard_input_that_is_closed_or_ends_early():
    for shell, status, out in (("<&-", 0, ""), ("</dev/null", 0, "")):
        result = run("sh", "-c", f"dist run --rm {IMAGE} cat {shell}")
        equal((result.status, result.out), (status, out), str(result))
        result = run("sh", "-c", f"dist exec box cat {shell}")
        equal((result.status, result.out), (status, out), str(result))
    # A write to a process that has exited fails, as on any pipe.
    result = run("sh", "-c", f"(yes; echo $? >/tmp/yes-status) | dist run --rm {IMAGE} head -n 1")
    equal((result.status, result.out), (0, "y\n"), str(result))
    with open("/tmp/yes-status", encoding="utf-8") as file:
        equal(file.read(), "141\n", "SIGPIPE")


def test_a_process_is_killed_alone():
    good("exec", "-d", "--process=victim", "box", "sleep", "1000")
    contains(dist("kill", "--all", "--process=victim", "box").err, "cannot signal both")
    equal(containers_call("Kill", "sia{sv}", "box", "9", "1", "Process", "s", "victim").status, 0)
    equal(wait_for("box", "victim"), 137)
    equal(state("box"), "running")


def test_events_of_processes_are_in_order():
    since = last_event()
    dist("exec", "--process=told", "box", "true")
    equal([(event["kind"], event["process"]) for event in events(since)],
          [("exec-added", "told"), ("exec-started", "told"), ("exit", "told")])


def test_top_names_processes():
    good("exec", "-d", "--process=seen", "box", "sleep", "999")
    rows = listing("top", "box")
    assert any(row["process"] == "seen" and row["command"] == "sleep 999" for row in rows), rows
    assert any(row["process"] == "-" and row["command"] == "sleep 1000" for row in rows), rows
    containers_call("Kill", "sia{sv}", "box", "9", "1", "Process", "s", "seen")
    equal(wait_for("box", "seen"), 137)


def test_top_shows_columns_of_ps():
    good("exec", "-d", "-u", "7:7", "--process=chosen", "box", "sleep", "998")
    found = [line.split(None, 8) for line in good("top", "box", "pid", "ppid", "user,huser", "comm", "tty", "stat", "nice", "args").splitlines()]
    equal(found[0], ["PID", "PPID", "USER", "USER", "COMMAND", "TTY", "S", "NI", "COMMAND"])
    first, chosen = ([row for row in found if row[8] == command][0] for command in ("sleep 1000", "sleep 998"))
    equal((first[0], first[1], first[2], first[4:8]), ("1", "0", "0", ["sleep", "?", "S", "0"]))
    equal((chosen[2], int(chosen[3]) - int(first[3])), ("7", 7))
    # With -o, as in docker, the pids are those of the host.
    [pid] = [row["pid"] for row in listing("top", "box") if row["process"] == "chosen"]
    contains(good("top", "box", "-eo", "pid,ppid,cmd"), f"{pid} ")
    good("exec", "-d", "--process=loads", "box", "sh", "-c", "while :; do :; done")
    wait_until(lambda: [line for line in good("top", "box", "pcpu", "args").splitlines() if "while" in line and float(line.split()[0]) > 5], "load")
    times = good("top", "box", "etime", "time", "rss", "vsz", "stime").splitlines()
    assert all(re.match(r"\d\d:\d\d +00:\d\d:\d\d +[\d.]+\s[kM]B +[\d.]+\s[kM]B +\d+ (second|minute)s? ago", line) for line in times[1:]), times
    for row in listing("top", "box"):
        equal(row["innerUid"], 7 if row["process"] == "chosen" else 0, row)
    # A process chooses its name.
    good("exec", "-d", "--process=named", "box", "sh", "-c", "cp /bin/busybox '/tmp/x) R 9 9'; exec -a sleep '/tmp/x) R 9 9' 997")
    wait_until(lambda: [row for row in listing("top", "box") if row["process"] == "named" and (row["name"], row["state"]) == ("x) R 9 9", "S")], "the name")
    for words in (["aux"], ["pid,nothing"], ["--format=pid", "pid"]):
        result = dist("top", "box", *words)
        equal(result.status, 1)
        contains(result.err, "olumn")
    for name in ("chosen", "loads", "named"):
        containers_call("Kill", "sia{sv}", "box", "9", "1", "Process", "s", name)


def test_stats_of_a_container():
    row = listing("stats", "box")[0]
    equal(row["id"], "box")
    assert row["tasks"] >= 1 and row["cpuUsec"] > 0, row


def test_inspect_shows_all_of_a_container():
    shown = json.loads(good("inspect", "box"))
    equal((shown["id"], shown["state"], shown["scope"]), ("box", "running", "berth-box.scope"))
    equal(shown["config"]["process"]["args"], ["sleep", "1000"])
    assert any(process["id"] == "p1" and process["exitStatus"] == 3 for process in shown["processes"]), shown["processes"]
    contains(dist("inspect", "neither").err, "neither")
    contains(containers_call("Inspect", "sa{sv}", "box", "0", user="alice").err, "no container")


def test_pause_and_resume():
    since = last_event()
    good("pause", "box")
    equal(state("box"), "paused")
    contains(dist("pause", "box").err, "paused already")
    contains(dist("exec", "box", "true").err, "paused")
    good("resume", "box")
    equal(state("box"), "running")
    contains(dist("resume", "box").err, "not paused")
    equal([event["kind"] for event in events(since)], ["pause", "resume"])


def test_a_paused_container_can_be_committed_and_stopped():
    good("run", "-d", "--id=held", IMAGE, "sh", "-c", "echo x >/made; trap 'exit 9' TERM; while :; do sleep 0.1; done")
    wait_until(lambda: dist("exec", "held", "test", "-e", "/made").status == 0, "the file")
    contains(dist("commit", "--pause=false", "held", "local.test/held:1").err, "running")
    good("pause", "held")
    good("commit", "held", "local.test/held:1")
    equal(good("run", "--rm", "local.test/held:1", "cat", "/made"), "x\n")
    good("stop", "held")
    equal(wait_for("held"), 9)
    good("rm", "held")
    good("run", "-d", "--id=held", IMAGE)
    good("pause", "held")
    good("rm", "-f", "held")


def test_limits_are_properties_of_the_scope_and_persist():
    good("update", "box", "TasksMax=77", "CPUQuota=150%")
    out = run("systemctl", "show", "berth-box.scope", "-p", "TasksMax,CPUQuotaPerSecUSec").out
    equal(sorted(out.split()), ["CPUQuotaPerSecUSec=1.500000s", "TasksMax=77"])
    contains(dist("update", "box", "ExecStart=1").err, "ExecStart")
    contains(dist("update", "box", "TasksMax=x").err, "TasksMax")
    good("create", "--id=later", IMAGE)
    good("update", "later", "TasksMax=55")
    good("start", "later")
    equal(run("systemctl", "show", "berth-later.scope", "-P", "TasksMax").out.strip(), "55")
    good("rm", "-f", "later")


def test_a_terminal_works_as_over_ssh():
    terminal = DistTerminal("run", "-it", "--rm", IMAGE, "sh")
    terminal.expect("# ")
    terminal.type("tty; stty size; test -t 0 && echo is-$((40+2))\n")
    terminal.expect("/dev/pts/0")
    terminal.expect("33 99")
    terminal.expect("is-42")
    fcntl.ioctl(terminal.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 44, 111, 0, 0))
    os.kill(terminal.process.pid, signal.SIGWINCH)
    wait_until(lambda: terminal.type("stty size\n") or re.search("44 111", terminal.expect(r"\d+ \d+").group()), "the new size")
    terminal.type("sleep 100\n")
    wait_until(lambda: "sleep 100" in good("top", listing("ps")[-1]["id"]), "the sleeping process")
    terminal.type("\x03")
    terminal.type("echo on-$?\n")
    terminal.expect("on-130")
    terminal.type("exit 5\n")
    equal(terminal.end(), 5)


def test_job_control_in_a_terminal():
    def foreground():
        for pid in run("pgrep", "-x", "-f", "sleep 1234").out.split():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                group, _, _, of_terminal = file.read().rpartition(")")[2].split()[2:6]
                return group == of_terminal
        return False
    terminal = DistTerminal("run", "-it", "--rm", "--id=jobs", IMAGE, "sh")
    terminal.expect("# ")
    terminal.type("sleep 1234\n")
    wait_until(foreground, "the command in the foreground")
    terminal.type("\x1a")
    terminal.expect("Stopped")
    equal(terminal.process.poll(), None, "dist is not what was stopped")
    terminal.type("jobs; echo listed-$((1+1))\n")
    contains(terminal.read_to("listed-2"), "sleep 1234")
    terminal.type("bg; echo back-$((1+1))\n")
    terminal.expect("back-2")
    terminal.type("fg\n")
    terminal.expect("sleep 1234")
    wait_until(foreground, "the command in the foreground again, after the shell named it")
    terminal.type("\x03")
    terminal.type("echo alive-$((1+1)); exit 6\n")
    terminal.expect("alive-2")
    equal(terminal.end(), 6)


def test_output_of_a_process_that_ends_at_once_is_shown():
    for number in range(20):
        for options in (("run", "-it", "--rm", IMAGE), ("exec", "-it", "box")):
            terminal = DistTerminal(*options, "sh", "-c", f"echo word-$(({number}+1000)); exit 3")
            terminal.expect(f"word-{number + 1000}")
            equal(terminal.end(), 3)
    terminal = DistTerminal("run", "-it", "--rm", IMAGE, "nothere")
    terminal.expect("not found in the image")
    equal(terminal.end(), 127)
    good("create", "-t", "--id=never", IMAGE, "sh")
    early = subprocess.Popen(["busctl", "call", "org.berth1", "/org/berth1/containers", "org.berth1.Containers",
                              "Attach", "ssa{sv}", "never", "", "0"], stderr=subprocess.PIPE, text=True)
    wait_until(lambda: run("journalctl", "-q", "BERTH_MEMBER=Containers.Attach", "BERTH_OBJECT=never").out, "its call")
    equal(early.poll(), None, "a client that attaches early waits for the terminal")
    good("rm", "never")
    contains(early.communicate(timeout=300)[1], "deleted")


def test_exec_with_a_terminal():
    terminal = DistTerminal("exec", "-it", "box", "sh")
    terminal.expect("# ")
    terminal.type("stty size; echo $TERM; exit 6\n")
    terminal.expect("33 99")
    terminal.expect("xterm")
    equal(terminal.end(), 6)


def test_detach_and_attach():
    terminal = DistTerminal("run", "-it", "--id=tty", IMAGE, "sh")
    terminal.expect("# ")
    terminal.type("X=kept\n")
    terminal.expect("# ")
    terminal.type("\x10\x11")
    equal(terminal.end(), 0)
    equal(state("tty"), "running")
    kill_service()
    again = DistTerminal("attach", "--detach-keys=ctrl-a", "tty")
    again.type("echo was-$X; tty\n")
    again.expect("was-kept")
    again.type("\x01")
    equal(again.end(), 0)
    contains(dist("attach", "--process=nosuch", "box").err, "nosuch")
    contains(dist("attach", "--detach-keys=nonsense", "tty").err, "nonsense")
    last = DistTerminal("attach", "tty")
    last.type("exit 4\n")
    equal(last.end(), 4)
    good("rm", "tty")


def test_all_attached_clients_see_all_output():
    first = DistTerminal("run", "-it", "--id=shared", IMAGE, "sh")
    first.expect("# ")
    first.type("echo before-$((40+2))\n")
    first.expect("before-42")
    second = DistTerminal("attach", "shared")
    second.expect("before-42")
    second.type("for n in $(seq 1 300); do echo line-$n-; done; echo done-$((40+3))\n")
    for terminal in (first, second):
        found = terminal.read_to("done-43")
        equal(re.findall("line-([0-9]+)-", found), [str(n) for n in range(1, 301)])
    # If a client dies while it reads, the others lose no data.
    first.type("seq 1 30000 | busybox sed 's/.*/many-&-/'; echo done-$((40+4))\n")
    first.expect("many-100-")
    second.process.kill()
    second.process.wait()
    found = first.read_to("done-44")
    equal(re.findall("many-([0-9]+)-", found), [str(n) for n in range(101, 30001)])
    first.type("exit 9\n")
    equal(first.end(), 9)
    good("rm", "shared")


def test_a_terminal_that_nobody_reads():
    def written():
        return dist("exec", "alone", "cat", "/written").out.split()[-1:]
    script = ("for round in 1 2 3 4; do seq 1 20000 | busybox sed \"s/.*/$round-&-/\"; echo $round >>/written; "
              "until test -e /go-$round; do sleep 0.1; done; done; exit 12")
    good("create", "-t", "--id=alone", IMAGE, "sh", "-c", script)
    good("start", "alone")
    wait_until(lambda: written() == ["1"], "the first round")
    kill_service()
    good("exec", "alone", "touch", "/go-1")
    wait_until(lambda: written() == ["2"], "the round after the service was killed")
    equal(run("pkill", "-9", "-x", "berth-screen").status, 0)
    good("exec", "alone", "touch", "/go-2")
    wait_until(lambda: written() == ["3"], "the round after the worker was killed")
    late = DistTerminal("attach", "alone")
    # The screen shows complete lines of the latest output, without a gap.
    found = late.read_to("3-20000-")
    assert re.match(r"3-\d+-\r\n", found), found[:100]
    numbers = re.findall(r"3-([0-9]+)-", found)
    equal(numbers, [str(n) for n in range(int(numbers[0]), 20000)])
    assert 5000 < len(numbers) < 20000, len(numbers)
    late.type("\x10\x11")
    equal(late.end(), 0)
    good("exec", "alone", "touch", "/go-3")
    wait_until(lambda: written() == ["4"], "the round after it was left")
    good("exec", "alone", "touch", "/go-4")
    equal(wait_for("alone"), 12)
    last = DistTerminal("attach", "alone")
    last.read_to("4-20000-")
    equal(last.end(), 12)
    good("rm", "alone")
    wait_until(lambda: run("pgrep", "-x", "berth-screen").status == 1, "the worker's end")


def test_attach_to_a_container_that_logs_to_the_journal():
    good("run", "-d", "--id=lines", IMAGE, "sh", "-c",
         "for n in $(seq 1 20); do echo old-$n; done; until test -e /go; do sleep 0.05; done; echo last; exit 13")
    wait_until(lambda: "old-20" in good("logs", "lines"), "the lines")
    attached = subprocess.Popen(["dist", "attach", "lines"], stdout=subprocess.PIPE, text=True)
    equal([attached.stdout.readline().strip() for _ in range(10)], [f"old-{n}" for n in range(11, 21)])
    good("exec", "lines", "touch", "/go")
    equal(attached.communicate(timeout=300)[0], "last\n")
    equal(attached.returncode, 13)
    result = dist("attach", "lines")
    equal((result.status, result.out.split()[-1]), (13, "last"))
    good("rm", "lines")


def test_opened_terminal_is_read_by_its_opener_alone():
    from gi.repository import Gio, GLib  # pylint: disable=import-outside-toplevel
    good("create", "-t", "--id=one", IMAGE, "sh", "-c", "echo ready; read line; echo got-$line; cat")
    good("start", "one")
    bus = Gio.DBusConnection.new_for_address_sync(
        Gio.dbus_address_get_for_bus_sync(Gio.BusType.SYSTEM),
        Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION)

    def call_terminal(member, signature, *arguments):
        return bus.call_with_unix_fd_list_sync(
            "org.berth1", "/org/berth1/containers", "org.berth1.Containers", member,
            GLib.Variant(signature, arguments), None, Gio.DBusCallFlags.NONE, -1, None, None)
    # berth-screen read the terminal until now: earlier output is on its screen, and the caller receives new output.
    wait_until(lambda: run("pgrep", "-x", "berth-screen").status == 0, "the worker")
    reply, descriptors = call_terminal("OpenTerminal", "(ssa{sv})", "one", "", {})
    master = descriptors.get(reply.unpack()[0])
    wait_until(lambda: run("pgrep", "-x", "berth-screen").status == 1, "its end")

    def read():
        text = b""
        while b"got-" not in text:
            assert select.select([master], [], [], 60)[0], text
            text += os.read(master, 1000)
        return text
    os.write(master, b"first\n")
    contains(read().decode(), "got-first")
    # The service remembers who reads the terminal, even after it was killed.
    kill_service()
    good("ps")
    os.write(master, b"got-it\n")
    contains(read().decode(), "got-it")
    time.sleep(1.5)  # longer than the service would wait for another client
    equal(run("pgrep", "-x", "berth-screen").status, 1)
    call_terminal("Detach", "(ssa{sv})", "one", "", {})
    wait_until(lambda: run("pgrep", "-x", "berth-screen").status == 0, "the worker")
    reply, descriptors = call_terminal("Attach", "(ssa{sv})", "one", "", {})
    equal(len(reply.unpack()), 3)
    wait_until(lambda: run("pgrep", "-x", "berth-screen").status == 1, "its end")
    bus.close_sync(None)
    wait_until(lambda: run("pgrep", "-x", "berth-screen").status == 0, "the worker after the end of a client")
    good("rm", "-f", "one")


def test_dist_is_killed_in_a_terminal():
    terminal = DistTerminal("run", "-it", "--id=lost", IMAGE, "sh")
    terminal.expect("# ")
    terminal.process.kill()
    terminal.process.wait()
    equal(state("lost"), "running")
    good("rm", "-f", "lost")
    terminal = DistTerminal("run", "-it", "--id=ended", IMAGE, "sh", "-c", "trap 'exit 11' TERM; echo up; while :; do sleep 0.1; done")
    terminal.expect("up")
    terminal.process.send_signal(signal.SIGTERM)
    equal(terminal.end(), 11)
    good("rm", "ended")


def test_the_end_of_input_of_a_terminal():
    good("create", "-t", "--id=eof", IMAGE, "sh", "-c", "cat; exit 8")
    good("start", "eof")
    equal(containers_call("CloseStdin", "ssa{sv}", "eof", "", "0").status, 0)
    equal(wait_for("eof"), 8)
    contains(containers_call("CloseStdin", "ssa{sv}", "box", "", "0").err, "terminal")
    good("rm", "eof")


def test_nothing_is_lost_when_the_service_is_killed():
    since = last_event()
    good("exec", "-d", "--process=alive", "box", "sleep", "1000")
    statuses = {"long": 21, "after": 22}
    for name, status in statuses.items():
        good("exec", "-d", f"--process={name}", "box", "sh", "-c", f"while [ ! -e /{name}-ends ]; do sleep 0.1; done; exit {status}")
    root = f"/proc/{listing('info', 'box')[0]['pid']}/root"
    for name, status in statuses.items():
        kill_service()
        with open(f"{root}/{name}-ends", "w", encoding="utf-8"):
            pass
        equal(wait_for("box", name), status)
    equal(state("box"), "running")
    exits = [(event["process"], event["status"]) for event in events(since) if event["kind"] == "exit"]
    equal(exits, [("long", 21), ("after", 22)])
    equal(run("systemctl", "restart", "berthd").status, 0)
    assert any(row["process"] == "alive" for row in listing("top", "box"))
    containers_call("Kill", "sia{sv}", "box", "15", "1", "Process", "s", "alive")
    equal(wait_for("box", "alive"), 143)


def test_processes_end_with_their_container_in_order():
    good("run", "-d", "--id=whole", IMAGE)
    good("exec", "-d", "--process=inner", "whole", "sleep", "1000")
    since = last_event()
    good("kill", "-s", "KILL", "whole")
    equal(wait_for("whole"), 137)
    equal(wait_for("whole", "inner"), 137)
    equal(sorted((event["kind"], event["process"]) for event in events(since)), [("exit", ""), ("exit", "inner")])
    good("rm", "whole")
    contains(containers_call("Wait", "ssa{sv}", "whole", "inner", "0").err, "whole")


def test_restart_on_failure_until_it_succeeds():
    since = last_event()
    good("create", "--restart=on-failure", "--id=again", IMAGE, "sh", "-c", "echo x >>/tries; test $(wc -l </tries) -ge 3")
    good("start", "again")
    wait_until(lambda: [event["status"] for event in events(since) if event["kind"] == "exit"] == [1, 1, 0], "three ends")
    equal(state("again"), "stopped")
    good("rm", "again")


def test_restart_always_until_the_container_is_stopped():
    since = last_event()

    def starts():
        return len([event for event in events(since) if (event["kind"], event["id"]) == ("start", "ever")])
    good("run", "-d", "--restart=always", "--id=ever", IMAGE, "sleep", "1000")
    good("kill", "-s", "KILL", "ever")
    wait_until(lambda: starts() == 2, "its start")
    kill_service()
    good("kill", "-s", "KILL", "ever")
    kill_service()
    wait_until(lambda: starts() == 3, "its start after the service's death")
    good("stop", "-t", "0", "ever")
    time.sleep(0.5)
    equal(state("ever"), "stopped")
    good("start", "ever")
    run("systemctl", "stop", "berth-ever.scope")
    wait_until(lambda: state("ever") == "stopped", "its end")
    time.sleep(0.5)
    equal(state("ever"), "stopped", "systemctl stop is a stop")
    good("rm", "ever")
    contains(dist("create", "--rm", "--restart=always", IMAGE).err, "removes itself")
    contains(dist("create", "--restart=sometimes", IMAGE).err, "sometimes")


def test_many_that_end_at_once():
    # A command may exit before the service knows that its launch has completed.
    def one(number):
        status = number % 5
        run_result = dist("run", "--rm", IMAGE, "sh", "-c", f"exit {status}")
        exec_result = dist("exec", "box", "sh", "-c", f"exit {status}")
        return [result for result in (run_result, exec_result) if result.status != status or result.err]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        equal([bad for bads in pool.map(one, range(200)) for bad in bads], [])


def test_a_container_that_removes_itself_is_removed_by_force():
    for _ in range(20):
        good("run", "-d", "--rm", "--id=both", IMAGE)
        good("rm", "-f", "both")
    service_is_up()


def test_processes_of_other_users_are_not_found():
    reply = containers_call("Processes", "sa{sv}", "box", "0", user="alice")
    contains(reply.err, "no container")
    reply = containers_call("Exec", "ssasa{sv}", "box", "x", "1", "true", "0", user="alice")
    contains(reply.err, "no container")


def test_a_stopped_container_is_renamed():
    contains(dist("rename", "box", "other").err, "running")
    good("create", "--id=before", "-l", "k=v", IMAGE, "sh", "-c", "cat /kept; cat /etc/hostname; echo more >>/kept; exec sleep 1000")
    good("start", "before")
    wait_until(lambda: dist("exec", "before", "cat", "/kept").out == "more\n", "what it wrote")
    good("exec", "-d", "--process=p", "before", "sh", "-c", "exit 5")
    equal(wait_for("before", "p"), 5)
    good("stop", "-t", "0", "before")
    for name, word in (("box", "already"), ("../x", "../x")):
        contains(dist("rename", "before", name).err, word)
    since = last_event()
    good("rename", "before", "after")
    equal([event["kind"] for event in events(since)], ["delete", "create"])
    assert "before" not in [row["id"] for row in listing("ps", "-a")]
    equal(wait_for("after", "p"), 5)
    equal(json.loads(good("inspect", "after"))["labels"], {"k": "v"})
    good("start", "after")
    wait_until(lambda: good("exec", "after", "cat", "/kept") == "more\nmore\n", "what it wrote")
    equal(run("systemctl", "is-active", "berth-after.scope").out, "active\n")
    good("stop", "-t", "0", "after")
    # Simulate a crash after the database was updated and before the directory was renamed.
    run("systemctl", "stop", "berthd")
    os.rename(f"{STATE}/containers/after", f"{STATE}/containers/before")
    good("start", "after")
    wait_until(lambda: good("exec", "after", "cat", "/kept") == "more\nmore\nmore\n", "what it wrote")
    good("rm", "-f", "after")
    equal(container_directories(), ["box"])


def logs(name, *options, user=None):
    """Returns the output of Logs for a container. Options and their values are in the format of busctl."""
    command = f"""import sys
from gi.repository import Gio, GLib
options = {{key: GLib.Variant.parse(None, value, None, None) for key, value in zip(sys.argv[2::2], sys.argv[3::2])}}
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
reply, files = bus.call_with_unix_fd_list_sync("org.berth1", "/org/berth1/containers", "org.berth1.Containers", "Logs",
    GLib.Variant("(sa{{sv}})", (sys.argv[1], options)), None, 0, 60000, None, None)
sys.stdout.buffer.write(open(files.get(reply.unpack()[0]), "rb").read())
"""
    return run("/usr/bin/python3", "-c", command, name, *options, user=user)


def readers():
    return run("pgrep", "-x", "berth-journal").out.split()


def test_logs_are_readable_by_their_owner_only():
    allow_only("alice", "containers.create")
    good("run", "--id=logged", IMAGE, "sh", "-c", "exec >/dev/null", user="alice")
    good("rm", "-f", "logged")
    good("run", "-d", "--id=logged", IMAGE, "sh", "-c", "echo first; echo second; while [ ! -e /end ]; do sleep 0.1; done; echo third; sleep 1000", user="alice")
    wait_until(lambda: good("logs", "logged", user="alice") == "first\nsecond\n", "the lines")
    assert run("journalctl", "-q", "_SYSTEMD_UNIT=berth-logged.scope", user="alice").out == ""
    rows = [json.loads(line) for line in good("--json=short", "logs", "logged", user="alice").splitlines()]
    equal([(row["MESSAGE"], row["BERTH_CONTAINER"]) for row in rows], [("first", "logged"), ("second", "logged")])
    equal(logs("logged", "Lines", "uint64 1", user="alice").out, "second\n")
    equal(logs("logged", "Lines", "uint64 0", user="alice").out, "")
    equal(logs("logged", "Until", "uint64 1", user="alice").out, "")
    # Lines that are written together may have the same timestamp.
    last = int(rows[1]["__REALTIME_TIMESTAMP"])
    contains(logs("logged", "Since", f"uint64 {last}", user="alice").out, "second\n")
    equal(logs("logged", "Since", f"uint64 {last + 1}", user="alice").out, "")
    entries = logs("logged", "Fields", "['MESSAGE']", user="alice").out.split("\n\n")
    equal([entry.splitlines()[-1] for entry in entries if entry], ["MESSAGE=first", "MESSAGE=second"])
    good("run", "-d", "--id=roots", IMAGE, "sh", "-c", "echo secret; sleep 1000")
    wait_until(lambda: "secret" in good("logs", "roots"), "the line")
    result = logs("roots", user="alice")
    contains(result.err, "NotFound")
    assert "secret" not in result.out
    wait_until(lambda: not readers(), "the end of the readers")


def test_control_characters_in_logs_are_escaped_in_json():
    good("run", "-d", "--id=painted", IMAGE, "sh", "-c", r"printf 'a\177b\302\233c\n'; sleep 1000")
    wait_until(lambda: good("logs", "painted"), "the line")
    for form in ("short", "pretty"):
        out = good(f"--json={form}", "logs", "painted")
        equal(json.loads(out)["MESSAGE"], "a\x7fb\x9bc")
        assert not any(c in out for c in "\x7f\x9b"), repr(out)
    good("rm", "-f", "painted")


def test_logs_are_complete_right_after_the_end():
    # While journald is stopped, the container's output is in its socket and not yet in a file.
    journald = int(run("pidof", "systemd-journald").out)
    found = []
    os.kill(journald, signal.SIGSTOP)
    try:
        good("run", "-d", "--id=brief", IMAGE, "sh", "-c", "echo first; echo second")
        good("wait", "brief")
        reader = threading.Thread(target=lambda: found.append(logs("brief")))
        reader.start()
        wait_until(readers, "the reader")
    finally:
        os.kill(journald, signal.SIGCONT)
    reader.join()
    equal(found[0].out, "first\nsecond\n")
    good("rm", "brief")


def test_logs_exclude_an_earlier_container_of_the_same_id():
    good("rm", "-f", "roots")
    good("run", "--id=roots", IMAGE, "true", user="alice")
    equal(good("logs", "roots", user="alice"), "")
    good("rm", "roots")


def test_a_reader_of_logs_ends_with_its_client_and_with_its_pipe():
    follower = subprocess.Popen(["runuser", "-u", "alice", "--", "dist", "logs", "-f", "logged"], stdout=subprocess.PIPE, text=True)
    equal([follower.stdout.readline() for _ in range(2)], ["first\n", "second\n"])
    wait_until(lambda: len(readers()) == 1, "the end of earlier readers")
    pid = service_pid()
    # Make journald continue in a new file.
    run("journalctl", "--rotate")
    good("exec", "logged", "touch", "/end")
    equal(follower.stdout.readline(), "third\n")
    # runuser cannot forward SIGKILL.
    run("pkill", "-KILL", "-u", "alice", "dist")
    follower.wait()
    wait_until(lambda: not readers(), "the end of the reader")
    equal(service_pid(), pid)
    good("rm", "-f", "logged")


def test_nothing_is_left():
    good("rm", "-f", "box")
    equal(listing("ps", "-a"), [])
    wait_until(lambda: run("systemctl", "list-units", "--plain", "--no-legend", "berth-*.scope").out == "", "the scopes go")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
