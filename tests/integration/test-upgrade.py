# SPDX-License-Identifier: LGPL-2.1-or-later
# dpkg upgrades the package, with Debian's maintainer scripts, while the service is in use: units, a pod, runs and an
# exec in the foreground, and a pull continue, and no exit status is lost.

import os
import shutil
import subprocess
import sys
import threading

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from faulty_registry import FaultyRegistry

IMAGE = f"{HOST}/upgrade/box:x"
WORK = "/var/tmp/upgrade"
UNITS = "/etc/berth/units"
BUSY = "while :; do sleep 0.1; done"
REGISTRY = FaultyRegistry()

# The script that debhelper's dh_installsystemd writes for a service that is restarted after the upgrade.
SCRIPT = """#!/bin/sh
set -e
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload >/dev/null
    systemctl try-restart berthd.service >/dev/null
fi
"""


def build_package(version):
    """Builds a package of the installed files. All programs of different versions differ."""
    root = f"{WORK}/{version}"
    shutil.copytree(os.environ["BERTH_BUILD"] + "/staging", root, symlinks=True)
    for directory in ("usr/libexec/berth", "usr/bin"):
        for name in os.listdir(f"{root}/{directory}"):
            path = f"{root}/{directory}/{name}"
            if not os.path.islink(path):
                # Data after the end of an ELF file is ignored.
                with open(path, "ab") as file:
                    file.write(f"version {version}\n".encode())
    os.makedirs(f"{root}/DEBIAN")
    with open(f"{root}/DEBIAN/control", "w", encoding="ascii") as file:
        file.write(f"Package: berth\nVersion: {version}\nArchitecture: all\nMaintainer: Nobody <nobody@example.com>\nDescription: Containers\n")
    with open(f"{root}/DEBIAN/postinst", "w", encoding="ascii") as file:
        file.write(SCRIPT)
    os.chmod(f"{root}/DEBIAN/postinst", 0o755)
    result = run("dpkg-deb", "--build", "--root-owner-group", "-Znone", root, f"{WORK}/{version}.deb")
    equal(result.status, 0, result.err)


def install(version):
    result = run("dpkg", "-i", f"{WORK}/{version}.deb")
    equal(result.status, 0, result.out + result.err)


def show(unit, *names):
    return [run("systemctl", "show", "-P", name, unit).out.strip() for name in names]


def write(name, text):
    os.makedirs(UNITS, exist_ok=True)
    with open(f"{UNITS}/{name}", "w", encoding="utf-8") as file:
        file.write(text)


def pids():
    return {row["id"]: row["pid"] for row in listing("ps")}


def test_setup():
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), IMAGE)
    good("pull", IMAGE)
    os.makedirs(WORK)
    for version in ("1.0-1", "1.0-2"):
        build_package(version)
    install("1.0-1")
    write("web.container", f"[Container]\nImage={IMAGE}\nContainerName=web\nStopTimeout=1\nExec=sh -c 'trap \"echo stopping; exit 0\" TERM; {BUSY}'\n"
          "HealthCmd=true\nHealthInterval=1s\nNotify=healthy\n")
    write("shop.pod", "[Pod]\nPodName=shop\n")
    write("db.container", f"[Container]\nImage={IMAGE}\nContainerName=db\nPod=shop.pod\nStopTimeout=1\nExec=sleep 1000\n")
    run("systemctl", "daemon-reload")
    for unit in ("web", "shop-pod"):
        equal(run("systemctl", "start", unit).status, 0, run("journalctl", "-n30", "--no-pager").out)
    wait_until(lambda: show("db", "ActiveState") == ["active"], "the container of the pod")


