# SPDX-License-Identifier: LGPL-2.1-or-later
# Checkpoints that are refused or that CRIU cannot write, and the state afterwards. emulated-checkpoint.py tests
# successful checkpoints, as CRIU does not support every kernel.

import json
import os
import subprocess
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/checkpoint/box:x"


def state(name):
    return next(row["state"] for row in listing("ps", "-a") if row["id"] == name)


def refused(*arguments, says):
    result = dist(*arguments)
    assert result.status == 1, result
    contains(result.err, says)


def test_setup():
    config = {"Cmd": ["sleep", "1000"], "Env": ["PATH=/bin"]}
    oci.push(oci.Image([oci.busybox_layer()], config), IMAGE)
    good("pull", IMAGE)
    good("run", "-d", "--id=box", IMAGE)


def test_a_checkpoint_needs_a_running_container():
    refused("checkpoint", "nobody", says='there is no container "nobody"')
    good("create", "--id=still", IMAGE)
    refused("checkpoint", "still", says='container "still" is not running, it is created')
    good("rm", "still")
    good("pause", "box")
    refused("checkpoint", "box", says='container "box" is paused; resume it first')
    good("resume", "box")


def test_a_restore_needs_a_checkpoint():
    refused("restore", "box", says='container "box" cannot be started, it is running')
    good("create", "--id=still", IMAGE)
    refused("restore", "still", says='container "still" has no checkpoint')
    equal(json.loads(good("inspect", "still"))["checkpointed"], 0)
    equal(state("still"), "created")
    good("rm", "still")


def test_a_checkpoint_with_executed_processes_is_refused():
    good("exec", "-d", "--process=other", "box", "sleep", "1000")
    refused("checkpoint", "box", says='processes were executed in container "box"; wait for their end')
    equal(containers_call("Kill", "sia{sv}", "box", "9", "1", "Process", "s", "other").status, 0)
    equal(dist("wait", "--process=other", "box").status, 137)


def test_autoremove_container_must_be_left_running():
    good("run", "-d", "--rm", "--id=gone", IMAGE)
    refused("checkpoint", "gone", says="leave it running")
    good("rm", "-f", "gone")


def test_a_terminal_is_refused():
    good("run", "-d", "-t", "--id=tty", IMAGE)
    refused("checkpoint", "tty", says="a container with a terminal cannot be checkpointed")
    equal(state("tty"), "running")
    good("rm", "-f", "tty")


def test_the_error_names_criu_if_it_is_missing():
    os.rename("/usr/sbin/criu", "/usr/sbin/criu.away")
    try:
        refused("checkpoint", "box", says='install the package "criu"')
        equal(containers_call("Checkpoint", "sa{sv}", "box", "0").err.strip(),
              'Call failed: checkpoints need CRIU, which is not installed; install the package "criu"')
    finally:
        os.rename("/usr/sbin/criu.away", "/usr/sbin/criu")
    equal(state("box"), "running")


def in_place_of_criu(script, action):
    os.rename("/usr/sbin/criu", "/usr/sbin/criu.away")
    with open("/usr/sbin/criu", "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\n{script}\n")
    os.chmod("/usr/sbin/criu", 0o755)
    try:
        action()
    finally:
        os.rename("/usr/sbin/criu.away", "/usr/sbin/criu")


# CRIU writes this file last.
WRITE = '''for given; do case $given in --images-dir=*) touch "${given#*=}/inventory.img";; esac; done'''


def test_a_complete_checkpoint_is_used_although_the_last_one_was_half_removed():
    # CRIU is replaced by a program that only writes the file that CRIU writes last.
    images = f"{STATE}/containers/twice/checkpoint"
    good("run", "-d", "--id=twice", IMAGE)
    in_place_of_criu(WRITE, lambda: good("checkpoint", "--leave-running", "twice"))
    # The removal of the last checkpoint ends in the middle.
    os.mkdir(f"{images}/stays")
    with open(f"{images}/stays/file", "w", encoding="ascii"):
        pass
    in_place_of_criu(f"{WRITE}\nmount -t tmpfs stays {images}/stays",
                     lambda: refused("checkpoint", "--leave-running", "twice", says="mount point"))
    equal(run("umount", f"{images}/stays").status, 0)
    equal(os.listdir(f"{images}.new").count("inventory.img"), 1)
    equal(os.path.exists(f"{images}/inventory.img"), False)
    good("stop", "-t", "0", "twice")
    in_place_of_criu("exit 1", lambda: refused("restore", "twice", says="CRIU"))
    equal((os.path.exists(f"{images}/inventory.img"), os.path.exists(f"{images}/stays"), os.path.exists(f"{images}.new")),
          (True, False, False))
    good("rm", "twice")


def with_failing_criu(action):
    """Runs an action while CRIU fails, because it cannot write files."""
    in_place_of_criu('ulimit -f 0\nexec /usr/sbin/criu.away "$@" --log-file=/dev/null', action)


