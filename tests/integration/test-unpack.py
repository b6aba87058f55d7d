# SPDX-License-Identifier: LGPL-2.1-or-later
# Layers unpack to the tree that umoci makes of the same image, attribute by attribute.

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

WORK = "/tmp/unpack"


def chain(name):
    """Directories of an image's snapshots, topmost first."""
    diff_ids = json.loads(good("inspect", name))["rootfs"]["diff_ids"]
    above, directories = None, []
    for diff_id in diff_ids:
        above = diff_id if above is None else \
            oci.digest_of(f"{above} {diff_id}".encode())
        directories.insert(0, f"{STATE}/snapshots/{above.replace(':', '-')}")
    return directories


def mount(name):
    """The image as a container sees it."""
    target = f"{WORK}/berth"
    os.makedirs(target, exist_ok=True)
    directories = chain(name)
    if len(directories) == 1:
        result = run("mount", "--bind", directories[0], target)
    else:
        result = run("mount", "-t", "overlay", "overlay", "-o",
                     "ro,lowerdir=" + ":".join(directories), target)
    equal(result.status, 0, result)
    return target


def attributes(root, path):
    full = os.path.join(root, path)
    status = os.lstat(full)
    found = {
        "type": stat.S_IFMT(status.st_mode), "mode": oct(status.st_mode & 0o7777),
        "owner": (status.st_uid, status.st_gid), "mtime": status.st_mtime_ns,
    }
    if stat.S_ISLNK(status.st_mode):
        found["target"] = os.readlink(full)
    else:
        found["xattrs"] = {name: os.getxattr(full, name) for name in os.listxattr(full)
                           if not name.startswith("trusted.overlay")}
    if stat.S_ISREG(status.st_mode):
        found["size"], found["links"] = status.st_size, status.st_nlink
        with open(full, "rb") as file:
            found["content"] = hashlib.sha256(file.read()).hexdigest()
    if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        found["device"] = status.st_rdev
    return found


def tree(root, ignore_times=()):
    found = {}
    for directory, names, files in os.walk(os.fsencode(root)):
        for name in [b""] + names + files:
            path = os.path.relpath(os.path.join(directory, name), os.fsencode(root))
            if path in found:
                continue
            found[path] = attributes(os.fsencode(root), path)
            if os.fsdecode(path) in ignore_times:
                found[path]["mtime"] = None
    return found


def compare(name, ignore_times=()):
    """The image, pulled, beside what umoci makes of it."""
    shutil.rmtree(WORK, ignore_errors=True)
    os.makedirs(WORK)
    good("pull", "-q", name)
    result = run("skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{name}",
                 f"oci:{WORK}/layout:image")
    equal(result.status, 0, result)
    result = run("umoci", "unpack", "--image", f"{WORK}/layout:image", f"{WORK}/bundle")
    equal(result.status, 0, result)
    target = mount(name)
    try:
        ours, theirs = tree(target, ignore_times), tree(f"{WORK}/bundle/rootfs", ignore_times)
    finally:
        run("umount", target)
    different = [f"{path}: {ours.get(path)} instead of {theirs.get(path)}"
                 for path in sorted(set(ours) | set(theirs)) if ours.get(path) != theirs.get(path)]
    assert not different, "\n".join(different)
    return theirs


