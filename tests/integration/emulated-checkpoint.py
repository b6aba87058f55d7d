# SPDX-License-Identifier: LGPL-2.1-or-later
# Checkpoint and restore on Debian's kernel, which CRIU supports, in a machine of tests/machine/emulate. The file
# emulated-checkpoint-faults.py tests what goes wrong.

import os
import subprocess
import sys
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

COUNTER = f"{HOST}/checkpoint/counter:x"
ECHO = f"{HOST}/checkpoint/echo:x"
# The command counts in memory, in a file and in its output, and has an open deleted file and a file in /dev/shm. The count
# is in /dev/shm, too, which a checkpoint contains: CRIU restores no process with an open file whose size has changed since,
# as that of a file of the root file system may when the checkpoint is restored for the second time.
COUNT = """trap 'exit 7' TERM
exec 9>/tmp/deleted; rm /tmp/deleted
echo kept >/dev/shm/file
i=0; while :; do i=$((i+1)); echo line $i; echo $i >/dev/shm/counted; sleep 0.2; done"""


def row_of(name):
    row = next(row for row in listing("ps", "-a") if row["id"] == name)
    # The status includes "exited … ago", which changes with time.
    return {key: value for key, value in row.items() if key != "status"}


def lines(name):
    return [line for line in good("logs", name).splitlines() if line.startswith("line ")]


def counted(name):
    """Returns the number in the file, which is empty while the shell is about to write the next one."""
    found = [""]
    wait_until(lambda: found.append(dist("exec", name, "cat", "/dev/shm/counted").out.strip()) or found[-1], "a number")
    return int(found[-1])


def own_kinds(name):
    return [event["kind"] for event in events() if event["id"] == name and event["process"] == ""]


def read_status(pid):
    names = ("Uid", "Gid", "Groups", "Cap", "NoNewPrivs", "Seccomp", "Sig", "Shd", "Cpus_allowed", "Mems_allowed")
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return [line for line in file if line.startswith(names)]


def read_mounts(pid):
    """Returns the mounts with their options, without mount IDs and device numbers."""
    found = []
    with open(f"/proc/{pid}/mountinfo", encoding="ascii") as file:
        for line in file:
            fields = line.split()
            kind = fields[fields.index("-") + 1]
            found.append((fields[4], fields[3], fields[5], kind))
    return sorted(found)


def read_steady(pid):
    """Returns what surrounds a process once two looks agree: while a shell starts a command or sees its end, signals may be
    pending or blocked."""
    found = [read_around(pid)]
    wait_until(lambda: found.append(read_around(pid)) or found[-1] == found[-2], "two equal looks")
    return found[-1]


def read_around(pid):
    around = {"limits": open(f"/proc/{pid}/limits", encoding="ascii").read()}
    for name in ("oom_score_adj", "uid_map", "gid_map", "cgroup", "comm"):
        around[name] = open(f"/proc/{pid}/{name}", encoding="ascii").read()
    around["exitStatus"] = read_status(pid)
    around["mounts"] = read_mounts(pid)
    return around


def test_setup():
    config = {"Cmd": ["sh", "-c", COUNT], "Env": ["PATH=/bin"]}
    oci.push(oci.Image([oci.busybox_layer()], config), COUNTER)
    config = {"Cmd": ["sh", "-c", "while read line; do echo got $line; done; exit 5"], "Env": ["PATH=/bin"]}
    oci.push(oci.Image([oci.busybox_layer()], config), ECHO)
    good("pull", COUNTER)
    good("pull", ECHO)
    os.mkdir("/srv/given")


def test_a_checkpoint_stops_the_container():
    good("run", "-d", "--id=box", "--restart=always", "-v", "/srv/given:/given:ro", COUNTER)
    wait_until(lambda: len(lines("box")) > 2, "it counts")
    test_a_checkpoint_stops_the_container.around = read_steady(row_of("box")["pid"])
    good("checkpoint", "box")
    row = row_of("box")
    equal((row["state"], row["exitStatus"]), ("stopped", "137"))
    equal(sorted(own_kinds("box")), ["checkpoint", "create", "exit", "start"])
    written = json.loads(good("inspect", "box"))["checkpointed"] / 1e6
    assert abs(written - time.time()) < 600, written


def test_a_restored_container_continues_where_it_was():
    before = len(lines("box"))
    good("restore", "box")
    wait_until(lambda: len(lines("box")) > before + 2, "it goes on")
    # Each line appears exactly once, so the command was continued, not started again.
    found = lines("box")
    equal(found, [f"line {i}" for i in range(1, len(found) + 1)])
    equal(good("exec", "box", "cat", "/dev/shm/file"), "kept\n")
    equal(row_of("box")["state"], "running")


def test_a_restored_container_is_as_confined_as_before():
    around = read_steady(row_of("box")["pid"])
    for name, value in test_a_checkpoint_stops_the_container.around.items():
        equal(around[name], value, name)
    equal(dist("exec", "box", "touch", "/given/file").status, 1)