def test_an_upgrade_in_the_middle_changes_nothing_that_runs():
    content = oci.Image([oci.busybox_layer(), oci.Layer("none").add("data", os.urandom(4 * 1024 * 1024))], {"Cmd": ["true"], "Env": ["PATH=/bin"]})
    reference, _ = REGISTRY.add("slow:x", content)
    go_on = REGISTRY.stall[content.manifest["layers"][1]["digest"]] = threading.Event()
    good("run", "-d", "--id=stays", IMAGE, "sh", "-c", "trap 'exit 4' TERM; " + BUSY)
    good("run", "-d", "--id=brief", IMAGE, "sh", "-c", "until [ -e /tmp/end ]; do sleep 0.02; done; exit 7")
    foreground = subprocess.Popen(["dist", "run", "--rm", "-i", "--id=typed", IMAGE, "sh", "-c", "read word; echo read $word; exit 5"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
    executed = subprocess.Popen(["dist", "exec", "-i", "web", "sh", "-c", "echo ready >/tmp/executed; read word; echo read $word; exit 6"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
    pull = subprocess.Popen(["dist", "pull", reference], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: {"stays", "brief", "typed", "web", "db"} <= set(pids()), "all to run")
    wait_until(lambda: listing("transfers"), "the pull")
    wait_until(lambda: os.path.exists(f"/proc/{pids()['web']}/root/tmp/executed"), "the exec")
    before, units = pids(), [show(unit, "MainPID", "NRestarts", "InvocationID") for unit in ("web", "shop-pod", "db")]
    service = service_pid()
    waiting = subprocess.Popen(["dist", "wait", "brief"])
    upgrade = subprocess.Popen(["dpkg", "-i", f"{WORK}/1.0-2.deb"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
    # The container "brief" ends while dpkg replaces files, or right afterwards.
    with open(f"/proc/{before['brief']}/root/tmp/end", "w", encoding="ascii"):
        pass
    out = upgrade.communicate(timeout=300)[0]
    equal(upgrade.returncode, 0, out)
    assert service_pid() not in (0, service), "the service is a new one"
    with open(f"/proc/{service_pid()}/exe", "rb") as file:
        assert file.read().endswith(b"version 1.0-2\n")
    equal(waiting.wait(60), 7)
    equal(dist("wait", "brief").status, 7)
    equal({name: pid for name, pid in pids().items() if name in before}, {name: pid for name, pid in before.items() if name != "brief"})
    equal([show(unit, "MainPID", "NRestarts", "InvocationID") for unit in ("web", "shop-pod", "db")], units)
    equal([show(unit, "ActiveState") for unit in ("web", "shop-pod", "db")], [["active"]] * 3)
    for process, status in ((foreground, 5), (executed, 6)):
        equal(process.communicate("word\n", timeout=300)[0], "read word\n")
        equal(process.returncode, status)
    go_on.set()
    pull.wait(120)
    wait_until(lambda: any(row["name"] == reference for row in listing("images")), "the image")
    equal(good("run", "--rm", reference, "wc", "-c", "/data").split()[0], str(4 * 1024 * 1024))


def test_everything_goes_on_with_the_new_version():
    equal(good("exec", "web", "echo", "new"), "new\n")
    equal(good("run", "--rm", "--pod=shop", IMAGE, "echo", "joined"), "joined\n")
    wait_until(lambda: "healthy" in good("info", "web"), "its checks, which begin again")
    # The container that was detached by the former version ends with its own status.
    good("kill", "-s", "TERM", "stays")
    equal(dist("wait", "stays").status, 4)
    equal(run("systemctl", "stop", "web", "shop-pod").status, 0)
    equal(show("web", "Result", "ExecMainStatus"), ["success", "0"])
    wait_until(lambda: not pids(), "all to end")
    wait_until(lambda: "stopping\n" in run("journalctl", "-b", "-o", "cat", "-u", "web").out, "its last output")
    good("rm", "brief", "stays")
    wait_until(lambda: good("ps", "-a", "-q") == "", "the removal of all containers")


def test_a_downgrade_leaves_what_runs():
    good("run", "-d", "--id=left", IMAGE, "sh", "-c", BUSY)
    pid = pids()["left"]
    install("1.0-1")
    equal(pids(), {"left": pid})
    good("rm", "-f", "left")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
