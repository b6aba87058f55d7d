# SPDX-License-Identifier: LGPL-2.1-or-later
# Checkpoints and restores that are interrupted or fail, on Debian's kernel as in emulated-checkpoint.py. This is a file of
# its own so that both run at the same time.

import importlib
import os
import subprocess
import sys
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

checkpoint = importlib.import_module("emulated-checkpoint")
COUNTER, counted, row_of = checkpoint.COUNTER, checkpoint.counted, checkpoint.row_of


def test_setup():
    oci.push(oci.Image([oci.busybox_layer()], {"Cmd": ["sh", "-c", checkpoint.COUNT], "Env": ["PATH=/bin"]}), COUNTER)
    good("pull", COUNTER)


def test_one_of_two_checkpoints_at_once_fails():
    good("run", "-d", "--id=twice", COUNTER)
    calls = [subprocess.Popen(["dist", "checkpoint", "twice"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
             for _ in range(2)]
    results = [(call.communicate(timeout=180)[1], call.returncode) for call in calls]
    equal(sorted(status for _, status in results), [0, 1])
    good("rm", "twice")


def scope_is_gone(name):
    return run("systemctl", "is-active", f"berth-{name}.scope").out.strip() in ("inactive", "unknown", "failed")


def kill_service_during(delay, *arguments):
    """Runs dist, kills the service after a delay, and waits until CRIU has ended and the service is back."""
    with subprocess.Popen(["dist", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
        time.sleep(delay)
        kill_service()
        client.wait(180)
    wait_until(lambda: not run("pgrep", "-x", "criu").out, "CRIU is done")
    service_is_up()


def test_a_kill_of_the_service_during_a_checkpoint():
    for delay in (0.1, 0.6):
        good("run", "-d", "--id=victim", COUNTER)
        kill_service_during(delay, "checkpoint", "victim")
        # Nothing is lost: the container still runs or can be restored. The end of what was dumped may be noticed later.
        wait_until(lambda: row_of("victim")["state"] == "stopped" or dist("exec", "victim", "cat", "/dev/shm/counted").out.strip(), "it is stopped or counts")
        if row_of("victim")["state"] == "stopped":
            good("restore", "victim")
        wait_until(lambda: counted("victim") > 0, "it counts")
        good("rm", "-f", "victim")
        wait_until(lambda: os.listdir(f"{STATE}/containers") == [], "the end of all directories")


def test_a_kill_of_the_service_during_a_restore():
    good("run", "-d", "--id=victim", COUNTER)
    wait_until(lambda: counted("victim") > 3, "it counts")
    good("checkpoint", "victim")
    for delay in (0.05, 0.4, 0.8):
        kill_service_during(delay, "restore", "victim")
        if row_of("victim")["state"] == "running":
            count = counted("victim")
            wait_until(lambda: counted("victim") > count, "it goes on")
            good("stop", "-t", "0", "victim")
        wait_until(lambda: scope_is_gone("victim"), "nothing runs")
    good("restore", "victim")
    good("rm", "-f", "victim")


def test_a_damaged_checkpoint_is_refused():
    good("run", "-d", "--id=broken", COUNTER)
    good("checkpoint", "broken")
    directory = f"{STATE}/containers/broken/checkpoint"
    with open(f"{directory}/pstree.img", "r+b") as file:
        file.truncate(9)
    before = row_of("broken")
    result = dist("restore", "broken")
    equal(result.status, 1)
    contains(result.err, "CRIU")
    equal(row_of("broken"), before)
    wait_until(lambda: scope_is_gone("broken"), "nothing runs")
    # The container can still be started.
    good("start", "broken")
    good("rm", "-f", "broken")


def test_nothing_is_left():
    checkpoint.test_nothing_is_left()


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
