# SPDX-License-Identifier: LGPL-2.1-or-later
# machine: hybrid
# Memory, task and processor limits are systemd's, and are enforced where the controllers are.

import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/busybox:latest"


def test_setup():
    oci.push(oci.busybox_image(), IMAGE)
    good("pull", IMAGE)


def test_limits_are_properties_of_the_scope():
    good("run", "-d", "--id=limited", "--memory=64M", "--pids=20", "--cpus=0.5", IMAGE, "sleep", "100")
    show = run("systemctl", "show", "berth-limited.scope", "-p",
               "MemoryMax,TasksMax,CPUQuotaPerSecUSec").out
    contains(show, "MemoryMax=67108864")
    contains(show, "TasksMax=20")
    contains(show, "CPUQuotaPerSecUSec=500ms")
    good("rm", "-f", "limited")


def test_a_fork_bomb_is_contained():
    result = dist("run", "--rm", "--pids=20", IMAGE, "sh", "-c",
                  "for i in $(seq 50); do sleep 5 & done 2>&1; echo started; kill -9 -1")
    contains(result.out + result.err, "fork")


def test_too_much_memory_ends_with_a_kill():
    result = dist("run", "--rm", "--memory=32M", IMAGE, "sh", "-c",
                  "x=$(head -c 200000000 /dev/zero | tr '\\0' a); echo ${#x}")
    assert result.status in (137, 1, 2), result
    assert "200000000" not in result.out, result


def test_bad_amounts_are_refused():
    for option in ("--memory=lots", "--cpus=-1", "--memory=", "--cpus=x"):
        result = dist("run", "--rm", option, IMAGE, "true")
        equal(result.status, 125, option)


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
