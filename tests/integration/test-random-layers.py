# SPDX-License-Identifier: LGPL-2.1-or-later
# Images of random layers unpack to the same tree as with umoci.
#
# The layers have few different names, so that entries replace each other as files, directories, links, device nodes and
# whiteouts, within a layer and across layers, and paths lead through entries of all types. Entries that umoci refuses
# are removed. BERTH_SEEDS=FIRST-LAST selects the seeds.

import json
import os
import random
import re
import shutil
import sys
import tarfile
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from trees import differences, look_at

WORK = "/var/tmp/random-layers"
FEW, TRIES = 12, 60
NAMES = ("a", "b", "c", "d", "é", "é") * 2 + ("n" * 120,)
KINDS = ("file",) * 6 + ("directory",) * 5 + ("symlink",) * 3 + ("link",) * 4 + ("whiteout",) * 4 + \
    ("opaque", "opaque", "fifo", "device", "block", "rootopaque")
TYPES = {"directory": tarfile.DIRTYPE, "symlink": tarfile.SYMTYPE, "link": tarfile.LNKTYPE, "fifo": tarfile.FIFOTYPE,
         "device": tarfile.CHRTYPE, "block": tarfile.BLKTYPE}
WHITEOUT_TYPES = (tarfile.REGTYPE,) * 4 + (tarfile.DIRTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE)
# The capability is cap_net_raw+ep; the ACL is user::rwx, user:7:rwx, group::rwx, mask::rwx, other::---.
XATTRS = {"user.k": b"v", "user.l": b"=\n=", "trusted.k": b"\xff", "security.capability": bytes.fromhex(
    "0100000200200000000000000000000000000000"), "system.posix_acl_default": bytes.fromhex(
        "02000000" "01000700ffffffff" "0200070007000000" "04000700ffffffff" "10000700ffffffff" "20000000ffffffff")}


class Entry:
    """A random entry of a layer. Equal seeds result in equal entries."""

    def __init__(self, rng):
        self.kind = rng.choice(KINDS)
        if self.kind == "rootopaque" and rng.random() < 0.7:
            self.kind = "opaque"
        self.path = random_path(rng)
        self.data = rng.choice((b"", b"x", b"content", b"\0" * 600))
        self.mtime = rng.choice((rng.randrange(1400000000, 1600000000), rng.randrange(-10**9, 10**9))) + rng.choice((0, 0.5))
        self.mode = rng.choice((0o644, 0o755, 0o600, 0o4755, 0o2775, 0o1777, 0o000))
        self.uid, self.gid = rng.choice((0, 0, 1, 1000)), rng.choice((0, 0, 5, 2**22))
        self.target = rng.choice(("", "", "/", "../", "../../", "./")) + random_path(rng)
        self.xattr = rng.choice(tuple(XATTRS)) if rng.random() < 0.2 else None
        self.spelling = rng.choice(("{}", "{}", "{}", "/{}", "./{}", "./{}", "x/../{}", "../{}", "//{}", "{}/"))
        self.whiteout_type = rng.choice(WHITEOUT_TYPES)

    def name(self):
        directory, _, name = self.path.rpartition("/")
        if self.kind == "whiteout":
            return f"{directory}/.wh.{name}".lstrip("/")
        if self.kind == "opaque":
            return f"{directory}/.wh..wh..opq".lstrip("/") if directory else f"{name}/.wh..wh..opq"
        return ".wh..wh..opq" if self.kind == "rootopaque" else self.path

    def pax(self):
        kinds = ("directory",) if self.xattr == "system.posix_acl_default" else ("file", "directory")
        return {f"SCHILY.xattr.{self.xattr}": XATTRS[self.xattr].decode("utf-8", "surrogateescape")} \
            if self.xattr and self.kind in kinds else {}

    def add_to(self, layer):
        kind = TYPES.get(self.kind, tarfile.REGTYPE if self.kind == "file" else self.whiteout_type)
        layer.add(self.spelling.format(self.name()), self.data if self.kind == "file" else None,
                  kind, self.mode, self.uid, self.gid,
                  self.target if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else "", (1, 3), self.mtime, self.pax())

    def __repr__(self):
        return f"{self.kind} {self.name()!r}" + (f" → {self.target!r}" if self.kind in ("symlink", "link") else "") + \
            f" {self.mode:o} {self.uid}:{self.gid} {self.mtime} {self.xattr or ''} {self.spelling}"


def random_path(rng):
    return "/".join(rng.choice(NAMES) for _ in range(rng.choice((1, 1, 2, 2, 3))))


