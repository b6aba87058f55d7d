# SPDX-License-Identifier: LGPL-2.1-or-later
# Images are inspected (platforms, layers, documents, history), renamed, and mounted without a container.

import json
import os
import platform
import struct
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/images/app:x"
INDEX = f"{HOST}/images/index:x"


def names():
    return [row["name"] for row in listing("images")]


def test_setup():
    image = oci.busybox_image()
    image.config["history"] = [{"created": "2024-01-01T00:00:00Z", "created_by": "ADD busybox"},
                               {"created_by": "CMD sh", "empty_layer": True}]
    oci.push(image, IMAGE)
    oci.push_index({"linux/amd64": oci.busybox_image(Cmd=["a"]), "linux/arm64/v8": oci.busybox_image(Cmd=["b"])},
                   INDEX)
    good("pull", IMAGE, INDEX)


def test_the_tree_shows_platforms_and_layers():
    tree = good("images", "--tree")
    contains(tree, IMAGE)
    contains(tree, "linux/amd64")
    contains(tree, ", unpacked")
    contains(tree, "linux/arm64/v8")
    contains(tree, "not here")
    good("fetch", "--all-platforms", INDEX)
    assert "not here" not in good("images", "--tree", INDEX)


def test_an_amd64_machine_takes_an_image_for_386_if_there_is_no_other():
    only, both = f"{HOST}/images/only386:x", f"{HOST}/images/also386:x"
    # exit(7): mov eax, 1; mov ebx, 7; int 0x80
    code = b"\xb8\x01\0\0\0\xbb\x07\0\0\0\xcd\x80"
    program = (b"\x7fELF\x01\x01\x01" + bytes(9) + struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, 0x8048054, 52, 0, 0, 52, 32, 1, 0, 0, 0) +
               struct.pack("<IIIIIIII", 1, 0, 0x8048000, 0x8048000, 84 + len(code), 84 + len(code), 5, 4096) + code)
    layer = oci.busybox_layer()
    layer.add("exit7", program, mode=0o755)
    old = oci.Image([layer], {"Cmd": ["/exit7"], "Env": ["PATH=/bin"]})
    oci.push_index({"linux/s390x": oci.busybox_image(Cmd=["c"]), "linux/386": old}, only)
    oci.push_index({"linux/386": old, "linux/amd64": oci.busybox_image(Cmd=["sh", "-c", "exit 64"])}, both)
    if platform.machine() != "x86_64":
        return
    good("pull", only, both)
    equal(json.loads(good("inspect", only))["config"]["Cmd"], ["/exit7"])
    equal(dist("run", "--rm", both).status, 64)
    with open("/run/exit7", "wb") as file:
        file.write(program)
    os.chmod("/run/exit7", 0o755)
    # Not every kernel runs programs of 32 bits.
    expected = run("/bin/sh", "-c", "/run/exit7").status
    if expected == 7:
        equal(dist("run", "--rm", only).status, 7)
    good("rmi", only, both)


def test_documents_of_an_image():
    manifest = good("inspect", "--manifest", INDEX).rstrip("\n")
    config = json.loads(good("inspect", INDEX))
    equal(config["config"]["Cmd"], ["a"])
    equal(json.loads(good("inspect", "--platform=linux/arm64", INDEX))["config"]["Cmd"], ["b"])
    rows = listing("resolve", INDEX)[0]["platforms"]
    equal([row["platform"] for row in rows], ["linux/amd64", "linux/arm64/v8"])
    equal(rows[0]["digest"], oci.digest_of(manifest.encode()))
    equal(listing("resolve", IMAGE)[0]["platforms"], [])
    index = images_call("Inspect", "sa{sv}", INDEX, "1", "Document", "s", "index")
    contains(index.out, "manifests")
    contains(images_call("Inspect", "sa{sv}", INDEX, "1", "Document", "s", "x").err, "unknown document")


def test_history():
    history = listing("inspect", "--history", IMAGE)
    equal([row["createdBy"] for row in history], ["ADD busybox", "CMD sh"])
    equal(history[1]["empty"], "yes")


