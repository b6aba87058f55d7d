# SPDX-License-Identifier: LGPL-2.1-or-later
# AppArmor profiles of runtime configurations, on a kernel with AppArmor: Debian's.

import json
import os
import subprocess
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

BUNDLE = "/var/tmp/bundle"
PROFILE = """profile berth-test flags=(attach_disconnected,mediate_deleted) {
  file,
  capability,
  deny /kept/** w,
}
"""


def write(profile):
    config = {
        "ociVersion": "1.0.2",
        "process": {"args": ["sh", "-c", "cat /proc/self/attr/current; touch /kept/file; touch /file; ls /kept /file"],
                    "cwd": "/", "user": {"uid": 0, "gid": 0}, "env": ["PATH=/bin"], "noNewPrivileges": True,
                    "apparmorProfile": profile},
        "root": {"path": "rootfs"},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "network")]},
    }
    with open(f"{BUNDLE}/config.json", "w", encoding="utf-8") as file:
        json.dump(config, file)
    return BUNDLE


def test_setup():
    os.makedirs(f"{BUNDLE}/rootfs/kept")
    layer = oci.busybox_layer(None)
    subprocess.run(["tar", "-x", "-C", f"{BUNDLE}/rootfs"], input=layer.finish()[2], check=True)
    subprocess.run(["mount", "-t", "securityfs", "securityfs", "/sys/kernel/security"], check=True)
    subprocess.run(["apparmor_parser", "--add", "--skip-cache"], input=PROFILE.encode(), check=True)


def test_the_command_has_the_profile():
    result = dist("run", "--rm", "--bundle", write("berth-test"))
    lines = result.out.splitlines()
    equal(lines[0], "berth-test (enforce)", str(result))
    contains(result.err, "touch: /kept/file: Permission denied")
    contains(result.out, "/file")


def test_so_has_what_is_executed():
    config = json.load(open(f"{write('berth-test')}/config.json", encoding="utf-8"))
    config["process"]["args"] = ["sleep", "1000"]
    json.dump(config, open(f"{BUNDLE}/config.json", "w", encoding="utf-8"))
    good("run", "-d", "--id=box", "--bundle", BUNDLE)
    equal(good("exec", "box", "cat", "/proc/self/attr/current"), "berth-test (enforce)\n")
    good("rm", "-f", "box")


def test_a_profile_that_is_not_loaded_is_an_error():
    result = dist("run", "--rm", "--bundle", write("nobodys"))
    equal(result.status, 125, str(result))
    contains(result.err, "AppArmor: profile nobodys: No such file or directory")


def test_without_one_it_is_unconfined():
    result = dist("run", "--rm", "--bundle", write(""))
    equal(result.out.splitlines()[0], "unconfined", str(result))


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