def test_criu_cannot_set_the_clock_or_load_modules():
    probe = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "outer_probe.py")
    log = "/var/tmp/probed"
    in_place_of_criu(f"/usr/bin/python3 {probe} {log}\nexit 1",
                     lambda: refused("checkpoint", "box", says="checkpoint: CRIU: "))
    with open(log, encoding="utf-8") as file:
        found = json.loads(file.read().splitlines()[-1])
    # CRIU runs without a seccomp filter, as the kernel does not let a process with a filter suspend filters of others.
    equal({key: found[key] for key in ("capabilities", "admin", "seccomp", "syslog")},
          {"capabilities": [], "admin": 1, "seccomp": "0", "syslog": "Operation not permitted"})
    os.unlink(log)


def test_container_continues_after_a_failed_checkpoint():
    with_failing_criu(lambda: refused("checkpoint", "box", says="checkpoint: CRIU: "))
    equal(state("box"), "running")
    equal(sorted(os.listdir(f"{STATE}/containers/box")),
          ["config.json", "etc", "streams", "upper", "work"])
    equal(good("exec", "box", "echo", "alive"), "alive\n")


def test_reason_of_criu_is_reported():
    """If CRIU does not support the kernel, its reason is reported; otherwise it writes a checkpoint."""
    result = dist("checkpoint", "--leave-running", "box")
    if result.status == 0:
        assert json.loads(good("inspect", "box"))["checkpointed"] > 0
        return
    contains(result.err, "dist: checkpoint: CRIU: ")
    reason = result.err.partition("CRIU: ")[2].strip()
    assert len(reason) > 10 and "without a message" not in reason, result
    wait_until(lambda: reason.split("; ")[0] in run("journalctl", "BERTH_CONTAINER=box", "--no-pager").out, "the reason in the journal")
    equal(state("box"), "running")


def test_a_failed_checkpoint_does_not_forbid_restarts():
    good("run", "-d", "--id=again", "--restart=always", IMAGE)
    with_failing_criu(lambda: refused("checkpoint", "again", says="CRIU"))
    pid = next(row["pid"] for row in listing("ps") if row["id"] == "again")
    good("kill", "-s", "KILL", "again")
    wait_until(lambda: any(row["id"] == "again" and row["pid"] not in (0, pid) for row in listing("ps")),
               "it is started again")
    good("rm", "-f", "again")


def kill_service_during_a_checkpoint(end):
    """Kills the service while CRIU is at work, which then does this."""
    def checkpoint():
        with subprocess.Popen(["dist", "checkpoint", "again"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
            wait_until(lambda: os.path.exists("/run/begun"), "CRIU is at work")
            kill_service()
        service_is_up()
        os.unlink("/run/begun")
        wait_until(lambda: not run("pgrep", "-x", "berth-checkpoint").out, "the end of the checkpoint")
    in_place_of_criu(f"touch /run/begun\nwhile test -e /run/begun; do sleep 0.1; done\n{end}", checkpoint)


def test_a_checkpoint_without_the_service_leaves_the_restart_policy_right():
    """Whether a container was ended by its checkpoint is known to the next instance of the service."""
    good("run", "-d", "--id=again", "--restart=always", IMAGE)
    kill_service_during_a_checkpoint("exit 1")
    pid = listing("info", "again")[0]["pid"]
    good("kill", "-s", "KILL", "again")
    wait_until(lambda: listing("info", "again")[0]["pid"] not in (0, pid), "it is started again")
    kill_service_during_a_checkpoint(f"{WRITE}\nkill -KILL {listing('info', 'again')[0]['pid']}")
    wait_until(lambda: state("again") == "stopped", "its end")
    kill_service()
    service_is_up()
    equal(state("again"), "stopped")
    # What ends it after another start is not the checkpoint.
    good("start", "again")
    pid = listing("info", "again")[0]["pid"]
    good("kill", "-s", "KILL", "again")
    wait_until(lambda: listing("info", "again")[0]["pid"] not in (0, pid), "it is started again")
    good("rm", "-f", "again")


def test_checkpoint_needs_the_right_to_manage():
    result = containers_call("Checkpoint", "sa{sv}", "box", "0", user="alice")
    contains(result.err, 'no container "box"')
    # Permission to do everything else with one's own containers does not include checkpoint and restore.
    allow("alice", 'action.id.indexOf("org.berth1.containers.") == 0 && !/checkpoint|restore|privileged/.test(action.id)')
    good("run", "-d", "--id=hers", IMAGE, user="alice")
    for member in ("Checkpoint", "Restore"):
        result = containers_call(member, "sa{sv}", "hers", "0", user="alice")
        contains(result.err, f"org.berth1.containers.{member.lower()} needs an administrator's authorization")
    good("rm", "-f", "hers", user="alice")


def test_nothing_is_left():
    good("rm", "-f", "box")
    wait_until(lambda: os.listdir(f"{STATE}/containers") == [], "the end of all directories")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