def test_a_restored_container_has_a_cgroup_of_its_own():
    root = int(open(f"/proc/{row_of('box')['pid']}/uid_map", encoding="ascii").read().split()[1])
    path = "/sys/fs/cgroup/berth.slice/berth-box.scope"
    equal(os.stat(path).st_uid, root)
    contains(good("exec", "box", "cat", "/proc/self/cgroup"), "0::/\n")
    contains(run("systemctl", "status", "--no-pager", "berth-box.scope").out, "line ")


def test_second_checkpoint_with_output_in_the_journal_is_refused():
    result = dist("checkpoint", "box")
    equal(result.status, 1)
    contains(result.err, "a socket of another network namespace, as to the journal after a restore")
    equal(row_of("box")["state"], "running")


def test_the_exit_status_of_a_restored_container_is_known():
    good("stop", "box")
    equal(row_of("box")["exitStatus"], "7")
    equal([kind for kind in own_kinds("box") if kind in ("start", "exit")], ["start", "exit"] * 2)


def test_a_checkpoint_can_be_restored_again():
    good("restore", "box")
    wait_until(lambda: counted("box") > 3, "it counts")
    good("rm", "-f", "box")
    wait_until(lambda: os.listdir(f"{STATE}/containers") == [], "the end of all directories")


def converse(process, line, answer):
    process.stdin.write(line)
    process.stdin.flush()
    equal(process.stdout.readline(), answer)


def test_descriptors_are_replaced():
    with subprocess.Popen(["dist", "run", "--id=echo", ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as first:
        converse(first, "one\n", "got one\n")
        good("checkpoint", "echo")
        first.wait(180)
        equal(first.returncode, 137)
    for word in ("two", "three"):
        with subprocess.Popen(["dist", "restore", "-a", "echo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as later:
            converse(later, f"{word}\n", f"got {word}\n")
            if word == "two":
                # CRIU resumes the container before the service learns of the restore.
                wait_until(lambda: row_of("echo")["state"] == "running", "the service knows")
                good("checkpoint", "echo")
                equal(later.wait(180), 137)
            else:
                later.stdin.close()
                equal(later.wait(180), 5)
    good("rm", "echo")


def test_a_checkpoint_may_leave_the_container_running():
    good("run", "-d", "--rm", "--id=live", COUNTER)
    wait_until(lambda: len(lines("live")) > 2, "it counts")
    pid = row_of("live")["pid"]
    good("checkpoint", "--leave-running", "live")
    equal((row_of("live")["state"], row_of("live")["pid"]), ("running", pid))
    count = counted("live")
    wait_until(lambda: counted("live") > count, "it goes on")
    good("rm", "-f", "live")


def test_containers_with_privileges_or_limits_are_restored():
    for options in (["--userns=host"], ["--privileged"], ["--read-only", "--tmpfs=/tmp", "--tmpfs=/counted.d"], ["-v", "data:/data"],
                    ["--user=guest", "--memory=64M"]):
        good("run", "-d", "--id=other", *options, COUNTER)
        wait_until(lambda: counted("other") > 3, f"it counts: {options}")
        good("checkpoint", "other")
        good("restore", "other")
        before = counted("other")
        assert before > 3, (options, before)
        wait_until(lambda: counted("other") > before, f"it goes on: {options}")
        good("rm", "-f", "other")


def test_mounts_of_the_host_below_are_refused():
    good("run", "-d", "--id=host", "--network=host", COUNTER)
    result = dist("checkpoint", "host")
    equal(result.status, 1)
    contains(result.err, "a container with mounts of the host below its own, as /sys/")
    good("rm", "-f", "host")


def test_a_checkpoint_of_a_shell_that_keeps_redirecting():
    """A shell can be checkpointed while it redirects its output: then its standard output is a file, and the socket of
    the journal has another number."""
    good("run", "-d", "--id=busy", COUNTER, "sh", "-c", "i=0; while :; do i=$((i+1)); echo $i >/dev/shm/counted; done")
    for _ in range(2):
        good("checkpoint", "--leave-running", "busy")
    good("checkpoint", "busy")
    good("restore", "busy")
    count = lambda: int(dist("exec", "busy", "cat", "/dev/shm/counted").out.strip() or 0)
    before = wait_until(count, "it counts")
    wait_until(lambda: count() > before, "it goes on")
    good("rm", "-f", "busy")


def test_nothing_is_left():
    wait_until(lambda: os.listdir(f"{STATE}/containers") == [], "the end of all directories")
    equal([line for line in open("/proc/self/mountinfo", encoding="ascii") if "berth-" in line or "criu" in line], [])
    wait_until(lambda: run("pgrep", "-f", "berth-checkpoint").out == "", "the end of the helpers")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
