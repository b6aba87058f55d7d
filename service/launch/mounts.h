/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Mounting in the container's root, which is attached but not entered yet: what an image has there,
 * symbolic links above all, leads nowhere else. */

#pragma once

#include "bare/setup.h"
#include "launch/fault.h"

/* A file system made for the container, as a detached mount; the process is in its namespaces. */
int berth_mounts_make(const BerthMount *mount, BerthFault *fault);

/* Whether this one waits for the container's cgroup. */
bool berth_mounts_is_cgroup(const BerthMount *mount);

/* Makes what is missing of a mount point below root. */
bool berth_mounts_make_point(int root, const char *path, bool as_directory, BerthFault *fault);

/* Attaches a detached mount at its destination below root. */
bool berth_mounts_attach(int root, const BerthMount *mount, int tree, BerthFault *fault);

/* Makes an empty file system read-only that is to be: once all is in it that belongs there, as
 * mount points of others do. */
bool berth_mounts_close(const BerthMount *mount, int tree, BerthFault *fault);

/* Makes a directory of the root a mount of its own, which a read-only root leaves writable. */
bool berth_mounts_split(int root, const BerthMount *mount, BerthFault *fault);

/* A device outside of a /dev of the container's own. node is a mount of the device, or -1 to make
 * one here. */
bool berth_mounts_add_device(int root, const BerthDevice *device, int node, BerthFault *fault);

/* Makes the links that belong into /dev, if they are missing. */
bool berth_mounts_add_device_links(int root, BerthFault *fault);

/* Attaches a detached mount at a path of the root that was entered. */
bool berth_mounts_cover(const char *path, int tree, BerthFault *fault);
