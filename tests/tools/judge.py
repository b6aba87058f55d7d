# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares the tree that Berth unpacks from an image with the tree that umoci unpacks from it."""

import os
import shutil
import time

from berth_test import equal, good, run, wait_until
from trees import differences, look_at

WORK = "/var/tmp/judge"


def tree_of(name):
    """Returns the tree of the mounted files of a stored image."""
    target = f"{WORK}/mount"
    os.makedirs(target, exist_ok=True)
    good("mount", name, target)
    try:
        return look_at(target)
    finally:
        # The bus or the service may still hold the descriptor of the mount for a moment.
        wait_until(lambda: run("umount", target).status == 0, "the image to be unmounted")


def umoci_tree_of(name):
    """Returns the tree that umoci unpacks, or None if umoci refuses the image."""
    for directory in ("layout", "root"):
        shutil.rmtree(f"{WORK}/{directory}", ignore_errors=True)
    os.makedirs(WORK, exist_ok=True)
    result = run("skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{name}", f"oci:{WORK}/layout:image")
    equal(result.status, 0, result)
    result = run("umoci", "raw", "unpack", "--image", f"{WORK}/layout:image", f"{WORK}/root")
    return look_at(f"{WORK}/root") if result.status == 0 else None


def compare(name):
    """Pulls an image, checks that its tree is identical to that of umoci, and returns umoci's tree."""
    began = time.time() - 1
    good("pull", "-q", name)
    theirs = umoci_tree_of(name)
    assert theirs is not None, f"umoci refuses {name}"
    different = differences(tree_of(name), theirs, began)
    assert not different, f"{name}:\n" + "\n".join(different)
    return theirs
