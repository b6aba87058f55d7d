# SPDX-License-Identifier: LGPL-2.1-or-later
# machine: hybrid
# Limits of memory, tasks and CPU time are properties of the scope, and are enforced by the machine's controllers.

import itertools
import json
import os
import subprocess
import sys
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/busybox:latest"


def test_setup():
    oci.push(oci.busybox_image(), IMAGE)
    good("pull", IMAGE)


def test_a_run_changes_the_controllers_of_no_other_unit():
    """Otherwise systemd would set up the cgroups of all units again at the start and at the end of a lone container."""
    slices = [f"/sys/fs/cgroup/cpu/{unit}" for unit in ("system.slice", "user.slice", "berth.slice")]

    def run_alone():
        good("run", "--rm", IMAGE, "true")
        wait_until(lambda: not any(name.endswith(".scope") for name in os.listdir(slices[-1])), "the scope ends")
        return [os.stat(path).st_ino for path in slices]

    before = run_alone()
    assert run_alone() == before


def test_limits_are_properties_of_the_scope():
    good("run", "-d", "--id=limited", "--memory=64M", "--pids=20", "--cpus=0.5", IMAGE, "sleep", "10000")
    show = run("systemctl", "show", "berth-limited.scope", "-p",
               "MemoryMax,TasksMax,CPUQuotaPerSecUSec").out
    contains(show, "MemoryMax=67108864")
    contains(show, "TasksMax=20")
    contains(show, "CPUQuotaPerSecUSec=500ms")
    good("rm", "-f", "limited")


def test_a_fork_bomb_is_contained():
    result = dist("run", "--rm", "--pids=20", IMAGE, "sh", "-c",
                  "for i in $(seq 50); do sleep 1000 & done 2>&1; echo started; kill -9 -1")
    contains(result.out + result.err, "fork")


def test_too_much_memory_ends_with_a_kill():
    result = dist("run", "--rm", "--memory=32M", IMAGE, "sh", "-c",
                  "x=$(head -c 200000000 /dev/zero | tr '\\0' a); echo ${#x}")
    assert result.status in (137, 1, 2), result
    assert "200000000" not in result.out, result


HUNGRY = "head -c 200000000 /dev/zero | tail >/dev/null"


def oom_killed(name):
    place = ("org.berth1", f"/org/berth1/containers/{bus_label(name)}", "org.berth1.Container")
    shown = good("inspect", "--format={{.State.OOMKilled}}", name)
    equal(busctl("get-property", *place, "OOMKilled").out, f"b {shown}")
    return shown == "true\n"


def told_of_a_kill(name, *arguments):
    """Runs a container that is killed for lack of memory, and returns its events, of which successive ones of one kind
    count once: the kernel may kill each of its processes. In the version 1 hierarchy, the number of kills is read from
    the cgroup, which systemd may have removed already on a busy machine; then the run is repeated."""
    for _ in range(5):
        good("run", "-d", f"--id={name}", *arguments)
        dist("wait", name)
        found = kinds(name)
        found = [kind for kind, _ in itertools.groupby(found[len(found) - 1 - found[::-1].index("create"):])]
        equal(oom_killed(name), "oom" in found)
        good("rm", name)
        if "oom" in found:
            return found
    raise AssertionError("no event reports the kill")


def test_oom_event_precedes_the_exit_event():
    found = told_of_a_kill("hungry", "--memory=32M", IMAGE, "sh", "-c", f"exec sh -c '{HUNGRY}'")
    assert found.index("oom") < found.index("exit") == len(found) - 1, found


