/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The root file system of a container, as a detached tree. See trees.h. */

#pragma once

#include "launch/tree.h"

/* Before the mount namespace changes, since layers and the writable directory are mounts of the
 * present one. */
int berth_root_tree_make(const BerthTrees *trees, int directory, int snapshots, BerthFault *fault);
