# SPDX-License-Identifier: LGPL-2.1-or-later
# Exit statuses are known after a restart of the service even on a kernel whose pidfds do not report them (before Linux
# 6.15). This runs in the initial namespaces, the only ones where such a kernel reports all exits (tests/machine/emulate
# --boot).

import os
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/busybox:latest"
COUNT = 12


def exits_on(signal, status):
    """Returns a command that exits with a status on a signal. It does not poll, as many polling containers would use
    all CPU time of an emulated machine."""
    return ("sh", "-c", f"trap 'exit {status}' {signal}; sleep 1000 & wait")


def test_setup():
    release = os.uname().release.split(".")
    assert (int(release[0]), int(release[1])) < (6, 15), release
    oci.push(oci.busybox_image(), IMAGE)
    good("pull", IMAGE)


def test_every_status_is_known_after_a_kill():
    for number in range(1, COUNT + 1):
        good("run", "-d", f"--id=c{number}", IMAGE, *exits_on("TERM", number))
    good("exec", "-d", "--process=other", "c1", *exits_on("USR1", 77))
    kill_service()
    equal(len(listing("ps")), COUNT)
    equal(containers_call("Kill", "sia{sv}", "c1", "10", "1", "Process", "s", "other").status, 0)
    contains(containers_call("Wait", "ssa{sv}", "c1", "other", "0").out, "it 77 ")
    # The containers end at once, so that the service receives many exits together.
    good("kill", *[f"c{number}" for number in range(1, COUNT)])
    for number in range(1, COUNT):
        equal(dist("wait", f"c{number}").status, number)
    good("kill", "-s", "KILL", f"c{COUNT}")
    equal(dist("wait", f"c{COUNT}").status, 137)


def test_the_exit_status_is_known_after_a_restart_of_the_service():
    good("run", "-d", "--id=kept", IMAGE, *exits_on("USR1", 13))
    equal(run("systemctl", "restart", "berthd.service").status, 0)
    good("kill", "-s", "USR1", "kept")
    equal(dist("wait", "kept").status, 13)


def test_exit_while_the_service_is_away_is_unknown():
    good("run", "-d", "--id=unseen", IMAGE, "sleep", "1000")
    pid = listing("info", "unseen")[0]["pid"]
    run("systemctl", "stop", "berthd.service")
    os.kill(pid, 9)
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "its end")
    equal(listing("info", "unseen")[0]["exitStatus"], "unknown")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