def make_image(layers):
    made = []
    for number, entries in enumerate(layers):
        # GNU's format has other headers for long names and large numbers, and no extended attributes.
        layer = oci.Layer("gzip", tarfile.GNU_FORMAT if number == 1 else tarfile.PAX_FORMAT)
        for entry in entries:
            entry.add_to(layer)
        made.append(layer)
    return oci.Image(made, {"Cmd": ["/a"]})


def write_layout(image, where):
    shutil.rmtree(where, ignore_errors=True)
    os.makedirs(f"{where}/blobs/sha256")
    manifest = image.finish()
    for digest, data in {**image.blobs, oci.digest_of(manifest): manifest}.items():
        with open(f"{where}/blobs/sha256/{digest[7:]}", "wb") as file:
            file.write(data)
    with open(f"{where}/oci-layout", "w", encoding="utf-8") as file:
        json.dump({"imageLayoutVersion": "1.0.0"}, file)
    with open(f"{where}/index.json", "w", encoding="utf-8") as file:
        json.dump({"schemaVersion": 2, "manifests": [
            {"mediaType": oci.OCI_MANIFEST, "digest": oci.digest_of(manifest), "size": len(manifest),
             "annotations": {"org.opencontainers.image.ref.name": "x"}}]}, file)


def umoci_takes(image):
    """Unpacks an image with umoci; returns None, or the name of the entry that umoci refuses."""
    write_layout(image, f"{WORK}/layout")
    shutil.rmtree(f"{WORK}/umoci", ignore_errors=True)
    result = run("umoci", "raw", "unpack", "--image", f"{WORK}/layout:x", f"{WORK}/umoci")
    if result.status == 0:
        return None
    found = re.search(r"unpack entry: (.*?): (link|mkdir|mkdirall|clobber|create|sanitise|restore|apply|mknod|check|whiteout|unpack)",
                      result.err)
    assert found, result
    return found.group(1).lstrip("/")


def without_refused(layers):
    """Removes entries that umoci refuses from the layers, and returns the image, or None after too many tries. If
    several entries have the refused name, the first one is removed."""
    for _ in range(TRIES):
        image = make_image(layers)
        name = umoci_takes(image)
        if name is None:
            return image
        for entries in layers:
            rejected = [entry for entry in entries if os.path.normpath("/" + entry.name()).lstrip("/") == name]
            if rejected:
                entries.remove(rejected[0])
                break
        else:
            raise AssertionError(f"umoci refuses {name!r}, which is not there")
    return None


def applied_differences(image, theirs, began):
    """Returns the differences between umoci's tree and that of "dist content apply"."""
    # /var/tmp of the test machine is on overlayfs, on which whiteouts cannot be created.
    target = "/tmp/random-layers"
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target)
    good("content", "apply", *[layer["digest"] for layer in image.manifest["layers"]], target)
    ours = look_at(target)
    # The directory itself is not compared, as it belongs to the caller and its time changes.
    return ["applied " + line for line in differences({**ours, b".": {}}, {**theirs, b".": {}}, began)]


def compare(seed):
    """Checks that both trees of the seed's image are equal; returns whether there is an image that umoci accepts."""
    rng = random.Random(seed)
    layers = [[Entry(rng) for _ in range(rng.randrange(1, 14))] for _ in range(rng.randrange(3, 6))]
    began = time.time() - 1
    image = without_refused(layers)
    if image is None:
        return False
    name = f"{HOST}/random/s{seed}:x"
    oci.push(image, name)
    text = "\n".join([f"seed {seed}"] + [f"  layer {number}\n" + "\n".join(f"    {entry}" for entry in entries)
                                         for number, entries in enumerate(layers)])
    result = dist("pull", "-q", name)
    assert result.status == 0, f"{result}\n{text}"
    os.makedirs(f"{WORK}/berth", exist_ok=True)
    good("mount", name, f"{WORK}/berth")
    try:
        ours, theirs = look_at(f"{WORK}/berth"), look_at(f"{WORK}/umoci")
    finally:
        run("umount", f"{WORK}/berth")
    different = differences(ours, theirs, began) + applied_differences(image, theirs, began)
    assert not different, "\n".join(different + [text])
    good("rmi", name)
    return True


def test_random_layers_are_as_umoci_has_them():
    asked = os.environ.get("BERTH_SEEDS")
    first = random.SystemRandom().randrange(10**6)
    begin, end = (int(number) for number in asked.split("-")) if asked else (first, first + FEW - 1)
    failed, made = [], 0
    for seed in range(begin, end + 1):
        try:
            made += compare(seed)
        except AssertionError as error:
            failed.append(str(error))
            if len(failed) > 5:
                break
    print(f"# seeds {begin} to {end}: {made} images", flush=True)
    assert not failed, "\n\n".join(failed)
    assert made > (end - begin) // 2


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