def first_layer(compression="gzip"):
    layer = oci.Layer(compression)
    for name in ("./", "bin", "usr", "usr/lib", "opaque", "deleted", "kept", "implied"):
        layer.directory(name, mtime=1500000000)
    layer.add("bin/tool", b"#!/bin/sh\n" * 100, mode=0o4755, uid=0, gid=12)
    layer.hard_link("bin/tool-link", "bin/tool")
    layer.symlink("lib", "usr/lib").symlink("absolute", "/usr/lib").symlink("dangling", "no/where")
    layer.add("usr/lib/old", b"old")
    layer.add("opaque/a", b"a").add("opaque/b", b"b")
    layer.add("deleted/gone", b"x").add("kept/gone", b"x").add("kept/stays", b"y", uid=1, gid=2)
    layer.directory("deep", mode=0o1777, uid=7).directory("deep/er", mode=0o2750, gid=9)
    layer.add("deep/er/file", b"content", mode=0o600, uid=65534, gid=65534)
    layer.add("null", kind=tarfile.CHRTYPE, device=(1, 3), mode=0o666)
    layer.add("block", kind=tarfile.BLKTYPE, device=(7, 200), mode=0o660, gid=6)
    layer.add("fifo", kind=tarfile.FIFOTYPE, mode=0o622)
    layer.add("empty", b"", mode=0o000)
    layer.add("x" * 200 + "/" + "y" * 200, b"long")
    layer.add("caf\u00e9/na\u00efve", b"unicode")
    layer.add(b"latin-\xe9".decode("utf-8", "surrogateescape"), b"bytes")
    layer.add("xattr", b"x", pax={"SCHILY.xattr.user.colour": "blue"})
    layer.add("replaced", b"file").directory("replaced-dir").add("replaced-dir/in", b"x")
    layer.add("twice", b"first").add("twice", b"second")
    layer.add("times", b"x", mtime=1234567890.123456)
    return layer


def second_layer():
    layer = oci.Layer("gzip")
    layer.directory("opaque", mtime=1600000001).add("opaque/.wh..wh..opq", b"")
    layer.add("opaque/c", b"c")
    layer.add(".wh.deleted", b"").add("kept/.wh.gone", b"")
    # Implied directories: "deep/er" takes what it has below; "lib" leads to usr/lib.
    layer.add("deep/er/new", b"new")
    layer.add("lib/new-lib", b"lib")
    layer.hard_link("bin/from-below", "usr/lib/old").hard_link("third-name", "bin/tool")
    layer.directory("replaced").add("replaced/now-a-directory", b"x")
    layer.add("replaced-dir", b"now a file")
    layer.add("whiteout-of/.wh.nothing", b"")
    return layer


def third_layer():
    layer = oci.Layer("none")
    layer.add(".wh.opaque", b"").directory("opaque").add("opaque/only", b"only")
    layer.add("implied/added", b"x")
    # Opaque, empty, and not listed itself.
    layer.add("replaced/.wh..wh..opq", b"")
    return layer


def test_one_layer_of_everything():
    name = f"{HOST}/one:x"
    oci.push(oci.Image([first_layer()]), name)
    found = compare(name, ignore_times=(".", "x" * 200, "café"))
    assert b"latin-\xe9" in found


def test_whiteouts_opaque_directories_and_links_across_layers():
    name = f"{HOST}/three:x"
    oci.push(oci.Image([first_layer(), second_layer(), third_layer()]), name)
    compare(name, ignore_times=(".", "x" * 200, "café"))


def test_capabilities_and_sparse_files():
    directory = f"{WORK}-made"
    os.makedirs(directory)
    with open(f"{directory}/capable", "wb") as file:
        file.write(b"x")
    # cap_net_raw+ep, version 2 of struct vfs_cap_data.
    os.setxattr(f"{directory}/capable", "security.capability",
                bytes.fromhex("0100000200200000000000000000000000000000"))
    with open(f"{directory}/sparse", "wb") as file:
        file.seek(50 * 1024 * 1024)
        file.write(b"end")
        file.truncate(60 * 1024 * 1024)
    plain = subprocess.run(["tar", "--xattrs", "--xattrs-include=*", "--sparse", "--format=pax",
                            "-C", directory, "-cf", "-", "."], check=True, capture_output=True).stdout
    image = oci.Image([(oci.digest_of(plain), oci.LAYER, plain)])
    name = f"{HOST}/sparse:x"
    oci.push(image, name)
    good("pull", "-q", name)
    layer = chain(name)[0]
    equal(os.getxattr(f"{layer}/capable", "security.capability"),
          os.getxattr(f"{directory}/capable", "security.capability"))
    status = os.stat(f"{layer}/sparse")
    equal(status.st_size, 60 * 1024 * 1024)
    assert status.st_blocks * 512 < 1024 * 1024, "the holes are kept"
    with open(f"{layer}/sparse", "rb") as file:
        file.seek(50 * 1024 * 1024)
        equal(file.read(3), b"end")


