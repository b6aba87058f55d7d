/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Mounting in the container's root, which is attached but not entered yet. Whatever is in the
 * image, symbolic links in particular, cannot lead out of the root.
 */

#pragma once

#include "bare/setup.h"
#include "launch/fault.h"

/* Creates a file system for the container, as a detached mount. The process must be in the
 * container's namespaces. */
int berth_mounts_make(const BerthMount *mount, BerthFault *fault);

/* Returns true if the mount must wait until the process is in the container's cgroup. */
bool berth_mounts_is_cgroup(const BerthMount *mount);

/* Creates the missing components of a mount point below root. */
bool berth_mounts_make_point(int root, const char *path, bool as_directory, BerthFault *fault);

/* Creates a directory below root, with the missing ones above it, and opens it with O_PATH. Returns
 * -1 with errno. The caller owns the descriptor. */
int berth_mounts_make_directory(int root, const char *path);

/* Attaches a detached mount at its destination below root. */
bool berth_mounts_attach(int root, const BerthMount *mount, int tree, BerthFault *fault);

/* Makes an empty file system read-only if its mount says so, once everything that belongs in it
 * exists, such as mount points of others. */
bool berth_mounts_close(const BerthMount *mount, int tree, BerthFault *fault);

/* Makes a directory of the root a separate mount, which stays writable when the root becomes
 * read-only. */
bool berth_mounts_split(int root, const BerthMount *mount, BerthFault *fault);

/* Adds a device outside of a /dev that Berth creates. node is a mount of the device, or -1 to
 * create a node here. */
bool berth_mounts_add_device(int root, const BerthDevice *device, int node, BerthFault *fault);

/* Creates the links that belong in /dev, if they are missing. */
bool berth_mounts_add_device_links(int root, BerthFault *fault);

/* Attaches a detached mount at a path of the root that has been entered. */
bool berth_mounts_cover(const char *path, int tree, BerthFault *fault);
