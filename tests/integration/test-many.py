# SPDX-License-Identifier: LGPL-2.1-or-later
# Many containers, concurrently and one after another: no resource of the service grows, and nothing is left, even if
# callers disconnect.

import concurrent.futures
import importlib.util
import os
import random
import subprocess
import sys
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

spec = importlib.util.spec_from_file_location("soak", os.path.join(os.path.dirname(__file__), "soak-containers.py"))
soak = importlib.util.module_from_spec(spec)
spec.loader.exec_module(soak)

IMAGE = f"{HOST}/many/base:x"
GROWS = ("fds", "mounts", "hostMounts", "scopes", "containers", "kept")


def test_setup():
    oci.push(oci.busybox_image(Cmd=["sh"]), IMAGE)
    good("pull", IMAGE)
    # While this container runs, the service does not exit when it is idle.
    good("run", "-d", "--id=anchor", IMAGE, "sleep", "100000")
    good("run", "--rm", IMAGE, "true")
    wait_until(lambda: soak.figures()["scopes"] == 1, "only the anchor's scope is there")


def steady():
    """Returns the figures when they have not changed for a second. What ended before is cleaned up in the background."""
    def twice():
        found = soak.figures()
        time.sleep(1)
        return all(soak.figures()[name] == found[name] for name in GROWS) and found
    return wait_until(twice, "figures that do not change")


def settled(expected):
    def none_is_more():
        found = soak.figures()
        return all(found[name] <= expected[name] for name in GROWS)
    wait_until(none_is_more, f"figures as {expected}, not {soak.figures()}")


def test_two_hundred_at_once():
    before = steady()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda i: dist("run", "-d", f"--id=many{i}", IMAGE, "sleep", "1000"), range(200)))
    equal([result for result in results if result.status != 0], [])
    equal(len(listing("ps")), 201)
    kill_service()
    equal(len(listing("ps")), 201)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda i: dist("rm", "-f", f"many{i}"), range(200)))
    equal([result for result in results if result.status != 0], [])
    settled(before)


def test_nothing_grows_over_many_containers():
    before = steady()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda i: dist("run", "--rm", *(["-t"] if i % 4 == 0 else []), IMAGE, "true"), range(300)))
    equal([result for result in results if result.status != 0], [])
    settled(before)
    assert soak.figures()["rss"] < before["rss"] + 4096, (before, soak.figures())


def test_callers_that_vanish():
    before = steady()
    rng = random.Random(7)
    for _ in range(60):
        command = rng.choice((["run", "--rm", IMAGE, "true"], ["exec", "anchor", "true"], ["run", "--rm", "-t", IMAGE, "true"],
                              ["run", "--rm", IMAGE, "nosuchcommand"], ["cp", "anchor:/bin", "-"]))
        caller = subprocess.Popen(["dist", *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.random() * 0.04)
        caller.kill()
        caller.wait()
    # Containers that were created but not started may remain, or be about to be deleted by the service.
    def others():
        return [row for row in listing("ps", "-a") if row["id"] != "anchor"]
    wait_until(lambda: all(row["state"] == "created" for row in others()), "all have ended")
    wait_until(lambda: [dist("rm", row["id"]) for row in others()] == [], "all are deleted")
    settled(before)
    wait_until(lambda: run("pgrep", "-x", "berth-launch").out + run("pgrep", "-x", "berth-copy").out == "", "the end of all helpers")


def test_error_when_ranges_of_ids_run_out():
    with open("/etc/subuid", encoding="utf-8") as file:
        before = file.read()
    try:
        with open("/etc/subuid", "a", encoding="utf-8") as file:
            file.write("all:524288:1878523904\n")
        result = dist("create", IMAGE)
        equal(result.status, 125)
        contains(result.err, "no range of ids")
    finally:
        with open("/etc/subuid", "w", encoding="utf-8") as file:
            file.write(before)


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
