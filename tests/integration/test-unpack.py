# SPDX-License-Identifier: LGPL-2.1-or-later
# Unpacked layers are equal to the tree that umoci unpacks from the same image, in all names, contents and attributes.

import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import threading
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from faulty_registry import FaultyRegistry
from trees import differences, look_at

WORK = "/tmp/unpack"


def chain(name):
    """Returns the directories of an image's snapshots, topmost first."""
    diff_ids = json.loads(good("inspect", name))["rootfs"]["diff_ids"]
    above, directories = None, []
    for diff_id in diff_ids:
        above = diff_id if above is None else \
            oci.digest_of(f"{above} {diff_id}".encode())
        directories.insert(0, f"{STATE}/snapshots/{above.replace(':', '-')}")
    return directories


def mount(name):
    """Mounts the snapshots of an image as a container sees them, and returns the mount point."""
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


def compare(name):
    """Pulls an image and compares it with the tree that umoci unpacks, which it returns."""
    shutil.rmtree(WORK, ignore_errors=True)
    os.makedirs(WORK)
    began = time.time() - 1
    good("pull", "-q", name)
    result = run("skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{name}",
                 f"oci:{WORK}/layout:image")
    equal(result.status, 0, result)
    result = run("umoci", "unpack", "--image", f"{WORK}/layout:image", f"{WORK}/bundle")
    equal(result.status, 0, result)
    target = mount(name)
    try:
        ours, theirs = look_at(target), look_at(f"{WORK}/bundle/rootfs")
    finally:
        run("umount", target)
    different = differences(ours, theirs, began)
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
    # The layer does not list these directories: "deep/er" keeps the lower layer's attributes, and "lib" is a link to
    # usr/lib.
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
    # This directory is opaque and empty, and the layer does not list it.
    layer.add("replaced/.wh..wh..opq", b"")
    return layer


def test_a_layer_with_every_kind_of_entry():
    name = f"{HOST}/one:x"
    oci.push(oci.Image([first_layer()]), name)
    found = compare(name)
    assert b"latin-\xe9" in found


def test_whiteouts_opaque_directories_and_links_across_layers():
    name = f"{HOST}/three:x"
    oci.push(oci.Image([first_layer(), second_layer(), third_layer()]), name)
    compare(name)


LOWER = (("dir", "usr"), ("dir", "usr/lib"), ("link", "lib", "usr/lib"), ("link", "abs", "/usr/lib"), ("link", "gone", "no/where"),
         ("link", "up", "../../usr"), ("dir", "o"))


def lower_layer():
    layer = oci.Layer().directory("./", mtime=1500000000)
    for kind, *names in LOWER:
        if kind == "dir":
            layer.directory(names[0], mode=0o751, uid=3, gid=4, mtime=1500000001)
        else:
            layer.symlink(*names)
    layer.add("usr/lib/low", b"low", mode=0o4755, uid=2, gid=3, pax={"SCHILY.xattr.user.k": "v"})
    layer.hard_link("o/low2", "usr/lib/low").add("o/t", b"target", mode=0o640, uid=5).add("o/z", b"zzz")
    layer.add("o/fifo", kind=tarfile.FIFOTYPE, mode=0o622, uid=6).add("o/dev", kind=tarfile.CHRTYPE, device=(1, 5), mode=0o600)
    return layer.symlink("o/l", "t", uid=7)


def compare_upper(name, *layers):
    """Compares an image of lower_layer() and these layers with umoci's tree, which it returns."""
    reference = f"{HOST}/{name}:x"
    oci.push(oci.Image([lower_layer(), *layers]), reference)
    return compare(reference)


def test_a_hard_link_refers_to_its_target_at_that_point():
    found = compare_upper("order1", oci.Layer().hard_link("o/x", "o/t").add("o/t", b"newer", mode=0o4777).hard_link("o/y", "o/t"))
    equal((found[b"o/x"]["size"], found[b"o/y"]["size"]), (6, 5))
    found = compare_upper("order2", oci.Layer().hard_link("o/x", "o/t").add("o/.wh.t", b"").hard_link("o/z", "o/x").add("o/.wh.z", b""))
    equal((b"o/t" in found, found[b"o/x"]["size"], found[b"o/z"]["size"]), (False, 6, 6))
    compare_upper("order3", oci.Layer().hard_link("o/x", "o/t").add("o/x", b"replaced").hard_link("o/x2", "o/x"))
    compare_upper("order4", oci.Layer().hard_link("o/x", "usr/lib/low").add("o/.wh.low2", b"").hard_link("o/x2", "o/x"))


