# SPDX-License-Identifier: LGPL-2.1-or-later
# Lines that people paste from podman and docker: each option of docs/podman.md does what the page says.

import json
import os
import pathlib
import platform
import re
import shlex
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/podman/box:x"
SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
EXEC_OWN = {"process", "cap-add", "no-new-privileges", "spec", "pid-file"}
OWN = {"id", "bundle", "spec", "seccomp", "slice", "autostart", "pids", "pid-file", "net", "publish-all"}
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def rows(of="run and create", least=140):
    """Option, kind, explanation and what is tried, of each line of the table."""
    page = (SOURCE / "docs" / "podman.md").read_text(encoding="utf-8").split(f"## Options of {of}\n", 1)[1].split("\n## ", 1)[0]
    found = re.findall(r"^\| --([a-z0-9-]+) \| (same|differs|refused) \| (.*?) \| `(.*?)` \|$", page, re.MULTILINE)
    assert len(found) > least, len(found)
    return found


def clean():
    for name in good("ps", "-a", "-q").split():
        good("rm", "-f", name)
    for name in ("/tmp/podman-cid", "/tmp/podman-pid"):
        if os.path.exists(name):
            os.unlink(name)


def attempt(line):
    words = shlex.split(line.replace("{arch}", ARCHITECTURES.get(platform.machine(), platform.machine())))
    verb = words.pop(0) if words[0] == "run" else "create"
    return dist(verb, *words, IMAGE)


def test_setup():
    oci.push(oci.Image([oci.busybox_layer()], {"Cmd": ["sleep", "1000"], "Env": ["PATH=/bin"]}), IMAGE)
    good("pull", IMAGE)
    os.makedirs("/etc/cni/net.d", exist_ok=True)
    with open("/etc/cni/net.d/podman.conflist", "w", encoding="utf-8") as file:
        json.dump({"cniVersion": "0.4.0", "name": "podman", "plugins": [
            {"type": "bridge", "bridge": "cni-podman", "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.78.0.0/24"}]]}}]}, file)


def test_what_is_the_same_or_differs_is_accepted():
    for option, kind, _how, line in rows():
        if kind == "refused":
            continue
        result = attempt(line)
        equal((option, result.status, result.err), (option, 0, ""))
        clean()


def test_what_is_refused_says_why():
    for option, kind, reason, line in rows():
        if kind != "refused":
            continue
        result = attempt(line)
        equal((result.status, result.err.strip()), (125, f"dist: --{option} is not supported: {reason}"))
    equal(good("ps", "-a", "-q"), "")


def test_the_page_has_every_option():
    named = {option for option, *_ in rows()}
    source = (SOURCE / "client" / "run-refused.c").read_text(encoding="utf-8")
    source += (SOURCE / "client" / "run-options.c").read_text(encoding="utf-8")
    known = set(re.findall(r'\{"([a-z0-9-]+)",\s*(?:0|\'.\'),', source))
    known |= set(re.findall(r'REFUSED\("([a-z0-9-]+)",', source))
    equal(sorted(known - named - OWN), [])
    equal(sorted(named - known - {"quiet"}), [])


def test_options_of_exec():
    good("run", "-d", "--name=box", IMAGE)
    for option, kind, reason, line in rows("exec", 10):
        result = dist("exec", line, "box", "true")
        if kind == "refused":
            equal((result.status, result.err.strip()), (125, f"dist: --{option} is not supported: {reason}"))
        else:
            equal((option, result.status, result.err), (option, 0, ""))
    equal(dist("exec", "-l", "box", "true").status, 125)
    table = (SOURCE / "client" / "verbs-exec.c").read_text(encoding="utf-8").split("exec_options[] = {", 1)[1].split("DIST_OPTION_END", 1)[0]
    known = set(re.findall(r'\{"([a-z0-9-]+)",\s*(?:0|\'.\'),', table))
    equal(known - EXEC_OWN, {option for option, *_ in rows("exec", 10)})

    with open("/tmp/podman-env", "w", encoding="utf-8") as file:
        file.write("# a comment\nONE=1\nFROM_HOST\nTWO=a b\n")
    out = good("exec", "--env-file=/tmp/podman-env", "-eONE=2", "-eALSO", "box", "env", env={"FROM_HOST": "yes", "ALSO": "this"})
    assert {"ONE=2", "FROM_HOST=yes", "ALSO=this", "TWO=a b"} <= set(out.split("\n")), out
    os.unlink("/tmp/podman-env")
    result = dist("exec", "--env-file=/nothing", "box", "true")
    equal(result.status, 125)
    contains(result.err, "/nothing")
    clean()


