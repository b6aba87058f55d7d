# SPDX-License-Identifier: LGPL-2.1-or-later
# The effect of each member of an image's configuration on a container, and the options that override it.

import json
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/from/image:x"
CONFIG = {
    "Entrypoint": ["sh", "-c"], "Cmd": ["echo default; id -u; id -G; pwd; echo $A $HOME"], "Env": ["PATH=/bin", "A=1"],
    "User": "worker:crew", "WorkingDir": "/work", "Volumes": {"/kept": {}}, "StopSignal": "SIGUSR1",
    "Labels": {"of": "image", "both": "image"}, "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
}


def inspect(name):
    return json.loads(good("inspect", name))


def test_setup():
    layer = oci.busybox_layer().add("etc/passwd", b"root:x:0:0::/root:/bin/sh\nworker:x:70:80::/home/worker:/bin/sh\n")
    layer.add("etc/group", b"root:x:0:\ncrew:x:81:\nmore:x:82:worker\n")
    layer.directory("kept").add("kept/of-image", b"kept\n")
    oci.push(oci.Image([layer], CONFIG), IMAGE)
    good("pull", IMAGE)


def test_command_user_environment_and_directory():
    equal(good("run", "--rm", IMAGE).split(), ["default", "70", "81", "/work", "1", "/home/worker"])
    # Without a group, the process has the user's group in /etc/passwd and the groups that list the user in /etc/group.
    equal(good("run", "--rm", "-u", "worker", IMAGE, "id -G").split(), ["80", "82"])
    # With an empty one, only the former; the process's own group is always among its supplementary ones.
    for user, groups in (("worker:", "80"), ("70:", "80"), ("worker:more", "82"), ("70", "80 82"), ("4242:", "0")):
        equal(good("run", "--rm", "-u", user, IMAGE, "id -G; grep ^Groups /proc/self/status").split(),
              [*groups.split(), "Groups:", *groups.split()])
    equal(good("run", "--rm", "-u", "root", "-w", "/tmp", "-e", "A=2", IMAGE, "id -u; pwd; echo $A").split(), ["0", "/tmp", "2"])


def test_volumes():
    """Volumes of an image exist as long as the container, and are writable even with --read-only."""
    for options in ([], ["--read-only"]):
        equal(good("run", "--rm", *options, "-u", "root", IMAGE, "cat /kept/of-image; echo more >>/kept/of-image; wc -l </kept/of-image"),
              "kept\n2\n")


def test_volumes_of_a_writable_root_are_there():
    reference = f"{HOST}/from/volumes:x"
    layer = oci.Layer().directory("data", mode=0o2770, uid=33, gid=34).add("data/file", b"seed", uid=33)
    oci.push(oci.Image([oci.busybox_layer(), layer], {"Volumes": {"/data": {}, "/data/": {}, "/new/volume": {}},
                                                      "Env": ["PATH=/bin"], "Cmd": ["true"]}), reference)
    good("pull", reference)
    script = "stat -c '%n %a %u %g' /data /new/volume; cat /data/file; touch /data/x /new/volume/y"
    equal(good("run", "--rm", reference, "sh", "-c", script), "/data 2770 33 34\n/new/volume 755 0 0\nseed")
    # These volumes are part of the container, so "dist diff" lists files in them.
    good("run", "--id=volumes", reference, "touch", "/new/volume/z")
    contains(good("diff", "volumes"), "/new/volume/z")
    good("rm", "volumes")


