# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares trees of files, attribute by attribute."""

import hashlib
import os
import stat


def attributes(full):
    status = os.lstat(full)
    found = {
        "type": stat.S_IFMT(status.st_mode), "mode": oct(status.st_mode & 0o7777),
        "owner": (status.st_uid, status.st_gid), "mtime": status.st_mtime_ns,
    }
    if stat.S_ISLNK(status.st_mode):
        found["target"] = os.readlink(full)
    else:
        found["xattrs"] = {name: os.getxattr(full, name) for name in os.listxattr(full)
                           if not name.startswith("trusted.overlay.")}
    if stat.S_ISREG(status.st_mode):
        found["size"] = status.st_size
        with open(full, "rb") as file:
            found["content"] = hashlib.sha256(file.read()).hexdigest()
    if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        found["device"] = status.st_rdev
    return found, status.st_ino


def look_at(root):
    """Returns the attributes of each path (bytes) below root. They include the names of all hard links, as the link
    count of overlayfs differs."""
    found, inodes = {}, {}
    for directory, names, files in os.walk(os.fsencode(root)):
        for name in [b""] * (directory == os.fsencode(root)) + names + files:
            full = os.path.join(directory, name)
            path = os.path.relpath(full, os.fsencode(root))
            found[path], inode = attributes(full)
            if found[path]["type"] != stat.S_IFDIR:
                inodes.setdefault(inode, []).append(path)
    for paths in inodes.values():
        for path in paths:
            found[path]["names"] = sorted(paths)
    return found


def differences(ours, theirs, began):
    """Returns the differences between two trees. Directories that no layer lists have the time of their creation, and
    umoci also changes the time of their parents; therefore directory times from began on are not compared."""
    different = []
    for path in sorted(set(ours) | set(theirs)):
        mine, other = dict(ours.get(path, {})), dict(theirs.get(path, {}))
        if other.get("type") == stat.S_IFDIR and other["mtime"] >= began * 1e9:
            mine.pop("mtime", None), other.pop("mtime")
        if mine != other:
            different.append(f"{path}: {mine} instead of {other}")
    return different