def test_values_that_are_refused():
    for words, part in ((("--pid=host",), "--pid=host is not supported"),
                        (("--log-driver=k8s-file",), "--log-driver=k8s-file is not supported"),
                        (("--platform=linux/s390x",), "--platform=linux/s390x is not supported"),
                        (("--security-opt=apparmor=x",), "--security-opt=apparmor=x is not supported"),
                        (("--mount=type=image,source=x,target=/y",), "type=image is not supported"),
                        (("--mount=type=bind,source=/x,target=/y,U=true",), 'the field "U" is not supported'),
                        (("--mount=type=bind,source=/x",), "target is missing"),
                        (("--restart=on-failure:3",), "on-failure:N is not supported"),
                        (("--pull=perhaps",), "--pull takes missing, always, newer or never"),
                        (("--health-interval=soon",), "is not a time span"),
                        (("--publish=80",), "names no port of the host"),
                        (("--publish=80-82:80",), "the ranges must be of the same length"),
                        (("--replace",), "--replace needs --name")):
        for verb in ("create", "run"):
            result = dist(verb, *words, IMAGE)
            equal(result.status, 125, words)
            contains(result.err, part)
    equal(good("ps", "-a", "-q"), "")


def test_an_absent_image_is_pulled():
    good("rmi", IMAGE)
    result = dist("run", "--rm", "--pull=never", IMAGE, "true")
    equal(result.status, 125)
    contains(result.err, "dist pull")
    equal(good("run", "--rm", IMAGE, "echo", "here"), "here\n")
    equal(good("run", "--rm", "--pull=always", IMAGE, "echo", "again"), "again\n")
    result = dist("run", "--rm", f"{HOST}/podman/nothing:x", "true")
    equal(result.status, 125)
    contains(result.err, "404")


def test_environment():
    with open("/tmp/podman-env", "w", encoding="utf-8") as file:
        file.write("# a comment\nONE=1\n\nFROM_HOST\nTWO=a b\n")
    out = good("run", "--rm", "--env-file=/tmp/podman-env", "-eONE=2", "--tz=Europe/Berlin", IMAGE, "env", env={"FROM_HOST": "yes"})
    lines = set(out.split("\n"))
    assert {"ONE=2", "FROM_HOST=yes", "TWO=a b", "TZ=Europe/Berlin"} <= lines, lines
    out = good("run", "--rm", "--http-proxy", IMAGE, "env", env={"https_proxy": "http://proxy:3128"})
    contains(out, "https_proxy=http://proxy:3128")
    os.unlink("/tmp/podman-env")


def test_mounts():
    os.makedirs("/tmp/podman-dir", exist_ok=True)
    with open("/tmp/podman-dir/file", "w", encoding="utf-8") as file:
        file.write("of the host")
    equal(good("run", "--rm", "--mount=type=bind,src=/tmp/podman-dir,dst=/mnt,ro,z", IMAGE, "cat", "/mnt/file"), "of the host")
    good("run", "--rm", "--mount=type=volume,source=podman-volume,target=/data", IMAGE, "sh", "-c", "echo kept >/data/x")
    equal(good("run", "--rm", "-v", "podman-volume:/data:Z", IMAGE, "cat", "/data/x"), "kept\n")
    contains(good("run", "--rm", "--mount=type=tmpfs,target=/x,tmpfs-size=1m", IMAGE, "df", "/x"), "1024")
    contains(good("run", "--rm", "--shm-size=2m", IMAGE, "df", "/dev/shm"), "2048")
    good("volume", "rm", "podman-volume")


def test_names_and_files():
    good("create", "--name=one", "--cidfile=/tmp/podman-cid", IMAGE)
    with open("/tmp/podman-cid", encoding="utf-8") as file:
        equal(file.read(), "one")
    contains(dist("create", "--name=other", "--cidfile=/tmp/podman-cid", IMAGE).err, "is there already")
    contains(dist("create", "--name=one", IMAGE).err, "dist rm one")
    good("run", "-d", "--name=one", "--replace", IMAGE)
    good("run", "-d", "--name=one", "--replace", "--log-driver=none", IMAGE, "sh", "-c", "echo lost; sleep 1000")
    clean()


def test_limits():
    good("create", "--name=small", "-m64m", "--pids-limit=33", "--cpu-quota=50000", "--cpu-shares=2048", IMAGE)
    good("start", "small")
    shown = run("systemctl", "show", "berth-small.scope", "-p", "MemoryMax", "-p", "TasksMax", "-p", "CPUQuotaPerSecUSec", "-p", "CPUWeight").out
    for part in ("MemoryMax=67108864", "TasksMax=33", "CPUQuotaPerSecUSec=500ms", "CPUWeight=79"):
        contains(shown, part)
    clean()


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
