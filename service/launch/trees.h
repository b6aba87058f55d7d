/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Mounts that only the host's root can create, as detached trees: bind mounts, /dev with its
 * devices and, in separate files, the container's root and single devices. If the container has a
 * user namespace, they are idmapped to it, so that files never need to be chowned.
 */

#pragma once

#include "launch/tree.h"

/* Whether a mount is created here, and its creation, in the host's mount namespace. */
bool berth_trees_has(const BerthMount *mount);
int berth_trees_make_mount(const BerthTrees *trees, const BerthMount *mount, BerthFault *fault);

/* Returns true if the mount is a /dev that Berth creates, with devices in it. */
bool berth_trees_is_dev(const BerthMount *mount);
