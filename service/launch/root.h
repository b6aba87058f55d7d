/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The container's file system: its overlay, what is mounted in it, and making it the root. */

#pragma once

#include "launch/plan.h"

/* The overlay, as a detached mount. directory: the container's, with upper and work; snapshots:
 * where the layers are. Before the mount namespace changes: layers are mounts of the present one.
 */
int berth_root_make(const BerthPlan *plan, int directory, int snapshots, GError **error);

/* Makes it the root of the new mount namespace, and mounts what belongs there. After it, the
 * process sees nothing else. */
bool berth_root_enter(const BerthPlan *plan, int overlay, GError **error);

/* Masked and read-only paths, and a read-only root. */
bool berth_root_restrict(const BerthPlan *plan, GError **error);

/* The mounts that wait for the container's cgroup. */
bool berth_root_mount_cgroup(const BerthPlan *plan, GError **error);
