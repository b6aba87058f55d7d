/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Mounts that only the host's root can make, as detached trees: bind mounts, /dev with its devices,
 * and, in files of their own, the container's root and single devices. Where the container has a
 * user namespace they are idmapped to it, so that nothing is ever chowned.
 */

#pragma once

#include "launch/tree.h"

/* Whether this mount is made here; and makes it, in the host's mount namespace. */
bool berth_trees_has(const BerthMount *mount);
int berth_trees_make_mount(const BerthTrees *trees, const BerthMount *mount, BerthFault *fault);

/* Whether the mount is a /dev of the container's own, which devices are made in. */
bool berth_trees_is_dev(const BerthMount *mount);