def test_the_killer_may_be_quicker_than_the_start():
    """The order of events is the same if the container is killed before its start is complete. A hook delays the
    start."""
    os.makedirs("/var/tmp/hungry/rootfs")
    subprocess.run(["tar", "-x", "-C", "/var/tmp/hungry/rootfs"], input=oci.busybox_layer(None).finish()[2], check=True)
    config = {"ociVersion": "1.0.2", "root": {"path": "rootfs"},
              "process": {"args": ["sh", "-c", f"exec sh -c '{HUNGRY}'"], "cwd": "/", "user": {"uid": 0, "gid": 0}, "env": ["PATH=/bin"]},
              "hooks": {"poststart": [{"path": "/bin/sleep", "args": ["sleep", "2"]}]},
              "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}], "resources": {"memory": {"limit": 33554432}}}}
    with open("/var/tmp/hungry/config.json", "w", encoding="utf-8") as file:
        json.dump(config, file)
    equal(told_of_a_kill("quick", "--bundle=/var/tmp/hungry"), ["create", "start", "oom", "exit"])


def test_an_oom_kill_of_one_process_leaves_the_others():
    good("run", "-d", "--id=partly", "--memory=32M", IMAGE, "sleep", "10000")
    assert dist("exec", "partly", "sh", "-c", HUNGRY).status != 0
    wait_until(lambda: "oom" in kinds("partly"), "the event")
    assert oom_killed("partly")
    equal([row["state"] for row in listing("ps")], ["running"])
    assert listing("stats", "partly")[0]["memory"] > 0
    kill_service()
    assert oom_killed("partly")
    assert dist("exec", "partly", "sh", "-c", HUNGRY).status != 0
    wait_until(lambda: kinds("partly").count("oom") >= 2, "the event after the service was away")
    good("kill", "--signal=KILL", "partly")
    dist("wait", "partly")
    assert oom_killed("partly")
    good("start", "partly")
    assert not oom_killed("partly")
    good("rm", "-f", "partly")


def test_limits_of_a_running_container_change():
    good("run", "-d", "--id=changed", IMAGE, "sleep", "10000")
    good("update", "changed", "MemoryMax=32M", "TasksMax=5")
    assert dist("exec", "changed", "sh", "-c", HUNGRY).status != 0
    # The processes last until the limit is reached, and are killed afterwards.
    contains(dist("exec", "changed", "sh", "-c", "(for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done); kill -9 -1").err, "fork")
    # An additional process is in all cgroups of the first one.
    equal(dist("exec", "changed", "cat", "/proc/self/cgroup").out, dist("exec", "changed", "cat", "/proc/1/cgroup").out)
    run("systemctl", "set-property", "--runtime", "berth-changed.scope", "TasksMax=infinity")
    equal(dist("exec", "changed", "sh", "-c", "for i in 1 2 3 4 5 6 7 8; do sleep 0 & done").err, "")
    good("rm", "-f", "changed")


def limits(name):
    names = ("MemoryMax", "MemorySwapMax", "MemoryLow", "CPUQuotaPerSecUSec", "CPUWeight", "TasksMax", "IOWeight", "AllowedCPUs")
    shown = run("systemctl", "show", f"berth-{name}.scope", "-p", ",".join(names)).out
    return dict(line.split("=", 1) for line in shown.splitlines())


def test_update_takes_the_options_of_run():
    for name in ("first", "second"):
        good("run", "-d", f"--name={name}", IMAGE, "sleep", "10000")
    equal(good("update", "-m", "64m", "--memory-swap=96m", "--memory-reservation=16m", "--cpus=0.5", "--cpu-shares=1024", "--cpuset-cpus=0",
               "--pids-limit=77", "--blkio-weight=500", "first", "second"), "first\nsecond\n")
    for name in ("first", "second"):
        equal(limits(name), {"MemoryMax": str(64 << 20), "MemorySwapMax": str(32 << 20), "MemoryLow": str(16 << 20), "CPUQuotaPerSecUSec": "500ms",
                             "CPUWeight": "39", "TasksMax": "77", "IOWeight": "4950", "AllowedCPUs": "0"})
    # Only what is given changes; 0 and -1 are no limit. A property may follow.
    equal(good("update", "first", "TasksMax=33", "--memory=0", "--memory-swap", "-1", "--cpus=0"), "first\n")
    now = limits("first")
    equal([now[name] for name in ("MemoryMax", "MemorySwapMax", "CPUQuotaPerSecUSec", "TasksMax", "CPUWeight")],
          ["infinity", "infinity", "infinity", "33", "39"])
    good("update", "--memory=48m", "--memory-swap=48m", "--pids-limit=-1", "first")
    equal([limits("first")[name] for name in ("MemoryMax", "MemorySwapMax", "TasksMax")], [str(48 << 20), "0", "infinity"])
    good("rm", "-f", "first")
    good("create", "--name=first", IMAGE, "sleep", "10000")
    result = dist("update", "--device-write-bps=/dev/null:1m", "--pids-limit=44", "first", "nothing", "second")
    equal((result.status, result.out), (1, "first\nsecond\n"))
    contains(result.err, 'no container "nothing"')
    good("start", "first")
    equal(limits("first")["TasksMax"], "44")
    # A wrong value is reported once, and changes nothing.
    for words, says in ((("--memory=x",), 'invalid amount of memory "x"'), (("--memory-swap=1g",), "--memory-swap needs --memory"),
                        (("--pids-limit=-2",), "must not be negative"), (("--cpuset-cpus=x",), '"x" is not a value of AllowedCPUs'),
                        (("--pids-limit=5", "TasksMax"), "no container"), (("--blkio-weight=5",), 'invalid value "5" of --blkio-weight'),
                        (("--restart=always",), "--restart is not supported"), (("--kernel-memory=1m",), "--kernel-memory is not supported"),
                        ((), "update needs containers, and options or properties")):
        result = dist("update", "first", "second", *words)
        equal((result.status, result.err.count("dist: ")), (1, 1), words)
        contains(result.err, says)
    equal(dist("update", "TasksMax=5").status, 1)
    good("rm", "-f", "first", "second")


def test_systemd_looks_at_no_path_of_a_caller():
    """systemd looks at the devices of limits, and would hang if a user's file system did not answer."""
    os.symlink("/var/tmp/disk", "/dev/shm/disk")
    good("create", "--name=limited", IMAGE, "sleep", "10000")
    good("run", "-d", "--name=running", IMAGE, "sleep", "10000")
    for path in ("/var/tmp/disk", "/dev/shm/disk", "/dev/../var/tmp/disk"):
        for command in (("create", f"--device-read-bps={path}:1m", IMAGE), ("update", f"--device-write-iops={path}:9", "limited"),
                        ("update", f"--device-write-bps={path}:1m", "running"), ("update", f"--blkio-weight-device={path}:100", "running")):
            result = dist(*command)
            assert result.status != 0, command
            contains(result.err, f"the device {path} is not on the file system of /dev")
    contains(dist("update", "--device-write-bps=/dev/no-disk:1m", "running").err, "the device /dev/no-disk: No such file or directory")
    good("start", "limited")
    good("update", "--device-write-bps=/dev/null:1m", "running", "limited")
    good("rm", "-f", "limited", "running")
    os.unlink("/dev/shm/disk")


def test_pausing_works_where_systemd_cannot():
    good("run", "-d", "--id=held", IMAGE, "sh", "-c", "while :; do echo x >>/beats; sleep 0.05; done")
    upper = f"{STATE}/containers/held/upper/beats"
    wait_until(lambda: os.path.exists(upper), "its first line")
    good("pause", "held")
    before = os.path.getsize(upper)
    time.sleep(0.3)
    equal(os.path.getsize(upper), before)
    good("resume", "held")
    wait_until(lambda: os.path.getsize(upper) > before, "it goes on")
    good("rm", "-f", "held")


def test_other_devices_are_denied():
    result = dist("run", "--rm", "--userns=host", "--cap-add=MKNOD", "--device=/dev/null:/dev/mine:rw", IMAGE, "sh", "-c",
                  "mknod /tmp/zero c 1 5; mknod /tmp/mem c 1 1; head -c 1 /tmp/mem; echo x >/dev/mine && echo mine")
    contains(result.out, "mine")
    plain = dist("run", "--rm", "--userns=host", "--cap-add=MKNOD", IMAGE, "sh", "-c", "mknod /tmp/mem c 1 1; head -c 1 /tmp/mem")
    contains(plain.err, "Operation not permitted")
    contains(result.err, "/tmp/mem: Operation not permitted")


def test_bad_amounts_are_refused():
    for option in ("--memory=lots", "--cpus=-1", "--memory=", "--cpus=x"):
        result = dist("run", "--rm", option, IMAGE, "true")
        equal(result.status, 125, option)


def test_the_limits_of_a_unit_hold_for_a_container_in_its_cgroup():
    with open("/run/systemd/system/limited.service", "w", encoding="utf-8") as file:
        file.write("[Service]\nType=notify\nDelegate=yes\nKillMode=mixed\nMemoryMax=64M\nTasksMax=30\nOOMPolicy=continue\n"
                   f"ExecStart=dist run --rm --replace --name=limited --cgroup=caller --memory=32M {IMAGE} sleep 1000\n")
    run("systemctl", "daemon-reload")
    equal(run("systemctl", "start", "limited").status, 0)
    # The task limit is that of the unit; the memory limit is that of the container, which is lower.
    contains(dist("exec", "limited", "sh", "-c", "(for i in $(seq 60); do sleep 1000 & done); kill -9 -1").err, "fork")
    eats = "a=x; while :; do a=$a$a; done"
    equal(dist("exec", "limited", "sh", "-c", eats).status, 137)
    wait_until(lambda: "oom" in kinds("limited"), "the event")
    good("update", "limited", "MemoryMax=48M")
    with open("/sys/fs/cgroup/memory/system.slice/limited.service/berth-limited/memory.limit_in_bytes",
              encoding="ascii") as file:
        equal(int(file.read()), 48 * 1024 * 1024)
    # The kernel tries to reclaim memory in use and gives up; the limits are unchanged.
    good("exec", "limited", "dd", "if=/dev/zero", "of=/dev/shm/kept", "bs=1M", "count=16")
    refused = dist("update", "limited", "MemoryMax=1M")
    contains(refused.err, 'set MemoryMax of the cgroup "/system.slice/limited.service/berth-limited": Device or resource busy')
    contains(good("inspect", "limited"), f"'MemoryMax': <uint64 {48 * 1024 * 1024}>")
    good("update", "limited", "MemoryMax=40M", "TasksMax=20", "CPUQuotaPerSecUSec=500000")
    for file, value in (("memory/{}/memory.limit_in_bytes", 40 * 1024 * 1024), ("pids/{}/pids.max", 20), ("cpu/{}/cpu.cfs_quota_us", 50000)):
        with open("/sys/fs/cgroup/" + file.format("system.slice/limited.service/berth-limited"), encoding="ascii") as limit:
            equal(int(limit.read()), value, file)
    equal(run("systemctl", "stop", "limited").status, 0)
    wait_until(lambda: not os.path.exists("/sys/fs/cgroup/memory/system.slice/limited.service/berth-limited"), "the end of the cgroup")


def test_limits_of_version_1_are_not_evaded_through_a_cgroup_of_a_manager():
    """In a hybrid hierarchy, a user's container is not created in a cgroup that a manager made in the unified hierarchy
    only. It would not be subject to the unit's limits, whose controllers are in the other hierarchies."""
    allow_only("alice", "containers.create", "containers.manage-own")
    task = "/sys/fs/cgroup/unified/system.slice/manager.service/task"
    result = run("systemd-run", "--quiet", "--wait", "--pipe", "-p", "Delegate=yes", "-p", "MemoryMax=64M", "--unit=manager", "sh", "-c",
                 f"mkdir {task} && echo 0 >{task}/cgroup.procs && runuser -u alice -- dist run --rm --cgroup=caller {IMAGE} true")
    contains(result.err, 'the cgroup "/system.slice/manager.service" is not delegated to user 4242')


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