def test_a_layer_is_unpacked_before_those_below_are_there():
    """A layer is unpacked before the layers below it exist, even if it has links to their files, whiteouts, or files in
    directories that only they list."""
    upper = (oci.Layer().add("lib/early", b"early").hard_link("o/x", "lib/low").add("o/.wh.t", b"").add("o/new/y", b"y")
             .hard_link("o/zz", "o/z"))
    lower = lower_layer().add("random", os.urandom(2000000))
    image = oci.Image([lower, upper])
    oci.push(image, f"{HOST}/early:x")
    registry = FaultyRegistry()
    reference, _ = registry.add("early:x", image)
    gate = registry.stall[image.manifest["layers"][0]["digest"]] = threading.Event()
    with subprocess.Popen(["dist", "pull", "-q", reference]) as pulling:
        try:
            wait_until(lambda: run("find", f"{STATE}/snapshots", "-name", "early").out, "the upper layer")
            below = image.config["rootfs"]["diff_ids"][0].replace(":", "-")
            assert not os.path.exists(f"{STATE}/snapshots/{below}"), "the lower layer is not there yet"
        finally:
            gate.set()
        equal(pulling.wait(60), 0)
    good("rmi", reference)
    found = compare(f"{HOST}/early:x")
    equal((found[b"usr/lib/early"]["size"], found[b"o/x"]["size"], b"o/t" in found), (5, 3, False))


