# SPDX-License-Identifier: LGPL-2.1-or-later
# Resources of an OCI configuration, with and without a corresponding systemd property, set the container's cgroup files
# as crun does. This needs a unified hierarchy with all controllers, as does systemd-oomd. Other tests are about
# features that work differently on an older kernel.
# machine: package systemd-oomd

import importlib
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
spec_tests = importlib.import_module("test-spec")

IMAGE = f"{HOST}/older/box:x"
CGROUP = [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "noexec", "nodev", "ro"]}]
FILES = ("memory.max memory.low memory.swap.max memory.high memory.oom.group cpu.weight cpu.max cpu.max.burst cpu.idle cpuset.cpus "
         "cpuset.mems pids.max io.weight hugetlb.2MB.max")


def with_both(resources):
    """Returns the contents of the cgroup files in a container of Berth and in one of crun with systemd."""
    changes = {"mounts+": CGROUP, "linux.namespaces+": [{"type": "cgroup"}], "linux.resources": resources}
    config = spec_tests.spec(f"cd /sys/fs/cgroup; for i in {FILES}; do echo $i $(cat $i); done", changes)
    mine = spec_tests.with_berth(config)
    theirs = run("crun", "--systemd-cgroup", "run", "--bundle", spec_tests.write(config), f"s{spec_tests.count}")
    equal((mine.status, theirs.status), (0, 0), f"{mine} {theirs}")
    return [dict(line.partition(" ")[::2] for line in result.out.splitlines()) for result in (mine, theirs)]


def same(resources, known=()):
    """Compares the cgroup files, and returns those of Berth. Known differences are ignored: crun enables all
    controllers for each container, and sets no task limit where systemd has a default."""
    mine, theirs = with_both(resources)
    skipped = [name for name, value in theirs.items() if (name, value) in (("hugetlb.2MB.max", "max"), ("pids.max", "max"))]
    equal({name: value for name, value in mine.items() if name not in (*skipped, *known)},
          {name: value for name, value in theirs.items() if name not in (*skipped, *known)}, str(resources))
    return mine


def test_setup():
    spec_tests.test_setup()
    oci.push(oci.busybox_image(), IMAGE)
    good("pull", IMAGE)


def test_layers_of_mounted_images_and_of_stopped_containers():
    """Images can be mounted and files copied from stopped containers before Linux 6.15, too.

    There, overlayfs and open_tree(2) accept only layers that are attached in the caller's mount namespace."""
    mount = f"--mount=type=image,source={IMAGE},target=/image,subpath=bin"
    contains(good("run", "--rm", mount, IMAGE, "ls", "/image"), "busybox")
    good("run", "--name=stopped", mount, IMAGE, "sh", "-c", "echo kept >/file")
    for path in ("/file", "/image/busybox"):
        good("cp", f"stopped:{path}", "/tmp/copied")
        assert os.path.getsize("/tmp/copied") > 0, path
    good("rm", "stopped")


def test_resources_with_a_systemd_property():
    found = same({"memory": {"limit": 67108864, "reservation": 33554432, "swap": 100663296},
                  "cpu": {"shares": 2048, "quota": 50000, "period": 100000, "cpus": "0", "mems": "0"}, "pids": {"limit": 33}})
    equal((found["memory.max"], found["memory.swap.max"], found["cpu.max"]), ("67108864", "33554432", "50000 100000"))
    equal(same({"blockIO": {"weight": 500}})["io.weight"], "default 4950")


def test_resources_without_a_systemd_property():
    found = same({"cpu": {"quota": 50000, "period": 100000, "burst": 20000}, "hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]},
                 # This version of crun does not support CPU bursts.
                 known=["cpu.max.burst"])
    equal((found["cpu.max.burst"], found["hugetlb.2MB.max"]), ("20000", "4194304"))


def test_files_of_the_unified_hierarchy():
    found = same({"unified": {"memory.oom.group": "1", "memory.high": "50000000", "cpu.weight": "321", "pids.max": "44",
                              "hugetlb.2MB.max": "2097152"}})
    equal((found["memory.oom.group"], found["cpu.weight"], found["hugetlb.2MB.max"]), ("1", "321", "2097152"))
    # crun writes these files directly, without systemd.
    mine, _ = with_both({"unified": {"cpu.max": "30000 60000", "cpuset.cpus": "0"}})
    equal((mine["cpu.max"], mine["cpuset.cpus"]), ("30000 60000", "0"))


def test_unusable_cgroup_file_is_named():
    for name, word in (("memory.nothing", "No such file"), ("nothing.max", "is not available"), ("cpu.max.burst", "write")):
        result = spec_tests.with_berth(spec_tests.spec("true", {"linux.resources": {"unified": {name: "words"}}}))
        equal(result.status, 125)
        contains(result.err, name)
        contains(result.err, word)


def test_resources_are_kept_when_systemd_reloads():
    config = spec_tests.spec("sleep 1000", {"mounts+": CGROUP, "linux.namespaces+": [{"type": "cgroup"}], "linux.resources": {
        "cpu": {"quota": 50000, "burst": 20000}, "unified": {"hugetlb.2MB.max": "2097152"}}})
    good("run", "-d", "--id=stays", "--bundle", spec_tests.write(config))
    run("systemctl", "daemon-reload")
    run("systemctl", "set-property", "--runtime", "berth-stays.scope", "MemoryMax=99999744")
    equal(good("exec", "stays", "sh", "-c", "cd /sys/fs/cgroup; cat memory.max cpu.max.burst hugetlb.2MB.max").split(),
          ["99999744", "20000", "2097152"])
    good("rm", "-f", "stays")


def test_oomctl_shows_a_unit_with_its_container():
    """systemd-oomd watches the unit that asks for it, and what the container uses is the unit's."""
    package = f"{os.environ['BERTH_BUILD']}/packages/systemd-oomd"
    equal(run("sh", "-c", f"tar -C {package} -c . | tar -C / -x --keep-directory-symlink && systemd-sysusers && systemctl daemon-reload && "
              "systemctl reload dbus && systemctl start systemd-oomd").status, 0)
    with open("/run/systemd/system/eater.service", "w", encoding="ascii") as file:
        file.write("[Service]\nType=notify\nDelegate=yes\nKillMode=mixed\nTimeoutStartSec=300\nManagedOOMMemoryPressure=kill\n"
                   "ManagedOOMMemoryPressureLimit=90%\n"
                   f"ExecStart=dist run --rm --name=eater --cgroup=caller --stop-timeout=1 --tmpfs=/eaten {IMAGE} "
                   "sh -c 'dd if=/dev/zero of=/eaten/file bs=1M count=64 && exec sleep 1000'\n")
    run("systemctl", "daemon-reload")
    equal(run("systemctl", "start", "eater").status, 0, run("journalctl", "-n20", "-o", "cat").out)

    def used():
        """What systemd-oomd counts for the unit, in MiB."""
        shown = run("oomctl").out.partition("Memory Pressure Monitored CGroups")[2]
        found = re.search(r"Path: /system.slice/eater.service\n(?:.*\n)*?.*Current Memory Usage: ([0-9.]+)M", shown)
        return float(found[1]) if found else 0

    wait_until(lambda: used() >= 64, "the container's memory in the output of oomctl")
    equal(run("systemctl", "stop", "eater", "systemd-oomd").status, 0)


def test_a_time_namespace_of_an_older_kernel():
    spec_tests.test_a_time_namespace()


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
