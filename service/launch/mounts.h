/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Mounting in the container's root, which is attached but not entered yet: what an image has there,
 * symbolic links above all, leads nowhere else. */

#pragma once

#include "plan/plan.h"

/* A file system made for the container, as a detached mount; the process is in its namespaces. */
int berth_mounts_make(const BerthPlanMount *mount, GError **error);

/* Whether this one waits for the container's cgroup. */
bool berth_mounts_is_cgroup(const BerthPlanMount *mount);

/* Makes what is missing of a mount point below root. */
bool berth_mounts_make_point(int root, const char *path, bool as_directory, GError **error);

/* Attaches a detached mount at its destination below root. */
bool berth_mounts_attach(int root, const BerthPlanMount *mount, int tree, GError **error);

/* Makes an empty file system read-only that is to be: once all is in it that belongs there, as
 * mount points of others do. */
bool berth_mounts_close(const BerthPlanMount *mount, int tree, GError **error);

/* Makes a directory of the root a mount of its own, which a read-only root leaves writable. */
bool berth_mounts_split(int root, const BerthPlanMount *mount, GError **error);

/* A device where /dev is not the container's own, or elsewhere: node is a mount of it, or -1. */
bool berth_mounts_add_device(int root, const BerthPlanDevice *device, int node, GError **error);

/* The links that belong into /dev, where they are missing. */
bool berth_mounts_add_device_links(int root, GError **error);

/* A file that the terminal will be mounted on, while /dev can still be written to. */
bool berth_mounts_make_console(int root, GError **error);

/* In the root that was entered: masked and read-only paths, a read-only root, its propagation. */
bool berth_mounts_restrict(const BerthPlan *plan, GError **error);

/* Attaches a detached mount at a path of the root that was entered. */
bool berth_mounts_cover(const char *path, int tree, GError **error);