def test_a_worker_is_started_before_the_layer_is_known():
    """While the documents of a new image are fetched, a worker for its first layer is started. It is ended without a trace
    if all layers turn out to be there."""
    base = oci.Layer().add("ahead", b"ahead").finish()
    oci.push(oci.Image([base]), f"{HOST}/ahead:1")
    good("pull", "-q", f"{HOST}/ahead:1")
    image = oci.Image([base], {"Cmd": ["/other"]})
    registry = FaultyRegistry()
    reference, _ = registry.add("ahead:2", image)
    oci.push(image, f"{HOST}/ahead:2")
    gate = registry.stall[image.manifest["config"]["digest"]] = threading.Event()
    with subprocess.Popen(["dist", "pull", "-q", reference]) as pulling:
        try:
            wait_until(lambda: run("pgrep", "-x", "berth-unpack").out, "the worker")
            equal(len(leftovers()), 1, leftovers())
        finally:
            gate.set()
        equal(pulling.wait(60), 0)
    good("pull", "-q", f"{HOST}/ahead:2")
    wait_until(lambda: not run("pgrep", "-x", "berth-unpack").out, "the end of the worker")
    wait_until(lambda: not leftovers(), "the removal of what it left")
    # Nothing is new, so no worker is started.
    program, started = "/usr/libexec/berth/berth-unpack", "/tmp/unpack-started"
    os.rename(program, f"{program}.real")
    try:
        with open(program, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\ntouch {started}\n")
        os.chmod(program, 0o755)
        good("pull", "-q", f"{HOST}/ahead:2")
    finally:
        os.rename(f"{program}.real", program)
    assert not os.path.exists(started), "a worker was started"


def test_hard_links_to_lower_nodes():
    found = compare_upper("nodes", oci.Layer().hard_link("o/1", "o/fifo").hard_link("o/2", "o/dev").hard_link("o/3", "o/l")
                          .hard_link("o/4", "o/2").hard_link("o/new/5", "o/3"))
    equal([stat.S_IFMT(found[path]["type"]) for path in (b"o/1", b"o/4", b"o/new/5")],
          [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFLNK])


def test_hard_links_forward_form_chains():
    # umoci refuses links that precede their targets, and the tar format forbids them, but real archives have them.
    reference = f"{HOST}/forward:x"
    layer = oci.Layer().hard_link("o/a", "o/b").hard_link("o/b", "lib/c").add("usr/lib/c", b"later").hard_link("o/d", "o/a")
    oci.push(oci.Image([lower_layer(), layer]), reference)
    good("pull", "-q", reference)
    target = mount(reference)
    equal({os.stat(f"{target}/{path}").st_nlink for path in ("o/a", "o/b", "o/d", "lib/c")}, {4})
    run("umount", target)


def test_paths_lead_through_links_of_any_layer():
    for number, link in enumerate(("lib", "abs", "up/lib", "gone", "abs/../../gone")):
        found = compare_upper(f"through{number}", oci.Layer().directory(f"{link}/made", mode=0o700, uid=9).add(f"{link}/made/x", b"x")
                              .add(f"{link}/y", b"y").hard_link("o/y", f"{link}/y").hard_link(f"{link}/t", "o/t")
                              .add(f"{link}/.wh.low", b""))
        assert b"lib" in found and stat.S_ISLNK(found[b"lib"]["type"])
    compare_upper("own", oci.Layer().symlink("own", "../o").add("own/x", b"x").symlink("ring/a", "/own/./new").add("ring/a/y", b"y")
                  .add("own/.wh.t", b"").hard_link("o/new/z", "ring/a/y"))
    # Berth resolves paths itself, so a path may lead through more links than the kernel would follow.
    compare_upper("many", oci.Layer().symlink("self", ".").add("self/" * 60 + "x", b"x"))
    # In the middle of this layer, a directory replaces a link.
    compare_upper("half", oci.Layer().add("lib/first", b"1").directory("lib").add("lib/second", b"2").hard_link("third", "lib/second"))


def test_listed_attributes_stay_when_others_go_through_a_link():
    found = compare_upper("listed", oci.Layer().directory("usr/lib", mode=0o710, uid=11, gid=12, mtime=1600000009).add("lib/x", b"x"))
    equal((found[b"usr/lib"]["mode"], found[b"usr/lib"]["owner"]), ("0o710", (11, 12)))


def test_names_are_rooted_in_the_image():
    found = compare_upper("rooted", oci.Layer().directory("/", mode=0o755).directory("/usr/").add("/usr/a", b"a").add("x/../b", b"b")
                          .add("../../c", b"c").add("./d", b"d").hard_link("//e", "/usr/../usr/a").add("/o/.wh.t", b""))
    assert {b"usr/a", b"b", b"c", b"d", b"e"} <= set(found) and b"x" not in found


def test_entries_that_replace_and_hide():
    compare_upper("replace1", oci.Layer().add("o", b"file").directory("o").add("o/x", b"x"))
    compare_upper("replace2", oci.Layer().add("o/new/x", b"x").add("o/.wh.new", b"").add("usr/.wh..wh..opq", b"").add("usr/y", b"y"))
    compare_upper("replace3", oci.Layer().add(".wh..wh..opq", b"").add("o/x", b"x"), oci.Layer().add("usr/y", b"y"))
    compare_upper("replace4", oci.Layer().add("o/x", b"x").add(".wh..wh..opq", b""))
    compare_upper("replace5", oci.Layer().add("o", b"file").add("o/.wh.t", b"").add("o/.wh..wh..opq", b""))
    compare_upper("replace6", oci.Layer().add("usr/lib/.wh.low", b"").add(".wh.usr", b"").add("o/z/.wh.nothing", b"")
                  .hard_link("new", "o/z"))


def test_an_entry_below_a_file_makes_it_a_directory():
    # umoci refuses this image. Podman has the same result if the entries are in different layers.
    reference = f"{HOST}/belowfile:x"
    oci.push(oci.Image([lower_layer(), oci.Layer().add("f", b"file").add("f/x", b"x").add("o/t/y", b"y")]), reference)
    good("pull", "-q", reference)
    target = mount(reference)
    assert os.path.isfile(f"{target}/f/x") and os.path.isfile(f"{target}/o/t/y")
    run("umount", target)


def test_groups_of_set_group_id_directories():
    layer = oci.Layer().directory("s", mode=0o2775, gid=50).add("s/f", b"f").add("s/g", b"g", gid=7).directory("s/d") \
        .symlink("s/l", "f").add("s/p", kind=tarfile.FIFOTYPE).hard_link("s/h", "s/f")
    found = compare_upper("group1", layer, oci.Layer().add("s/new/f", b"f").add("s/d/new/f", b"f").add("s/f2", b"2"))
    equal({found[path]["owner"] for path in (b"s/f", b"s/d", b"s/l", b"s/p", b"s/new/f", b"s/f2")}, {(0, 0)})
    # A whiteout of an absent file creates no directory. Therefore "in" is created by the link, when "s" already has the
    # set-group-ID bit.
    found = compare_upper("group2", oci.Layer().directory("s").directory("s/other"),
                          oci.Layer().add("s/in/.wh.x", b"").directory("s", mode=0o2775, gid=50).symlink("s/in/l", "f"))
    equal((found[b"s/in"]["mode"], found[b"s/in"]["owner"]), ("0o2755", (0, 50)))


def test_default_acls_are_for_directories_alone():
    # Version 2; user::rwx, user:7:rwx, group::rwx, mask::rwx, other::---.
    acl = bytes.fromhex("02000000" "01000700ffffffff" "0200070007000000" "04000700ffffffff" "10000700ffffffff"
                        "20000000ffffffff")
    giving = {"SCHILY.xattr.system.posix_acl_default": acl.decode("utf-8", "surrogateescape")}
    layer = oci.Layer().directory("acl", pax=giving)
    layer.add("acl/f", b"f").directory("acl/d").add("acl/d/g", b"g", mode=0o600).add("acl/p", kind=tarfile.FIFOTYPE, mode=0o640)
    # Directories that the layer does not list inherit the ACL of a directory in this or in a lower layer.
    layer.add("acl/made/on/way", b"w")
    compare_upper("acl", layer, oci.Layer().add("acl/second/f", b"2"), oci.Layer().add("acl/third/f", b"3").directory("acl"),
                  oci.Layer().hard_link("links/f", "o/t").hard_link("links/p", "o/fifo").directory("links", pax=giving))


def test_extended_headers_to_the_byte():
    nfc, nfd = "caf\u00e9", "cafe\u0301"
    layer = oci.Layer().directory("p")
    for number, name in enumerate((nfc, nfd, "\u1112\u1161\u11ab", "\ud55c", b"lat\xe9\xff".decode("utf-8", "surrogateescape"))):
        layer.add(f"p/{number}{name}", b"x").symlink(f"p/l{number}", f"to/{name}").hard_link(f"p/h{number}", f"p/{number}{name}")
    for number, (key, value) in enumerate((("uid", ""), ("gid", ""), ("mtime", ""), ("size", ""), ("mtime", "-1.5"), ("mtime", "-0.25"),
                                           ("SCHILY.acl.access", "user::rwx,group::rwx,other::rwx"), ("uname", "daemon"),
                                           ("LIBARCHIVE.xattr.user.a", "Yg"), ("SCHILY.xattr.user.empty", ""),
                                           # For a container that keeps layers itself, in a user namespace.
                                           ("SCHILY.xattr.user.overlay.whiteout", "y"))):
        layer.add(f"p/n{number}", b"x", uid=number, gid=number, mode=0o604, pax={key: value})
    found = compare_upper("bytes", layer)
    assert f"p/0{nfc}".encode() in found and f"p/1{nfd}".encode() in found


def raw_image(name, tar, stored=None, suffix=""):
    reference = f"{HOST}/{name}:x"
    oci.push(oci.Image([(oci.digest_of(tar), oci.LAYER + suffix, stored or tar)]), reference)
    return reference


def test_ends_that_are_missing():
    tar = oci.Layer("none").directory("./", mtime=1500000000).add("a", b"content").finish()[2]
    end = tar.index(b"content") + len(b"content")
    for number, cut in enumerate((end, end + 1, end + 505, end + 505 + 512)):
        compare(raw_image(f"cut{number}", tar[:cut]))
    contains(dist("pull", raw_image("cut", tar[:end - 1])).err, "truncated")


def test_zstd_frames_of_every_kind():
    tar = oci.Layer("none").directory("./", mtime=1500000000).add("a", b"content").finish()[2]
    skipped = b"\x5c\x2a\x4d\x18\x05\0\0\0table"
    halves = [subprocess.run(["zstd", "-q", "-c"], input=half, check=True, capture_output=True).stdout
              for half in (tar[:700], tar[700:])]
    reference = raw_image("frames", tar, skipped + halves[0] + skipped + halves[1] + skipped, "+zstd")
    good("pull", "-q", reference)
    with open(f"{chain(reference)[0]}/a", "rb") as file:
        equal(file.read(), b"content")


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


def test_attributes_that_only_root_may_set():
    """Extended attributes that only root may set are set on directories, on files of all types, on directories copied
    from a lower layer, and on hard links to lower files. This includes file capabilities for the root of a user
    namespace. Attributes of overlayfs itself are ignored."""
    capability = bytes.fromhex("0100000200200000000000000000000000000000")
    for_root = bytes.fromhex("0100000300200000000000000000000000000000e8030000")

    def pax(**values):
        return {f"SCHILY.xattr.{name.replace('_', '.', 1)}": value for name, value in values.items()}

    def text(value):
        return value.decode("utf-8", "surrogateescape")

    lower = oci.Layer("gzip").directory("d", mode=0o1770, uid=5, pax=pax(trusted_of="directory", security_mine="s"))
    lower.add("d/file", b"x", uid=7, mode=0o600, pax={**pax(trusted_of="file", security_capability=text(for_root))})
    lower.add("d/plain", b"x", pax={"SCHILY.xattr.security.capability": text(capability)})
    lower.symlink("d/link", "nowhere", pax=pax(trusted_of="link"))
    lower.add("d/null", kind=tarfile.CHRTYPE, device=(1, 3), mode=0o666, uid=9, pax=pax(trusted_of="device"))
    lower.add("d/fifo", kind=tarfile.FIFOTYPE, pax=pax(trusted_of="fifo"))
    lower.add("d/sly", b"x", pax={"SCHILY.xattr.trusted.overlay.redirect": "/etc", "SCHILY.xattr.trusted.overlay.opaque": "y"})
    lower.directory("again", pax=pax(trusted_of="first")).directory("again", pax=pax(user_of="second"))
    upper = oci.Layer("gzip").add("d/new", b"y").hard_link("d/other", "d/file").hard_link("again/other", "d/null")
    name = f"{HOST}/trusted:x"
    oci.push(oci.Image([lower, upper]), name)
    good("pull", "-q", name)
    top, bottom = chain(name)

    def xattrs(path):
        return {key: os.getxattr(path, key, follow_symlinks=False) for key in os.listxattr(path, follow_symlinks=False)}

    directory = {"trusted.of": b"directory", "security.mine": b"s"}
    file = {"trusted.of": b"file", "security.capability": for_root}
    equal([xattrs(f"{bottom}/d"), xattrs(f"{bottom}/d/file"), xattrs(f"{top}/d"), xattrs(f"{top}/d/other")],
          [directory, file, directory, file])
    equal([xattrs(f"{bottom}/d/{name}") for name in ("plain", "link", "null", "fifo", "sly")],
          [{"security.capability": capability}, *({"trusted.of": kind} for kind in (b"link", b"device", b"fifo")), {}])
    equal(xattrs(f"{bottom}/again"), {"user.of": b"second"})
    status = os.stat(f"{top}/again/other")
    equal((stat.S_ISCHR(status.st_mode), status.st_rdev, stat.S_IMODE(status.st_mode), status.st_uid), (True, os.makedev(1, 3), 0o666, 9))


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
    # Registries serve non-distributable layers like any others (image-spec, layer.md, "Non-Distributable Layers").
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


def test_the_manifest_for_this_machine_is_chosen_from_an_index():
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
    database_query("DELETE FROM snapshots")
    contains(dist("run", "--rm", name, "true").err, "unpack")
    good("unpack", name)
    equal(good("run", "--rm", name, "echo", "again").strip(), "again")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
