# SPDX-License-Identifier: LGPL-2.1-or-later
# Everything that lives is an object: each client sees, and is told of, what it may see, and what
# systemctl asks of a service of the system it gets.

import os
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/objects/base:x"
MANAGER = ("org.berth1", "/org/berth1", "org.berth1.Manager")
LOG = ("org.berth1", "/org/freedesktop/LogControl1", "org.freedesktop.LogControl1")
NOTHING = "polkit.addRule(function() { return polkit.Result.NO; });"


def manager(name, user=None):
    return busctl("get-property", *MANAGER, name, user=user).out.strip()


def count(name, user=None):
    words = manager("Counts", user).split()
    return int(words[words.index(f'"{name}"') + 1])


def test_setup():
    oci.push(oci.Image([oci.busybox_layer()], {"Cmd": ["sleep", "1000"], "Env": ["PATH=/bin"]}), IMAGE)
    good("pull", IMAGE)


def test_the_manager_says_what_it_is():
    contains(good("--version"), manager("Version").split('"')[1])
    features = manager("Features").split('"')[1::2]
    equal(features, sorted(features))
    contains(features, "leases")
    contains(features, "checkpoint")


def test_storage_is_that_of_the_state_directory():
    words = manager("Storage").split()
    found = {words[i].strip('"'): words[i + 2].strip('"') for i in range(2, len(words), 3)}
    equal(found["Path"], "/var/lib/berth")
    status = os.statvfs("/var/lib/berth")
    equal(int(found["Size"]), status.f_blocks * status.f_frsize)
    assert 0 < int(found["Free"]) <= int(found["Size"]) - int(found["Used"]), found


def test_counts_are_of_what_the_caller_may_see():
    good("run", "-d", "--id=roots", IMAGE)
    good("volume", "create", "rootsvolume")
    equal([count(name) for name in ("Containers", "RunningContainers", "Volumes", "Images")], [1, 1, 1, 1])
    polkit_rule(NOTHING)
    equal([count(name, "alice") for name in ("Containers", "RunningContainers", "Volumes", "Images", "Transfers")],
          [0, 0, 0, 0, 0])
    polkit_rule("""polkit.addRule(function(action, subject) {
        if (action.id == "org.berth1.images.inspect") return polkit.Result.YES;
        return polkit.Result.NO; });""")
    equal([count(name, "alice") for name in ("Containers", "Volumes", "Images")], [0, 0, 1])


def test_systemctl_sets_the_log_level():
    equal(run("systemctl", "service-log-level", "berthd").out.strip(), "info")
    equal(run("systemctl", "service-log-target", "berthd").out.strip(), "journal")
    images_call("Get", "s", "before")
    assert run("systemctl", "service-log-level", "berthd", "debug").status == 0
    images_call("Get", "s", "after")
    run("journalctl", "--sync")
    lines = run("journalctl", "-q", "-o", "cat", "-p", "debug", "BERTH_METHOD=Images.Get").out.splitlines()
    equal(len(lines), 1)
    contains(lines[0], "Images.Get called by :1.")
    result = run("systemctl", "service-log-level", "berthd", "loud")
    assert result.status != 0, result
    equal(busctl("get-property", *LOG, "LogLevel").out.strip(), 's "debug"')
    equal(busctl("get-property", *LOG, "SyslogIdentifier").out.strip(), 's "berthd"')


def test_only_root_sets_the_log_level():
    for name in ("LogLevel", "LogTarget"):
        result = busctl("set-property", *LOG, name, "s", "info" if name == "LogLevel" else "journal", user="alice")
        contains(result.err, "Access denied")
    equal(busctl("get-property", *LOG, "LogLevel", user="alice").out.strip(), 's "debug"')
    contains(busctl("set-property", *LOG, "SyslogIdentifier", "s", "x").err, "read-only")


def test_the_console_is_the_standard_error():
    assert run("systemctl", "service-log-target", "berthd", "console").status == 0
    images_call("Get", "s", "console")
    wait_until(lambda: "Images.Get called by" in run(
        "journalctl", "-q", "-o", "cat", "-u", "berthd", "_TRANSPORT=stdout").out, "a line on the standard error")
    assert run("systemctl", "service-log-target", "berthd", "journal").status == 0
    assert run("systemctl", "service-log-level", "berthd", "info").status == 0


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