def test_artifacts_are_kept_and_not_unpacked():
    content = oci.Image([])
    empty = content.add_blob("application/vnd.oci.empty.v1+json", b"{}")
    chart = content.add_blob("application/vnd.cncf.helm.chart.content.v1.tar+gzip", os.urandom(5000))
    content.manifest.update(artifactType="application/vnd.cncf.helm.chart", config=empty,
                            layers=[chart], annotations={"org.example": "kept"})
    reference = f"{HOST}/images/chart:x"
    digest = oci.push(content, reference)
    good("pull", reference)
    good("prune")
    equal(listing("content", "info", chart["digest"])[0]["size"], 5000)
    equal(json.loads(good("inspect", "--manifest", reference)), content.manifest)
    contains(good("images", "--tree"), reference)
    good("push", reference, f"{HOST}/images/chart-copy:x")
    contains(good("resolve", f"{HOST}/images/chart-copy:x"), digest)
    for command in (("run", "--rm", reference), ("create", "--id=no", reference), ("unpack", reference)):
        contains(dist(*command).err, "artifact")
    equal(listing("ps", "-a"), [])
    good("export", "-o", "/tmp/chart.tar", reference)
    good("rmi", reference)
    good("prune")
    result = dist("import", "/tmp/chart.tar")
    equal((result.status, result.out.strip()), (0, reference))
    contains(result.err, "not unpacked")
    equal(listing("content", "info", chart["digest"])[0]["size"], 5000)
    contains(str(names()), reference)
    good("rmi", reference)


def test_rename_and_untag():
    good("tag", IMAGE, "local.test/second:1")
    images_call("Put", "s(sst)a{ss}a{sv}", "local.test/labelled:1",
                *[str(listing("resolve", IMAGE)[0][key]) for key in ("mediaType", "digest", "size")], "1", "k", "v", "0")
    equal([row["name"] for row in listing("images", "--label=k")], ["local.test/labelled:1"])
    good("tag", "--move", "local.test/labelled:1", "local.test/moved:1")
    equal([row["name"] for row in listing("images", "--label=k=v")], ["local.test/moved:1"])
    equal([row["name"] for row in listing("images", "local.test/*")], ["local.test/moved:1", "local.test/second:1"])
    good("untag", "local.test/moved:1", "local.test/second:1")
    equal(dist("tag", "--move", "local.test/none:1", "local.test/x:1").status, 1)
    # Names that no registry takes, as in docker and podman.
    for name, words in (("local.test/Upper:1", "lower case"), ("a b", "not a name"), ("", "not a name"), ("local.test/a//b", "not a name"),
                        ("a_", "not a name"), ("a:-t", "not a name"), ("local.test:x/a", "not a name"), ("x" * 256, "not a name"), ("ü", "not a name"),
                        ("a?b", "not a name"), ("http://a/b", "not a name"), ("a@sha256:" + "0" * 64, "digest")):
        for verb in (("tag", IMAGE), ("tag", "--move", IMAGE), ("tag", IMAGE, "local.test/good:1")):
            result = dist(*verb, name)
            equal(result.status, 1, name)
            contains(result.err, words)
    contains(dist("import", "--name=Upper", "/dev/null").err, "lower case")
    contains(dist("commit", "nothing", "Upper").err, "lower case")
    contains(dist("pull", f"{HOST}/Upper:1").err, "lower case")
    equal(sorted(names()), [IMAGE, INDEX])


def test_a_namespace_of_docker_io_may_be_left_out():
    """With the host as well as without it, as with docker and podman."""
    for name, whole in (("short:1", "docker.io/library/short:1"), ("docker.io/hosted", "docker.io/library/hosted:latest"),
                        ("index.docker.io/user/old:1", "docker.io/user/old:1")):
        good("tag", IMAGE, name)
        assert whole in names(), names()
        equal(good("run", "--rm", name, "echo", "found").strip(), "found")
        good("untag", whole)


def test_an_image_is_mounted_and_read_only():
    os.makedirs("/tmp/mounted", exist_ok=True)
    good("mount", IMAGE, "/tmp/mounted")
    try:
        assert os.path.exists("/tmp/mounted/bin/busybox")
        assert run("touch", "/tmp/mounted/x").status != 0
    finally:
        run("umount", "/tmp/mounted")
    equal(dist("mount", IMAGE, "/tmp/nowhere").status, 1)
    equal(dist("mount", f"{HOST}/images/none:x", "/tmp/mounted").status, 1)
    equal(dist("mount", IMAGE, "/tmp/mounted", user="alice").status, 1)


def test_a_mount_over_a_mounted_image_stays_in_place():
    """What is mounted over the mount of an image appears neither in other mounts of the image nor in containers."""
    for name in ("one", "two"):
        os.makedirs(f"/run/{name}", exist_ok=True)
    good("mount", IMAGE, "/run/one")
    for place in ("/run/one", "/run/one/bin"):
        equal(run("mount", "-t", "tmpfs", "over", place).status, 0)
        good("mount", IMAGE, "/run/two")
        assert os.path.exists("/run/two/bin/busybox"), place
        good("run", "--rm", "--network=none", IMAGE, "true")
        for used in ("/run/two", place):
            wait_until(lambda path=used: run("umount", path).status == 0, "the last user of the mount to close it")
    wait_until(lambda: run("umount", "/run/one").status == 0, "the last user of the mount to close it")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
