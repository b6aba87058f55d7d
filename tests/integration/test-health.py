# SPDX-License-Identifier: LGPL-2.1-or-later
# Health checks of images and of options: the property Health, the events, and actions on an unhealthy container.

import json
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

PLAIN = f"{HOST}/health/plain:x"
CHECKED = f"{HOST}/health/checked:x"
HASTY = f"{HOST}/health/hasty:x"
SECOND = 1000000000


def health(name):
    reply = run("busctl", "--json=short", "call", "org.berth1", "/org/berth1/containers", "org.berth1.Containers", "Get", "sa{sv}", name, "0")
    return json.loads(reply.out)["data"][0]["Health"]["data"]


def test_setup():
    config = {"Cmd": ["sleep", "1000"], "Env": ["PATH=/bin"]}
    oci.push(oci.Image([oci.busybox_layer()], config), PLAIN)
    check = {"Test": ["CMD-SHELL", "test -e /well"], "Interval": SECOND // 5, "Timeout": 60 * SECOND, "Retries": 2}
    oci.push(oci.Image([oci.busybox_layer()], {**config, "Healthcheck": check}), CHECKED)
    hasty = {"Test": ["CMD-SHELL", "echo >>/checks; test -e /well"], "Interval": 3600 * SECOND, "StartPeriod": 600 * SECOND, "StartInterval": SECOND // 5}
    oci.push(oci.Image([oci.busybox_layer()], {**config, "Healthcheck": hasty}), HASTY)
    for image in (PLAIN, CHECKED, HASTY):
        good("pull", image)


def test_without_a_check_there_is_no_health():
    good("run", "-d", "--id=plain", PLAIN)
    equal(health("plain"), "")
    good("rm", "-f", "plain")


def test_the_check_of_an_image():
    good("run", "-d", "--id=fresh", "--health-interval=1h", CHECKED)
    equal(health("fresh"), "starting")
    good("rm", "-f", "fresh")
    good("run", "-d", "--id=box", CHECKED)
    wait_until(lambda: health("box") == "unhealthy", "it is not well")
    good("exec", "box", "touch", "/well")
    wait_until(lambda: health("box") == "healthy", "it is well")
    good("exec", "box", "rm", "/well")
    wait_until(lambda: health("box") == "unhealthy", "it is not well again")
    equal([kind for kind in kinds("box") if "health" in kind], ["unhealthy", "healthy", "unhealthy"])


def test_checks_are_not_listed_as_processes():
    good("run", "-d", "--id=slow", "--health-cmd=sleep 77", "--health-interval=0.1s", "--health-timeout=100s", PLAIN)
    # The command of the check itself is in the list; only its id is not.
    found = wait_until(lambda: [row for row in listing("top", "slow") if "sleep 77" in row["command"]], "a check that runs")
    equal({row["process"] for row in found}, {"-"})
    good("rm", "-f", "slow")
    equal([kind for kind in kinds("box") if "exec" in kind], ["exec-added", "exec-started"] * 2)


def test_checks_go_on_after_the_service_was_away():
    good("exec", "box", "touch", "/well")
    kill_service()
    wait_until(lambda: health("box") == "healthy", "it is well")
    good("pause", "box")
    good("resume", "box")
    good("kill", "-s", "KILL", "box")
    dist("wait", "box")
    equal(health("box"), "")
    good("rm", "box")


def test_an_unhealthy_container_is_killed_or_stopped_if_requested():
    check = ["--health-cmd=false", "--health-interval=0.2s", "--health-retries=1"]
    # A killed container counts as failed, so that its restart policy applies. A stopped container is not restarted.
    good("run", "-d", "--id=killed", "--restart=on-failure", "--health-on-failure=kill", *check, PLAIN)
    good("run", "-d", "--id=stopped", "--restart=always", "--stop-timeout=0", "--health-on-failure=stop", *check, PLAIN)
    good("run", "-d", "--id=ignored", "--health-on-failure=none", *check, PLAIN)
    wait_until(lambda: kinds("killed").count("start") >= 2, "a new start")
    states = lambda: {row["id"]: row["state"] for row in listing("ps", "-a")}  # pylint: disable=unnecessary-lambda-assignment
    wait_until(lambda: states()["stopped"] == "stopped" and kinds("stopped").count("start") == 1, "the stop")
    wait_until(lambda: health("ignored") == "unhealthy", "the verdict")
    equal(states()["ignored"], "running")
    result = dist("run", "--rm", "--health-on-failure=kill", *check, PLAIN)
    equal(result.status, 137)
    contains(dist("create", "--health-on-failure=restart", PLAIN).err, "none, kill")
    contains(dist("create", "--health-on-failure=kill", PLAIN).err, "HealthOnFailure needs a health check")
    good("rm", "-f", "killed", "stopped", "ignored")


def test_a_check_that_hangs_is_a_failure():
    call("/org/berth1/containers", "org.berth1.Containers", "Create", "ssa{sv}", "hang", PLAIN, "4",
         "HealthCommand", "as", "3", "CMD", "sleep", "100", "HealthIntervalUSec", "t", "100000", "HealthTimeoutUSec", "t", "200000",
         "HealthRetries", "t", "1")
    good("start", "hang")
    wait_until(lambda: health("hang") == "unhealthy", "its failure")
    good("rm", "-f", "hang")


def test_during_the_start_period_checks_follow_the_start_interval():
    hour = ["--health-cmd=test -e /well", "--health-interval=1h"]
    good("run", "-d", "--id=image", HASTY)
    good("run", "-d", "--id=option", *hour, "--health-start-period=10m", "--health-start-interval=0.2s", PLAIN)
    # As with Docker, 5 s if not given.
    good("run", "-d", "--id=default", *hour, "--health-start-period=10m", PLAIN)
    good("run", "-d", "--id=without", *hour, "--health-start-interval=0.2s", PLAIN)
    for box in ("image", "option", "default", "without"):
        equal(health(box), "starting")
        good("exec", box, "touch", "/well")
    for box in ("image", "option"):
        wait_until(lambda box=box: health(box) == "healthy", f"{box} is well")
    # Once it is healthy, the next check is an hour away.
    checks = good("exec", "image", "cat", "/checks")
    wait_until(lambda: health("default") == "healthy", "the check after five seconds")
    equal(good("exec", "image", "cat", "/checks"), checks)
    equal(health("without"), "starting")
    good("rm", "-f", "image", "option", "default", "without")


def test_the_first_failure_after_the_start_period_counts():
    # The start interval alone would put off the next check by an hour.
    good("run", "-d", "--id=late", "--health-cmd=false", "--health-interval=1h", "--health-retries=1", "--health-start-period=1s",
         "--health-start-interval=1h", PLAIN)
    wait_until(lambda: health("late") == "unhealthy", "its failure")
    good("rm", "-f", "late")


def test_options_of_dist():
    good("run", "-d", "--id=opt", "--health-cmd=true", "--health-interval=1", PLAIN)
    wait_until(lambda: health("opt") == "healthy", "it is well")
    good("rm", "-f", "opt")
    good("run", "-d", "--id=opt", "--health-cmd=none", CHECKED)
    equal(health("opt"), "")
    good("rm", "-f", "opt")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
