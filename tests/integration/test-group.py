# SPDX-License-Identifier: LGPL-2.1-or-later
# The example rules of polkit. A member of the group berth may pull and run images, publish ports, mount own directories
# and read own logs, and nothing else. A member of the group web may run the images of one registry. berth-polkit(7)
# lists every action and detail.

import glob
import os
import pathlib
import re
import shutil
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/group/box:x"
OTHER = f"{HOST}/group/other:x"
SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
[RULES] = glob.glob("/usr/share/doc/*/examples/polkit")
REFUSED = ("Permission denied: ", "needs sudo or a rule")


def mine(*words, **more):
    return good(*words, user="alice", **more)


def refused(*words):
    result = dist(*words, user="alice")
    assert result.status not in (0, 2) and any(part in result.err for part in REFUSED), (words, result)


def install(name, change=lambda text: text):
    with open(f"{RULES}/{name}", encoding="utf-8") as file:
        polkit_rule(change(file.read()))


def test_setup():
    for name in (IMAGE, OTHER):
        oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), name)
    make_network("group", "10.79.0.0/24")
    # A file system that supports ID-mapped mounts, unlike the root file system of the test machine.
    equal(run("mount", "-t", "tmpfs", "tmpfs", "/home/alice").status, 0)
    os.makedirs("/home/alice/data")
    with open("/home/alice/data/file", "w", encoding="utf-8") as file:
        file.write("of alice\n")
    for path in ("/home/alice", "/home/alice/data", "/home/alice/data/file"):
        shutil.chown(path, "alice", "alice")
    run("groupadd", "-f", "web")
    refused("pull", IMAGE)


def test_a_member_pulls_and_runs():
    install("50-berth-group.rules")
    refused("pull", IMAGE)
    equal(run("usermod", "-a", "-G", "berth", "alice").status, 0)
    mine("pull", IMAGE)
    contains(mine("images"), "group/box")
    # dist pulls the image first; late signals of that transfer must not disturb the run.
    for _ in range(3):
        good("rmi", IMAGE)
        good("prune")
        equal(mine("run", "--rm", IMAGE, "echo", "pulled"), "pulled\n")
    equal(mine("run", "--rm", "-v", "/home/alice/data:/data", IMAGE, "cat", "/data/file"), "of alice\n")
    mine("run", "-d", "--name=mine", "--network=group", "-p", "127.0.0.1:18079:80", "-v", "kept:/kept", IMAGE, "sh", "-c", "echo said; exec sleep 1000")
    wait_until(lambda: "said" in mine("logs", "mine"), "the log")
    equal(mine("exec", "mine", "echo", "inside"), "inside\n")
    mine("stats", "--no-stream", "mine")
    mine("update", "mine", "TasksMax=50")
    mine("cp", "mine:/etc/hostname", "/home/alice/data/hostname")
    for verb in ("pause", "resume", "restart"):
        mine(verb, "mine")
    mine("rm", "-f", "mine")
    mine("volume", "rm", "kept")


def test_a_member_may_do_nothing_else():
    good("run", "-d", "--name=roots", IMAGE)
    for options in (("--privileged",), ("--cap-add=NET_ADMIN",), ("-v", "/etc:/host"), ("--network=host",), ("--network=group", "-p", "79:80"),
                    ("--security-opt=seccomp=unconfined",), ("--userns=host",), ("--device=/dev/kmsg",), ("--slice=system.slice",),
                    ("--oom-score-adj=-5",), ("--memory-reservation=1g",), ("--sysctl=net.ipv4.ip_forward=1",),
                    ("--security-opt=unmask=/proc/keys",), ("--security-opt=apparmor=mine",)):
        refused("run", "--rm", *options, IMAGE, "true")
    for words in (("rmi", IMAGE), ("tag", IMAGE, "mine:x"), ("push", IMAGE, f"{HOST}/group/pushed:x"), ("prune",), ("content", "verify"),
                  ("pull", "--insecure", OTHER), ("export", IMAGE, "-o", "/home/alice/data/image.tar"), ("content", "list")):
        refused(*words)
    equal(mine("ps", "-aq"), "")
    for words in (("stop", "roots"), ("exec", "roots", "true"), ("logs", "roots"), ("rm", "roots"), ("info", "roots")):
        result = dist(*words, user="alice")
        assert result.status != 0 and "roots" in result.err, result
    # What she cannot see is as if it did not exist, for which --force is content.
    equal(str(dist("rm", "-f", "roots", user="alice")), str(dist("rm", "-f", "nobodys", user="alice")))
    contains(good("ps", "-q"), "roots")
    good("rm", "-f", "roots")


def test_a_member_runs_images_of_one_registry():
    good("rmi", IMAGE)
    install("50-berth-images.rules", lambda text: text.replace("registry.example.com/web/", f"{HOST}/group/box"))
    refused("pull", IMAGE)
    equal(run("usermod", "-G", "web", "alice").status, 0)
    mine("pull", IMAGE)
    equal(mine("run", "--rm", "-v", "one:/one", IMAGE, "echo", "ran"), "ran\n")
    mine("volume", "rm", "one")
    good("pull", OTHER)
    refused("pull", OTHER)
    refused("run", "--rm", OTHER, "true")
    refused("run", "--rm", "--privileged", IMAGE, "true")


def test_the_manual_page_lists_all_actions_and_details():
    page = (SOURCE / "docs" / "man" / "berth-polkit.7").read_text(encoding="utf-8").replace("\\-", "-")
    actions = set(re.findall(r'<action id="([^"]+)">', pathlib.Path("/usr/share/polkit-1/actions/org.berth1.policy").read_text(encoding="utf-8")))
    equal(sorted(action for action in actions if action not in page), [])
    equal(sorted(set(re.findall(r"org\.berth1\.\w+\.[a-z-]+", page)) - actions), [])
    table = (SOURCE / "service" / "bus" / "permissions.c").read_text(encoding="utf-8")
    with open("/usr/share/man/man7/berth-polkit.7", encoding="utf-8") as file:
        installed = file.read()
    contains(installed, RULES)
    for detail in ("reference", "image", "digest", "replaced", "lease", "container", "owner", "volume", "network", "port", "slice", "path",
                   "property", "object", "transfer", "credentials", "insecure", "privilege", "verb"):
        assert detail == "verb" or f"{detail}" in table, detail
        assert re.search(rf"^\.BR? .*\b{detail}\b", page, re.MULTILINE), detail


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