def test_users_variables_and_commands_of_the_field():
    reference = f"{HOST}/from/field:x"
    layer = (oci.Layer().directory("etc").add("etc/passwd", b"root:x:0:0::/root:/bin/sh\n1000:x:77:78::/other:/bin/sh\nbare:x:60:61\n"
                                                      b"  blank:x:62:63::/b:/bin/sh\r\n")
             .add("etc/group", b"root:x:0:\n2000:x:99:\nonce:x:98:bare\ntwice:x:98:bare,bare\n\tlast:x:97:bare,blank\r\n")
             .directory("of-root", 0o700).add("of-root/tool", b"#!/bin/sh\necho of root\n", mode=0o755).add("mine", b"#!/bin/sh\n", mode=0o700)
             .directory("for-all").add("for-all/tool", b"#!/bin/sh\necho for all\n", mode=0o755).add("dos", b"#!/bin/sh\r\necho dos\r\n", mode=0o755))
    oci.push(oci.Image([oci.busybox_layer(), layer], {"Env": ["PATH=/nowhere", "PATH=/etc/passwd:/bin", "A=image", "A=last"]}), reference)
    good("pull", reference)

    def shell(script, *options):
        return good("run", "--rm", *options, reference, "sh", "-c", script).strip()
    # A number is an id, even if a user or a group of the image has that name.
    equal(shell("echo $(id -u):$(id -g)", "-u", "1000"), "1000:0")
    equal(shell("echo $(id -u):$(id -g)", "-u", "5:2000"), "5:2000")
    # An image built from scratch may have a line that ends with the ids.
    for user in ("bare", "60"):
        equal(shell("echo $(id -u):$(id -g) $HOME", "-u", user), "60:61 /")
        equal(shell("id -G", "-u", user), "61 97 98")
    # Blanks around a line do not count.
    equal(shell("echo $(id -G) $HOME", "-u", "blank"), "63 97 /b")
    # If a variable is set more than once, the last value counts: in the image, with run, and with exec.
    equal(shell("env | grep ^A="), "A=last")
    equal(shell("env | grep ^A=", "-e", "A=1", "-e", "A=2"), "A=2")
    good("run", "-d", "--id=field", "-e", "B=run", reference, "sleep", "1000")
    equal(good("exec", "-e", "B=1", "-e", "B=2", "field", "sh", "-c", "env | grep ^B=").strip(), "B=2")
    good("rm", "-f", "field")
    # An empty HOME is replaced by the directory in /etc/passwd.
    equal(shell("echo $HOME", "-e", "HOME="), "/root")
    equal(shell("echo $HOME", "-e", "HOME=/x", "-e", "HOME="), "/root")
    equal(shell("echo $HOME", "-e", "HOME=/x"), "/x")
    # If a file is in place of a directory, the command "cannot be executed" (126), not "not found" (127).
    equal(dist("run", "--rm", reference, "/etc/passwd/x").status, 126)
    equal(dist("run", "--rm", reference, "/etc/nothing/x").status, 127)
    equal(dist("run", "--rm", reference, "nothing").status, 127)
    # What the user may not execute is not executed with the capabilities of root.
    result = dist("run", "--rm", "-u", "60", reference, "/mine")
    equal((result.status, "Permission denied" in result.err), (126, True), result)
    equal(dist("run", "--rm", "-u", "60", reference, "/of-root/tool").status, 126)
    equal(good("run", "--rm", "-u", "60", "-e", "PATH=/of-root:/for-all", reference, "tool"), "for all\n")
    equal(good("run", "--rm", "-e", "PATH=/of-root:/for-all", reference, "tool"), "of root\n")
    # A script with DOS line breaks is there, unlike its interpreter.
    result = dist("run", "--rm", reference, "/dos")
    equal(result.status, 127)
    contains(result.err, "interpreter")
    # As in docker, HOSTNAME is set, and an empty directory is that of the image.
    equal(shell("echo $HOSTNAME", "--hostname=harbour"), "harbour")
    equal(shell("echo $HOSTNAME", "--hostname=harbour", "-e", "HOSTNAME=other"), "other")
    equal(shell("pwd", "-w", ""), "/")


def test_values_that_builders_do_not_check():
    reference = f"{HOST}/from/unchecked:x"
    oci.push(oci.Image([oci.busybox_layer()], {
        "Env": ["PATH=/bin", "NAME", "=x", "", "A=a=b"], "Entrypoint": "/bin/env", "Cmd": None, "Volumes": {"/a/../b": None, "": {}, "relative": {}},
        "Healthcheck": {"Test": ["CMD", "true"], "Timeout": -1, "Retries": None}}), reference)
    good("pull", reference)
    contains(good("run", "--rm", reference), "A=a=b\n")
    equal(good("run", "--rm", "--entrypoint=/bin/ls", reference, "-d", "/b"), "/b\n")
    # ENTRYPOINT [""] is how a Dockerfile does without that of its base image.
    blank = f"{HOST}/from/blank:x"
    oci.push(oci.busybox_image(Env=["PATH=/bin"], Entrypoint=[""], Cmd=["echo", "of the image"]), blank)
    good("pull", blank)
    equal(good("run", "--rm", blank), "of the image\n")
    equal(good("run", "--rm", blank, "echo", "given"), "given\n")


def test_stop_signal():
    good("run", "-d", "--id=stopped", IMAGE, "trap 'exit 9' USR1; echo ready; while :; do sleep 0.1; done")
    wait_until(lambda: "ready" in good("logs", "stopped"), "the trap")
    good("stop", "stopped")
    equal(dist("wait", "stopped").status, 9)
    good("rm", "stopped")


def test_labels_of_the_image_and_of_options_are_merged():
    good("create", "--id=labelled", "-l", "both=option", "-l", "mine=yes", IMAGE)
    equal(inspect("labelled")["labels"], {"of": "image", "both": "option", "mine": "yes"})
    contains(busctl("get-property", "org.berth1", "/org/berth1/containers/labelled", "org.berth1.Container", "Labels").out,
             '"of" "image"')
    kill_service()
    equal(inspect("labelled")["labels"], {"of": "image", "both": "option", "mine": "yes"})
    good("rm", "labelled")


def test_exposed_ports():
    good("create", "--id=exposed", IMAGE)
    equal(sorted(inspect("exposed")["exposedPorts"]), ["53/udp", "80/tcp"])
    equal(inspect("exposed")["ports"], [], "nothing is passed on by that")
    good("rm", "exposed")


def test_nothing_is_left():
    equal(listing("ps", "-a"), [])


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
