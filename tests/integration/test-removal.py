# SPDX-License-Identifier: LGPL-2.1-or-later
# The removal of a container is one operation: nothing is left of the container, even if other operations on it begin at
# the same time.

import os
import random
import signal
import subprocess
import sys
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/removal/base:x"
MARK = "99887"
SEED = int(os.environ.get("SEED", "0")) or random.randrange(1 << 30)


def test_setup():
    print(f"# seed {SEED}")
    oci.push(oci.busybox_image(Cmd=["sleep", MARK]), IMAGE)
    good("pull", IMAGE)
    make_network("mine", "10.78.0.0/24")


def begin(*arguments):
    return subprocess.Popen(("dist",) + arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)


def addresses():
    directory = "/var/lib/cni/networks/mine"
    return [name for name in os.listdir(directory) if name[0].isdigit()] if os.path.isdir(directory) else []


def remains():
    """Returns everything that still exists of any container."""
    found = {"rows": [row["id"] for row in listing("ps", "-a")],
             "directories": [name for name in os.listdir(f"{STATE}/containers") if not name.startswith(".")],
             "scopes": run("systemctl", "list-units", "--all", "--plain", "--no-legend", "berth-*.scope").out.split(),
             "processes": run("pgrep", "-f", f"[s]leep {MARK}").out.split(),
             "machines": run("machinectl", "--no-legend", "list").out.split(),
             "descriptors": run("systemctl", "show", "-P", "NFileDescriptorStore", "berthd").out.strip().strip("0"),
             "addresses": addresses()}
    return {key: value for key, value in found.items() if value}


def nothing_remains(what):
    try:
        wait_until(lambda: not remains(), what)
    except AssertionError:
        raise AssertionError(f"{what}: {remains()}") from None


OPTIONS = [(), ("--restart=always",), ("--network=mine", "-p", "18080:80"), ("-t",), ("--health-cmd=true", "--health-interval=1")]


def test_nothing_is_left_of_a_container_removed_while_it_starts():
    chance = random.Random(SEED)
    for number in range(60):
        name, options = f"both{number}", OPTIONS[number % len(OPTIONS)]
        good("create", f"--id={name}", *options, IMAGE)
        starting = begin("start", name)
        time.sleep(chance.random() * 0.12)
        removing = [begin("rm", "-f", name) for _ in range(1 + number % 2)]
        removed = [(process.communicate()[1], process.returncode) for process in removing]
        error = starting.communicate()[1]
        # One of the calls removed the container; the other may have come too late.
        assert any(status == 0 for _, status in removed), (number, removed)
        assert all(status == 0 or "no container" in text for text, status in removed), (number, removed)
        assert starting.returncode == 0 or "is being deleted" in error or "no container" in error or "status 137" in error, (number, error)
        assert name not in [row["id"] for row in listing("ps", "-a")], (number, options)
    nothing_remains("after starts and removals")


def test_processes_end_with_the_removed_container():
    chance = random.Random(SEED + 1)
    for number in range(15):
        name = f"busy{number}"
        good("run", "-d", f"--id={name}", IMAGE)
        others = [begin("exec", name, "sleep", MARK), begin("exec", name, "true"), begin("cp", f"{name}:/bin", f"/tmp/copied{number}"),
                  begin("wait", name)]
        time.sleep(chance.random() * 0.1)
        good("rm", "-f", name)
        for other in others:
            other.communicate(timeout=120)
    nothing_remains("after what ran in them")


def test_removal_goes_on_without_its_client():
    for number in range(8):
        name = f"alone{number}"
        good("create", f"--id={name}", "--restart=always", IMAGE)
        starting = begin("start", name)
        if number % 2:
            starting.wait()
        removing = begin("rm", "-f", name)
        time.sleep(0.01 * number)
        removing.send_signal(signal.SIGKILL)
        removing.communicate()
        starting.communicate()
        if name in [row["id"] for row in listing("ps", "-a")]:
            # The client was killed before it had sent its call.
            dist("rm", "-f", name)
    nothing_remains("after clients that left")


def test_removal_goes_on_after_a_kill_of_the_service():
    for number in range(6):
        name = f"killed{number}"
        good("run", "-d", f"--id={name}", "--restart=always", IMAGE)
        removing = begin("rm", "-f", name)
        time.sleep(0.004 * number)
        kill_service()
        removing.communicate()
        service_is_up()
        wait_until(lambda name=name: len([row for row in listing("ps", "-a") if row["id"] == name and row["state"] != "running"]) == 0,
                   "the end of what was killed")
        dist("rm", "-f", name)
    nothing_remains("after kills of the service")


def test_paused_stopping_and_unstarted_containers_are_removed():
    good("run", "-d", "--id=paused", IMAGE)
    good("pause", "paused")
    good("rm", "-f", "paused")
    good("run", "-d", "--id=stopping", IMAGE, "sh", "-c", f"trap '' TERM; sleep {MARK}")
    stopping = begin("stop", "--time=1000", "stopping")
    good("rm", "-f", "stopping")
    # The process has ended, or the removal came first.
    error = stopping.communicate()[1]
    assert stopping.returncode == 0 or "stopping" in error, error
    equal(dist("rm", "stopping").status, 1)
    good("create", "--id=never", IMAGE)
    waiting = begin("wait", "never")
    good("rm", "never")
    contains(waiting.communicate()[1], "never")
    nothing_remains("after all states")


def test_nothing_new_begins_during_a_removal():
    good("run", "-d", "--id=full", IMAGE)
    removing = begin("rm", "-f", "full")
    result = dist("exec", "full", "sleep", "1000")
    assert result.status != 0, result
    equal(removing.communicate()[1], "")
    contains(dist("rm", "full").err, "full")
    nothing_remains("in the end")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