def test_layers_that_umoci_made():
    work = f"{WORK}-umoci"
    os.makedirs(work)
    layout = f"{work}/layout"
    steps = [
        ("umoci", "init", "--layout", layout), ("umoci", "new", "--image", f"{layout}:x"),
        ("umoci", "unpack", "--image", f"{layout}:x", f"{work}/b"),
    ]
    for step in steps:
        equal(run(*step).status, 0, step)
    root = f"{work}/b/rootfs"
    for number in range(3):
        os.makedirs(f"{root}/dir{number}/sub")
        with open(f"{root}/dir{number}/file", "w", encoding="utf-8") as file:
            file.write("x" * 1000 * number)
        if number:
            shutil.rmtree(f"{root}/dir{number - 1}/sub")
            os.link(f"{root}/dir{number}/file", f"{root}/dir{number - 1}/linked")
        equal(run("umoci", "repack", "--refresh-bundle", "--image", f"{layout}:x", f"{work}/b").status, 0)
    name = f"{HOST}/umoci:x"
    result = run("skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:x", f"docker://{name}")
    equal(result.status, 0, result)
    compare(name)


def test_every_compression():
    for compression in ("gzip", "zstd", "none"):
        name = f"{HOST}/{compression}:x"
        oci.push(oci.busybox_image(compression), name)
        good("pull", "-q", name)
        equal(good("run", "--rm", name, "echo", compression).strip(), compression)


def test_layers_that_are_not_for_everybody():
    # A registry that has them gives them as any other (layer.md, "Non-Distributable Layers").
    image = oci.busybox_image()
    image.manifest["layers"][0]["mediaType"] = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    name = f"{HOST}/nondistributable:x"
    oci.push(image, name)
    good("pull", name)
    equal(good("run", "--rm", name, "echo", "here").strip(), "here")


def test_docker_schema_2():
    name = f"{HOST}/docker:x"
    result = run("skopeo", "copy", "-q", "--format=v2s2", "--src-tls-verify=false",
                 "--dest-tls-verify=false", f"docker://{HOST}/gzip:x", f"docker://{name}")
    equal(result.status, 0, result)
    equal(listing("resolve", name)[0]["mediaType"], oci.DOCKER_MANIFEST)
    good("pull", "-q", name)
    equal(good("run", "--rm", name, "echo", "docker").strip(), "docker")


def test_an_index_gives_this_machine_its_image():
    name = f"{HOST}/index:x"
    other = oci.Image([oci.Layer().add("other", b"x")], architecture="s390x")
    oci.push_index({"linux/s390x": other, "linux/amd64": oci.busybox_image()}, name)
    good("pull", "-q", name)
    equal(good("run", "--rm", name, "echo", "chosen").strip(), "chosen")
    good("fetch", "-q", "--all-platforms", name)
    held = [row["digest"] for row in listing("content", "list")]
    assert other.manifest["layers"][0]["digest"] in held
    contains(good("inspect", "--platform=linux/s390x", name), "s390x")


def test_unpack_of_an_image_that_is_here():
    name = f"{HOST}/gzip:x"
    run("systemctl", "stop", "berthd.service")
    run("sqlite3", f"{STATE}/berth.db", "DELETE FROM snapshots")
    contains(dist("run", "--rm", name, "true").err, "unpack")
    good("unpack", name)
    equal(good("run", "--rm", name, "echo", "again").strip(), "again")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
